# SPDX-License-Identifier: GPL-2.0-only
"""The build: clean with clang too, complete, and idle when nothing changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from vel2lib.debian import ROOT


def make(*args: str) -> str:
    """What make prints; fails with it."""
    done = subprocess.run(
        ["make", "-j2", *args], cwd=ROOT, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("compiler", ["aarch64-linux-gnu-gcc", "clang"])
def test_builds_cleanly(tmp_path: Path, compiler: str) -> None:
    """Both compilers, from nothing, without a warning; a second time nothing is left to do."""
    said = make(f"B={tmp_path}", f"CC={compiler}", "l0")
    assert "warning" not in said, said
    assert (tmp_path / "vel2.bin").stat().st_size > 4096
    assert make(f"B={tmp_path}", f"CC={compiler}", "l0").strip() in ("", NOTHING.format("l0"))


NOTHING = "make: Nothing to be done for '{}'."
