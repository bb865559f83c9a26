# SPDX-License-Identifier: GPL-2.0-only
"""`make mutants` itself: its list fits the code that there is, and what can go wrong with a row is said."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from vel2lib import mutants
from vel2lib.debian import ROOT
from vel2lib.errors import Vel2Error

ROW = """
[[mutant]]
name = "one"
why = "no reason"
file = "Makefile"
old = "{old}"
new = "{new}"
tests = ["test_lint.py"]
"""


def test_every_mutant_applies() -> None:
    """The text that each replaces is in its file once: whoever changes the code keeps its faults alive."""
    rows = mutants.read_list()
    assert len(rows) >= 30
    for mutant in rows:
        mutant.apply((ROOT / mutant.file).read_text())


def test_every_test_is_there() -> None:
    """A test that was renamed would leave its mutants without one."""
    named = {test for mutant in mutants.read_list() for test in mutant.tests}
    files = sorted({f"harness/tests/{test.partition('::')[0]}" for test in named})
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "pytest", "-c", "harness/pyproject.toml", "-o", "addopts="]
        + ["-p", "no:cacheprovider", "--collect-only", "-q", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    there = {line.removeprefix("tests/") for line in done.stdout.splitlines()}
    there |= {line.partition("::")[0] for line in there}
    assert named <= there, named - there


def one(tmp_path: Path, **words: str) -> list[mutants.Mutant]:
    """The list with one row."""
    path = tmp_path / "list.toml"
    path.write_text(ROW.format(**words))
    return mutants.read_list(path)


def test_text_that_is_gone(tmp_path: Path) -> None:
    """The error names the mutant and the file."""
    (mutant,) = one(tmp_path, old="no such text", new="x")
    with pytest.raises(Vel2Error, match="mutant one: its old text is 0 times in Makefile"):
        mutants.mutate([mutant], 1)


def test_row_that_changes_nothing(tmp_path: Path) -> None:
    """A fault must be one."""
    with pytest.raises(Vel2Error, match="mutant one: old and new"):
        one(tmp_path, old="x", new="x")


def test_unknown_name() -> None:
    """A name that no mutant has is an error, not an empty run."""
    with pytest.raises(Vel2Error, match="nosuch"):
        mutants.select(mutants.read_list(), ["nosuch"])
