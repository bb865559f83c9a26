# SPDX-License-Identifier: GPL-2.0-only
"""Mechanism pv where it is not the same for all guests: what it refuses, and what it costs.

That the guests do what they do on real EL2 is in test_guests.py.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from conftest import Command
from vel2lib.config import GUESTS, RunConfig, resolve
from vel2lib.qemu import CPU
from vel2lib.results import bench_rows, sysregs
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


def traps(
    mech: str, cpu: str, l1_mode: str = "nvhe", flavour: str = ""
) -> dict[tuple[str, str], Any]:
    """Traps of each operation of the bundled L1's L2."""
    config = RunConfig(host="nvhe", mech=mech, cpu=cpu, l1_mode=l1_mode, icount=True)
    config.pv_flavour = flavour
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


@pytest.mark.parametrize("l1_mode, cpu", [("split", "cortex-a57"), ("vhe", "cortex-a76")])
def test_models_nv2(l0: Path, l1_mode: str, cpu: str) -> None:
    """With a page it traps as often as one with FEAT_NV2, timers apart: see nested/pv-page.c."""
    ours, nv2 = traps("pv", cpu, l1_mode, "page"), traps("nv2", CPU, l1_mode)
    assert {k: v for k, v in ours.items() if k[0] != "timer"} == {
        k: v for k, v in nv2.items() if k[0] != "timer"
    }


def test_trapping_all_the_same(l0: Path) -> None:
    """A register that is to trap is not served."""
    config = RunConfig(mech="pv", pv_flavour="page", cpu="cortex-a57", l1_mode="split")
    config.host, config.trap = "nvhe", "VTTBR_EL2,ESR_EL2:r"
    result = execute(config, resolve(config))
    assert result.status == 0, result.outcome
    found = sysregs(result.counters)
    assert found["VTTBR_EL2"]["write"] > 100 and found["ESR_EL2"]["read"] > 100
    # Served, with all that vEL1 shares of the code that has them: a few of L1's start.
    assert all(found[name]["write"] < 10 for name in ("HCR_EL2", "SPSR_EL2") if name in found)


def without(section: str, path: Path) -> Path:
    """A guest whose section has another name."""
    rename = f"--rename-section={section}=.other"
    subprocess.run(
        ["aarch64-linux-gnu-objcopy", rename, str(GUESTS / "hello.elf"), str(path)], check=True
    )
    return path


@pytest.mark.parametrize("section", [".vel2.veneers", ".vel2.page"])
def test_no_room(l0: Path, vel2: Command, tmp_path: Path, section: str) -> None:
    """An L1 without room for it is told which section it lacks."""
    mine = without(section, tmp_path / "l1.elf")
    said = refusal(vel2, "--pv-flavour", "page", "--l1", str(mine), "--l1-mode", "vhe")
    assert f"has no section {section}" in said


def test_page_of_an_image(l0: Path, vel2: Command, tmp_path: Path) -> None:
    """A flat Image has no sections."""
    (tmp_path / "l1.bin").write_bytes((GUESTS / "hello.bin").read_bytes())
    words = ["--l1", str(tmp_path / "l1.bin"), "--l0-append", "vel2.pv_code=0-4"]
    said = refusal(vel2, "--pv-flavour", "page", *words)
    assert "L1 must be an ELF file, with sections .vel2.veneers and .vel2.page" in said


def test_page_for_one_e2h(l0: Path, vel2: Command) -> None:
    """Neither an L1 that may change E2H, nor another mechanism."""
    assert "not any" in refusal(vel2, "--pv-flavour", "page", "--l1-mode", "any")
    done = vel2("run", "--no-build", "--mech", "nv2", "--pv-flavour", "page")
    assert done.returncode == 1 and "is for --mech pv" in done.stderr
    words = ["--mech", "nv2", "--l0-append", "vel2.pv=page"]
    done = vel2("run", "--no-build", *words)
    assert done.returncode == 1 and "is a way of vel2.mech=pv" in done.stderr
    words = ["--l1-mode", "any", "--l0-append", "vel2.pv=page"]
    assert "vel2.l1_mode=vhe or nvhe" in refusal(vel2, *words)


def test_room_is_full(l0: Path, tmp_path: Path) -> None:
    """What does not fit traps, and is counted."""
    mine = tmp_path / "l1.elf"
    data = bytearray((GUESTS / "hello.elf").read_bytes())
    with (GUESTS / "hello.elf").open("rb") as stream:
        elf = ELFFile(stream)
        index = elf.get_section_index(".vel2.veneers")
        assert index is not None
        at = elf["e_shoff"] + index * elf["e_shentsize"] + 32
    assert int.from_bytes(data[at : at + 8], "little") == 0x10000
    data[at : at + 8] = (0x1000).to_bytes(8, "little")
    mine.write_bytes(data)

    def room(path: Path) -> list[int]:
        config = RunConfig(l1=str(path), mech="pv", pv_flavour="page", mem=256, timeout=10)
        result = execute(config, resolve(config))
        assert result.status == 0, result.outcome
        said = [str(r.get("msg")) for r in result.logs if "served from memory" in str(r.get("msg"))]
        return [int(n) for n in re.findall(r"\d+", said[0])]

    large, small = room(GUESTS / "hello.elf"), room(mine)
    assert large[1] == 0 and small[0] <= large[0] and sum(small) == sum(large)


@pytest.mark.parametrize(
    "host, mode, cpu", [("nvhe", "nvhe", "cortex-a57"), ("vhe", "vhe", "cortex-a76")]
)
def test_interrupted_at_any_instruction(l0: Path, host: str, mode: str, cpu: str) -> None:
    """Under icount interrupts come between any two instructions of a veneer; otherwise QEMU takes them before it."""
    config = RunConfig(l1="served", l1_mode=mode, host=host, mech="pv", cpu=cpu, icount=True)
    config.pv_flavour = "page"
    result = execute(config, resolve(config))
    assert result.status == 0, result.lines()
    assert result.lines()[-2:] == ["ALL PASS", ""]
