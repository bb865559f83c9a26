#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Debian packages of another architecture, fetched and unpacked without touching the host's apt.

apt is pointed at lists, a cache and a status file of our own below build/deb. The mirror is the one
of the host's own apt sources, asked at run time. Needs no root.

As a program: debian.py PACKAGE DIRECTORY unpacks one arm64 package.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class AptError(Exception):
    """apt could not do what was asked; the text is one line for the user."""


@dataclass(frozen=True)
class Source:
    """One line of apt's sources: where a suite comes from."""

    uri: str
    suite: str
    component: str


def codename(os_release: Path = Path("/etc/os-release")) -> str:
    """VERSION_CODENAME of the host, e.g. bookworm; AptError when there is none."""
    found = re.search(r'^VERSION_CODENAME="?(\w+)', os_release.read_text(), re.M)
    if not found:
        raise AptError(f"{os_release} names no Debian release")
    return found.group(1)


def host_sources() -> list[Source]:
    """The Debian suites in the host's apt configuration, whichever format they are written in."""
    out = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout
    name = codename()
    sources = set()
    for line in out.splitlines():
        words = line.split()
        if len(words) == 3 and re.fullmatch(name + r"(-security|-updates)?", words[1]):
            if words[2] == "main":
                sources.add(Source(words[0], words[1], words[2]))
    if not any(s.suite == name for s in sources):
        raise AptError(f"the host's apt sources hold no {name} main: add it to /etc/apt/sources.list")
    return sorted(sources, key=lambda s: (s.suite, s.uri))


def mirror() -> str:
    """URI of the archive that holds the release itself (not security)."""
    name = codename()
    return next(s.uri for s in host_sources() if s.suite == name)


def sources_list(sources: list[Source]) -> str:
    """The text of a one-line-style sources.list."""
    signed = f" [signed-by={KEYRING}]" if KEYRING.exists() else ""
    return "".join(f"deb{signed} {s.uri} {s.suite} {s.component}\n" for s in sources)


class PrivateApt:
    """apt for one architecture, with state of its own below `state` (a directory that may persist)."""

    def __init__(self, state: Path, arch: str, sources: list[Source]):
        self.state = state.resolve()
        for sub in ("lists/partial", "archives/partial", "etc"):
            (self.state / sub).mkdir(parents=True, exist_ok=True)
        (self.state / "status").touch()
        (self.state / "etc/sources.list").write_text(sources_list(sources))
        self.options = [
            f"-oAPT::Architecture={arch}",
            f"-oAPT::Architectures={arch}",
            f"-oDir::Etc::SourceList={self.state}/etc/sources.list",
            "-oDir::Etc::SourceParts=/dev/null",
            f"-oDir::State::Lists={self.state}/lists",
            f"-oDir::State::status={self.state}/status",
            f"-oDir::Cache::archives={self.state}/archives",
            "-oDir::Cache::pkgcache=",
            "-oDir::Cache::srcpkgcache=",
            "-oAPT::Sandbox::User=root",
            "-oAcquire::Languages=none",
            "-oAcquire::Retries=3",
            "-oDebug::NoLocking=1",
        ]

    def run(self, tool: str, *args: str, cwd: Path | None = None, timeout: float = 600) -> str:
        """Run apt-get or apt-cache with the private options; its stdout, or AptError."""
        command = [tool, "-q", *self.options, *args]
        try:
            done = subprocess.run(
                command, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired as late:
            raise AptError(f"{tool} {args[0]} took more than {timeout:.0f} s") from late
        if done.returncode:
            errors = [s for s in done.stderr.splitlines() if s.startswith("E:")] or ["E: failed"]
            raise AptError(f"{tool} {' '.join(args)}: {errors[0][3:]}")
        return done.stdout

    def update(self) -> None:
        """Fetch the package lists, unless they are there."""
        if not any(self.state.glob("lists/*Packages*")):
            self.run("apt-get", "update")

    def download(self, packages: list[str], into: Path) -> list[Path]:
        """Download these packages alone (no dependencies); the .deb files."""
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=into) as scratch:
            self.run("apt-get", "download", *packages, cwd=Path(scratch))
            found = []
            for deb in sorted(Path(scratch).glob("*.deb")):
                found.append(into / deb.name)
                deb.replace(found[-1])
        return found


def unpack(debs: list[Path], into: Path) -> None:
    """Unpack packages into a directory, which appears only when all are in it."""
    scratch = into.with_name(into.name + f".tmp{os.getpid()}")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for deb in debs:
        subprocess.run(["dpkg", "-x", str(deb), str(scratch)], check=True, timeout=300)
    shutil.rmtree(into, ignore_errors=True)
    scratch.rename(into)


def main(argv: list[str]) -> int:
    """debian.py PACKAGE DIRECTORY."""
    if len(argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        apt = PrivateApt(ROOT / "build/deb/apt", "arm64", host_sources())
        apt.update()
        unpack(apt.download([argv[1]], ROOT / "build/deb/archives"), Path(argv[2]))
    except (AptError, OSError, subprocess.SubprocessError) as error:
        print(f"vel2: {argv[1]}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
