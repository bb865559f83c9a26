# SPDX-License-Identifier: GPL-2.0-only
"""Mechanism pv where it is not the same for all guests: what it refuses, and what it costs.

That the guests do what they do on real EL2 is in test_guests.py.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

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


def test_image_with_ranges(l0: Path, tmp_path: Path) -> None:
    """The user may say what of an Image is code; what else looks like it is a line of L0's log."""
    (tmp_path / "l1.bin").write_bytes((GUESTS / "hello.bin").read_bytes())
    with (GUESTS / "hello.elf").open("rb") as stream:
        text = ELFFile(stream).get_section_by_name(".text")["sh_size"] & ~3

    def run(code: str) -> Any:
        config = RunConfig(l1=str(tmp_path / "l1.bin"), mech="pv", mem=256, timeout=10)
        config.l0_append = f"vel2.pv_code={code}"
        return execute(config, resolve(config))

    good, short, beyond = run(f"0-4,40-{text:x}"), run("0-4,40-44"), run("0-fffffff0")
    assert good.status == 0, good.outcome
    said = [str(r.get("msg")) for r in short.logs]
    assert any("outside of vel2.pv_code and stays" in s for s in said), said
    assert any("such words in all" in s for s in said), said
    assert beyond.error and "vel2.pv_code=0-fffffff0: L1's Image has" in beyond.error


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


def test_what_cannot_be_reached(l0: Path) -> None:
    """Addresses of an nVHE EL2 above the CPU's physical ones: said once."""
    config = RunConfig(l1="mmu", mech="pv", cpu="cortex-a57", l1_mode="nvhe", timeout=20)
    result = execute(config, resolve(config))
    said = [str(r.get("msg")) for r in result.logs if "bits of addresses" in str(r.get("msg"))]
    assert said == ["pv: vEL2 has 48 bits of addresses, of which this CPU lets it reach 44"]


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
