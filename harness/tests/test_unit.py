# SPDX-License-Identifier: GPL-2.0-only
"""The pure parts of L0, compiled for the build machine under sanitizers.

A unit/*.c with such a line in its opening comment is a program that exits with 0 when all is well; the
line says what it is built from:    unit: shadow/s2_walk.c shadow/s2_table.c -DSOMETHING
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from vel2lib.debian import ROOT

#: A program per file; files without a `unit:` line are what programs share.
UNITS = [
    p
    for p in sorted((ROOT / "harness/tests/unit").glob("*.c"))
    if re.search(r"\bunit:", p.read_text()[:2000])
]
FLAGS = [
    *("-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"),
    *("-I.", "-Ihyp"),
]


def sources(unit: Path) -> list[str]:
    """What the opening comment says: sources and flags."""
    found = re.search(r"\bunit:[ \t]*(.*(?:\\\n.*)*)", unit.read_text())
    assert found
    return found.group(1).replace("\\\n", " ").replace("*/", " ").replace("*", " ").split()


@pytest.mark.parametrize("unit", UNITS, ids=[p.stem for p in UNITS])
def test_unit(unit: Path, tmp_path: Path) -> None:
    """Builds without a warning, runs without a finding."""
    program = tmp_path / unit.stem
    words = sources(unit)
    built = subprocess.run(
        ["gcc", *FLAGS, "-o", str(program), str(unit), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    done = subprocess.run(
        [str(program)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
