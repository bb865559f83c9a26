# SPDX-License-Identifier: GPL-2.0-only
"""What the host must have: Debian packages and a QEMU with FEAT_NV2 (9.0 or newer).

Installs as root through the host's apt; otherwise says which command would. A stamp in build/ keeps
this instant when nothing is missing. The host's apt configuration is not changed: QEMU from Debian
12's backports comes through a sources directory of our own.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from payload.apt import Source, debian_archives, host_sources
from payload.errors import PayloadError

from .debian import ROOT, codename
from .errors import Vel2Error

STAMP = ROOT / "build/.setup"
PACKAGES = Path(__file__).with_name("packages.txt")
QEMU = "qemu-system-aarch64"
QEMU_MIN = (9, 0)
#: Suites that hold a new enough QEMU, where the host's own release does not.
QEMU_SUITE = {"bookworm": "bookworm-backports"}


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
            f"{qemu} is version {version[0]}.{version[1]}, FEAT_NV needs "
            f"{QEMU_MIN[0]}.{QEMU_MIN[1]}: run 'harness/vel2 setup' as root"
        )
    return None


def _stanza(source: Source, suite: str) -> str:
    signed = f"Signed-By: {source.signed_by}\n" if source.signed_by.startswith("/") else ""
    return f"Types: deb\nURIs: {source.uri}\nSuites: {suite}\nComponents: main\n{signed}"


def _backports_options() -> list[str]:
    """apt options under which the suite with QEMU is known besides the host's own sources."""
    suite = QEMU_SUITE.get(codename())
    if suite is None:
        return []
    parts = ROOT / "build/deb/host-sources.d"
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir(parents=True)
    for host in Path("/etc/apt/sources.list.d").glob("*.*"):
        shutil.copy(host, parts / host.name)
    text = _stanza(debian_archives(host_sources()).main, suite)
    (parts / "vel2-backports.sources").write_text(text)
    return [f"-oDir::Etc::SourceParts={parts.resolve()}"]


def apt_calls(packages: list[str], qemu: bool) -> list[list[str]]:
    """The apt-get calls that install these; PayloadError when the host's sources are no Debian's."""
    install = ["-y", "--no-install-recommends", "install"]
    calls = [["update"]]
    if packages:
        calls.append([*install, *packages])
    if qemu:
        extra = _backports_options()
        if extra:
            calls.append([*extra, "update"])
        target = ["-t", QEMU_SUITE[codename()]] if extra else []
        calls.append([*extra, *install, *target, "qemu-system-arm"])
    return calls


def _apt(args: list[str]) -> None:
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C")
    try:
        done = subprocess.run(
            ["apt-get", "-q", *args],
            env=env,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
    except FileNotFoundError as error:
        raise Vel2Error("apt-get is missing: vel2 sets itself up on Debian 12 and 13") from error
    except subprocess.TimeoutExpired as error:
        raise Vel2Error(f"apt-get {shlex.join(args)} took over 30 minutes: run again") from error
    if done.returncode:
        errors = [s for s in done.stderr.splitlines() if s.startswith("E:")] or ["E: failed"]
        raise Vel2Error(f"apt-get {shlex.join(args)}: {errors[0][3:]}")


def _install(packages: list[str], qemu: bool) -> None:
    try:
        calls = apt_calls(packages, qemu)
    except PayloadError as error:
        raise Vel2Error(str(error)) from error
    if os.geteuid() != 0:
        text = " && ".join("apt-get " + shlex.join(c) for c in calls)
        raise Vel2Error(f"packages are missing; run as root: {text}")
    what = packages + (["qemu-system-arm"] if qemu else [])
    print(f"vel2: installing {' '.join(what)}", flush=True)
    for call in calls:
        _apt(call)
    still = missing()
    if still:
        raise Vel2Error(f"still missing after apt-get: {' '.join(still)}")
    problem = qemu_problem()
    if problem:
        raise Vel2Error(problem)


def setup(verbose: bool = False) -> None:
    """Install what is missing; Vel2Error when that is impossible. Instant when nothing is."""
    fresh = STAMP.exists() and STAMP.stat().st_mtime >= PACKAGES.stat().st_mtime
    if not fresh or verbose:
        packages, qemu = missing(), qemu_problem() is not None
        if packages or qemu:
            _install(packages, qemu)
        STAMP.parent.mkdir(exist_ok=True)
        STAMP.touch()
    if verbose:
        print("vel2: everything that vel2 needs is installed")
