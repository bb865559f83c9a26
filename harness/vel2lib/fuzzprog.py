# SPDX-License-Identifier: GPL-2.0-only
"""A random program: operations, and how they become machine code.

An operation is a list [name, argument...] of strings, integers and (for `enter`) operations, so that a
program is JSON. At EL2:
  wr REG VALUE, rd REG; enter SPSR ELR OPS; enter32 SPSR WORDS (A32 code at EL0); at INSN VA; sys INSN OPERAND;
  edit ADDRESS VALUE TLBI OPERAND (a descriptor; TLBI "": none); ld ADDRESS [KIND], st ADDRESS VALUE [KIND];
  sp ADDRESS (a load by SP_EL0); call ADDRESS; word WORD; smc X0 X1; fp VALUE; pac KIND VALUE;
  mmu [UPPER] (EL2's own goes on, and that of upper addresses); e2h ON; unmask (EL2 takes interrupts),
  ack GROUP (or polls); ppi INTID ON, sgi INTID, gicd OFFSET VALUE, gicr OFFSET.
Below EL2:
  wr, rd, at, sys, word; sp VA; ld KIND VA; st KIND VA VALUE; call VA; eret SPSR SIGNED; fp VALUE; pac KIND VALUE.
fuzzdecode.py makes operations out of bytes.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from . import fuzzabi as a
from . import fuzztables
from .fuzzabi import ABI
from .fuzzregs import CHANGED_BELOW, HCR_E2H, HCR_NV2, OFFERED, ROOTS, SPECIAL, VGIC
from .fuzzregs import home, pools, row_of, tcr_el1, tcr_el2
from .tables import load

Op = list[Any]

MODES = ("vhe", "nvhe", "any")
PAGES = [ABI["FUZZ_PAGES"] + i * 4096 for i in range(ABI["FUZZ_NR_PAGES"])]

INSNS = {
    i.name: i.enc
    for i in load().instructions.values()
    if i.feat in OFFERED and i.kind in ("AT", "CACHE", "OTHER") or i.kind.startswith("TLBI")
    # In QEMU these two are loads, but for memory that is not there: no abort (IMPLEMENTATION DEFINED)
    if i.feat in OFFERED and i.name not in ("DC_CVAP", "DC_CVADP")
}
_GICR_TYPER = 0x080A_0008
_PPI_MAINTENANCE = 25
_GICD, _GICR_SGI = 0x0800_0000, 0x080B_0000
_ISENABLER, _ICENABLER, _ICPENDR, _ICACTIVER = 0x100, 0x180, 0x280, 0x380
_IPRIORITYR, _ICFGR = 0x400, 0xC00
#: Shared interrupts that no device of the machine has: 32 * word + the first of eight.
SPI_WORD, SPI_FIRST = 2, 8
SPI = 32 * SPI_WORD + SPI_FIRST
_SPIS = 0xFF << SPI_FIRST


# ---------------------------------------------------------------------------- machine code


@dataclass
class Code:
    """A program as the guest takes it, and what its records mean."""

    words2: list[int] = field(default_factory=list)
    words1: list[int] = field(default_factory=list)
    #: At its end: (address, value) stored, then (address of a stub, its argument) called.
    after: list[tuple[int, int]] = field(default_factory=list)
    puts: list[tuple[int, int]] = field(default_factory=list)
    #: Index of an operation (its place in a walk of the program) -> register whose value is recorded.
    reads: dict[int, str] = field(default_factory=dict)
    #: `enter` by its order -> {result register: register read}
    results: list[dict[int, str]] = field(default_factory=list)
    #: It uses FEAT_NV2, which an L1 has under mechanism nv2 only.
    nv2: bool = False
    #: Address of code -> index of the operation.
    at: list[tuple[int, int]] = field(default_factory=list)

    def pack(self) -> bytes:
        """FUZZ_HEADER and what follows."""
        words = self.words2 + self.words1
        words += [0] * ((ABI["FUZZ_HEADER"] // 4 + len(words)) % 2)
        pairs = [n for pair in self.after + self.puts for n in pair]
        size = ABI["FUZZ_HEADER"] + 4 * len(words) + 8 * len(pairs)
        head = [size, len(self.words2), len(self.words1), len(self.after), len(self.puts)]
        return struct.pack(f"<5I{len(words)}I{len(pairs)}Q", *head, *words, *pairs)


_AT_PAR = 0xC3A0  # PAR_EL1
_ICH_VTR_EL2, _ICC_SGI1R_EL1 = 0xE659, 0xC65D
_LDR_W16, _STR_W0 = 0xB9400210, 0xB9000200  # LDR W16, [X16]; STR W0, [X16]
_ORR_X16, _BIC_X16 = 0xAA110210, 0x8A310210  # X16, X16, X17
_DAIFCLR_I, _DAIFSET_I = 0xD50342FF, 0xD50342DF
_ELR_EL2, _SPSR_EL2 = 0xE201, 0xE200
_ELR_EL1, _SPSR_EL1 = 0xC201, 0xC200
#: Loads and stores by kind: 64, 32, 8 bits, unprivileged, pair, exclusive; [x16]
UNPRIVILEGED = 3
LOADS = (0xF9400200, 0xB9400200, 0x39400200, 0xF8400A00, 0xA9404600, 0xC85F7E00)
STORES = (0xF9000211, 0xB9000211, 0x39000211, 0xF8000A11, 0xA9004611, 0xF8310211)
_LDR_SP = (0x9100021F, 0xF94003E0)  # MOV SP, X16; LDR X0, [SP]
_SPSEL0, _SPSEL1 = 0xD50040BF, 0xD50041BF
_FMOVS = (0x9E670200, 0x9E660000)  # FMOV D0, X16; FMOV X0, D0
_A32_NOP, _A32_SVC = 0xE320F000, 0xEF000000
_PACIA, _PACIB, _PACDA, _PACDB = 0xDAC10200, 0xDAC10600, 0xDAC10A00, 0xDAC10E00  # Xd, X16
_AUT, _XPACI, _XPACD, _PACGA = 0x1000, 0xDAC143E0, 0xDAC147E0, 0x9AD03200  # PACGA Xd, X16, X16
#: What is done to a pointer, with modifier X16: signed, authenticated, both, signed and stripped.
PACS = (
    *((_PACIA,), (_PACIA | _AUT,), (_PACDB,), (_PACDB | _AUT,), (_XPACI,), (_PACGA,)),
    *((_PACIB,), (_PACDA,), (_PACIB | _AUT,), (_PACDA | _AUT,), (_XPACD,)),
    *((key, key | _AUT) for key in (_PACIA, _PACIB, _PACDA, _PACDB)),
    *((_PACIA, _XPACI), (_PACIB, _PACIA | _AUT), (_PACDA, _XPACD), (_PACDB, _PACDA | _AUT)),
)


def _sign(rd: int, kind: int, value: int) -> list[int]:
    return [*a.mov(16, 0x1234), *a.mov(rd, value), *(word | rd for word in PACS[kind])]


#: Operations that need no ISB before them: writes, and what begins with an ERET.
_SYNCHRONIZED = ("wr", "enter", "enter32")

# ---------------------------------------------------------------------------- what all programs share

#: QEMU translates a program's code for one run of it: what can be the same for all is not a part of it.
_GO = "go"  # ERET to X16 with SPSR X17 and known registers; an exception of that goes on at X27
_E2H = "E2H"  # HCR_EL2, to be seen at once
_QUIET_PPIS = tuple(_GICR_SGI + offset for offset in (_ICENABLER, _ICPENDR, _ICACTIVER))
_QUIET_SPIS = {
    **{_GICD + n + 4 * SPI_WORD: _SPIS for n in (_ICENABLER, _ICPENDR, _ICACTIVER)},
    **{_GICD + _IPRIORITYR + SPI + n: 0xA0A0A0A0 for n in (0, 4)},
    _GICD + _ICFGR + 4 * (SPI // 16): 0,
}
#: A program that wrote one of these (by their names below EL2) has other translations in the TLBs.
_TRANSLATE = frozenset(
    "SCTLR_EL1 TCR_EL1 TTBR0_EL1 TTBR1_EL1 MAIR_EL1 HCR_EL2 VTCR_EL2 VTTBR_EL2".split()
)


@functools.lru_cache(maxsize=None)
def _enc(name: str) -> int:
    tables = load()
    alias = tables.aliases.get(name)
    return alias.enc if alias else tables.registers[name].enc


def _seen() -> list[int]:
    """After an E2H that FEAT_NV2 may have kept in memory: an access that always traps, to ICH_VTR_EL2."""
    return [a.ISB, a.mrs(_ICH_VTR_EL2, 16), a.ISB]


@functools.lru_cache(maxsize=None)
def stubs(vhe: bool) -> tuple[dict[str, int], bytes]:
    """
    The code at FUZZ_STUBS2, for an EL2 whose programs begin with E2H = `vhe`: address by name, and the bytes. Each but
    _GO puts X0 into the register that it is named by, or the device's register at that address, or is a TLBI.
    """
    code = {name: [a.msr(reg.enc, 0)] for name, reg in pools(vhe).by_name.items()}
    code["SCTLR_EL2"].append(a.ISB)
    code[_E2H] = [*code["HCR_EL2"], *_seen()]
    for name in ("TLBI_ALLE1", "TLBI_ALLE2"):
        code[name] = [a.DSB_SY, a.msr(INSNS[name], 31), a.DSB_SY, a.ISB]
    for address in (*_QUIET_PPIS, *_QUIET_SPIS):
        code[hex(address)] = [*a.mov(16, address), _STR_W0, a.DSB_SY]
    go = [word for n in range(ABI["FUZZ_NR_GPRS"]) for word in a.mov(n, 0x100 + n)]
    code[_GO] = [*go, a.msr(_ELR_EL2, 16), a.msr(_SPSR_EL2, 17), a.ERET, a.br(27)]
    words: list[int] = []
    where = {}
    for name, some in code.items():
        where[name] = ABI["FUZZ_STUBS2"] + 4 * len(words)
        words += [*some, a.RET]
    assert ABI["FUZZ_STUBS2"] + 4 * len(words) <= ABI["FUZZ_CODE1"]
    return where, struct.pack(f"<{len(words)}I", *words)


class Assembler:
    """Operations -> Code."""

    def __init__(self, mode: str):
        self.base_vhe = self.vhe = mode != "nvhe"
        self.pools = pools(self.base_vhe)
        self.code = Code()
        self.stubs = stubs(self.base_vhe)[0]
        self.touched: dict[str, int] = {}
        self.timed = False  # a CVAL may be the time of a write to a TVAL
        self.unseen = False  # a register was written that the next instruction may depend on
        self.retranslate = False  # what the TLBs have is not the next program's
        self.mmu = False
        self.flips = False  # E2H
        self.ppis: set[int] = set()
        self.spis = False
        self.index = 0

    def assemble(self, ops: Sequence[Op]) -> Code:
        """Machine code of a program, with the end that puts everything back."""
        code = self.code
        for op in ops:
            self.mark(ABI["FUZZ_CODE2"], code.words2)
            if op[0] not in _SYNCHRONIZED:
                self._synchronize()
            getattr(self, "_" + op[0])(*op[1:])
            self.index += 1
        code.words2.append(a.hvc(ABI["FUZZ_IMM_END"]))
        assert 4 * len(code.words2) <= ABI["FUZZ_STUBS2"] - ABI["FUZZ_CODE2"]
        assert 4 * len(code.words1) <= ABI["FUZZ_STUBS"] - ABI["FUZZ_CODE1"]
        if self.flips:  # before any name that it changes
            self._put(_E2H, self.pools.by_name["HCR_EL2"].base)
        if self.mmu:  # before anything that it depends on
            self._put("SCTLR_EL2", self.pools.by_name["SCTLR_EL2"].base)
        self._quiet_gic()
        for name, value in self.touched.items():
            self._put(name, value)
        if self.retranslate or code.after:
            self._put("TLBI_ALLE1")
        if self.mmu:
            self._put("TLBI_ALLE2")
        return code

    def _put(self, name: str, value: int = 0) -> None:
        self.code.puts.append((self.stubs[name], value))

    def _synchronize(self) -> None:
        if self.unseen:
            self.code.words2.append(a.ISB)
        self.unseen = False

    def base(self) -> Code:
        """A program that gives every register the value that programs start from."""
        for reg in (*self.pools.own, *self.pools.guests):
            if (reg.free or reg.choices) and reg.name not in ("ELR_EL2", "SPSR_EL2"):
                self.touched[reg.name] = reg.base
        self.spis = self.retranslate = True
        return self.assemble([])

    def mark(self, base: int, words: list[int]) -> None:
        """The current operation's code begins at the end of `words`, which are at address `base`."""
        self.code.at.append((base + 4 * len(words), self.index))

    def _quiet_gic(self) -> None:
        """Every interrupt that the program used is disabled, and neither pending nor active."""
        if self.ppis:
            for address in _QUIET_PPIS:
                self._put(hex(address), sum(1 << intid for intid in self.ppis))
        if self.spis:
            for address, value in _QUIET_SPIS.items():
                self._put(hex(address), value)

    def touch(self, *names: str) -> None:
        """Registers, by names of code below EL2, that the program's end has to put back."""
        for name in names:
            self.retranslate |= name in _TRANSLATE
            where = home(name, self.base_vhe)
            reg = self.pools.by_name.get(where)
            changes = reg is not None and (reg.free or reg.choices)
            if reg is not None and changes and name not in ("ELR_EL2", "SPSR_EL2"):
                self.touched[where] = reg.base

    # -- at EL2

    def _wr(self, name: str, value: int) -> None:
        self.code.words2 += a.mov(16, value) + [a.msr(_enc(name), 16)]
        self.unseen = True
        self.code.nv2 |= name == "VNCR_EL2" or name == "HCR_EL2" and bool(value & HCR_NV2)
        if name == "HCR_EL2" and bool(value & HCR_E2H) != self.vhe:
            self.vhe, self.flips = not self.vhe, True
            self.code.words2 += _seen()
        row = row_of(name)
        timer = row.name.startswith("CNT") and row.name.split("_")[1] in ("CTL", "CVAL", "TVAL")
        maintenance = row.name.startswith("ICH_") and _PPI_MAINTENANCE in self.ppis
        if timer or maintenance or row.name == "CNTVOFF_EL2":
            # A lowered line is seen at the next exit to L0's host; until then its interrupt stays
            # pending in a list register, to be a spurious one. CNTVOFF_EL2 is NVMem[0x060] (FEAT_NV2):
            # only then does it move a timer that is in memory, too (README.md, Caveats). EL2's own write
            # to ICH_<x>_EL2, which may be memory as well, raises its maintenance interrupt then.
            self._synchronize()
            self.code.words2 += [*a.mov(16, _GICR_TYPER), _LDR_W16]
        peer = None
        if self.vhe and name == row.name and row.op1 != 4:  # EL1's name of EL2's own register
            peer = next((r.name for r in load().registers.values() if r.peer == name), None)
        if "TVAL" in name:
            self.timed = True
            self.touch(row.name.replace("TVAL", "CVAL"))
        elif peer and peer in self.pools.by_name:
            self.touch(peer)
        else:
            self.touch(row.name)

    def quiet(self, name: str) -> bool:
        """Whether a register's value is not recorded."""
        return name in self.pools.quiet or self.timed and "CVAL" in name

    def _log(self, reg: int) -> None:
        tag = ABI["FUZZ_REC_VALUE"] << 56 | self.index << 32 | 1
        self.code.words2 += a.mov(17, tag) + [a.log_pair(17, reg)]

    def _rd(self, name: str) -> None:
        self.code.words2 += [*a.mov(16, 0x5A5A), a.mrs(_enc(name), 16)]
        self.code.nv2 |= name == "VNCR_EL2"
        if not self.quiet(name):
            self._log(16)
            self.code.reads[self.index] = name

    def _at(self, name: str, va: int) -> None:
        self.code.words2 += a.mov(16, va)
        self.code.words2 += [a.msr(INSNS[name], 16), a.ISB, a.mrs(_AT_PAR, 16)]
        self._log(16)
        self.touch("PAR_EL1")

    def _sys(self, name: str, operand: int) -> None:
        self.code.words2 += a.mov(16, operand)
        self.code.words2 += [a.DSB_SY, a.msr(INSNS[name], 16), a.DSB_SY]
        self.unseen = True

    def _edit(self, address: int, value: int, tlbi: str, operand: int) -> None:
        words = self.code.words2
        words += a.mov(16, address) + a.mov(17, value) + [a.str_(17, 16), a.DSB_SY]
        if tlbi:
            words += a.mov(16, operand) + [a.msr(INSNS[tlbi], 16), a.DSB_SY]
        if tlbi.startswith(("TLBI_IPA", "TLBI_RIPA")):
            # stage 1 and 2 may be one entry, which only this ends (R_VLJYR)
            words += [a.msr(INSNS["TLBI_VMALLE1"], 31), a.DSB_SY]
        self.unseen = True
        self.code.after.append((address, fuzztables.BASE[address]))

    def _ld(self, address: int, kind: int = 0) -> None:
        self.code.words2 += [*a.mov(0, 0x5A5A), *a.mov(16, address), LOADS[kind]]
        self._log(0)

    def _st(self, address: int, value: int, kind: int = 0) -> None:
        self.code.words2 += a.mov(16, address) + a.mov(17, value) + [STORES[kind]]

    def _call(self, address: int) -> None:
        words = self.code.words2
        words += a.mov(16, address)
        after = ABI["FUZZ_CODE2"] + 4 * (len(words) + 3)
        words += [*a.mov(27, after), a.blr(16)]  # where EL2 goes on if it cannot be executed
        assert ABI["FUZZ_CODE2"] + 4 * len(words) == after

    def _fp(self, value: int) -> None:
        self.code.words2 += [*a.mov(0, 0x5A5A), *a.mov(16, value), *_FMOVS]
        self._log(0)

    def _sp(self, address: int) -> None:
        self.code.words2 += [*a.mov(0, 0x5A5A), *a.mov(16, address), _SPSEL0, *_LDR_SP, _SPSEL1]
        self._log(0)
        self.touch("SP_EL0")

    def _ack(self, group: int) -> None:
        iar, eoir = (_enc(f"ICC_{what}{group}_EL1") for what in ("IAR", "EOIR"))
        rpr = _enc("ICC_RPR_EL1")
        self.code.words2.append(a.mrs(iar, 0))
        self._log(0)
        self.code.words2 += [a.ISB, a.mrs(rpr, 16)]
        self._log(16)
        self.code.words2 += [a.msr(eoir, 0), a.ISB, a.mrs(rpr, 16)]
        self._log(16)

    def _word(self, word: int) -> None:
        self.code.words2.append(word)

    @staticmethod
    def _store32(address: int, value: int) -> list[int]:
        return a.mov(16, address) + a.mov(17, value) + [0xB9000211, a.DSB_SY]

    def _ppi(self, intid: int, on: int) -> None:
        self.code.words2 += self._store32(
            _GICR_SGI + (_ISENABLER if on else _ICENABLER), 1 << intid
        )
        self.ppis.add(intid)

    def _sgi(self, intid: int) -> None:
        self._ppi(intid, 1)
        self.code.words2 += a.mov(16, intid << 24 | 1) + [a.msr(_ICC_SGI1R_EL1, 16), a.ISB]

    def _gicd(self, offset: int, value: int) -> None:
        words = self.code.words2
        words += self._store32(_GICD + offset, value) + a.mov(16, _GICD + offset) + [_LDR_W16]
        self._log(16)
        self.spis = True

    def _gicr(self, offset: int) -> None:
        self.code.words2 += a.mov(16, _GICR_SGI + offset) + [_LDR_W16]
        self._log(16)

    def _unmask(self) -> None:
        self.code.words2 += [_DAIFCLR_I, a.ISB, _DAIFSET_I]

    def _pac(self, kind: int, value: int) -> None:
        self.code.words2 += _sign(0, kind, value)
        self._log(0)

    def _smc(self, x0: int, x1: int) -> None:
        self.code.words2 += a.mov(0, x0) + a.mov(1, x1) + [a.mov(2, 0)[0], a.mov(3, 0)[0], a.smc(0)]
        self._log(0)

    def _e2h(self, on: int) -> None:
        words = self.code.words2
        words += [a.mrs(_enc("HCR_EL2"), 16), *a.mov(17, HCR_E2H)]
        words += [_ORR_X16 if on else _BIC_X16, a.msr(_enc("HCR_EL2"), 16), *_seen()]
        self.vhe, self.flips = bool(on), True
        self.touch("HCR_EL2")

    def _mmu(self, upper: int = 0) -> None:
        self.mmu = True
        values = {
            "MAIR_EL2": SPECIAL["MAIR_EL1"][0],
            "TCR_EL2": tcr_el1(12, True) if upper else tcr_el2(self.vhe),
            "TTBR0_EL2": ROOTS[0, 12],
        }
        if upper:
            values["TTBR1_EL2"] = ROOTS[0, 12]
        words = self.code.words2
        for name, value in values.items():
            words += a.mov(16, value) + [a.msr(_enc(name), 16)]
            self.touch(name)
        words += [a.ISB, a.msr(INSNS["TLBI_ALLE2"], 31), a.DSB_SY, a.ISB]
        sctlr = self.pools.by_name["SCTLR_EL2"].base | 0x1005
        words += a.mov(16, sctlr) + [a.msr(_enc("SCTLR_EL2"), 16), a.ISB]
        self.touch("SCTLR_EL2")

    def _enter(self, spsr: int, elr: int, ops: Sequence[Op]) -> None:
        below = Below(self)
        target = elr or ABI["FUZZ_CODE1"] + 4 * len(self.code.words1)
        if not elr:
            below.assemble(ops)
        self.code.results.append(below.results)
        self._go(spsr, target, ABI["FUZZ_STUB_HVC"] if spsr & 0xC else ABI["FUZZ_STUB_SVC"])

    def _go(self, spsr: int, target: int, stub: int) -> None:
        """ERET, with known registers; the code goes on behind it."""
        words = self.code.words2
        words += a.mov(30, stub) + a.mov(16, target) + a.mov(17, spsr)
        after = ABI["FUZZ_CODE2"] + 4 * (len(words) + 3)
        words += [*a.mov(27, after), a.b(self.stubs[_GO] - after + 4)]
        assert ABI["FUZZ_CODE2"] + 4 * len(words) == after
        self.unseen = False
        self.touch(*CHANGED_BELOW)

    def _enter32(self, spsr: int, code: Sequence[int]) -> None:
        words1 = self.code.words1
        target = ABI["FUZZ_CODE1"] + 4 * len(words1)
        words1 += [_A32_NOP, *code, _A32_SVC | ABI["FUZZ_IMM_DONE"]]
        self.code.results.append({})
        self.touch("TPIDR_EL0")
        self._go(spsr, target, ABI["FUZZ_STUB_A32"])


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
            self.above.mark(ABI["FUZZ_CODE1"], self.words)
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
        self.above.touch(name)
        if name.startswith("ICC_"):
            self.above.touch(*VGIC)

    def _wr(self, name: str, value: int) -> None:
        self.words += a.mov(16, value) + [a.msr(_enc(name), 16), a.ISB]
        self._touched(name)

    def _rd(self, name: str) -> None:
        rt = 17 if self.above.quiet(name) else self._result(name)
        self.words.append(a.mrs(_enc(name), rt))
        self._touched(name)

    def _ld(self, kind: int, va: int) -> None:
        self.words += a.mov(16, va) + [LOADS[kind] | self._result("memory")]

    def _st(self, kind: int, va: int, value: int) -> None:
        self.words += a.mov(16, va) + a.mov(17, value) + [STORES[kind]]

    def _call(self, va: int) -> None:
        stub = ABI["FUZZ_STUB_HVC"]
        self.words += a.mov(16, va) + a.mov(17, stub) + [a.blr(16), 0xAA1103FE]  # mov x30, x17

    def _word(self, word: int) -> None:
        self.words.append(word)

    def _eret(self, spsr: int, signed: int = 0) -> None:
        words = self.words
        here = ABI["FUZZ_CODE1"] + 4 * len(words)
        mov_spsr = a.mov(17, spsr)
        target = here + 4 * (2 + signed + 1 + len(mov_spsr) + 2)  # behind ERET
        movs = a.mov(16, target)
        assert len(movs) == 2
        movs += [a.PACIA_SP | 16] * signed
        words += [*movs, a.msr(_ELR_EL1, 16), *mov_spsr, a.msr(_SPSR_EL1, 17)]
        words.append(a.ERETAA if signed else a.ERET)
        words.append(a.NOP)  # an illegal state drops it
        if not spsr & 0xC:
            words += a.mov(30, ABI["FUZZ_STUB_SVC"])

    def _at(self, name: str, va: int) -> None:
        self.words += a.mov(16, va) + [a.msr(INSNS[name], 16), a.ISB]
        self.words.append(a.mrs(_AT_PAR, self._result("PAR_EL1")))

    def _sys(self, name: str, operand: int) -> None:
        self.words += a.mov(16, operand) + [a.msr(INSNS[name], 16), a.DSB_SY, a.ISB]

    def _fp(self, value: int) -> None:
        self.words += [*a.mov(16, value), _FMOVS[0], _FMOVS[1] | self._result("d0")]

    def _sp(self, va: int) -> None:
        mov, ldr = _LDR_SP
        self.words += [*a.mov(16, va), mov, ldr | self._result("memory")]
        self.above.touch("SP_EL0", "SP_EL1")

    def _pac(self, kind: int, value: int) -> None:
        rd = self._result("pac")
        self.words += _sign(rd, kind, value)


def assemble(ops: Sequence[Op], mode: str) -> Code:
    """Machine code of a program for an L1 in this mode."""
    return Assembler(mode).assemble(ops)


def base(mode: str) -> Code:
    """The program that makes the state from which all others start."""
    return Assembler(mode).base()
