# SPDX-License-Identifier: GPL-2.0-only
"""What all tests share: the build, made once, and a way to run harness/vel2 as a user does."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import pytest

HARNESS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HARNESS))
sys.path.insert(0, str(HARNESS / "tests"))

from vel2lib import config as configuration  # noqa: E402
from vel2lib.debian import ROOT  # noqa: E402
from vel2lib.matrix import KNOWN, Cell, save  # noqa: E402
from vel2lib.qemu import COVERAGE  # noqa: E402
from vel2lib.store import provenance  # noqa: E402

# What tests run is not among the user's results, and is gone with the process that ran them.
_results = tempfile.mkdtemp(prefix="vel2-results-")
atexit.register(shutil.rmtree, _results, ignore_errors=True)
os.environ["VEL2_RESULTS"] = str(Path(_results) / "results.db")


class _Matrix:
    """Every cell that a test notes is a line of the terminal's and one of build/matrix.json."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """xdist hands the reports of its workers on."""
        noted = [value for name, value in report.user_properties if name == "cell"]
        if report.when != "call" or not noted:
            return
        outcome = KNOWN if hasattr(report, "wasxfail") else report.outcome
        values: dict[str, Any] = {**cast(dict[str, Any], noted[-1]), "outcome": outcome}
        cell = Cell(**values)
        save([cell])
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if terminal:
            terminal.ensure_newline()
            terminal.write_line(cell.line())


def pytest_configure(config: pytest.Config) -> None:
    """Cells are gathered where the reports of all workers arrive."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Matrix(config))


Note = Callable[[Cell], None]


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """Note a cell of the matrix; the last one that a test notes counts, with the test's outcome."""
    return lambda cell: record_property("cell", asdict(cell))


@functools.lru_cache(maxsize=None)
def commit() -> str:
    """Of this checkout, with a + if tracked files differ from it."""
    found = provenance("true")
    return (found.commit or "")[:10] + ("+" if found.dirty else "")


Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def guests() -> Path:
    """The bare-metal guests, built."""
    configuration.build(["guests"])
    return configuration.GUESTS


@pytest.fixture(scope="session")
def l0(guests: Path) -> Path:
    """L0 and the guests, built."""
    configuration.build(["l0"])
    return configuration.L0_BIN


@pytest.fixture(scope="session")
def checked_l0(l0: Path) -> Path:
    """L0's checking build beside the plain one."""
    configuration.build(["CHECK=1", "l0"])
    return configuration.CHECKED_L0_BIN


@pytest.fixture(scope="session")
def pauth_l0(checked_l0: Path) -> None:
    """L0's checking build with pointer authentication and BTI of its own; coverage is not of that."""
    if COVERAGE in os.environ:
        pytest.skip("coverage is of the image that ships")
    configuration.build(["CHECK=1", "PAUTH=1", "l0"])


@pytest.fixture
def vel2() -> Command:
    """Run harness/vel2 with these arguments; never raises for an exit status."""

    def run(*args: str, timeout: float = 120, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(HARNESS / "vel2"), *args],
            cwd=ROOT,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture
def fake_qemu(tmp_path: Path) -> Callable[[str], Path]:
    """Make a QEMU that plays a scenario of fake_qemu.py; the program's path."""
    if not configuration.L0_BIN.exists():
        configuration.build(["l0"])

    def make(scenario: str) -> Path:
        program = tmp_path / f"qemu-{scenario}"
        script = HARNESS / "tests/fake_qemu.py"
        program.write_text(f'#!/bin/sh\nexec /usr/bin/python3 {script} {scenario} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return program

    return make
