# SPDX-License-Identifier: GPL-2.0-only
"""Coverage: what is said to be executed is what was, line by line and branch by branch."""

from __future__ import annotations

import json
from pathlib import Path

from elftools.elf.elffile import ELFFile

from conftest import Command
from vel2lib import config as configuration
from vel2lib import coverage
from vel2lib.qemu import COVERAGE
from vel2lib.units import UNIT


def words(image: Path) -> dict[int, int]:
    """Index of an instruction in the map -> the instruction."""
    with image.open("rb") as stream:
        elf = ELFFile(stream)
        start = coverage.Code.of(elf).start
        return {
            (s["sh_addr"] - start) // 4 + i: int.from_bytes(s.data()[4 * i : 4 * i + 4], "little")
            for s in elf.iter_sections()
            if s["sh_flags"] & 4
            for i in range(s["sh_size"] // 4)
        }


def goes_on(insn: int) -> bool:
    """Not one behind which something else may follow: branches, exceptions and their return."""
    return insn >> 26 & 7 != 5 and insn >> 24 not in (0xD4, 0xD6, 0xD5)


def test_of_a_guest(vel2: Command, l0: Path) -> None:
    """The plugin's map is possible: behind what was executed comes the next, and a branch went somewhere."""
    configuration.build(["plugin"])
    image = l0.with_suffix(".elf")
    path, option = coverage.prepare(image)
    done = vel2("run", "--no-build", "--l1", "hello", "--mech", "nv", **{COVERAGE: option})
    assert done.returncode == 0, done.stderr
    bits, code = path.read_bytes(), words(image)
    ran = [i for i in code if bits[i] & coverage.RUN]
    assert 3000 < len(ran) < len(code) and max(i for i in range(len(bits)) if bits[i]) in code
    straight = [i for i in ran if goes_on(code[i]) and i + 1 in code]
    # What is patched at boot is not what the file has.
    assert sum(not bits[i + 1] & coverage.RUN for i in straight) < len(straight) / 100
    ways = coverage.TAKEN | coverage.NOT_TAKEN
    branches = [i for i in ran if coverage.is_conditional(code[i])]
    assert len(branches) > 500 and all(bits[i] & ways for i in branches)
    assert not any(bits[i] & ways for i in code if not coverage.is_conditional(code[i]))
    assert any(bits[i] & ways == ways for i in branches)

    found = coverage.of_map(image, path)
    path.unlink()
    assert found["hyp/host/main.c"].functions["host_main"]
    assert not found["hyp/el2/panic.c"].functions["hyp_panic_report"]
    assert not any(found["hyp/host/pv.c"].lines.values())
    executed, every = coverage.totals(found)["lines"]
    assert 0.2 < executed / every < 0.8


def test_of_a_unit() -> None:
    """What a unit test executes, by gcov; of two programs it is the sum."""
    found = coverage.of_units(1, [UNIT / "string.c", UNIT / "fdt.c"])
    assert "hyp/el2/string.c" in found and all(n.startswith(coverage.ROOMS) for n in found)
    one = found["hyp/el2/string.c"]
    assert one.functions["l0_memcpy"] and sum(one.lines.values()) > 0.9 * len(one.lines)
    assert (
        0 < sum(found["hyp/host/fdt.c"].branches.values()) < len(found["hyp/host/fdt.c"].branches)
    )


def test_command(vel2: Command, tmp_path: Path) -> None:
    """The table, its sum, the JSON; and a suite that fails does not pass for one."""
    out = tmp_path / "coverage.json"
    done = vel2("coverage", "--of", "suite", "--uncovered", "--json", str(out), "--", "--version")
    assert done.returncode == 0, done.stderr
    assert "nested/eret.c" in done.stdout and "  hyp/host/main.c: host_main" in done.stdout
    assert json.loads(out.read_text())["suite"]["all"]["lines"][0] == 0
    done = vel2("coverage", "--of", "suite", "--", "harness/tests/nosuch.py")
    assert done.returncode == 3 and "vel2: the suite failed" in done.stderr
