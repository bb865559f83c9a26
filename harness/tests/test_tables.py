# SPDX-License-Identifier: GPL-2.0-only
"""The tables against the machine: every EL2 encoding, probed at vEL2 under each mechanism.

A table shared by code and tests hides its own errors; the probe tries encodings blindly, QEMU's real EL2
says what exists, and L0's count of each marked access says what trapped.
"""

from __future__ import annotations

import functools
import itertools
import re
from pathlib import Path

import pytest

from vel2lib import forced, tables
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


#: Of the VNCR page, in bytes: the Arm ARM's table, written down apart from ours.
OFFSETS = """
    020 VTTBR_EL2 040 VTCR_EL2 050 VMPIDR_EL2 060 CNTVOFF_EL2 078 HCR_EL2 080 HSTR_EL2 088 VPIDR_EL2
    090 TPIDR_EL2 0A0 HCRX_EL2 0B0 VNCR_EL2 100 CPACR_EL1 108 CONTEXTIDR_EL1 110 SCTLR_EL1 118 ACTLR_EL1
    120 TCR_EL1 128 AFSR0_EL1 130 AFSR1_EL1 138 ESR_EL1 140 MAIR_EL1 148 AMAIR_EL1 158 MDSCR_EL1
    160 SPSR_EL1 168 CNTV_CVAL_EL0 170 CNTV_CTL_EL0 178 CNTP_CVAL_EL0 180 CNTP_CTL_EL0 188 SCXTNUM_EL1
    190 TFSR_EL1 1B8 HFGRTR_EL2 1C0 HFGWTR_EL2 1C8 HFGITR_EL2 1D0 HDFGRTR_EL2 1D8 HDFGWTR_EL2
    1E0 ZCR_EL1 1E8 HAFGRTR_EL2 1F0 SMCR_EL1 1F8 SMPRIMAP_EL2 200 TTBR0_EL1 210 TTBR1_EL1 220 FAR_EL1
    230 ELR_EL1 240 SP_EL1 250 VBAR_EL1 270 TCR2_EL1 278 SCTLR2_EL1 290 PIRE0_EL1 2A0 PIR_EL1
    2A8 POR_EL1 4C0 ICH_HCR_EL2 4C8 ICH_VMCR_EL2 500 VDISR_EL2 508 VSESR_EL2 800 PMBLIMITR_EL1
    810 PMBPTR_EL1 820 PMBSR_EL1 828 PMSCR_EL1 830 PMSEVFR_EL1 838 PMSICR_EL1 840 PMSIRR_EL1
    848 PMSLATFR_EL1 880 TRFCR_EL1 900 MPAM1_EL1 930 MPAMHCR_EL2 938 MPAMVPMV_EL2
"""


def test_vncr_offsets() -> None:
    """Where the hardware keeps a register that L0 itself never reads, only the architecture says."""
    words = OFFSETS.split()
    expected = {name: int(offset, 16) for offset, name in zip(words[::2], words[1::2])}
    for i in range(16):
        expected[f"ICH_LR{i}_EL2"] = 0x400 + 8 * i
    for i in range(4):
        expected[f"ICH_AP0R{i}_EL2"] = 0x480 + 8 * i
        expected[f"ICH_AP1R{i}_EL2"] = 0x4A0 + 8 * i
    rows = tables.load().registers
    there = {name: rows[name].vncr for name in expected if name in rows}
    assert len(there) > 70
    assert there == {name: expected[name] for name in there}


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


def test_fields_of_a_register_stand_together() -> None:
    """What looks a register's fields up reads from the first to the last of them."""
    rows = re.findall(r"^SYSFIELD\((\w+)", (tables.ROOT / "hyp/sysfields.def").read_text(), re.M)
    firsts = [name for name, _ in itertools.groupby(rows)]
    assert len(firsts) == len(set(firsts)), sorted({n for n in firsts if firsts.count(n) > 1})


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


def test_what_forces_a_trap() -> None:
    """Each EL2 name that is not redirected traps by FEAT_NV's rule; the others by a control that the text names."""
    nv, page = "HCR_EL2.NV (I_TZTZL)", "in R_CSRPQ's page"
    for name, why in (
        ("HPFAR_EL2", f"{nv}, not {page}"),
        ("CNTKCTL_EL12", f"{nv}, not {page}"),
        ("CNTV_CTL_EL02", f"CNTHCTL_EL2.EL1NVPCT, EL1NVVCT: {page} ISTATUS would be stale"),
        ("VTTBR_EL2", "what --trap names, by FEAT_FGT"),
        ("ID_AA64PFR0_EL1", "HCR_EL2.TID3: what CPU this is, the level above says"),
    ):
        assert forced.register(name, "nv2") == why, name
    assert forced.register("VTTBR_EL2", "nv") == nv
    assert forced.register("VTTBR_EL2", "pv") == "L0's loader made an HVC of it"
    every = tables.load()
    assert set(forced.REASONS) < {e.name for e in every.exits.values()}
    for row in every.registers.values():
        if row.op1 == 4 and row.redir == "NEVER":
            assert forced.register(row.name, "nv2") == f"{nv}, not {page}", row.name


def test_causes_in_order() -> None:
    """One line for each cause, whoever it explains."""
    found = forced.causes(["hvc", "sysreg"], ["VBAR_EL2", "CPTR_EL2", "VBAR_EL2"], "nv2")
    assert list(found.values()) == [["hvc"], ["VBAR_EL2", "CPTR_EL2"]]
