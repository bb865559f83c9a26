# SPDX-License-Identifier: GPL-2.0-only
"""The witness: QEMU's own log of exceptions (-d int), read independently of what L0 says.

A measured region is what lies between two marker HVCs on one CPU. The log shows neither x0 nor x1,
so regions are told apart by order: the n-th region that ends in the log is L0's n-th sample.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .records import Record, integer

#: ESR of the marker, as the log writes it: EC 0x16 (HVC from AArch64), IL, immediate 0x4e56.
MARKER_ESR = 0x5A004E56

_TAKING = re.compile(r"Taking exception (\d+) \[([^\]]*)\] on CPU (\d+)")
_LEVELS = re.compile(r"\.\.\.from EL(\d) to EL(\d)")
_ESR = re.compile(r"\.\.\.with ESR 0x([0-9a-f]+)/0x([0-9a-f]+)")
#: Exceptions without a syndrome; the log prints a stale ESR for them.
_NO_ESR = frozenset(
    {"IRQ", "FIQ", "Virtual IRQ", "Virtual FIQ", "Virtual SERR", "NMI", "Virtual NMI"}
)


@dataclass(frozen=True)
class Taken:
    """One exception of the log."""

    cpu: int
    name: str
    source: int  # EL it was taken from
    target: int  # EL it was taken to
    esr: int | None  # ESR of `target`, None for interrupts

    @property
    def marker(self) -> bool:
        """Whether this is a region's begin or end."""
        return self.target == 2 and self.source < 2 and self.esr == MARKER_ESR

    @property
    def trap(self) -> bool:
        """Whether this is a trap: an exception to EL2 from below."""
        return self.target == 2 and self.source < 2


@dataclass
class _Open:
    cpu: int
    name: str
    source: int = -1
    target: int = -1
    esr: int | None = None
    psci: bool = False

    def close(self) -> Taken | None:
        """The exception, or None when its lines are incomplete or QEMU handled it as a PSCI call."""
        if self.target < 0 or self.psci:
            return None
        return Taken(self.cpu, self.name, self.source, self.target, self.esr)


def exceptions(lines: Iterable[str]) -> Iterator[Taken]:
    """The exceptions of a log, in order. Lines of other kinds, and cut ones, are passed over."""
    current: _Open | None = None
    for line in lines:
        found = _TAKING.search(line)
        if found:
            done = current.close() if current else None
            if done:
                yield done
            current = _Open(cpu=int(found.group(3)), name=found.group(2))
            continue
        if current is None or not line.startswith("..."):
            continue
        found = _LEVELS.match(line)
        if found:
            current.source, current.target = int(found.group(1)), int(found.group(2))
            continue
        found = _ESR.match(line)
        if found and current.name not in _NO_ESR:
            current.esr = int(found.group(2), 16)
        elif "handled as PSCI" in line:
            current.psci = True
    done = current.close() if current else None
    if done:
        yield done


@dataclass
class Region:
    """What lies between two markers of one CPU."""

    cpu: int
    traps: int = 0
    by_class: dict[str, int] = field(default_factory=dict)  # "0x16" (exception class) or "IRQ"


def regions(taken: Iterable[Taken]) -> Iterator[Region]:
    """The regions of a log, in the order in which they end. A region that never ends is no region."""
    opened: dict[int, Region] = {}
    for one in taken:
        region = opened.get(one.cpu)
        if one.marker:
            if region is None:
                opened[one.cpu] = Region(one.cpu)
            else:
                yield opened.pop(one.cpu)
        elif region is not None and one.trap:
            region.traps += 1
            name = one.name if one.esr is None else f"{one.esr >> 26:#04x}"
            region.by_class[name] = region.by_class.get(name, 0) + 1


def count_traps(taken: Iterable[Taken]) -> int:
    """Exceptions to EL2 from below in a whole log, markers included."""
    return sum(one.trap for one in taken)


@dataclass(frozen=True)
class Mismatch:
    """A sample on which L0 and the log disagree (or one of them has nothing)."""

    index: int
    region: int | None
    l0: int | None
    log: int | None

    def __str__(self) -> str:
        return f"sample {self.index} (region {self.region}): L0 counted {self.l0}, QEMU {self.log}"


def compare(samples: list[Record], log: list[Region]) -> list[Mismatch]:
    """Where L0's samples and the log's regions differ, sample by sample. Empty when they agree."""
    found = []
    for index in range(max(len(samples), len(log))):
        sample = samples[index] if index < len(samples) else None
        region = log[index] if index < len(log) else None
        # What a modelled architecture serves without a trap does trap on this machine.
        mine = None if sample is None else integer(sample, "traps") + integer(sample, "served")
        theirs = region.traps if region is not None else None
        if mine != theirs:
            number = integer(sample, "region") if sample is not None else None
            found.append(Mismatch(index, number, mine, theirs))
    return found


def by_region(samples: list[Record], log: list[Region]) -> list[dict[str, int]]:
    """The log's traps summed by region id, which only L0's samples know: {"id", "traps"}."""
    sums: dict[int, int] = {}
    for sample, region in zip(samples, log):
        number = integer(sample, "region")
        sums[number] = sums.get(number, 0) + region.traps
    return [{"id": number, "traps": traps} for number, traps in sorted(sums.items())]
