# SPDX-License-Identifier: GPL-2.0-only
"""Mechanism pv where it is not the same for all guests: what it refuses, and what it costs.

That the guests do what they do on real EL2 is in test_guests.py.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from conftest import Command
from vel2lib.config import GUESTS, RunConfig, resolve
from vel2lib.qemu import CPU
from vel2lib.results import bench_rows
from vel2lib.run import execute


def refusal(vel2: Command, *args: str) -> str:
    """The one line with which a run under pv ends."""
    done = vel2("run", "--no-build", "--mech", "pv", *args)
    lines = [s for s in done.stderr.splitlines() if s.startswith("vel2: ")]
    assert done.returncode == 1 and len(lines) == 1, done.stderr
    return lines[0]


def test_image_without_symbols(l0: Path, vel2: Command, tmp_path: Path) -> None:
    """Of a flat Image nobody can say what is code."""
    (tmp_path / "l1.bin").write_bytes((GUESTS / "hello.bin").read_bytes())
    assert "must be an ELF file with symbols" in refusal(vel2, "--l1", str(tmp_path / "l1.bin"))


def test_stripped(l0: Path, vel2: Command, tmp_path: Path) -> None:
    """Nor of an ELF file without mapping symbols."""
    stripped = tmp_path / "l1.elf"
    subprocess.run(
        ["aarch64-linux-gnu-strip", "-o", str(stripped), str(GUESTS / "hello.elf")], check=True
    )
    assert "do not strip it" in refusal(vel2, "--l1", str(stripped))


def test_elf_of_the_user(l0: Path, vel2: Command, tmp_path: Path) -> None:
    """Any ELF file that begins with an Image header is an L1, on a CPU without FEAT_NV and VHE."""
    mine = tmp_path / "mine.elf"
    mine.write_bytes((GUESTS / "hello.elf").read_bytes())
    words = ["--mech", "pv", "--cpu", "cortex-a57", "--l1-mode", "any", "--mem", "256"]
    done = vel2("run", "--no-build", "--l1", str(mine), *words)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("l1", ["linux", "xen", "u-boot", "vel2"])
def test_rewrites_itself(vel2: Command, l1: str) -> None:
    """What writes its own code is refused before anything is started."""
    assert f"--mech pv: {l1}" in refusal(vel2, "--l1", l1)


def traps(mech: str, cpu: str) -> dict[tuple[str, str], Any]:
    """Traps of each operation of the bundled nVHE L1."""
    config = RunConfig(host="nvhe", mech=mech, cpu=cpu, l1_mode="nvhe", icount=True)
    result = execute(config, resolve(config))
    assert result.status == 0, result.outcome
    return {
        (r["op"], r["level"]): r["traps"]["median"]
        for r in bench_rows(result)
        if r["level"] == "nested"
    }


def test_models_nv(l0: Path) -> None:
    """An ARMv8.0 CPU under pv traps as often as one with FEAT_NV: what NEVE's authors relied on."""
    assert traps("pv", "cortex-a57") == traps("nv", CPU)
