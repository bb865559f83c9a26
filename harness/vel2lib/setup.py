# SPDX-License-Identifier: GPL-2.0-only
"""What the host must have: Debian packages and a QEMU with FEAT_NV2 (9.0 or newer).

Installs as root through the host's apt; otherwise says which command would. A stamp in build/ keeps
this instant when nothing is missing. The host's apt configuration is not changed: QEMU from Debian
12's backports comes through a sources list of our own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from .debian import ROOT, AptError, Source, codename, mirror, sources_list

STAMP = ROOT / "build/.setup"
PACKAGES = Path(__file__).with_name("packages.txt")
QEMU = "qemu-system-aarch64"
QEMU_MIN = (9, 0)
#: Suites that hold a new enough QEMU, by the host's release.
QEMU_SUITE = {"bookworm": "bookworm-backports"}


class SetupError(Exception):
    """Something is missing and cannot be installed; the text says what to do."""


def wanted() -> dict[str, Path]:
    """Package name -> a file that shows that it is installed."""
    rows = (s.split() for s in PACKAGES.read_text().splitlines() if s and not s.startswith("#"))
    return {name: Path(path) for name, path in rows}


def missing() -> list[str]:
    """Names of packages in packages.txt that are not installed."""
    return [name for name, path in wanted().items() if not path.exists()]


def qemu_version(qemu: str = QEMU) -> tuple[int, int] | None:
    """(major, minor) of a QEMU binary, None when it does not run."""
    if not shutil.which(qemu):
        return None
    try:
        out = subprocess.run(
            [qemu, "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"version (\d+)\.(\d+)", out)
    return (int(found.group(1)), int(found.group(2))) if found else None


def qemu_problem(qemu: str = QEMU) -> str | None:
    """One line when this QEMU cannot run vel2, else None."""
    version = qemu_version(qemu)
    if version is None:
        return f"{qemu} is missing or does not start: run 'harness/vel2 setup' as root"
    if version < QEMU_MIN:
        return (
            f"{qemu} is {version[0]}.{version[1]}, FEAT_NV needs {QEMU_MIN[0]}.{QEMU_MIN[1]}: "
            "run 'harness/vel2 setup' as root"
        )
    return None


def _apt(args: list[str]) -> None:
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    done = subprocess.run(
        ["apt-get", "-q", *args], env=env, capture_output=True, text=True, timeout=1800, check=False
    )
    if done.returncode:
        errors = [s for s in done.stderr.splitlines() if s.startswith("E:")] or ["E: failed"]
        raise SetupError(f"apt-get {' '.join(args)}: {errors[0][3:]}")


def _backports_options() -> list[str]:
    """apt options under which the suite with QEMU is known besides the host's own sources."""
    suite = QEMU_SUITE.get(codename())
    if suite is None:
        return []
    parts = ROOT / "build/deb/host-sources.d"
    parts.mkdir(parents=True, exist_ok=True)
    for host in Path("/etc/apt/sources.list.d").glob("*.*"):
        shutil.copy(host, parts / host.name)
    (parts / "vel2-backports.list").write_text(sources_list([Source(mirror(), suite, "main")]))
    return [f"-oDir::Etc::SourceParts={parts.resolve()}"]


def _commands(packages: list[str], qemu: bool) -> list[list[str]]:
    """The apt-get calls that install these."""
    install = ["-y", "--no-install-recommends", "install"]
    calls = [["update"]]
    if packages:
        calls.append([*install, *packages])
    if qemu:
        extra = _backports_options()
        if extra:
            calls.append([*extra, "update"])
        target = ["-t", QEMU_SUITE[codename()]] if extra else []
        calls.append([*extra, *install, *target, "qemu-system-arm", "ipxe-qemu"])
    return calls


def setup(verbose: bool = False) -> None:
    """Install what is missing; SetupError when that is impossible. Instant when nothing is."""
    if STAMP.exists() and STAMP.stat().st_mtime >= PACKAGES.stat().st_mtime and not verbose:
        return
    packages, qemu = missing(), qemu_problem() is not None
    if packages or qemu:
        try:
            calls = _commands(packages, qemu)
        except AptError as error:
            raise SetupError(str(error)) from error
        if os.geteuid() != 0:
            text = " && ".join("apt-get " + " ".join(c) for c in calls)
            raise SetupError(f"packages are missing; run as root: {text}")
        what = packages + (["qemu-system-arm"] if qemu else [])
        print(f"vel2: installing {' '.join(what)}", flush=True)
        for call in calls:
            _apt(call)
        still = missing()
        if still or qemu_problem():
            raise SetupError(f"still missing after apt: {' '.join(still) or qemu_problem()}")
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.write_text("")
    if verbose:
        print("vel2: everything that vel2 needs is installed")
