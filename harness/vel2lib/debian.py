#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The host's Debian, and packages for arm64 unpacked beside it (payload/apt.py does the fetching).

As a program: debian.py PACKAGE DIRECTORY unpacks one arm64 package of the host's own release.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "harness"))

from payload.apt import PrivateApt  # noqa: E402
from payload.errors import PayloadError  # noqa: E402


def codename(os_release: Path = Path("/etc/os-release")) -> str:
    """VERSION_CODENAME of the host, e.g. bookworm; PayloadError when there is none."""
    text = os_release.read_text() if os_release.exists() else ""
    found = re.search(r'^VERSION_CODENAME="?(\w+)', text, re.M)
    if not found:
        raise PayloadError("this host is no Debian release (/etc/os-release has no codename)")
    return found.group(1)


def unpack(debs: list[Path], into: Path) -> None:
    """Unpack packages into a directory, which appears only when all are in it."""
    scratch = into.with_name(into.name + f".tmp{os.getpid()}")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for deb in debs:
        subprocess.run(["dpkg-deb", "-x", str(deb), str(scratch)], check=True, timeout=300)
    shutil.rmtree(into, ignore_errors=True)
    scratch.rename(into)


def fetch(packages: list[str], into: Path) -> None:
    """Unpack arm64 packages of the host's release (these alone, no dependencies) into a directory."""
    state = ROOT / "build/deb/apt"
    apt = PrivateApt(state, codename(), "arm64", lambda _: None)
    apt.configure()
    if not any((state / "lists").glob("*Packages*")):
        apt.update()
    unpack(apt.download(packages), into)


def main(argv: list[str]) -> int:
    """debian.py PACKAGE DIRECTORY."""
    if len(argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        fetch([argv[1]], Path(argv[2]))
    except (PayloadError, OSError, subprocess.SubprocessError) as error:
        print(f"vel2: {argv[1]}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
