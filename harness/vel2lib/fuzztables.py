# SPDX-License-Identifier: GPL-2.0-only
"""Translation tables of random programs: identity, 39 bits; for code below EL2 with every granule.

One table maps the code in blocks (or, with granules of which a block would be too large, pages) and the
64 KiB of FUZZ_PAGES page by page. A program changes the descriptors that `slots` names. Neither stage
maps the mailbox, nor the executor: nothing below EL2 can reach them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .fuzzabi import ABI
from .fuzzregs import ROOTS, bits
from .placement import RAM_BASE

AF, NG, CONTIG, PXN, UXN, DBM = 1 << 10, 1 << 11, 1 << 52, 1 << 53, 1 << 54, 1 << 51
SH_INNER = 3 << 8
#: Stage 1: Normal write-back is index 1 of MAIR; AP 3 (code) and 1 (data): EL0 too.
S1_CODE = 1 << 2 | SH_INNER | AF | 3 << 6
S1_DATA = 1 << 2 | SH_INNER | AF | 1 << 6
S2_ALL = 0xF << 2 | SH_INNER | AF | 3 << 6
OA = bits((47, 12))
PAGES = ABI["FUZZ_PAGES"]
CODE = ABI["FUZZ_CODE2"]
#: Blocks of 2 MiB (granule 4 KiB) that show FUZZ_PAGES a second and a third time.
BLOCKS = (0x4560_0000, 0x45A0_0000)
#: The largest block of each granule: level, input, output. It shows FUZZ_PAGES once more.
LARGE = {
    12: (1, 0x8000_0000, 0x4000_0000),
    14: (2, 0x4600_0000, 0x4400_0000),
    16: (2, 0x6000_0000, 0x4000_0000),
}
#: The lowest address of TTBR1's half, for 39 bits.
UPPER = (1 << 64) - (1 << 39)
#: Where FUZZ_PAGES is seen besides.
WINDOWS = (*BLOCKS, *(PAGES - to + at for _, at, to in LARGE.values()), UPPER + PAGES)
#: The tables themselves: a walk of stage 1 needs them.
TABLES = 0x4580_0000
BLOCK = 2 << 20
RAM_END = RAM_BASE + (128 << 20)
GIC = 0x0800_0000
#: Distance of a granule's tables from its root: second and third table.
_STEP = {12: 0x1000, 14: 0x4000, 16: 0x1_0000}


@dataclass(frozen=True)
class Slot:
    """A descriptor that programs change: where it is, what it is at first, what it maps."""

    address: int
    base: int
    stage: int
    granule: int
    level: int
    input: int


def _shift(granule: int, level: int) -> int:
    return granule + (3 - level) * (granule - 3)


def _leaf(level: int, out: int, attrs: int) -> int:
    return out | attrs | (3 if level == 3 else 1)


def _el2_entries(vhe: bool) -> Iterator[Slot]:
    """EL2's own table: its RAM in blocks, the GIC, and FUZZ_PAGES. AP[1] is RES1 where there is no EL0."""
    root, attrs = ROOTS[0, 12], 1 << 2 | SH_INNER | AF | (0 if vhe else 1 << 6)
    low, middle, last = root + 0x1000, root + 0x2000, root + 0x3000
    for page in range(PAGES, PAGES + ABI["FUZZ_NR_PAGES"] * 4096, 4096):
        yield Slot(last + 8 * (page >> 12 & 511), _leaf(3, page, S1_DATA), 0, 12, 3, page)
    yield Slot(middle + 8 * (PAGES >> 21 & 511), last | 3, 0, 12, 2, PAGES)
    for block in range(RAM_BASE, RAM_END, BLOCK):
        place, inside = middle + 8 * (block >> 21 & 511), block in BLOCKS
        desc = _leaf(2, PAGES, S1_DATA) if inside else _leaf(2, block, attrs)
        if block != PAGES:
            yield Slot(place, desc, 0, 12, 2, block)
    device = attrs & ~(7 << 2) & ~SH_INNER | UXN | (PXN if vhe else 0)
    yield Slot(low + 8 * (GIC >> 21 & 511), _leaf(2, GIC, device), 0, 12, 2, GIC)
    yield Slot(root, low | 3, 0, 12, 1, GIC)
    yield Slot(root + 8, middle | 3, 0, 12, 1, RAM_BASE)


def _entries(stage: int, granule: int, vhe: bool = True) -> Iterator[Slot]:
    """Every nonzero descriptor of one table; those of FUZZ_PAGES and BLOCKS come first."""
    if not stage:
        yield from _el2_entries(vhe)
        return
    root, step = ROOTS[stage, granule], _STEP[granule]
    data = S1_DATA if stage == 1 else S2_ALL
    code = S1_CODE if stage == 1 else S2_ALL
    levels = [2, 3] if granule == 16 else [1, 2, 3]
    tables = [root + i * step for i in range(len(levels))]
    last, size = tables[-1], 1 << granule

    def at(level: int, address: int) -> int:
        table = tables[levels.index(level)]
        first = level == levels[0]
        mask = (1 << (39 - _shift(granule, level) if first else granule - 3)) - 1
        return table + 8 * (address >> _shift(granule, level) & mask)

    for page in range(PAGES, PAGES + ABI["FUZZ_NR_PAGES"] * 4096, size):
        yield Slot(at(3, page), _leaf(3, page, data), stage, granule, 3, page)
    yield Slot(at(2, PAGES), last | 3, stage, granule, 2, PAGES)
    level, large, out = LARGE[granule]
    yield Slot(at(level, large), _leaf(level, out, data), stage, granule, level, large)
    if granule == 12:
        for block in BLOCKS:
            yield Slot(at(2, block), _leaf(2, PAGES, data), stage, granule, 2, block)
        yield Slot(at(2, CODE), _leaf(2, CODE, code), stage, granule, 2, CODE)
        if stage == 2:
            yield Slot(at(2, TABLES), _leaf(2, TABLES, code), stage, granule, 2, TABLES)
    else:
        for page in range(CODE, ABI["FUZZ_CODE_END"], size):
            yield Slot(at(3, page), _leaf(3, page, code), stage, granule, 3, page)
        for page in range(TABLES, TABLES + 0x8_0000, size):
            if stage == 2:
                yield Slot(at(3, page), _leaf(3, page, code), stage, granule, 3, page)
    if granule != 16:
        yield Slot(at(1, PAGES), tables[1] | 3, stage, granule, 1, PAGES)


def build(vhe: bool) -> dict[int, bytes]:
    """What to write before the first program: bytes by IPA."""
    return {
        slot.address: struct.pack("<Q", slot.base)
        for stage, granule in ROOTS
        for slot in _entries(stage, granule, vhe)
    }


def slots(stage: int, granule: int) -> list[Slot]:
    """The descriptors that a program may change, that of the last level's table the last."""
    return [
        slot
        for slot in _entries(stage, granule)
        if PAGES <= slot.input < PAGES + BLOCK
        and slot.level > 1
        or slot.input in BLOCKS
        or stage == 2
        and TABLES <= slot.input < TABLES + 0x8_0000
        or stage
        and slot.input == LARGE[granule][1]
    ]


#: (stage, granule) -> slots
SLOTS = {key: slots(*key) for key in ROOTS}
BASE = {slot.address: slot.base for every in SLOTS.values() for slot in every}
