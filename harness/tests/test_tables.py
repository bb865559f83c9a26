# SPDX-License-Identifier: GPL-2.0-only
"""The tables against the machine: every EL2 encoding, probed at vEL2 under each mechanism.

A table shared by code and tests hides its own errors; the probe tries encodings blindly, QEMU's real EL2
says what exists, and L0's count of each marked access says what trapped.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

from vel2lib import tables
from vel2lib.config import RunConfig, resolve
from vel2lib.run import Result, execute

#: Features of registers with EL2 encodings that an L1 is offered on QEMU's `max`.
OFFERED = frozenset({"ALWAYS", "VHE", "FGT", "PAUTH", "AA32EL0", "CCIDX", "HCX"})
_LINE = re.compile(r"PROBE ([0-9a-f]+) (r?w?)$")
#: Encodings whose writes the probe leaves out (guest-tests/tests/probe.c).
NOT_WRITTEN = frozenset({"RMR_EL2", "SP_EL1"})


def run(mode: str, **more: object) -> Result:
    """One probe."""
    config = RunConfig(l1="probe", l1_mode=mode, timeout=60, **more)  # type: ignore[arg-type]
    return execute(config, resolve(config))


def found(lines: list[str]) -> set[tuple[int, bool]]:
    """(encoding, is write) of what exists."""
    accesses = set()
    for match in filter(None, map(_LINE.match, lines)):
        accesses |= {(int(match[1], 16), kind == "w") for kind in match[2]}
    return accesses


@functools.lru_cache(maxsize=None)
def native(mode: str) -> frozenset[tuple[int, bool]]:
    """What QEMU's own EL2 has."""
    result = run(mode, native=True)
    assert result.status == 0, result.outcome
    return frozenset(found(result.lines()))


def name(enc: int) -> str:
    """Of a row, or the encoding spelled out."""
    row = tables.load().by_encoding.get(enc)
    return row.name if row else tables.spelled(enc)


def feature(row: tables.Register | tables.Alias) -> str:
    """What a row needs."""
    if isinstance(row, tables.Alias):
        return tables.load().registers[row.target].feat
    return row.feat


def test_rows_are_complete(guests: Path) -> None:
    """What the machine has at EL2 has a row: op1 4 and 5, with E2H=1."""
    known = tables.load().by_encoding
    assert not [name(enc) for enc, _ in native("vhe") if enc not in known]


@pytest.mark.parametrize("host", ["vhe", "nvhe"])
@pytest.mark.parametrize("mech", ["nv2", "nv"])
@pytest.mark.parametrize("mode", ["vhe", "nvhe"])
def test_probe(l0: Path, mode: str, mech: str, host: str) -> None:
    """Each access traps or does not as its row says, and exists or not as it is offered."""
    result = run(mode, mech=mech, host=host)
    assert result.status == 0, result.outcome
    exists = found(result.lines())
    wrong = [
        f"{name(enc)} exists without a row" for enc, _ in exists - native(mode) - native("vhe")
    ]
    known = tables.load().by_encoding
    for region in result.samples:
        enc, write = region["region"] >> 1, bool(region["region"] & 1)
        row = known[enc]
        assert not isinstance(row, tables.Instruction)
        # Whatever the mode, NV traps what the machine has at an EL2 with E2H=1 (I_TZTZL); this one
        # does so even for the write of a register that can only be read, which is UNDEFINED at EL2.
        there = bool({(enc, False), (enc, True)} & native("vhe")) and row.op1 in (4, 5)
        trap = there and tables.traps(tables.load(), row, mech, mode == "vhe")
        # By name: the handler of an UNDEF in the marked region may use registers that trap.
        count = region["sysregs"].get(row.name, {}).get("write" if write else "read", 0)
        if count != trap:
            wrong.append(f"{row.name} {'write' if write else 'read'}: trap expected {trap}")
        in_page = there and not trap
        want = (enc, write) in native(mode) and feature(row) in OFFERED
        if not in_page and ((enc, write) in exists) != want:
            wrong.append(f"{row.name} {'write' if write else 'read'}: exists expected {want}")
    assert not wrong, "\n".join(wrong)


def test_forwards_name_fields() -> None:
    """Each condition names a row as control and a field that sysreg-fields.h defines."""
    header = (tables.ROOT / "hyp/include/sysreg-fields.h").read_text()
    fields = set(re.findall(r"^#define (\w+)", header, re.M))
    rows = tables.load()
    conditions = [(row.name, f) for row in rows.registers.values() for f in row.fwd]
    conditions += [(row.name, f) for row in rows.instructions.values() for f in row.fwd]
    for row_name, forward in conditions:
        assert forward.control in rows.registers, row_name
        assert forward.field in fields, row_name
        if forward.when == "FGT":
            assert forward.set != forward.field.split("_", 1)[1].startswith("N"), row_name


def test_peers_have_aliases() -> None:
    """An EL12 or EL02 name of a register differs from it in op1 alone; its EL2 register stands at op1 4."""
    rows = tables.load()
    for alias in rows.aliases.values():
        target = rows.registers[alias.target]
        assert (alias.crn, alias.crm, alias.op2) == (target.crn, target.crm, target.op2), alias.name
        assert alias.op1 == 5 and alias.name.startswith(target.name.rsplit("_", 1)[0]), alias.name
        assert [r for r in rows.registers.values() if r.peer == target.name], alias.name


def test_reference_page() -> None:
    """The page has a line for each row."""
    page = tables.as_markdown(tables.load())
    rows = tables.load()
    assert all(f"| {row} |" in page for row in (*rows.registers, *rows.instructions))
