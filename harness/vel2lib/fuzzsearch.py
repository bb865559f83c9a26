# SPDX-License-Identifier: GPL-2.0-only
"""Random programs on machines that all run the same ones, and the search for what differs.

Hypothesis generates programs in batches and shrinks what differs to the shortest program. What a search runs
depends on its portions alone: neither on the time nor on how many processes search.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from . import fuzzprog
from .errors import Vel2Error
from .fuzzdecode import CHUNK, decode
from .fuzzmask import Difference, compare
from .fuzzprog import Op
from .fuzzrun import HASTE, HASTY, WATCHDOG, Kind, Lost, Machine

#: Programs that are handed over at once (at least half, at most double), operations of one.
BATCH, LENGTH = 16, 14
#: Programs of one Hypothesis test, which needs about 40 examples for them.
PORTION, EXAMPLES = 320, 48
#: Of wall clock, for one difference.
SHRINK_SECONDS = 60.0
#: How often a program runs again that one machine did not end in time, with so many times the time.
LATE_TRIES, LATE_FACTOR = 3, 4


@dataclass
class Found:
    """Programs (the last of which differs, after those before it) and how."""

    mode: str
    programs: list[list[Op]]
    difference: Difference

    def size(self) -> int:
        """What shrinking makes smaller."""
        return sum(len(json.dumps(program)) for program in self.programs)


class Differs(Exception):
    """A difference, as Hypothesis wants it."""


class Enough(BaseException):
    """The programs of a portion have run, or the time to shrink one is over. Hypothesis lets it pass."""


@dataclass
class Session:
    """Machines that all run the same programs; those of one L1 mode at a time."""

    kinds: Sequence[Kind]
    machines: dict[Kind, Machine] = field(default_factory=dict)
    void: int = 0  # of batches that QEMU's own EL2 did not come to the end of
    patience: float = 1.0  # times HASTY: more while other processes keep the machines from running

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        for machine in self.machines.values():
            machine.stop()

    def _machine(self, kind: Kind) -> Machine:
        if kind not in self.machines:
            machine = Machine(kind)
            machine.start()
            self.machines[kind] = machine
        return self.machines[kind]

    def _drop(self, kind: Kind) -> None:
        self.machines.pop(kind).stop()

    def run(
        self,
        mode: str,
        programs: Sequence[list[Op]],
        tries: int = LATE_TRIES,
        kinds: Sequence[Kind] = (),
    ) -> list[tuple[int, Difference]]:
        """Differences of a batch (on machines of `kinds` only): which program, and how. A lost machine loses the
        rest of its batch."""
        codes = [fuzzprog.assemble(program, mode) for program in programs]
        data = [code.pack() for code in codes]
        factor = LATE_FACTOR ** max(0, LATE_TRIES - 1 - tries)
        watchdog = [factor * ticks for ticks in WATCHDOG]
        if tries == LATE_TRIES:
            watchdog = [min(int(self.patience * h), w) for h, w in zip(HASTY, WATCHDOG)]
        late = 0
        wanted: dict[int, bytes] = {}
        found: list[tuple[int, Difference]] = []
        # One after another: a process that has a CPU for itself then has no program wait for one.
        for kind in (Kind(mode), *(kind for kind in kinds or self.kinds if kind.mode == mode)):
            mine = [i for i, code in enumerate(codes) if kind.can_run(code)]
            try:
                outputs = self._machine(kind).run([data[i] for i in mine], watchdog)
            except Lost as error:
                self._drop(kind)
                if not kind.depth:  # whatever the others do, there is nothing to compare it with
                    self.void += len(programs)
                    return []
                text = (f"{kind} is lost: {error.why}",)
                key = ("lost", error.why.split(":")[0])
                index = mine[min(error.program, len(mine) - 1)] if mine else 0
                found.append((index, Difference(kind, text, key)))
                continue
            if not kind.depth:
                wanted = dict(zip(mine, outputs))
                continue
            for index, got in zip(mine, outputs):
                one = compare(kind, codes[index], wanted[index], got)
                if one and one.late and self._was_late(kind, programs[index], tries):
                    late += 1
                elif one:
                    found.append((index, one))
        if tries == LATE_TRIES and late != 1:
            self.patience = min(2 * self.patience, HASTE) if late else max(0.8 * self.patience, 1)
        return found

    def _was_late(self, kind: Kind, program: list[Op], tries: int) -> bool:
        """Whether the watchdog came for one machine because that waited for a CPU of the host."""
        return tries > 0 and not self.run(kind.mode, [program], tries - 1, [kind])

    def confirm(self, mode: str, programs: Sequence[list[Op]]) -> Found | None:
        """A difference of these programs again: of one alone if that differs alone."""
        for index, first in self.run(mode, programs):
            alone = self.run(mode, [programs[index]]) if index < len(programs) else []
            if alone:
                return Found(mode, [programs[index]], alone[0][1])
            return Found(mode, list(programs[: index + 1]), first)
        return None


# ---------------------------------------------------------------------------- the search


@dataclass(frozen=True)
class Portion:
    """The programs of one Hypothesis test: they depend on nothing but this."""

    mode: str
    seed: int
    programs: int


def portions(modes: Sequence[str], programs: int, seed: int) -> list[Portion]:
    """This many programs, in turn in each L1 mode."""
    count = len(modes) * -(-programs // (PORTION * len(modes)))
    ends = [programs * n // count for n in range(count + 1)]
    return [
        Portion(modes[n % len(modes)], seed * 1_000_003 + n, ends[n + 1] - ends[n])
        for n in range(count)
        if ends[n + 1] > ends[n]
    ]


@dataclass
class Count:
    """Of programs: those that ran, those in batches that hang QEMU's own EL2, known differences."""

    ran: int = 0
    void: int = 0
    again: int = 0


@dataclass
class Search:
    """Runs portions on the machines of one session."""

    session: Session
    #: Told of each difference, and whether it came again; see Findings.keep().
    tell: Callable[[Found, bool], None]
    progress: Callable[[str], None]
    scene: str = ""
    known: set[tuple[str, ...]] = field(default_factory=set)
    _smallest: Found | None = None
    _error: Vel2Error | None = None
    _shrinks_until: float = 0.0

    def run(self, portion: Portion) -> Count:
        """Run it; once more after each difference of another kind, so that all of its programs run."""
        new: set[tuple[str, ...]] = set()
        while True:
            count = Count()
            self._smallest, seen = None, set(new)
            attempt = 0
            while self._smallest is None and count.ran + count.void < portion.programs:
                self._test(portion, attempt, count, seen)
                attempt += 1
            if self._smallest is None:
                return count
            new.add(self._smallest.difference.key)
            self.known.add(self._smallest.difference.key)
            self.tell(self._smallest, True)

    def _test(
        self, portion: Portion, attempt: int, count: Count, seen: set[tuple[str, ...]]
    ) -> None:
        """A Hypothesis test. `seen`: differences of this portion that count as found, once."""
        import hypothesis
        from hypothesis import strategies as st

        chunks = st.lists(st.binary(min_size=CHUNK, max_size=CHUNK), min_size=1, max_size=LENGTH)

        @hypothesis.seed(portion.seed + (attempt << 64))
        @hypothesis.settings(
            max_examples=EXAMPLES,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
            suppress_health_check=list(hypothesis.HealthCheck),
            verbosity=hypothesis.Verbosity.quiet,
            print_blob=False,
        )
        @hypothesis.given(st.lists(chunks, min_size=BATCH // 2, max_size=2 * BATCH))
        def test(batch: list[list[bytes]]) -> None:
            left = portion.programs - count.ran - count.void
            some = batch if self._smallest else batch[:left]
            try:
                self._batch(
                    portion.mode,
                    [decode(program, portion.mode, self.scene) for program in some],
                    count,
                    seen,
                )
            except Vel2Error as error:  # which Hypothesis would try to shrink
                self._error = error
                raise Enough() from error
            if not self._smallest and count.ran + count.void >= portion.programs:
                raise Enough()

        try:
            test()
        except (Differs, Enough, hypothesis.errors.Flaky, BaseExceptionGroup):
            pass
        if self._error:
            raise self._error

    def _batch(
        self, mode: str, programs: list[list[Op]], count: Count, seen: set[tuple[str, ...]]
    ) -> None:
        shrinks = self._smallest is not None
        if shrinks and time.monotonic() > self._shrinks_until:
            raise Enough()
        void = self.session.void
        differences = self.session.run(mode, programs)
        if not shrinks and self.session.void > void:
            count.void += len(programs)
        elif not shrinks:
            count.ran += len(programs)
        for index, difference in differences:
            if difference.key in self.known:
                if not shrinks:
                    count.again += difference.key not in seen
                    seen.discard(difference.key)
                continue
            again = self.session.confirm(mode, programs[: index + 1])
            if again is None:
                self.tell(Found(mode, programs, difference), False)
                continue
            if again.difference.key in self.known:
                continue
            if self._smallest is None:
                self.progress(f"{difference.text[0]} shrinking")
                self._shrinks_until = time.monotonic() + SHRINK_SECONDS
            if self._smallest is None or again.size() < self._smallest.size():
                self._smallest = again
            raise Differs(difference.text[0])
