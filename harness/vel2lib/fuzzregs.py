# SPDX-License-Identifier: GPL-2.0-only
"""Which system registers random programs access, with which values, and what they are put back to.

Names, encodings and features come from hyp/sysregs.def. What stands here besides: the value from
which a program starts, the bits that it may change, and why some bits or registers are left alone.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from .fuzzabi import ABI
from .tables import Alias, Register, encoding, load

U64 = (1 << 64) - 1
#: Features that a virtual CPU has; what needs another is not in any program (README.md has the table).
OFFERED = frozenset(
    "ALWAYS VHE FGT PAUTH EVT NV2 TLBIOS TLBIRANGE PAN PAN2 DPB DPB2 SPECRES CCIDX".split()
)


def bits(*parts: int | tuple[int, int]) -> int:
    """A mask of bits n and ranges (high, low)."""
    mask = 0
    for part in parts:
        high, low = part if isinstance(part, tuple) else (part, part)
        mask |= (1 << (high + 1)) - (1 << low)
    return mask


# ---------------------------------------------------------------------------- addresses

#: Translation tables that the harness builds (fuzztables.py): IPA of the root by (stage, granule);
#: stage 0 is EL2's own.
ROOTS = {
    (1, 12): 0x4580_0000,
    (2, 12): 0x4581_0000,
    (1, 14): 0x4582_0000,
    (2, 14): 0x4583_0000,
    (1, 16): 0x4584_0000,
    (2, 16): 0x4586_0000,
    (0, 12): 0x4588_0000,
}
#: Below the RAM, above it, and where no RAM can be: nothing answers there.
NOWHERE = 0x10_0000_0000
IPA_BITS = 39

HCR_RW, HCR_E2H, HCR_TGE, HCR_VSE, HCR_VM = 1 << 31, 1 << 34, 1 << 27, 1 << 8, 1
HCR_DC = 1 << 12
HCR_NV, HCR_NV1, HCR_NV2 = 1 << 42, 1 << 43, 1 << 45
#: IMO stays: the watchdog is an interrupt of EL2. APK and API: pointer authentication is not trapped.
HCR_APK_API = bits(40, 41)
HCR_BASE = HCR_RW | HCR_VM | HCR_APK_API | bits(3, 4, 5)
#: Not RW, E2H (an operation of its own), IMO, FMO (programs of their own: the CPU interface is EL2's, and the
#: watchdog EL1's), HCD (programs end by HVC), LOR, RAS,
#: CD and ID (QEMU has no caches: AT reports the descriptor's attributes whatever they are), FWB and
#: what came after FEAT_EVT.
HCR_BITS = bits((2, 0), (28, 5), 30, (45, 40), 49, 50, 52, 54, 55)


def tcr_el1(granule: int, upper: bool = False) -> int:
    """TCR_EL1 for the tables of fuzztables.py; TTBR1 is disabled, or the same for the upper addresses."""
    tg0, tg1 = {12: 0, 14: 2, 16: 1}[granule], {12: 2, 14: 1, 16: 3}[granule]
    if upper:
        half = tg1 << 30 | 3 << 28 | 1 << 26 | 1 << 24 | (64 - IPA_BITS) << 16
        return tcr_el1(granule) & ~bits((31, 16)) | half
    return 2 << 32 | 1 << 23 | 16 << 16 | tg0 << 14 | 3 << 12 | 1 << 10 | 1 << 8 | 64 - IPA_BITS


def tcr_el2(vhe: bool) -> int:
    """TCR_EL2 for EL2's own tables."""
    if vhe:
        return tcr_el1(12)
    return 1 << 31 | 1 << 23 | 2 << 16 | 3 << 12 | 1 << 10 | 1 << 8 | 64 - IPA_BITS


def vtcr_el2(granule: int) -> int:
    """VTCR_EL2 for them; 40-bit physical addresses."""
    tg0 = {12: 0, 14: 2, 16: 1}[granule]
    start = {12: 1, 14: 1, 16: 2}[granule]
    sl0 = 2 - start if granule == 12 else 3 - start
    return 1 << 31 | 2 << 16 | tg0 << 14 | 3 << 12 | 1 << 10 | 1 << 8 | sl0 << 6 | 64 - IPA_BITS


#: C and I are set in all: QEMU has no caches, and AT there reports what the descriptor has.
SCTLR_EL1_BASE = bits(2, 11, 12, 20, 22, 23, 28, 29) | bits(14, 15, 16, 18, 26)
SCTLR_EL2_BASE = bits(4, 5, 11, 16, 18, 22, 23, 28, 29)


@dataclass(frozen=True)
class Reg:
    """A register in programs. `base`: its value when a program begins; `free`: bits that programs change
    (0: they only read it); `choices`: values that make sense; `quiet`: the value read is not recorded.
    """

    name: str
    enc: int
    base: int = 0
    free: int = U64
    choices: tuple[int, ...] = ()
    quiet: bool = False


# ---------------------------------------------------------------------------- what is special

# An ASID or VMID says which tables it means, or a change of tables would need a TLBI (R_CWSTF).
_IDS = {12: 0, 14: 1, 16: 2}
_TTBRS = tuple(ROOTS[1, g] | (n | i) << 48 for n in (0, 0x100) for g, i in _IDS.items())
VTTBRS = tuple(ROOTS[2, g] | (n | i) << 48 for n in (4, 0x104) for g, i in _IDS.items())
_VBARS = (ABI["FUZZ_STUBS"], NOWHERE, 0, ABI["FUZZ_PAGES"], U64 & ~0x7FF)
_CVALS = (0, 1, U64, 1 << 62, 1 << 63)
_MAIR = 0x44FF04
_BREAK = tuple(ABI["FUZZ_CODE1"] + 4 * n for n in range(1, 8))
_WATCH = tuple(ABI["FUZZ_PAGES"] + 4096 * n + 8 for n in range(4))

#: name -> (base, free bits, choices). A name of EL1 is the register that L2 has.
SPECIAL: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "SCTLR_EL1": (
        SCTLR_EL1_BASE,
        bits((31, 0)) & ~bits(0, 2, 12, 25),
        (SCTLR_EL1_BASE | 1, SCTLR_EL1_BASE, SCTLR_EL1_BASE | 1),
    ),
    # Bits of FEAT_LPA2, MTE and later ones are left alone: above 58, and 41.
    "TCR_EL1": (
        tcr_el1(12),
        bits((5, 0), (14, 7), (31, 16), (40, 36), (58, 42)),
        (tcr_el1(14), tcr_el1(16), tcr_el1(12, True), tcr_el1(14, True), tcr_el1(16, True)),
    ),
    "TTBR0_EL1": (_TTBRS[0], 0, _TTBRS),
    "TTBR1_EL1": (0, 0, _TTBRS),
    "MAIR_EL1": (_MAIR, U64, ()),
    "VBAR_EL1": (_VBARS[0], 0, _VBARS),
    "CPACR_EL1": (3 << 20, bits((21, 20), 28), (0, 1 << 20)),
    # FEAT_ECV and later
    "CNTKCTL_EL1": (0x303, bits((9, 0)), ()),
    # SS, TDCC, KDE, MDE
    "MDSCR_EL1": (0, bits(0, 12, 13, 15), (1 << 13 | 1 << 15, 1, 1 << 15)),
    "DBGBVR0_EL1": (0, 0, _BREAK),
    "DBGBCR0_EL1": (0, bits(0, (2, 1), 13), (0x1E7, 0x1E5, 0x21E7)),
    "DBGWVR0_EL1": (0, 0, _WATCH),
    "DBGWCR0_EL1": (0, bits(0, (4, 1), 13), (0x1FFF, 0x1FF5, 0x1FEB)),
    "SPSR_EL1": (0x3C5, U64, ()),
    # VSE under TGE has no effect but for QEMU, which ends a WFI for it (WFI may end at any time): value_for().
    # A nonzero ELR or VBAR of EL2 with reserved bits is the executor's to break: not written at all.
    "HCR_EL2": (HCR_BASE, HCR_BITS, (HCR_BASE | HCR_TGE, HCR_BASE & ~HCR_VM, HCR_BASE | 1 << 42)),
    "CPTR_EL2": (0, 0, ()),  # by format of E2H: special_mode()
    "CNTHCTL_EL2": (0, 0, ()),
    "MDCR_EL2": (0, bits(5, (11, 8), 14, 17), ()),
    "HSTR_EL2": (0, U64, ()),
    "VTCR_EL2": (vtcr_el2(12), bits((15, 0), (18, 16), 19, (22, 21)), (vtcr_el2(14), vtcr_el2(16))),
    "VTTBR_EL2": (VTTBRS[0], bits((63, 50)), VTTBRS),
    "SCTLR_EL2": (SCTLR_EL2_BASE, bits((23, 1), (31, 26)), ()),
    "VPIDR_EL2": (0x410FD0F0, bits((31, 0)), ()),
    "VMPIDR_EL2": (0x80000000, U64, ()),
    "CNTVOFF_EL2": (0, 0, (0, 1, U64, 1 << 62, 1 << 63)),
    "CNTHV_CTL_EL2": (0, bits(1, 0), ()),
    "CNTHV_CVAL_EL2": (0, 0, _CVALS),
    "CNTV_CTL_EL0": (0, bits(1, 0), ()),
    "CNTV_CVAL_EL0": (0, 0, _CVALS),
    "CNTP_CTL_EL0": (0, bits(1, 0), ()),
    "CNTP_CVAL_EL0": (0, 0, _CVALS),
    # Not VGrp0DIE, for which QEMU looks at VENG1.
    "ICH_HCR_EL2": (0, U64 & ~bits(5), (1, 1, 0x4001)),
    # VFIQEn is RES1 with system registers; priorities have five bits, so that VBPR0 is 2 at least.
    "ICH_VMCR_EL2": (0xF84C_0008, U64, (0xF84C_000A, 0xF84C_000B)),
    # Not below the minimum: QEMU lets ICV_BPR1_EL1 have one less than ICH_VMCR_EL2, which L0 saves and restores.
    "ICC_BPR0_EL1": (2, 0, (2, 3, 5, 7)),
    "ICC_BPR1_EL1": (3, 0, (3, 4, 5, 7)),
    "ICC_PMR_EL1": (0xF8, bits((7, 3)), ()),
    "CSSELR_EL1": (0, bits((3, 0)), ()),
    # not where there is no memory: what answers there is IMPLEMENTATION DEFINED
    "VNCR_EL2": (
        ABI["FUZZ_VNCR"],
        0,
        (ABI["FUZZ_VNCR"], ABI["FUZZ_VNCR"], ABI["FUZZ_PAGES"] + ABI["FUZZ_VNCR_PAGE"] * 4096),
    ),
}
#: Pending and active, of group 0 and 1, edge, with and without a maintenance interrupt. Not HW: what it
#: names is EL2's own interrupt. Not NMI, which QEMU's GIC has and a guest of vel2 has not.
_LR_FREE = U64 & ~bits(59, 61)
for _n in range(4):
    SPECIAL[f"ICH_LR{_n}_EL2"] = (
        0,
        _LR_FREE,
        tuple(s << 62 | 1 << 60 | 34 + _n for s in (1, 2, 3)),
    )
for _g in "01":
    SPECIAL[f"ICH_AP{_g}R0_EL2"] = (0, bits((31, 0)), (1 << 20,))

#: Registers whose value is the machine's, the time's, or depends on features that a virtual CPU lacks.
_QUIET = (
    "CNTPCT",
    "CNTVCT",
    "CNTFRQ",
    "TVAL",
    "RNDR",
    "ID_",
    "ICC_CTLR",
    "ICC_SRE",
    "REVIDR",
    "AIDR",
    "IMPDEF",
)
#: UNKNOWN after an exception that does not set them; the executor records them where they are set.
_UNKNOWN = ("HPFAR_EL2", "FAR_EL2")
#: Not accessed at all: what ends or freezes the machine, is the executor's own, or debug state.
_NOT = (
    "RMR_EL2 CNTHP_TVAL_EL2 CNTHP_CTL_EL2 CNTHP_CVAL_EL2 VBAR_EL2 ICC_SRE_EL2 SP_EL2 "
    "HCRX_EL2 OSLAR_EL1 OSDLR_EL1 OSDTRRX_EL1 OSDTRTX_EL1 OSECCR_EL1 DBGDTR_EL0 DBGDTRRX_EL0 DBGPRCR_EL1 "
    "DBGCLAIMSET_EL1 DBGCLAIMCLR_EL1 IMPDEF ICC_SRE_EL1 MDCCSR_EL0 MDCCINT_EL1"
).split()
#: Read only, or written by the executor alone.
_READ_ONLY = (
    "RVBAR_EL2 ICH_VTR_EL2 ICH_MISR_EL2 ICH_EISR_EL2 ICH_ELRSR_EL2 CNTFRQ_EL0 ISR_EL1 CTR_EL0 DCZID_EL0 "
    "CLIDR_EL1 CCSIDR_EL1 CCSIDR2_EL1 MDRAR_EL1 OSLSR_EL1 DBGAUTHSTATUS_EL1 ICC_RPR_EL1"
).split()
#: What an exception to EL1, or an instruction of code below EL2, may have changed.
CHANGED_BELOW = "ESR_EL1 FAR_EL1 ELR_EL1 SPSR_EL1 PAR_EL1".split()
VGIC = ["ICH_HCR_EL2", "ICH_VMCR_EL2", "ICH_AP0R0_EL2", "ICH_AP1R0_EL2"] + [
    f"ICH_LR{n}_EL2" for n in range(4)
]


def special_mode(name: str, vhe: bool) -> tuple[int, int, tuple[int, ...]] | None:
    """SPECIAL, for what has another format with E2H."""
    if name == "CPTR_EL2":
        if vhe:
            return 3 << 20, bits((21, 20), 28, 31), (0, 1 << 20)
        return 0x33FF & ~(1 << 10), bits(10, 20, 31), ()
    if name == "TCR_EL2":  # but DS (FEAT_LPA2) and what came later
        return 0, SPECIAL["TCR_EL1"][1] if vhe else bits((31, 0)), ()
    if name == "CNTHCTL_EL2":
        return (0xC03, bits((11, 0)), ()) if vhe else (3, bits((7, 0)), ())
    if name == "HCR_EL2":
        base, free, choices = SPECIAL[name]
        e2h = HCR_E2H if vhe else 0
        return base | e2h, free, tuple(c | e2h for c in choices)
    return SPECIAL.get(name)


def _skip(name: str, row: Register) -> bool:
    if (
        name in _NOT
        or row.feat not in OFFERED
        or name.startswith(("PM", "AMC", "AME", "AMU", "ERX", "ERR", "TRC"))
    ):
        return True
    if name.startswith("ICH_LR") and name not in SPECIAL:
        return True
    # Only as many active priorities registers as five bits of priority need.
    if "AP0R" in name or "AP1R" in name:
        return "R0_" not in name or name.startswith("ICC")
    if name.startswith("DBG"):
        return not name.startswith(("DBGBVR0", "DBGBCR0", "DBGWVR0", "DBGWCR0", "DBGAUTH"))
    return False


def _reg(name: str, enc: int, of: str, vhe: bool) -> Reg:
    quiet = any(word in name for word in _QUIET) and name != "DCZID_EL0"
    quiet = quiet or of in _UNKNOWN
    special = special_mode(of, vhe)
    base, free, choices = special if special else (0, U64, ())
    if (
        of in _READ_ONLY
        or quiet
        or of.startswith(("ID", "MVFR", "IMPDEF"))
        or of in ("MIDR_EL1", "MPIDR_EL1")
    ):
        free, choices = 0, ()
    return Reg(name, enc, base, free, choices, quiet)


@dataclass(frozen=True)
class Pools:
    """Registers by where a program names them, each in the order of the table."""

    own: tuple[Reg, ...]  # at EL2, its own, by EL2 names
    guests: tuple[Reg, ...]  # at EL2, those of its guest, by EL12, EL02 or (nVHE) EL1 names
    plain: tuple[Reg, ...]  # at EL2 with E2H, by EL1 names
    below: tuple[Reg, ...]  # at EL1 or EL0
    absent: tuple[Reg, ...]  # at EL2 with E2H=0: EL12 and EL02 names, UNDEFINED
    aliases: tuple[Reg, ...]  # these names, for code that believes to be at EL2
    by_name: dict[str, Reg]  # of the first two
    quiet: frozenset[str]


#: What EL2's own translation depends on: as it is while its MMU is on.
REGIME_EL2 = frozenset(
    "SCTLR_EL2 TCR_EL2 TTBR0_EL2 TTBR1_EL2 MAIR_EL2 TCR_EL1 TTBR0_EL1 TTBR1_EL1 MAIR_EL1".split()
)
#: EL1 names by which code at EL2 with E2H=1 would change the executor's own regime or exceptions.
#: CNTKCTL_EL1: nothing makes it trap, and the CPU's register lacks bits of CNTHCTL_EL2 (README.md, Caveats).
_PLAIN_NOT = ("VBAR_EL1", "SCTLR_EL1", "CNTP_CTL_EL0", "CNTP_CVAL_EL0", "CNTKCTL_EL1")


@functools.lru_cache(maxsize=None)
def pools(vhe: bool) -> Pools:
    """The registers of programs for an EL2 with HCR_EL2.E2H = `vhe`."""
    tables = load()
    own: list[Reg] = []
    guests: list[Reg] = []
    plain: list[Reg] = []
    below: list[Reg] = []
    alias_of = {a.target: a for a in tables.aliases.values()}
    aliases = [_reg(a.name, a.enc, a.target, vhe) for a in alias_of.values()]
    absent = [] if vhe else aliases
    for name, row in tables.registers.items():
        if _skip(name, row):
            continue
        if row.op1 == 4:
            # CNTHV is there whatever E2H is, and programs use it.
            if name != "SP_EL1" and (vhe or row.feat != "VHE" or name.startswith("CNTHV")):
                own.append(_reg(name, row.enc, name, vhe))
            elif name == "SP_EL1":
                guests.append(_reg(name, row.enc, name, vhe))
            continue
        if row.op1 > 4:
            continue
        below.append(_reg(name, row.enc, name, vhe))
        alias = alias_of.get(name)
        if vhe and alias is not None:
            guests.append(_reg(alias.name, alias.enc, name, vhe))
            if name not in _PLAIN_NOT:
                peer = next((r.name for r in tables.registers.values() if r.peer == name), name)
                plain.append(_reg(name, row.enc, peer, vhe))
        elif name == "ICC_PMR_EL1":  # never below the watchdog's priority
            own.append(Reg(name, row.enc, 0xF8, bits((6, 4)), (0x80, 0xA0, 0xA8)))
        elif name.startswith("ICC_"):
            own.append(Reg(name, row.enc, 0, 0, (), quiet="CTLR" in name))
        else:
            guests.append(_reg(name, row.enc, name, vhe))
    own = [
        r
        for r in own
        if not r.name.startswith(("ICC_IAR", "ICC_EOIR", "ICC_DIR", "ICC_SGI", "ICC_ASGI"))
    ]
    every = {r.name: r for group in (own, guests) for r in group}
    groups = [tuple(group) for group in (own, guests, plain, below, absent, aliases)]
    quiet = frozenset(r.name for group in groups for r in group if r.quiet)
    return Pools(groups[0], groups[1], groups[2], groups[3], groups[4], groups[5], every, quiet)


@functools.lru_cache(maxsize=None)
def home(name: str, vhe: bool) -> str:
    """The name by which EL2 reaches the register that code below EL2 calls `name`."""
    for alias in load().aliases.values():
        if vhe and alias.target == name:
            return alias.name
    return name


def row_of(name: str) -> Register:
    """The table's row of a register by any of its names."""
    tables = load()
    alias: Alias | None = tables.aliases.get(name)
    return tables.registers[alias.target if alias else name]


__all__ = ["Reg", "Pools", "pools", "encoding", "home", "row_of"]
