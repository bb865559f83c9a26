# SPDX-License-Identifier: GPL-2.0-only
"""A random program: operations, how bytes become operations, how operations become machine code.

An operation is a list [name, argument...] of strings, integers and (for `enter`) operations, so that a
program is JSON. At EL2: wr REG VALUE; rd REG; enter SPSR ELR OPS; at INSN VA; sys INSN OPERAND;
edit ADDRESS VALUE TLBI OPERAND; ld ADDRESS; st ADDRESS VALUE; word WORD; mmu; ppi INTID ON. Below EL2: wr, rd, at, sys, word,
ld KIND VA; st KIND VA VALUE; call VA; eret SPSR; fp VALUE; pac KIND VALUE.

The decoder takes operations out of equally long chunks of bytes, one each, so that removing a chunk
removes an operation and zeros mean the simplest: what Hypothesis needs to shrink well.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from . import fuzzabi as a
from . import fuzztables
from .fuzzabi import ABI
from .fuzzregs import (
    CHANGED_BELOW,
    HCR_TGE,
    HCR_VSE,
    NOWHERE,
    OFFERED,
    REGIME_EL2,
    ROOTS,
    SPECIAL,
    U64,
    VGIC,
)
from .fuzzregs import Pools, Reg, home, pools, row_of, tcr_el2
from .tables import load

Op = list[Any]
T = TypeVar("T")

#: Bytes of an operation.
CHUNK = 32
MAX_BELOW = 14  # operations of one entry: each may have a result register of its own
EL2H, EL1H, EL0T = 0x3C9, 0x3C5, 0x3C0
PAGES = [ABI["FUZZ_PAGES"] + i * 4096 for i in range(ABI["FUZZ_NR_PAGES"])]
#: Programs end by these, or HVC's marker is L0's own.
_TAKEN = {ABI["FUZZ_IMM_END"], ABI["FUZZ_IMM_DONE"], 0x4E56, *range(0x700, 0x710)}

_INSNS = {
    i.name: i.enc
    for i in load().instructions.values()
    if i.feat in OFFERED and i.kind in ("AT", "CACHE", "OTHER") or i.kind.startswith("TLBI")
    # In QEMU these two are loads, but for memory that is not there: no abort (IMPLEMENTATION DEFINED)
    if i.feat in OFFERED and i.name not in ("DC_CVAP", "DC_CVADP")
}
_AT = [n for n in _INSNS if n.startswith("AT_")]
_AT_S1 = [n for n in _AT if not n.startswith("AT_S12")]
_TLBI = [n for n in _INSNS if n.startswith("TLBI")]
_CACHE = [n for n in _INSNS if n.startswith(("IC_", "DC_", "CFP", "DVP", "CPP"))]
_BELOW = [n for n in _INSNS if _INSNS[n] >> 11 & 7 != 4]
#: All of a VMID, or more.
_TLBI_ALL = ["TLBI_ALLE1", "TLBI_ALLE1IS", "TLBI_ALLE1OS"]
_TLBI_VMID = [*_TLBI_ALL, "TLBI_VMALLS12E1", "TLBI_VMALLS12E1IS", "TLBI_VMALLS12E1OS"]
_TLBI_S1 = ["TLBI_VMALLE1", "TLBI_VMALLE1IS", "TLBI_VMALLE1OS"]
_TLBI_VA = [
    n for n in _TLBI if n.startswith(("TLBI_VAE1", "TLBI_VAAE1", "TLBI_VALE1", "TLBI_VAALE1"))
]
_TLBI_IPA = [n for n in _TLBI if n.startswith(("TLBI_IPAS2E1", "TLBI_IPAS2LE1"))]
_TLBI_EL2 = ["TLBI_ALLE2", "TLBI_ALLE2IS", "TLBI_ALLE2OS"]
_TLBI_EL2_VA = [n for n in _TLBI if n.startswith(("TLBI_VAE2", "TLBI_VALE2"))]
#: Maintenance, virtual, hypervisor's virtual, physical timer
_PPIS = (25, 27, 28, 30)
_GICR_ISENABLER, _GICR_ICENABLER = 0x080B_0100, 0x080B_0180
#: After a change of these, translations made under the old value may still be in a TLB.
_TRANSLATION = {"SCTLR_EL1", "TCR_EL1", "MAIR_EL1", "VTCR_EL2", "HCR_EL2", "TTBR1_EL1"}
#: Different tables under one VMID and ASID: then every change of tables ends all translations.
_REGIME = {"TCR_EL1", "VTCR_EL2", "HCR_EL2", "TTBR0_EL1", "TTBR1_EL1", "VTTBR_EL2"}


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
    if style < 5:
        return bits.pick(PAGES) + 8
    if style == 5:
        return bits.pick(fuzztables.BLOCKS) + 8 + 4096 * bits.below(16)
    if style == 6:
        # no address at which the machine has a device
        odd = (NOWHERE + 8, 1 << 40 | NOWHERE, 1 << 47, U64 & ~7, 1 << 55, ABI["FUZZ_STUBS"])
        return bits.pick(odd)
    return bits.pick(PAGES) + 8 * bits.below(3)


class Decoder:
    """Bytes -> operations."""

    def __init__(self, vhe: bool):
        self.vhe = vhe
        self.pools: Pools = pools(vhe)
        self.ops: list[Op] = []
        self.below: list[Op] = []
        self.regime = False
        self.no_s12 = False
        self.mmu = False  # of EL2
        usual = [r for r in self.pools.below if not r.quiet and r.free]
        self.usual_below, self.all_below = usual, self.pools.below
        self.guests = frozenset(r.name for r in self.pools.guests)
        self.usual_guests = [r for r in self.pools.guests if not r.quiet and r.free]

    def decode(self, chunks: Sequence[bytes]) -> list[Op]:
        """The program that these chunks are."""
        for chunk in chunks:
            bits = Bits(chunk)
            kind = bits.below(64)
            if kind < 30:
                if len(self.below) < MAX_BELOW:
                    self.below.append(self._below(kind, bits))
            else:
                self._el2(kind - 30, bits)
        if self.below:
            self._enter(EL1H)
        return self.ops

    def _enter(self, spsr: int) -> None:
        ops: list[Op] = [["enter", spsr, _target(spsr) if spsr & 0x18 else 0, self.below]]
        if spsr & 0x1F in (EL1H & 0x1F, 4, 0):
            ops[0][2] = 0
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
            page = (
                bits.pick(PAGES)
                if bits.below(8)
                else bits.pick(fuzztables.BLOCKS) + 4096 * bits.below(16)
            )
            slot = ABI["FUZZ_PAGE_SLOTS"] + 8 * bits.below(ABI["FUZZ_NR_SLOTS"])
            return ["st", bits.below(6), page + slot, bits.bits(16)]
        if kind < 20:
            return ["call", bits.pick(PAGES)]
        if kind < 23:
            return ["word", self._word(bits, True)]
        if kind == 23:
            return ["eret", _spsr(bits, True)]
        if kind < 25:
            return ["at", bits.pick([n for n in _AT if n in _BELOW]), _va(bits)]
        if kind < 28:
            return self._sys(bits, [n for n in _BELOW if n not in _AT])
        if kind == 28:
            return ["fp", bits.bits(16)]
        return ["pac", bits.below(6), bits.pick(PAGES) + bits.bits(8)]

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
        if below:
            words += [
                a.smc(imm),
                0xD503_40FF | flags << 8,  # MSR DAIFClr
                0xD500_40BF | (flags & 1) << 8,  # MSR SPSel
                a.WFE if bits.below(4) else a.WFI,
            ]
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
            self.ops.append(self._sys(bits, [n for n in _INSNS if n not in _AT]))
        elif kind < 31:
            self.ops.append(["word", self._word(bits, False)])
        elif kind < 32:
            self.ops.append(["ld", _va(bits)])
        elif kind < 33:
            self._own_regime(bits)
        else:
            self.ops.append(["ppi", bits.pick(_PPIS), 1 - bits.below(4) // 3])

    def _own_regime(self, bits: Bits) -> None:
        """EL2's MMU goes on, at some time; memory through it."""
        if not self.mmu:
            self.ops.append(["mmu"])
            self.mmu = True
        elif bits.below(2):
            self.ops.append(["at", bits.pick(["AT_S1E2R", "AT_S1E2W"]), _va(bits)])
        else:
            page = bits.pick(PAGES) + ABI["FUZZ_PAGE_SLOTS"] + 8 * bits.below(2)
            self.ops.append(["st", page, bits.bits(16)])

    def _write(self, reg: Reg, bits: Bits) -> None:
        own = self.mmu and reg.name in REGIME_EL2 and reg.name not in self.guests
        if own or (not reg.free and not reg.choices):
            self.ops.append(["rd", reg.name])
            return
        self.ops.append(["wr", reg.name, value_for(reg, bits)])
        canonical = row_of(reg.name).name
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
        if not stage:
            tlbi = bits.pick(_TLBI_EL2_VA if leaf and bits.below(2) else _TLBI_EL2)
            operand = slot.input >> 12
        elif self.regime:
            tlbi, operand = bits.pick(_TLBI_ALL), 0
        elif stage == 2 and leaf and bits.below(2):
            tlbi, operand = bits.pick(_TLBI_IPA), slot.input >> 12
        elif stage == 2:
            tlbi, operand = bits.pick(_TLBI_VMID), 0
        elif leaf and bits.below(2):
            tlbi, operand = bits.pick(_TLBI_VA), slot.input >> 12
        else:
            tlbi, operand = bits.pick(_TLBI_S1 + _TLBI_VMID), 0
        self.ops.append(["edit", slot.address, value, tlbi, operand])

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
        if style == 6:
            return value ^ 1 << bits.below(2)
        return value & ~fuzztables.OA | NOWHERE


# ---------------------------------------------------------------------------- machine code


@dataclass
class Code:
    """A program as the guest takes it, and what its records mean."""

    words2: list[int] = field(default_factory=list)
    words1: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    after: list[tuple[int, int]] = field(default_factory=list)
    #: Index of an operation (its place in a walk of the program) -> register whose value is recorded.
    reads: dict[int, str] = field(default_factory=dict)
    #: `enter` by its order -> {result register: register read}
    results: list[dict[int, str]] = field(default_factory=list)
    #: Address of code -> index of the operation.
    at: list[tuple[int, int]] = field(default_factory=list)

    def pack(self) -> bytes:
        """FUZZ_HEADER and what follows."""
        words = self.words2 + self.words1 + self.end
        if len(words) % 2:
            words.append(0)
        size = ABI["FUZZ_HEADER"] + 4 * len(words) + 16 * len(self.after)
        head = [size, len(self.words2), len(self.words1), len(self.end), 0, len(self.after)]
        pairs = [n for pair in self.after for n in pair]
        return struct.pack(f"<6I{len(words)}I{len(pairs)}Q", *head, *words, *pairs)


_AT_PAR = 0xC3A0  # PAR_EL1
_ELR_EL2, _SPSR_EL2 = 0xE201, 0xE200
_ELR_EL1, _SPSR_EL1 = 0xC201, 0xC200
#: Loads and stores by kind: 64, 32, 8 bits, unprivileged, pair, exclusive; [x16]
_LOADS = (0xF9400200, 0xB9400200, 0x39400200, 0xF8400A00, 0xA9404600, 0xC85F7E00)
_STORES = (0xF9000211, 0xB9000211, 0x39000211, 0xF8000A11, 0xA9004611, 0xF8310211)
#: PACIA, AUTIA, PACDB, AUTDB, XPACI Xd (, X16); PACGA Xd, X16, X16
_PACS = (0xDAC10200, 0xDAC11200, 0xDAC10E00, 0xDAC11E00, 0xDAC143E0, 0x9AD03200)


class Assembler:
    """Operations -> Code."""

    def __init__(self, vhe: bool):
        self.vhe = vhe
        self.pools = pools(vhe)
        self.code = Code()
        self.touched: dict[str, int] = {}
        self.mmu = False
        self.ppis: set[int] = set()
        self.index = 0

    def assemble(self, ops: Sequence[Op]) -> Code:
        """Machine code of a program, with the end that puts everything back."""
        code = self.code
        for op in ops:
            self._mark(ABI["FUZZ_CODE2"], code.words2)
            getattr(self, "_" + op[0])(*op[1:])
            self.index += 1
        code.words2.append(a.hvc(ABI["FUZZ_IMM_END"]))
        if self.mmu:  # before anything that it depends on
            self.touched = {"SCTLR_EL2": self.pools.by_name["SCTLR_EL2"].base, **self.touched}
        for intid in sorted(self.ppis):
            code.end += self._store32(_GICR_ICENABLER, 1 << intid)
        for name, value in self.touched.items():
            code.end += a.mov(16, value) + [a.msr(self._enc(name), 16)]
            if name == "SCTLR_EL2":
                code.end.append(a.ISB)
        code.end += [a.DSB_SY, a.msr(_INSNS["TLBI_ALLE1"], 31), a.DSB_SY, a.ISB]
        if self.mmu:
            code.end += [a.msr(_INSNS["TLBI_ALLE2"], 31), a.DSB_SY, a.ISB]
        code.end.append(a.hvc(ABI["FUZZ_IMM_END"]))
        return code

    def base(self) -> Code:
        """A program that gives every register the value that programs start from."""
        for reg in (*self.pools.own, *self.pools.guests):
            if (reg.free or reg.choices) and reg.name not in ("ELR_EL2", "SPSR_EL2"):
                self.touched[reg.name] = reg.base
        return self.assemble([])

    def _mark(self, base: int, words: list[int]) -> None:
        self.code.at.append((base + 4 * len(words), self.index))

    @staticmethod
    def _enc(name: str) -> int:
        tables = load()
        alias = tables.aliases.get(name)
        return alias.enc if alias else tables.registers[name].enc

    def _touch(self, *names: str) -> None:
        for name in names:
            where = home(name, self.vhe)
            reg = self.pools.by_name.get(where)
            changes = reg is not None and (reg.free or reg.choices)
            if reg is not None and changes and name not in ("ELR_EL2", "SPSR_EL2"):
                self.touched[where] = reg.base

    # -- at EL2

    def _wr(self, name: str, value: int) -> None:
        self.code.words2 += a.mov(16, value) + [a.msr(self._enc(name), 16), a.ISB]
        row = row_of(name)
        peer = None
        if self.vhe and name == row.name and row.op1 != 4:  # EL1's name of EL2's own register
            peer = next((r.name for r in load().registers.values() if r.peer == name), None)
        if peer and peer in self.pools.by_name:
            self._touch(peer)
        else:
            self._touch(row.name)

    def _log(self, reg: int) -> None:
        tag = ABI["FUZZ_REC_VALUE"] << 56 | self.index << 32 | 1
        self.code.words2 += a.mov(17, tag) + [a.log_pair(17, reg)]

    def _rd(self, name: str) -> None:
        self.code.words2 += [*a.mov(16, 0x5A5A), a.mrs(self._enc(name), 16)]
        if name not in self.pools.quiet:
            self._log(16)
            self.code.reads[self.index] = name

    def _at(self, name: str, va: int) -> None:
        self.code.words2 += a.mov(16, va)
        self.code.words2 += [a.msr(_INSNS[name], 16), a.ISB, a.mrs(_AT_PAR, 16)]
        self._log(16)
        self._touch("PAR_EL1")

    def _sys(self, name: str, operand: int) -> None:
        self.code.words2 += a.mov(16, operand)
        self.code.words2 += [a.DSB_SY, a.msr(_INSNS[name], 16), a.DSB_SY, a.ISB]

    def _edit(self, address: int, value: int, tlbi: str, operand: int) -> None:
        words = self.code.words2
        words += a.mov(16, address) + a.mov(17, value) + [a.str_(17, 16)]
        words += a.mov(16, operand) + [a.DSB_SY, a.msr(_INSNS[tlbi], 16), a.DSB_SY]
        if tlbi.startswith("TLBI_IPA"):
            # stage 1 and 2 may be one entry, which only this ends (R_VLJYR)
            words += [a.msr(_INSNS["TLBI_VMALLE1"], 31), a.DSB_SY]
        words.append(a.ISB)
        self.code.after.append((address, fuzztables.BASE[address]))

    def _ld(self, address: int) -> None:
        self.code.words2 += a.mov(16, address) + [a.ldr(16, 16)]
        self._log(16)

    def _st(self, address: int, value: int) -> None:
        self.code.words2 += a.mov(16, address) + a.mov(17, value) + [a.str_(17, 16)]

    def _word(self, word: int) -> None:
        self.code.words2.append(word)

    @staticmethod
    def _store32(address: int, value: int) -> list[int]:
        return a.mov(16, address) + a.mov(17, value) + [0xB9000211, a.DSB_SY]

    def _ppi(self, intid: int, on: int) -> None:
        where = _GICR_ISENABLER if on else _GICR_ICENABLER
        self.code.words2 += self._store32(where, 1 << intid)
        self.ppis.add(intid)

    def _mmu(self) -> None:
        self.mmu = True
        values = {
            "MAIR_EL2": SPECIAL["MAIR_EL1"][0],
            "TCR_EL2": tcr_el2(self.vhe),
            "TTBR0_EL2": ROOTS[0, 12],
        }
        words = self.code.words2
        for name, value in values.items():
            words += a.mov(16, value) + [a.msr(self._enc(name), 16)]
            self._touch(name)
        words += [a.ISB, a.msr(_INSNS["TLBI_ALLE2"], 31), a.DSB_SY, a.ISB]
        sctlr = self.pools.by_name["SCTLR_EL2"].base | 0x1005
        words += a.mov(16, sctlr) + [a.msr(self._enc("SCTLR_EL2"), 16), a.ISB]
        self._touch("SCTLR_EL2")

    def _enter(self, spsr: int, elr: int, ops: Sequence[Op]) -> None:
        words, below = self.code.words2, Below(self)
        target = elr or ABI["FUZZ_CODE1"] + 4 * len(self.code.words1)
        if not elr:
            below.assemble(ops)
        self.code.results.append(below.results)
        stub = ABI["FUZZ_STUB_HVC"] if spsr & 0xC else ABI["FUZZ_STUB_SVC"]
        for n in range(ABI["FUZZ_NR_GPRS"]):
            words += a.mov(n, 0x100 + n)
        words += a.mov(30, stub) + a.mov(16, target) + [a.msr(_ELR_EL2, 16)]
        words += a.mov(16, spsr) + [a.msr(_SPSR_EL2, 16)]
        after = ABI["FUZZ_CODE2"] + 4 * (len(words) + 3)
        words += [*a.mov(27, after), a.ERET]
        assert ABI["FUZZ_CODE2"] + 4 * len(words) == after
        self._touch(*CHANGED_BELOW)


class Below:
    """Code at EL1 or EL0. x16, x17: scratch; x0-x15: one result each; X30: its end."""

    def __init__(self, above: Assembler):
        self.above = above
        self.code = above.code
        self.words = above.code.words1
        self.results: dict[int, str] = {}
        self.next = 0

    def assemble(self, ops: Sequence[Op]) -> None:
        """Append the code of one entry. What an illegal state drops is the NOP."""
        self.words.append(a.NOP)
        for op in ops:
            self.above.index += 1
            self.above._mark(ABI["FUZZ_CODE1"], self.words)
            getattr(self, "_" + op[0])(*op[1:])
        self.words += [a.br(30), a.br(30)]

    def _result(self, what: str) -> int:
        reg = self.next
        if reg >= ABI["FUZZ_NR_GPRS"]:
            return 17
        self.next += 1
        self.results[reg] = what
        return reg

    def _touched(self, name: str) -> None:
        self.above._touch(name)
        if name.startswith("ICC_"):
            self.above._touch(*VGIC)

    def _wr(self, name: str, value: int) -> None:
        self.words += a.mov(16, value) + [a.msr(self.above._enc(name), 16), a.ISB]
        self._touched(name)

    def _rd(self, name: str) -> None:
        rt = 17 if name in self.above.pools.quiet else self._result(name)
        self.words.append(a.mrs(self.above._enc(name), rt))
        self._touched(name)

    def _ld(self, kind: int, va: int) -> None:
        self.words += a.mov(16, va) + [_LOADS[kind] | self._result("memory")]

    def _st(self, kind: int, va: int, value: int) -> None:
        self.words += a.mov(16, va) + a.mov(17, value) + [_STORES[kind]]

    def _call(self, va: int) -> None:
        stub = ABI["FUZZ_STUB_HVC"]
        self.words += a.mov(16, va) + a.mov(17, stub) + [a.blr(16), 0xAA1103FE]  # mov x30, x17

    def _word(self, word: int) -> None:
        self.words.append(word)

    def _eret(self, spsr: int) -> None:
        words = self.words
        here = ABI["FUZZ_CODE1"] + 4 * len(words)
        mov_spsr = a.mov(17, spsr)
        length = 3 + len(mov_spsr) + 2  # mov x16 (2), msr, mov x17, msr, eret
        target = here + 4 * (length + 0)
        movs = a.mov(16, target)
        assert len(movs) == 2
        words += [*movs, a.msr(_ELR_EL1, 16), *mov_spsr, a.msr(_SPSR_EL1, 17), a.ERET]
        words.append(a.NOP)  # an illegal state drops it
        if not spsr & 0xC:
            words += a.mov(30, ABI["FUZZ_STUB_SVC"])

    def _at(self, name: str, va: int) -> None:
        self.words += a.mov(16, va) + [a.msr(_INSNS[name], 16), a.ISB]
        self.words.append(a.mrs(_AT_PAR, self._result("PAR_EL1")))

    def _sys(self, name: str, operand: int) -> None:
        self.words += a.mov(16, operand) + [a.msr(_INSNS[name], 16), a.DSB_SY, a.ISB]

    def _fp(self, value: int) -> None:
        self.words += [*a.mov(16, value), 0x9E670200, 0x9E660000 | self._result("d0")]  # fmov

    def _pac(self, kind: int, value: int) -> None:
        rd = self._result("pac")
        self.words += a.mov(16, 0x1234) + a.mov(rd, value) + [_PACS[kind] | rd]


def decode(chunks: Sequence[bytes], vhe: bool) -> list[Op]:
    """The operations that bytes stand for."""
    return Decoder(vhe).decode(chunks)


def assemble(ops: Sequence[Op], vhe: bool) -> Code:
    """Machine code of a program."""
    return Assembler(vhe).assemble(ops)


def base(vhe: bool) -> Code:
    """The program that makes the state from which all others start."""
    return Assembler(vhe).base()
