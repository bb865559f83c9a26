# SPDX-License-Identifier: GPL-2.0-only
"""How bytes become the operations of a random program.

The decoder takes operations out of equally long chunks of bytes, so that removing a chunk removes an
operation and zeros mean the simplest: what Hypothesis needs to shrink well. A chunk is one operation, or a
scene: a few that belong together, because by themselves they would hardly ever meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from . import fuzzabi as a
from . import fuzztables
from .fuzzabi import ABI
from .fuzzprog import INSNS, LOADS, PACS, PAGES, SPI, SPI_FIRST, SPI_WORD, UNPRIVILEGED, Op
from .fuzzregs import (
    HCR_APK_API,
    HCR_BASE,
    HCR_DC,
    HCR_E2H,
    HCR_NV,
    HCR_NV1,
    HCR_NV2,
    HCR_TGE,
    HCR_VM,
    HCR_VSE,
    IPA_BITS,
    NOWHERE,
    REGIME_EL2,
    SPECIAL,
    U64,
    VTTBRS,
    Pools,
    Reg,
    bits as mask_of,
    pools,
    row_of,
    tcr_el2,
)

T = TypeVar("T")

#: Bytes of an operation.
CHUNK = 48
#: Methods of Decoder, and the share of each.
SCENES = {"stale": 6, "vmids": 3, "virtual_interrupt": 7, "nest": 5, "timer": 3, "interrupt": 3} | {
    "sign": 4,
    "a32": 1,
    "call": 1,
    "regime": 4,
    "poll": 2,
    "debug": 3,
}
MAX_BELOW = 14  # operations of one entry: each may have a result register of its own
EL1H, EL0T, A32 = 0x3C5, 0x3C0, 0x1D0
#: Programs end by these, or HVC's marker is L0's own.
_TAKEN = {ABI["FUZZ_IMM_END"], ABI["FUZZ_IMM_DONE"], 0x4E56, *range(0x700, 0x710)}

_AT = [n for n in INSNS if n.startswith("AT_")]
_AT_S1 = [n for n in _AT if not n.startswith("AT_S12")]
_TLBI = [n for n in INSNS if n.startswith("TLBI")]
_BELOW = [n for n in INSNS if INSNS[n] >> 11 & 7 != 4]
#: All of a VMID, or more.
_TLBI_ALL = ["TLBI_ALLE1", "TLBI_ALLE1IS", "TLBI_ALLE1OS"]
_TLBI_S12 = ["TLBI_VMALLS12E1", "TLBI_VMALLS12E1IS", "TLBI_VMALLS12E1OS"]
_TLBI_VMID = [*_TLBI_ALL, *_TLBI_S12]
_TLBI_S1 = ["TLBI_VMALLE1", "TLBI_VMALLE1IS", "TLBI_VMALLE1OS"]
_TLBI_EL2 = ["TLBI_ALLE2", "TLBI_ALLE2IS", "TLBI_ALLE2OS"]


def _tlbi(*stems: str) -> list[str]:
    return [n for n in _TLBI if n.startswith(tuple(f"TLBI_{stem}" for stem in stems))]


_TLBI_VA = _tlbi("VAE1", "VAAE1", "VALE1", "VAALE1")
_TLBI_IPA = _tlbi("IPAS2E1", "IPAS2LE1")
_TLBI_EL2_VA = _tlbi("VAE2", "VALE2")
_TLBI_ASID = _tlbi("ASIDE1")
#: By ranges of pages.
_TLBI_RVA = _tlbi("RVAE1", "RVAAE1", "RVALE1", "RVAALE1")
_TLBI_RIPA = _tlbi("RIPAS2E1", "RIPAS2LE1")
_TLBI_EL2_RVA = _tlbi("RVAE2", "RVALE2")
#: Maintenance, virtual, hypervisor's virtual, physical timer
_PPIS = (25, 27, 28, 30)
_SGIS = (5, 6)
_TIMERS = (("CNTV", "EL0", 27), ("CNTP", "EL0", 30), ("CNTHV", "EL2", 28))
#: GICD_<n>R of one bit an interrupt: set and clear enable, pending, active.
_GICD_BITS = (0x100, 0x180, 0x200, 0x280, 0x300, 0x380)
_GICR_READS = (0x100, 0x200, 0x300, 0x400, 0x418, 0xC00, 0xC04)
#: Keys of pointer authentication; the bits of SCTLR that enable them; TBI and TBID of TCR.
_KEYS = [f"AP{key}KEY{half}_EL1" for key in ("IA", "IB", "DA", "DB", "GA") for half in ("LO", "HI")]
_EN_KEYS, _TAGS, _TAGS_NVHE = mask_of(31, 30, 27, 13), mask_of(37, 38, 51, 52), mask_of(20, 29)
#: What code at EL1 does with a virtual interrupt, by group.
_ICC_IAR, _ICC_EOIR = ("ICC_IAR1_EL1", "ICC_IAR0_EL1"), ("ICC_EOIR1_EL1", "ICC_EOIR0_EL1")
_ICC_READS = ("ICC_RPR_EL1", "ICC_HPPIR1_EL1", "ICC_HPPIR0_EL1", "ISR_EL1", "ICC_PMR_EL1")
_ICC_WRITES = ("ICC_PMR_EL1", "ICC_BPR1_EL1", "ICC_BPR0_EL1", "ICC_CTLR_EL1", "ICC_IGRPEN1_EL1")
_ICH_READS = ("ICH_MISR_EL2", "ICH_EISR_EL2", "ICH_ELRSR_EL2", "ICH_VMCR_EL2", "ICH_AP1R0_EL2")
#: Functions of PSCI and SMCCC that change nothing, and numbers that are none.
_SMC_CALLS = (0x8400_0000, 0x8400_0006, 0xC400_0004, 0x8400_0004, 0x8400_00FF, 0)
#: At EL0 MRS reads bits 9:6 of CPSR UNKNOWN, and vEL2 has them clear under TGE: BIC R1, R1, #0x3c0 follows.
_A32_MRS_CPSR, _A32_BIC_EAIF = 0xE10F1000, 0xE3C11D0F
#: A32 at EL0: accesses of CP15 and CP14, WFE, WFI, SVC, BKPT, UDF, moves; most of them with R1.
_A32_WORDS = (
    (0xEE1D1F70, 0xEE0D1F50, 0xEE1D1F50, 0xEE1E1F32, 0xEE1E1F33, 0xEE1E1F31, 0xEE0E1F31)
    + (0xEE070F95, 0xEE070FBA, 0xEE070F9A, 0xEE111F10, 0xEE101F10, 0xEE101E10, 0xEE1E1F11)
    + (0xEE101E11, 0xEE111E10, 0xE320F002, 0xEF000005, 0xE1200071, 0xE7F000F1, 0xE3A01007)
    + (0xE1A02001, _A32_MRS_CPSR, 0xEE1B1F10, 0xEE1A1F10)
)
#: After a change of these, translations made under the old value may still be in a TLB.
_TRANSLATION = {"SCTLR_EL1", "TCR_EL1", "MAIR_EL1", "VTCR_EL2", "HCR_EL2", "TTBR1_EL1"}
#: Different tables under one VMID and ASID: then every change of tables ends all translations.
_REGIME = {"TCR_EL1", "VTCR_EL2", "HCR_EL2", "TTBR0_EL1", "TTBR1_EL1", "VTTBR_EL2"}
#: Traps of TLBIs: code at EL1 that is trapped ends no translation.
_TRAPS_TLBI = {"HCR_EL2", "HFGITR_EL2"}


class Bits:
    """Choices out of a number; when it is used up, every choice is the first."""

    def __init__(self, data: bytes):
        self.value = int.from_bytes(data, "big")
        self.left = 8 * len(data)

    def bits(self, n: int) -> int:
        """n bits from the front."""
        self.left -= n
        return self.value >> max(self.left, 0) & (1 << n) - 1 if self.left >= 0 else 0

    def below(self, n: int) -> int:
        """0 to n-1."""
        return self.bits(8 if n <= 64 else 12) % n

    def pick(self, items: Sequence[T]) -> T:
        """One of them."""
        return items[self.below(len(items))]


def value_for(reg: Reg, bits: Bits) -> int:
    """A value to write: its usual ones, bits of them changed, anything."""
    value = _any_value(reg, bits)
    if reg.name == "HCR_EL2" and value & HCR_TGE:
        value &= ~HCR_VSE
    if reg.name == "VTCR_EL2" and value >> 14 & 3 == 1 and value & 63 < 16:
        # More than 48 bits with 64K pages are FEAT_LPA's, which is not for a guest of vel2.
        value |= 16
    return value


def _any_value(reg: Reg, bits: Bits) -> int:
    style = bits.below(8)
    base = reg.choices[bits.below(len(reg.choices))] if reg.choices and style else reg.base
    if style < 2 or not reg.free:
        return base
    if style == 2:
        return base & ~reg.free
    if style == 3:
        return base | reg.free
    if style == 4:
        return base ^ (1 << bits.below(64)) & reg.free
    if style < 7:
        change = bits.bits(64) & bits.bits(64)
        return base ^ change & reg.free
    return base & ~reg.free | bits.bits(64) & reg.free


def _spsr(bits: Bits, below: bool) -> int:
    style = bits.below(8)
    base = (EL1H, EL0T, 0x3C4, EL1H)[bits.below(4)]
    if style < 3:
        return base
    if style == 3:  # software step, debug exceptions not masked
        return base & ~(1 << 9) | bits.below(2) << 21
    if style == 4:  # what may be set without a consequence: DAIF, NZCV, PAN, UAO, DIT, SSBS
        return base ^ bits.bits(32) & 0xF1C0_13C0
    if style == 5:
        return base ^ 1 << 20  # IL
    if style == 6:
        return base & ~0x1F | bits.below(16 if below else 32)  # A64 code is none for AArch32
    # not ALLINT: FEAT_NMI is not for a guest of vel2
    return base ^ bits.bits(32) & ~(0x2010 if below else 0x2000)


def _target(spsr: int) -> int:
    """Where ERET goes: code below EL2, or where EL2 itself goes on."""
    if spsr & 0x10:
        return ABI["FUZZ_STUB_A32"]
    return ABI["FUZZ_STUB_HVC"] if spsr & 0xC else 0


def _va(bits: Bits) -> int:
    style = bits.below(8)
    if style < 4:
        return bits.pick(PAGES) + 8
    if style == 4:
        return bits.pick(PAGES) + bits.bits(12)  # of any alignment, and over the end
    if style == 5:
        return bits.pick(fuzztables.WINDOWS) + 8 + 4096 * bits.below(16)
    if style == 6:
        # no address at which the machine has a device
        odd = (NOWHERE + 8, 1 << 40 | NOWHERE, 1 << 47, U64 & ~7, 1 << 55, ABI["FUZZ_STUBS"])
        return bits.pick(odd)
    return bits.pick(PAGES) + 8 * bits.below(3)


def _range(page: int, bits: Bits) -> int:
    """Operand of a TLBI by range: pages of 4 KiB, `page` (its number) among them."""
    return 1 << 46 | bits.below(4) << 39 | page - bits.below(2)


class Decoder:
    """Bytes -> operations."""

    def __init__(self, mode: str, scene: str = ""):
        self.scene = scene
        self.flips = mode == "any"
        self.vhe = mode != "nvhe"
        self.ops: list[Op] = []
        self.below: list[Op] = []
        self.written: set[str] = set()
        self.regime = False
        self.no_s12 = False
        self.mmu = self.upper = False  # of EL2; and its upper addresses
        self.mmu_below = self.tge = False  # SCTLR_EL1.M may be set, HCR_EL2.TGE is
        self.stage2 = True  # HCR_EL2.VM or DC
        self._names()

    def _names(self) -> None:
        """The registers as EL2 names them now."""
        self.pools: Pools = pools(self.vhe)
        self.all_below = self.pools.below
        self.usual_below = [r for r in self.pools.below if not r.quiet and r.free]
        self.guests = frozenset(r.name for r in self.pools.guests)
        self.usual_guests = [r for r in self.pools.guests if not r.quiet and r.free]

    def decode(self, chunks: Sequence[bytes]) -> list[Op]:
        """The program that these chunks are."""
        if chunks and chunks[0][-1] >= 0xF0 and not self.scene:
            return self._to_el1(chunks)
        for chunk in chunks:
            bits = Bits(chunk)
            kind = bits.below(109)
            if self.scene and 24 <= kind < 106:
                getattr(self, "_" + self.scene)(bits)
            elif kind < 30:
                self._add_below(self._below(kind, bits))
            elif kind < 64:
                self._el2(kind - 30, bits)
            else:
                self._scene(kind - 64, bits)
        self._flush()
        if any(op[0] == "edit" and op[2] & fuzztables.OA == NOWHERE for op in self.ops):
            # Of what is not there L0's stage 2 has no entry. Its fault comes before a watchpoint (README.md, Caveats), and
            # in QEMU before a fault for the alignment of PC.
            for ops in (self.ops, *(op[3] for op in self.ops if op[0] == "enter")):
                ops[:] = [op for op in ops if op[:2] != ["wr", "DBGWCR0_EL1"]]
                for op in (op for op in ops if op[0] == "call"):
                    op[1] &= ~3
        return self.ops

    @staticmethod
    def _misaligned(bits: Bits) -> int:
        return bits.below(8) // 7 * bits.below(4)

    def _add_below(self, op: Op) -> None:
        if len(self.below) < MAX_BELOW:
            self.below.append(op)

    def _flush(self) -> None:
        if self.below:
            self._enter(EL1H)

    def _enter(self, spsr: int) -> None:
        ops: list[Op] = [["enter", spsr, _target(spsr) if spsr & 0x18 else 0, self.below]]
        if spsr & 0x1F in (EL1H & 0x1F, 4, 0):
            ops[0][2] = 0
        self.mmu_below |= any(op[:2] == ["wr", "SCTLR_EL1"] for op in self.below)
        if not self.stage2 or self.tge and self.vhe and not self.mmu:  # as EL2's own, see _el2()
            for op in self.below:
                if op[0] in ("ld", "st", "sp"):
                    op[1 if op[0] == "sp" else 2] &= ~7
        self.ops += ops
        self.below = []

    # -- below EL2

    def _below(self, kind: int, bits: Bits) -> Op:
        if kind < 4:
            # EL2's names are UNDEFINED there, or L1's business under HCR_EL2.NV
            reg = bits.pick(self.usual_below if bits.below(8) < 7 else self.pools.own)
            return ["wr", reg.name, value_for(reg, bits)]
        if kind < 9:
            pool = (self.all_below, self.pools.own, self.usual_below)[min(bits.below(8), 2)]
            return ["rd", bits.pick(pool).name]
        if kind < 14:
            return ["ld", bits.below(6), _va(bits)]
        if kind < 18:
            window = bits.pick(fuzztables.WINDOWS) + 4096 * bits.below(16)
            page = bits.pick(PAGES) if bits.below(8) else window
            slot = ABI["FUZZ_PAGE_SLOTS"] + 8 * bits.below(ABI["FUZZ_NR_SLOTS"])
            return ["st", bits.below(6), page + slot, bits.bits(16)]
        if kind < 20:
            return ["call", bits.pick(PAGES) + self._misaligned(bits)]
        if kind < 23:
            return ["word", self._word(bits, True)]
        if kind == 23:
            return ["eret", _spsr(bits, True), bits.below(8) // 7]
        if kind < 25:
            return ["at", bits.pick([n for n in _AT if n in _BELOW]), _va(bits)]
        if kind < 28:
            return self._sys(bits, [n for n in _BELOW if n not in _AT])
        if kind == 28:
            return ["sp", _va(bits)] if bits.below(2) else ["fp", bits.bits(16)]
        return self._pac(bits)

    @staticmethod
    def _pac(bits: Bits) -> Op:
        """A pointer, with anything where a tag or a PAC may be, or in the upper half."""
        kind, page = bits.below(len(PACS)), bits.pick(PAGES) + bits.bits(8)
        above = (0, 0, 0xFFFF << 48, bits.bits(16) << 48, bits.bits(24) << 40)[bits.below(5)]
        return ["pac", kind, page | above]

    @staticmethod
    def _sys(bits: Bits, names: Sequence[str]) -> Op:
        name = bits.pick(names)
        if name.startswith(("DC", "IC")):
            operand = bits.pick(PAGES) if "SW" not in name else bits.bits(8) << 5
        elif name.startswith("TLBI"):
            operand = bits.pick(PAGES) >> 12 if bits.below(4) else bits.bits(64)
        else:
            operand = bits.bits(32)
        return ["sys", name, operand]

    @staticmethod
    def _word(bits: Bits, below: bool) -> int:
        imm = bits.bits(16) if bits.below(2) else bits.below(8)
        if imm in _TAKEN:
            imm = 0x100
        flags = imm & 0xF
        words = [
            a.hvc(imm),
            a.svc(imm),
            a.brk(imm),
            imm,  # UDF
            0xD5034_0DF | flags << 8,  # MSR DAIFSet
            0xD500_409F | (flags & 1) << 8,  # MSR PAN
            0xD500_407F | (flags & 1) << 8,  # MSR UAO
            a.mrs(0xC212, 17) if below else a.NOP,  # MRS CurrentEL; EL2 has `rd`
            a.WFE,
        ]
        words.append(0xD500_40BF | (flags & 1) << 8)  # MSR SPSel
        if below:
            words += [a.smc(imm), a.DAIFCLR | flags << 8, a.WFE if bits.below(4) else a.WFI]
        return bits.pick(words)

    # -- at EL2

    def _el2(self, kind: int, bits: Bits) -> None:
        if kind < 8:
            spsr = _spsr(bits, False)
            self._enter(spsr)
        elif kind < 15:
            reg = bits.pick(self.pools.own)
            self._write(reg, bits)
        elif kind < 19:
            self._write(bits.pick(self.usual_guests), bits)
        elif kind < 22:
            pool = self.pools.own if bits.below(2) else self.pools.guests
            self.ops.append(["rd", bits.pick(pool).name])
        elif kind < 23:
            pool = self.pools.plain or self.pools.absent
            reg = bits.pick(pool)
            if bits.below(2):
                self._write(reg, bits)
            else:
                self.ops.append(["rd", reg.name])
        elif kind < 24:
            # QEMU 10 has an assertion that fails when AT S12 meets a permission fault of stage 2.
            names = _AT_S1 if self.no_s12 else _AT
            self.ops.append(["at", bits.pick(names), _va(bits)])
        elif kind < 29:
            self._edit(bits)
        elif kind < 30:
            self.ops.append(self._sys(bits, [n for n in INSNS if n not in _AT]))
        elif kind < 31:
            self.ops.append(["word", self._word(bits, False)])
        elif kind < 32:
            # With the MMU off memory is Device and wants alignment; QEMU checks that only where no stage 2 follows.
            name = "ld" if bits.below(4) else "sp"
            self.ops.append([name, _va(bits) & (U64 if self.mmu else ~7)])
        elif kind < 33:
            self._own_regime(bits)
        else:
            self.ops.append(["ppi", bits.pick(_PPIS), 1 - bits.below(4) // 3])

    def _own_regime(self, bits: Bits) -> None:
        """EL2's MMU goes on, at some time; memory through it."""
        if not self.mmu:
            self.upper = self.vhe and not bits.below(3)
            self.ops.append(["mmu", 1] if self.upper else ["mmu"])
            self.mmu = True
            return
        kind = bits.below(8)
        high = U64 << IPA_BITS & U64 if self.upper and bits.below(2) else 0
        if kind < 2:
            self.ops.append(["at", bits.pick(["AT_S1E2R", "AT_S1E2W"]), _va(bits) ^ high])
        elif kind < 4:
            page = bits.pick(PAGES) + ABI["FUZZ_PAGE_SLOTS"] + 8 * bits.below(2)
            self.ops.append(["st", page | high, bits.bits(16), self._kind(bits)])
        elif kind < 6:
            self.ops.append(["ld", _va(bits) ^ high, self._kind(bits)])
        else:
            self.ops.append(["call", bits.pick(PAGES) + self._misaligned(bits) | high])

    def _kind(self, bits: Bits) -> int:
        """
        Of a load or store at EL2. Unprivileged ones of a vEL2 with E2H are those of EL1, TGE or not: nothing traps them,
        and only HCR_EL2.NV1, which stands for E2H=0, makes them privileged.
        """
        kind = bits.below(len(LOADS))
        return 0 if kind == UNPRIVILEGED and self.vhe and not self.tge else kind

    def _write(self, reg: Reg, bits: Bits) -> None:
        own = self.mmu and reg.name in REGIME_EL2 and reg.name not in self.guests
        if own or (not reg.free and not reg.choices):
            self.ops.append(["rd", reg.name])
            return
        self._set(reg.name, value_for(reg, bits), bits)

    def _set(self, name: str, value: int, bits: Bits) -> None:
        canonical = row_of(name).name
        # With TGE and E2H=0 SCTLR_EL1.M is treated as 0; QEMU 10 walks EL1's tables for EL0 all the same.
        if canonical == "HCR_EL2":
            if self.mmu_below and not self.vhe:
                value &= ~HCR_TGE
            self.tge = bool(value & HCR_TGE)
            self.stage2 = bool(value & (HCR_VM | HCR_DC))
        if canonical == "SCTLR_EL1":
            if self.tge and not self.vhe:
                value &= ~1
            self.mmu_below = bool(value & 1)
        self.ops.append(["wr", name, value])
        self.written.add(canonical)
        if canonical in _REGIME:
            self.regime = True
        if canonical in _TRANSLATION or (canonical in _REGIME and self.regime):
            self.ops.append(["sys", bits.pick(_TLBI_ALL), 0])

    def _edit(self, bits: Bits) -> None:
        stage = 2 - bits.below(2) if not self.mmu or bits.below(2) else 0
        granule = (12, 12, 12, 14, 16)[bits.below(5)] if stage else 12
        slot = bits.pick(fuzztables.SLOTS[stage, granule])
        value = self._descriptor(slot, bits)
        self.no_s12 |= stage == 2 and value >> 6 & 3 != 3
        leaf = slot.level == 3
        self.ops.append(["edit", slot.address, value, *self._tlbi(slot, bits)])

    def _tlbi(self, slot: fuzztables.Slot, bits: Bits) -> tuple[str, int]:
        """What ends all that a TLB may have of this descriptor."""
        page, leaf = slot.input >> 12, slot.level == 3
        if self.regime and slot.stage:
            return bits.pick(_TLBI_ALL), 0
        if self.upper and not slot.stage:  # it has two addresses
            return bits.pick(_TLBI_EL2), 0
        if not leaf or not bits.below(2):
            every = (_TLBI_EL2, _TLBI_S1 + _TLBI_VMID + _TLBI_ASID, _TLBI_VMID)
            return bits.pick(every[slot.stage]), 0
        if slot.granule == 12 and not bits.below(3):
            ranges = (_TLBI_EL2_RVA, _TLBI_RVA, _TLBI_RIPA)
            return bits.pick(ranges[slot.stage]), _range(page, bits)
        return bits.pick((_TLBI_EL2_VA, _TLBI_VA, _TLBI_IPA)[slot.stage]), page

    @staticmethod
    def _descriptor(slot: fuzztables.Slot, bits: Bits) -> int:
        style = bits.below(8)
        if style == 0:
            return 0
        value = slot.base
        if slot.level == 3 and style < 6:
            page = ABI["FUZZ_PAGES"] + (bits.below(16) * 4096 & ~((1 << slot.granule) - 1))
            value = value & ~fuzztables.OA | page
        if style < 3:
            return value
        # permissions, attributes, access flag; a table has its own
        attrs = (
            0x7F << 2 | 0x7 << 9 | 0xF << 51
            if slot.level == 3 or slot.base & 2 == 0
            else 0x1F << 59
        )
        attrs &= ~fuzztables.CONTIG & ~(1 << 9)
        if style < 6:
            return value ^ bits.bits(64) & bits.bits(64) & attrs
        if style == 6:  # not a table, where the output is no memory of the program's own
            return value ^ 1 << (bits.below(2) if value & fuzztables.OA >= PAGES[0] else 0)
        return value & ~fuzztables.OA | NOWHERE

    # -- scenes

    def _scene(self, kind: int, bits: Bits) -> None:
        names = [name for name, share in SCENES.items() for _ in range(share)]
        if kind < len(names):
            getattr(self, "_" + names[kind])(bits)
        elif self.flips and not self.mmu and not (self.tge and self.mmu_below and self.vhe):
            self._flush()
            self.vhe = not self.vhe
            self._names()
            self.ops.append(["e2h", int(self.vhe)])
        else:
            self._stale(bits)

    def _run_below(self, ops: list[Op], spsr: int = EL1H) -> None:
        self._flush()
        self.below = ops
        self._enter(spsr)

    @staticmethod
    def _access(bits: Bits, page: int) -> Op:
        kind = bits.below(4)
        if kind == 0:
            return ["call", page]
        if kind == 1:
            return ["st", bits.below(6), page + ABI["FUZZ_PAGE_SLOTS"], bits.bits(16)]
        return ["ld", bits.below(6), page + 8]

    def _guest(self, name: str) -> str:
        """A register of the guest, as EL2 names it."""
        return next(r.name for r in self.pools.guests if row_of(r.name).name == name)

    def _mmu_below(self, bits: Bits) -> None:
        """EL1's MMU goes on, mostly with tables that it can use: without its vectors EL1 ends by the watchdog."""
        if bits.below(4):
            for name in ("TCR_EL1", "TTBR0_EL1", "VBAR_EL1"):
                if name in self.written:
                    self._set(self._guest(name), SPECIAL[name][0], bits)
        self._set(self._guest("SCTLR_EL1"), SPECIAL["SCTLR_EL1"][2][0], bits)

    def _stale(self, bits: Bits) -> None:
        """An access, a changed descriptor and the TLBI for it, perhaps EL1's own; the access again."""
        stage, page = 2 - bits.below(2), bits.below(16)
        tables = stage == 2 and bits.below(8) == 7  # stage 1's own, in stage 2
        slot = next(
            s
            for s in fuzztables.SLOTS[stage, 12]
            if (s.input == fuzztables.TABLES if tables else s.input == PAGES[page] and s.level == 3)
        )
        if stage == 1 or tables or bits.below(2):
            self._mmu_below(bits)
        spsr = (EL1H, EL0T)[bits.below(4) // 3]
        self._run_below([self._access(bits, PAGES[page])], spsr)
        value = self._descriptor(slot, bits)
        self.no_s12 |= stage == 2 and value >> 6 & 3 != 3
        tlbi, operand = self._tlbi(slot, bits)
        own = stage == 1 and tlbi in _BELOW and not self.written & _TRAPS_TLBI
        again = [self._access(bits, PAGES[page]) for _ in range(2)]
        if own and bits.below(2):
            self.ops.append(["edit", slot.address, value, "", 0])
            self._run_below([["sys", tlbi, operand]] + again)
        else:
            self.ops.append(["edit", slot.address, value, tlbi, operand])
            self._run_below(again, spsr)

    def _vmids(self, bits: Bits) -> None:
        """Two VMIDs, one table: its change is one's business now and the other's later."""
        if self.regime:
            self._stale(bits)
            return
        page = PAGES[bits.below(16)]
        slot = next(s for s in fuzztables.SLOTS[2, 12] if s.input == page and s.level == 3)
        mine, other = VTTBRS[0], VTTBRS[len(VTTBRS) // 2]
        self.ops.append(["sys", "TLBI_ALLE1", 0])
        self._run_below([self._access(bits, page)])
        self.ops.append(["wr", "VTTBR_EL2", other])
        self._run_below([self._access(bits, page)])
        self.ops.append(["wr", "VTTBR_EL2", mine])
        value = self._descriptor(slot, bits)
        self.no_s12 |= value >> 6 & 3 != 3
        self.ops.append(["edit", slot.address, value, *self._tlbi(slot, bits)])
        self._run_below([self._access(bits, page)])
        self.ops.append(["wr", "VTTBR_EL2", other])
        self.ops.append(["sys", bits.pick(_TLBI_S12), 0])
        self._run_below([self._access(bits, page), self._access(bits, page)])
        self.ops += [["wr", "VTTBR_EL2", mine], ["sys", "TLBI_ALLE1", 0]]

    def _virtual_interrupt(self, bits: Bits) -> None:
        """A list register that means something, an interface that lets it through, code that handles it."""
        number, group = bits.below(4), int(bits.below(4) < 3)
        intid = (34 + number, 3, 1019, 8192)[bits.below(8) // 3]
        state, hw = (1, 1, 2, 3)[bits.below(4)], bits.below(4) == 3
        if hw and state == 3:
            state = 1  # for software's interrupts only (ICH_LR<n>_EL2.State)
        value = state << 62 | group << 60 | bits.below(32) << 51 | intid
        if hw:
            pintid = SPI + bits.below(8)
            value |= 1 << 61 | pintid << 32
            if bits.below(4):
                self.ops.append(["gicd", 0x300 + 4 * SPI_WORD, 1 << pintid - 32 * SPI_WORD])
        else:
            value |= bits.below(2) << 41
        self.ops.append(["wr", f"ICH_LR{number}_EL2", value])
        vmcr = (
            SPECIAL["ICH_VMCR_EL2"][0] | 3 | (bits.bits(2) << 4 | bits.bits(1) << 9) * bits.below(2)
        )
        self.ops.append(["wr", "ICH_VMCR_EL2", vmcr])
        hcr = (
            1
            | bits.bits(8) & bits.bits(8) & 0xDF
            | (1 << 10 + bits.below(5)) * (bits.below(4) // 3)
        )
        self.ops.append(["wr", "ICH_HCR_EL2", hcr])
        for _ in range(bits.below(3)):
            self._run_below(
                [self._handling(bits, 1 - group, intid) for _ in range(1 + bits.below(5))],
                EL1H & ~(bits.below(4) << 6),
            )
            self.ops.append(["rd", bits.pick(_ICH_READS)])
            self.ops.append(["rd", f"ICH_LR{number}_EL2"])

    @staticmethod
    def _handling(bits: Bits, group: int, intid: int) -> Op:
        kind = bits.below(8)
        if kind < 2:
            return ["rd", _ICC_IAR[group]]
        if kind < 4:
            return ["wr", _ICC_EOIR[group], intid]
        if kind == 4:
            return ["wr", "ICC_DIR_EL1", intid]
        if kind == 5:
            return ["rd", bits.pick(_ICC_READS)]
        if kind == 6:
            name = bits.pick(_ICC_WRITES)
            return ["wr", name, 3 + bits.below(5) if "BPR" in name else bits.bits(8)]
        return ["word", a.DAIFCLR | 3 << 8]

    def _nest(self, bits: Bits) -> None:
        """FEAT_NV, and FEAT_NV2: code at EL1 that believes to be at EL2."""
        hcr = HCR_BASE | HCR_NV | (HCR_E2H if self.vhe else 0)
        hcr |= (HCR_NV2, HCR_NV2, HCR_NV2 | HCR_NV1, HCR_NV1, 0)[bits.below(5)]
        if not bits.below(4):
            hcr |= 1 << bits.pick((44, 26, 30, 25, 20, 18))
        self.ops.append(["wr", "VNCR_EL2", bits.pick(SPECIAL["VNCR_EL2"][2])])
        self._set("HCR_EL2", hcr, bits)
        self._run_below([self._as_if_el2(bits) for _ in range(2 + bits.below(6))])

    def _as_if_el2(self, bits: Bits) -> Op:
        kind = bits.below(10)
        if kind < 6:
            pool = (self.pools.own, self.pools.own, self.pools.aliases)[kind % 3]
            reg = bits.pick(pool)
            if kind < 3 or not (reg.free or reg.choices):
                return ["rd", reg.name]
            return ["wr", reg.name, value_for(reg, bits)]
        if kind < 8:
            reg = bits.pick(self.usual_below)
            return ["rd", reg.name] if kind == 6 else ["wr", reg.name, value_for(reg, bits)]
        if kind == 8:
            return ["eret", _spsr(bits, True), bits.below(8) // 7]
        return (
            self._sys(bits, [n for n in INSNS if n not in _AT])
            if bits.below(2)
            else [
                "word",
                a.mrs(0xC212, 17),
            ]
        )

    def _sign(self, bits: Bits) -> None:
        """Pointer authentication: keys, what enables and what traps them, what a PAC covers; at every level."""
        for _ in range(1 + bits.below(3)):
            self.ops.append(["wr", bits.pick(_KEYS), bits.bits(64)])
        style = bits.below(8)
        if style < 3:
            base = SPECIAL["SCTLR_EL1"][0] | bits.below(2)
            self._set(self._guest("SCTLR_EL1"), base | self._some(_EN_KEYS, bits), bits)
        if style in (2, 3):
            usual = SPECIAL["TCR_EL1"]
            tcr = bits.pick((usual[0], *usual[2])) | self._some(_TAGS, bits)
            size = 0 if self.mmu_below and bits.below(4) else bits.bits(6) * bits.below(2)
            self._set(self._guest("TCR_EL1"), tcr ^ size, bits)
        if style in (4, 5) and not self.mmu:
            base = self.pools.by_name["SCTLR_EL2"].base
            self._set("SCTLR_EL2", base | self._some(_EN_KEYS, bits), bits)
        if style == 5 and not self.mmu:
            tags = _TAGS if self.vhe else _TAGS_NVHE
            self._set("TCR_EL2", tcr_el2(self.vhe) | self._some(tags, bits), bits)
        if style == 6:
            hcr = HCR_BASE & ~self._some(HCR_APK_API, bits) | (HCR_E2H if self.vhe else 0)
            self._set("HCR_EL2", hcr | HCR_TGE * (bits.below(4) // 3), bits)
        self._flush()
        self.ops += [self._pac(bits) for _ in range(bits.below(3))]
        below = [self._sign_below(bits) for _ in range(1 + bits.below(5))]
        self._run_below(below, (EL1H, EL0T)[bits.below(4) // 3])
        self.ops += [self._pac(bits) for _ in range(bits.below(2))]

    @staticmethod
    def _some(mask: int, bits: Bits) -> int:
        return mask if bits.below(2) else mask & bits.bits(64)

    def _sign_below(self, bits: Bits) -> Op:
        kind = bits.below(8)
        if kind == 0:
            return ["rd", bits.pick(_KEYS)]
        if kind == 1:
            return ["wr", bits.pick(_KEYS), bits.bits(64)]
        if kind == 2:
            return ["eret", EL1H, 1]
        return self._pac(bits)

    def _timer(self, bits: Bits) -> None:
        """A timer that has expired, or never will; its interrupt; who sees it."""
        name, level, intid = bits.pick(_TIMERS)
        cval, ctl = (f"{name}_{what}_{level}" for what in ("CVAL", "CTL"))
        if level == "EL0":
            cval, ctl = self._guest(cval), self._guest(ctl)
        self.ops.append(["ppi", intid, 1])
        if bits.below(4):
            self.ops.append(["wr", cval, (0, 1, U64, 1 << 62, 1 << 63)[bits.below(5)]])
        else:  # the time until then, signed: now, or later than any watchdog
            tval = (0, 0x7FFF_FFFF, 0xFFFF_FFFF, 0xFFFF_0000)[bits.below(4)]
            self.ops.append(["wr", cval.replace("CVAL", "TVAL"), tval])
        self.ops.append(["wr", ctl, (1, 1, 1, 3)[bits.below(4)]])
        self._see(bits)

    def _interrupt(self, bits: Bits) -> None:
        """An interrupt of the distributor, or a software-generated one."""
        style = bits.below(8)
        if style == 0:
            self.ops.append(["sgi", bits.pick(_SGIS)])
        elif style < 6:
            one = 1 << SPI_FIRST + bits.below(8)
            for _ in range(1 + bits.below(3)):
                self.ops.append(["gicd", bits.pick(_GICD_BITS) + 4 * SPI_WORD, one])
        elif style == 6:
            value = bits.bits(32) & 0xF8F8F8F8
            self.ops.append(["gicd", 0x400 + SPI + 4 * bits.below(2), value])
        else:
            self.ops.append(["gicr", bits.pick(_GICR_READS)])
        self._see(bits)

    def _see(self, bits: Bits) -> None:
        if bits.below(2):
            self.ops.append(["rd", "ISR_EL1"])
        if bits.below(2):
            self.ops.append(["unmask"])

    def _regime(self, bits: Bits) -> None:
        """EL2's own translation: a descriptor changes between two accesses; what EL2 may do elsewhere."""
        self._flush()
        self._own_regime(bits)
        self._own_regime(bits)
        if bits.below(2):
            slot = bits.pick(fuzztables.SLOTS[0, 12])
            value = self._descriptor(slot, bits)
            self.ops.append(["edit", slot.address, value, *self._tlbi(slot, bits)])
        else:
            self.ops.append(["fp", bits.bits(16)])
        self._own_regime(bits)

    def _poll(self, bits: Bits) -> None:
        """EL2 acknowledges by itself what is pending, if its priority mask lets it."""
        for _ in range(1 + bits.below(2)):
            one = 1 << SPI_FIRST + bits.below(8)
            self.ops.append(["gicd", 0x100 + 4 * SPI_WORD, one])
            self.ops.append(["gicd", 0x200 + 4 * SPI_WORD, one])
        if bits.below(2):
            value = bits.bits(32) & 0xF8F8F8F8
            self.ops.append(["gicd", 0x400 + SPI + 4 * bits.below(2), value])
        if bits.below(2):
            self._write(self.pools.by_name["ICC_PMR_EL1"], bits)
        self.ops.append(["rd", bits.pick(("ICC_HPPIR1_EL1", "ICC_RPR_EL1", "ISR_EL1"))])
        self.ops += [["ack", int(bits.below(8) < 7)] for _ in range(1 + bits.below(3))]

    def _debug(self, bits: Bits) -> None:
        """A breakpoint, a watchpoint or a software step in code below, which EL1 takes, or EL2."""
        self._flush()
        page = bits.pick(PAGES)
        kind = bits.below(4)
        if kind != 1:
            breakpoint_at = ABI["FUZZ_CODE1"] + 4 * bits.below(16)
            self.ops.append(["wr", "DBGBVR0_EL1", breakpoint_at])
            self._write(self.pools.by_name["DBGBCR0_EL1"], bits)
        if kind != 0:
            self.ops.append(["wr", "DBGWVR0_EL1", page + 8])
            self._write(self.pools.by_name["DBGWCR0_EL1"], bits)
        self.ops.append(["wr", "MDSCR_EL1", bits.pick((5 << 13, 5 << 13, 1 << 15, 1))])
        if not bits.below(3):
            self.ops.append(["wr", "MDCR_EL2", bits.below(2) << 8])
        spsr = (EL1H, EL0T)[bits.below(3) // 2] & ~(bits.below(4) // 3 - 1 & 1 << 9)
        ops = [self._access(bits, page) for _ in range(1 + bits.below(3))]
        self._run_below(ops, spsr | bits.below(4) // 3 << 21)

    def _a32(self, bits: Bits) -> None:
        self._flush()
        words = [bits.pick(_A32_WORDS) for _ in range(1 + bits.below(5))]
        if "HCR_EL2" in self.written:
            # TGE implies MDCR_EL2.TDA, which would trap vEL2 itself: CP14 is let through there
            words = [word for word in words if word >> 8 & 15 != 14]
        for i in reversed([i for i, word in enumerate(words) if word == _A32_MRS_CPSR]):
            words.insert(i + 1, _A32_BIC_EAIF)
        self.ops.append(["enter32", A32 & ~(bits.below(4) << 6), words])

    def _call(self, bits: Bits) -> None:
        self.ops.append(["smc", bits.pick(_SMC_CALLS), bits.bits(8)])

    # -- physical interrupts that are EL1's

    def _to_el1(self, chunks: Sequence[bytes]) -> list[Op]:
        """
        A program with {IMO,FMO} of HCR_EL2 clear (one alone is not kept apart: README.md, Caveats). The watchdog is EL1's then, too: nothing here lets code
        at EL1 lose its vectors or write to what is the executor's own CPU interface. EL2 takes no interrupts.
        """
        routed = (mask_of(3, 4, 5), mask_of(3, 4))[chunks[0][-1] % 2]
        hcr = HCR_BASE & ~routed | (HCR_E2H if self.vhe else 0)
        self.ops += [["wr", "HCR_EL2", hcr], ["sys", "TLBI_ALLE1", 0]]
        self.regime = True
        for chunk in chunks:
            bits = Bits(chunk)
            kind = bits.below(8)
            if kind < 2:
                self._timer(bits)
            elif kind < 4:
                self._interrupt(bits)
            elif kind == 4:
                self._edit(bits)
            else:
                ops = [self._at_el1(bits) for _ in range(1 + bits.below(5))]
                self._run_below(ops, (EL1H, EL0T)[bits.below(4) // 3] & ~(bits.below(4) << 6))
        self.ops = [op for op in self.ops if op[0] != "unmask"]
        return self.ops

    def _at_el1(self, bits: Bits) -> Op:
        kind = bits.below(8)
        if kind < 2:
            return ["word", a.DAIFCLR | 3 << 8]
        if kind < 4:
            return ["rd", bits.pick(("ISR_EL1", "ICC_RPR_EL1", "ICC_HPPIR1_EL1", "ICC_PMR_EL1"))]
        if kind < 6:
            name = bits.pick(("CNTV_CTL_EL0", "CNTP_CTL_EL0", "CNTV_CVAL_EL0", "CNTP_CVAL_EL0"))
            # Never to lower a line: L0 may have given the interrupt to EL1 already, to be a spurious one.
            return ["wr", name, 1] if bits.below(2) else ["rd", name]
        return ["word", a.WFE] if kind == 6 else self._access(bits, bits.pick(PAGES))


def decode(chunks: Sequence[bytes], mode: str, scene: str = "") -> list[Op]:
    """The operations that bytes stand for, in a program for an L1 in this mode; of one scene mostly."""
    return Decoder(mode, scene).decode(chunks)
