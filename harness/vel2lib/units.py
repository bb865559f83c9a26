# SPDX-License-Identifier: GPL-2.0-only
"""Programs for the build machine made of L0's pure parts: unit tests, and targets of the fuzzer.

A .c below harness/tests/unit with such a line in its opening comment is one; the line says what it is
built from:    unit: shadow/s2_walk.c shadow/s2_table.c -DSOMETHING
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .debian import ROOT
from .errors import Vel2Error

UNIT = ROOT / "harness/tests/unit"
FUZZ = UNIT / "fuzz"
_LINE = re.compile(r"\bunit:[ \t]*(.*(?:\\\n.*)*)")
_FLAGS = ["-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", "-I.", "-Ihyp"]
SANITIZED = [
    *("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    "-fno-omit-frame-pointer",
]


def programs(folder: Path) -> list[Path]:
    """The sources of a folder that are programs; the others are what programs share."""
    return [p for p in sorted(folder.glob("*.c")) if _LINE.search(p.read_text()[:2000])]


def sources(unit: Path) -> list[str]:
    """What the opening comment says: sources and flags."""
    found = _LINE.search(unit.read_text())
    assert found
    return found.group(1).replace("\\\n", " ").replace("*/", " ").replace("*", " ").split()


def _gcc(words: Sequence[str], unit: Path) -> None:
    try:
        done = subprocess.run(
            words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
        )
    except FileNotFoundError as error:
        raise Vel2Error(f"{words[0]} is missing: run 'harness/vel2 setup' as root") from error
    except subprocess.TimeoutExpired as error:
        raise Vel2Error(f"{unit.name}: {words[0]} does not end") from error
    if done.returncode:
        said = [s for s in done.stderr.splitlines() if "error" in s] or done.stderr.splitlines()
        raise Vel2Error(f"{unit.name}: {said[0] if said else 'does not compile'}")


def compile_unit(
    unit: Path, program: Path, compiler: str, flags: Sequence[str], more: Sequence[Path] = ()
) -> None:
    """Build a program, with further sources. Vel2Error with what the compiler said first."""
    program.parent.mkdir(parents=True, exist_ok=True)
    files = [str(f) for f in (unit, *more)]
    _gcc([compiler, *_FLAGS, *flags, "-o", str(program), *files, *sources(unit)], unit)


def compile_apart(
    unit: Path, program: Path, flags: Sequence[str], more: Sequence[Path] = ()
) -> None:
    """The same with gcc and an object (0.o, 1.o...) beside the program for each source."""
    program.parent.mkdir(parents=True, exist_ok=True)
    words = sources(unit)
    files = [*map(str, (unit, *more)), *(w for w in words if w.endswith(".c"))]
    options = [*_FLAGS, *flags, *(w for w in words if not w.endswith(".c"))]
    objects = [str(program.with_name(f"{number}.o")) for number in range(len(files))]
    for file, made in zip(files, objects):
        _gcc(["gcc", "-c", "-o", made, file, *options], unit)
    _gcc(["gcc", "-o", str(program), *objects, *options], unit)
