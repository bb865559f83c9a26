# SPDX-License-Identifier: GPL-2.0-only
"""What two runs of a program may differ in, and how they are compared otherwise: word by word.

A line of MASKS names the architecture's statement that leaves a value open. Nothing else is left out of
the comparison; what programs avoid from the start stands with its reason in fuzzregs.py and fuzzprog.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from .fuzzabi import ABI
from .fuzzprog import Code
from .fuzzregs import U64, bits
from .fuzzrun import Kind, Record, describe, end_name, parse
from .tables import fixed_bits, load

EXC, EXC1, VALUE, IRQ = (ABI[f"FUZZ_REC_{n}"] for n in ("EXC", "EXC1", "VALUE", "IRQ"))
WATCH = ABI["FUZZ_END_WATCH"]


@dataclass(frozen=True)
class Mask:
    """Bits of a word of a record that mean nothing."""

    rule: str
    mech: str  # "" for every one
    applies: Callable[[Record, Code], bool]
    word: int
    mask: int


def _ec(record: Record) -> int:
    return record.words[0] >> 26 & 0x3F if record.kind in (EXC, EXC1) and record.words else -1


MASKS = (
    # PSTATE after an illegal return to the same EL, as SPSR shows it
    Mask(
        "SetPSTATEFromPSR(): SSBS, BTYPE, UAO, DIT, TCO UNKNOWN",
        "",
        lambda r, _: r.kind == EXC and _ec(r) == 0x0E and r.what < 8,
        2,
        bits((12, 10), (25, 23)),
    ),
    Mask(
        "SetPSTATEFromPSR(): PAN is SPSR's; QEMU keeps PSTATE's",
        "",
        lambda r, _: r.kind == EXC and _ec(r) == 0x0E and r.what < 8,
        2,
        bits(22),
    ),
    # the same, as an interrupt shows it that comes before the exception for PSTATE.IL
    Mask(
        "SetPSTATEFromPSR(): PAN is SPSR's; QEMU keeps PSTATE's",
        "",
        lambda r, _: r.kind == IRQ and r.what & 31 < 8 and bool(r.words[1] & bits(20)),
        1,
        bits((12, 10), (25, 22)),
    ),
)


def _in_page() -> tuple[Mask, ...]:
    """Under nv2 EL2 reads what it stored into the VNCR page, not what the register would have made of it."""
    rows = load().registers.values()
    fixed = {row.name: fixed_bits().get(row.name, 0) for row in rows if row.vncr is not None}
    fixed["ICH_VMCR_EL2"] |= bits((23, 18))  # a binary point below the minimum becomes that

    def reads(name: str) -> Callable[[Record, Code], bool]:
        return lambda r, code: r.kind == VALUE and code.reads.get(r.what) == name

    return tuple(
        Mask(f"FEAT_NV2: {name} is memory", "nv2", reads(name), 0, mask)
        for name, mask in fixed.items()
        if mask
    )


ALL_MASKS = MASKS + _in_page()


def masked(record: Record, code: Code, mech: str) -> Record:
    """The record without what is not compared."""
    for mask in ALL_MASKS:
        if mask.mech in ("", mech) and len(record.words) > mask.word and mask.applies(record, code):
            words = list(record.words)
            words[mask.word] &= U64 & ~mask.mask
            record = Record(record.kind, record.what, tuple(words))
    return record


@dataclass(frozen=True)
class Difference:
    """The first one between two runs; `key` is the same for what probably has the same cause."""

    kind: Kind
    text: tuple[str, ...]
    key: tuple[str, ...]
    late: bool = False  # the watchdog ended one of them


def compare(kind: Kind, code: Code, want: bytes, got: bytes) -> Difference | None:
    """The difference of a run from the native one."""
    if want == got:
        return None
    ends = [parse(one)[0] for one in (want, got)]
    wants, gots = (parse(one)[1] for one in (want, got))
    for first, second in itertools.zip_longest(wants, gots):
        if first is not None and second is not None:
            if masked(first, code, kind.mech) == masked(second, code, kind.mech):
                continue
        return _difference(kind, code, first, second, ends)
    if ends[0] != ends[1]:
        return _difference(kind, code, None, None, ends)
    return None


def _about(record: Record | None, code: Code) -> str:
    if record is None:
        return "nothing"
    if record.kind == VALUE:
        return f"value {code.reads.get(record.what, '')}"
    if record.kind in (EXC, EXC1):
        return f"exception {record.kind} {record.what} ec {_ec(record):#x}"
    return f"record {record.kind}"


def _difference(
    kind: Kind, code: Code, want: Record | None, got: Record | None, ends: list[int]
) -> Difference:
    key = (_about(want, code), _about(got, code), end_name(ends[0]), end_name(ends[1]))
    text = [
        f"{kind} differs from native:",
        f"  native: {describe(want)}{_where(want, code)}",
        f"  {'here':>6}: {describe(got)}{_where(got, code)}",
    ]
    if ends[0] != ends[1]:
        text.append(f"  ended: {end_name(ends[0])} natively, {end_name(ends[1])} here")
    late = WATCH in ends
    return Difference(kind, tuple(text), key, late)


def _where(record: Record | None, code: Code) -> str:
    """Which operation a record belongs to."""
    if record is None:
        return ""
    if record.kind == VALUE:
        return f" (operation {record.what} {code.reads.get(record.what, '')})"
    if record.kind in (EXC, EXC1):
        before = [index for address, index in code.at if address <= record.words[1]]
        inside = ABI["FUZZ_CODE2"] <= record.words[1] < ABI["FUZZ_STUBS"]
        return f" (operation {before[-1]})" if before and inside else ""
    return ""
