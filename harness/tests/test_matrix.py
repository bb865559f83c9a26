# SPDX-License-Identifier: GPL-2.0-only
"""The matrix of L1s: what is kept of its cells, and README.md's table of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vel2lib.debian import ROOT
from vel2lib.matrix import BEGIN, END, KNOWN, Cell, as_markdown, load, save

CELL = Cell("xen", "any", 2, "vhe", "nv2", "", "passed", 5.25, 4.0, 12345, "0123456789")


def test_a_cell_replaces_its_older_self(tmp_path: Path) -> None:
    """Others stay, in an order of their own."""
    file = tmp_path / "matrix.json"
    assert load(file) == []
    old, other = replace(CELL, outcome="failed"), replace(CELL, l1="linux")
    save([old, other], file)
    save([CELL], file)
    assert load(file) == [other, CELL]


def test_damaged_file(tmp_path: Path) -> None:
    """It is named."""
    file = tmp_path / "matrix.json"
    file.write_text('[{"l1": "xen"}]')
    with pytest.raises(ValueError, match="matrix.json"):
        load(file)


def test_table() -> None:
    """One line for each L1, mode, number of CPUs, host and mechanism; a failure is one."""
    many = [replace(CELL, l1="vel2", runs=str(n), traps=n) for n in range(4)]
    failed = replace(CELL, l1="linux", outcome="failed", traps=None, seconds=None)
    many[2:] = [replace(many[2], outcome=KNOWN), replace(many[3], outcome="failed")]
    lines = as_markdown([CELL, failed, *many]).splitlines()
    assert lines[2:5] == [
        "| `xen` | any | 2 | vhe | nv2 | as natively | 12,345 |",
        "| `linux` | any | 2 | vhe | nv2 | failed |  |",
        "| `vel2` | any | 2 | vhe | nv2 | as natively: 2 of 4 runs, known not to be: 1 | 2 |",
    ]
    assert "0123456789" in lines[-1]
    assert CELL.line() == (
        "xen any 2 CPUs host vhe nv2: as natively, 5.2 s (natively 4.0 s), 12,345 traps"
    )


def test_readme_has_a_place_for_it() -> None:
    """`make matrix` writes between two lines."""
    text = (ROOT / "README.md").read_text()
    assert text.count(BEGIN) == text.count(END) == 1 and text.index(BEGIN) < text.index(END)
