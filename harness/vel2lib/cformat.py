# SPDX-License-Identifier: GPL-2.0-only
"""C formatting: clang-format decides on indentation and width, people on what reads better.

Kernel style aligns macro values, initializers and trailing comments with tabs, which clang-format
cannot, and tables are laid out by hand. So #define blocks are left alone, inner white space does not
count, and a statement may be broken elsewhere than clang-format would, within 100 columns.
"""

from __future__ import annotations

import difflib
import re
import subprocess
from pathlib import Path

from .errors import Vel2Error

_DEFINE = re.compile(r"^[ \t]*#[ \t]*define\b.*?(?<!\\)\n", re.M | re.S)
COLUMNS = 100
TAB = 8
_PLACE = "#pragma vel2_define {}\n"


def _hide_defines(text: str) -> tuple[str, list[str]]:
    """The text with each #define block as one line, and the blocks."""
    blocks: list[str] = []

    def place(found: re.Match[str]) -> str:
        blocks.append(found.group(0))
        return _PLACE.format(len(blocks) - 1)

    return _DEFINE.sub(place, text), blocks


def _show_defines(text: str, blocks: list[str]) -> str:
    for index, block in enumerate(blocks):
        text = text.replace(_PLACE.format(index), block)
    return text


def _key(line: str) -> str:
    """What of a line counts: its indentation, and its text with white space collapsed."""
    body = line.lstrip("\t ")
    return line[: len(line) - len(body)] + re.sub(r"[ \t]+", " ", body.rstrip())


def _indentation(line: str) -> int:
    expanded = line.expandtabs(TAB)
    return len(expanded) - len(expanded.lstrip(" "))


def acceptable(mine: list[str], theirs: list[str]) -> bool:
    """Whether lines differ from clang-format's only in where white space and breaks are.

    They must start at the same column and keep to the width, unless a string makes them long.
    """
    if not mine or not theirs:
        return not "".join(mine + theirs).strip()
    if re.sub(r"\s+", "", "".join(mine)) != re.sub(r"\s+", "", "".join(theirs)):
        return False
    if _indentation(mine[0]) != _indentation(theirs[0]):
        return False
    return all(len(s.rstrip().expandtabs(TAB)) <= COLUMNS or '"' in s for s in mine)


def clang_format(text: str, root: Path) -> str:
    """clang-format's opinion; Vel2Error when it does not run."""
    done = subprocess.run(
        ["clang-format", f"--style=file:{root}/.clang-format"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise Vel2Error(f"clang-format: {done.stderr.strip()}")
    return done.stdout


def formatted(text: str, root: Path) -> str:
    """The text as it should be: lines that only align differently stay as they are."""
    hidden, blocks = _hide_defines(text)
    mine = hidden.splitlines(keepends=True)
    theirs = clang_format(hidden, root).splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(
        None, [_key(s) for s in mine], [_key(s) for s in theirs], autojunk=False
    )
    out: list[str] = []
    for kind, a0, a1, b0, b1 in matcher.get_opcodes():
        same = kind == "equal" or acceptable(mine[a0:a1], theirs[b0:b1])
        out += mine[a0:a1] if same else theirs[b0:b1]
    return _show_defines("".join(out), blocks)


def first_difference(text: str, wanted: str) -> int | None:
    """Number of the first line that differs, None when none does."""
    for index, (a, b) in enumerate(zip(text.splitlines(), wanted.splitlines()), 1):
        if a != b:
            return index
    return None if text == wanted else len(text.splitlines())
