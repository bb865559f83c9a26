# SPDX-License-Identifier: GPL-2.0-only
"""vel2 fuzz and vel2 replay: random programs on QEMU's real EL2 and at vEL2, which must not differ.

Hypothesis generates programs in batches and shrinks what differs to the shortest program; that becomes
a file, which `replay` runs again. A machine that hangs, panics or ends is a difference too, and is
started anew.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import config as configuration
from . import fuzzprog
from .config import HOSTS, MECHS
from .debian import ROOT
from .errors import EXIT_FAILED, EXIT_OK, Vel2Error
from .fuzzdecode import CHUNK, SCENES, decode
from .fuzzmask import Difference, compare
from .fuzzprog import MODES, Op
from .fuzzrun import BATCH_SECONDS, HASTY, WATCHDOG, Kind, Lost, Machine, wait

#: Programs that are handed over at once (on average), operations of one, examples of one Hypothesis test.
BATCH, LENGTH, EXAMPLES = 16, 14, 40
#: Of wall clock, for one difference.
SHRINK_SECONDS = 60.0
PROGRESS_SECONDS = 2.0
#: How often a program runs again that one machine did not end in time, with so many times the time.
LATE_TRIES, LATE_FACTOR = 3, 4
CORPUS = ROOT / "guest-tests/corpus"


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


@dataclass
class Session:
    """Machines that all run the same programs; those of one L1 mode at a time."""

    kinds: Sequence[Kind]
    machines: dict[Kind, Machine] = field(default_factory=dict)
    ran: int = 0  # programs that were new
    void: int = 0  # of batches that QEMU's own EL2 did not come to the end of

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
        new: bool = False,
    ) -> list[tuple[int, Difference]]:
        """Differences of a batch: which program, and how. A lost machine loses the rest of its batch."""
        codes = [fuzzprog.assemble(program, mode) for program in programs]
        data = [code.pack() for code in codes]
        every = range(len(codes))
        kinds = [Kind(mode), *(kind for kind in self.kinds if kind.mode == mode)]
        machines = [self._machine(kind) for kind in kinds]
        chosen = [[i for i in every if kind.can_run(codes[i])] for kind in kinds]
        factor = LATE_FACTOR ** max(0, LATE_TRIES - 1 - tries)
        watchdog = HASTY if tries == LATE_TRIES else [factor * ticks for ticks in WATCHDOG]
        for machine, mine in zip(machines, chosen):
            machine.begin([data[i] for i in mine], watchdog)
        wait(machines, BATCH_SECONDS)
        outputs: list[dict[int, bytes]] = []
        lost: list[tuple[int, Difference]] = []
        for machine, mine in zip(machines, chosen):
            try:
                outputs.append(dict(zip(mine, machine.end(len(mine)))))
            except Lost as error:
                outputs.append({})
                text = (f"{machine.kind} is lost: {error.why}",)
                key = ("lost", error.why.split(":")[0])
                index = mine[min(error.program, len(mine) - 1)] if mine else 0
                lost.append((index, Difference(machine.kind, text, key)))
                self._drop(machine.kind)
        if not outputs[0]:  # whatever the others do, there is nothing to compare it with
            self.void += len(programs)
            return []
        self.ran += len(programs) if new else 0
        found = lost
        for kind, output in zip(kinds[1:], outputs[1:]):
            for index, got in output.items():
                one = compare(kind, codes[index], outputs[0][index], got)
                if one and not (one.late and self._was_late(mode, programs[index], tries)):
                    found.append((index, one))
        return found

    def _was_late(self, mode: str, program: list[Op], tries: int) -> bool:
        """Whether the watchdog came for one machine because that waited for a CPU of the host."""
        return tries > 0 and not self.run(mode, [program], tries - 1)

    def confirm(self, mode: str, programs: Sequence[list[Op]]) -> Found | None:
        """A difference of these programs again: of one alone if that differs alone."""
        for index, first in self.run(mode, programs):
            alone = self.run(mode, [programs[index]]) if index < len(programs) else []
            if alone:
                return Found(mode, [programs[index]], alone[0][1])
            return Found(mode, list(programs[: index + 1]), first)
        return None


# ---------------------------------------------------------------------------- files


def _readable(value: Any) -> Any:
    if isinstance(value, list):
        return [_readable(one) for one in value]
    return hex(value) if isinstance(value, int) and value > 9 else value


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return int(value, 16) if isinstance(value, str) and value.startswith("0x") else value


def write(path: Path, found: Found, note: str = "") -> None:
    """A reproducer."""
    lines = [f' "mode": "{found.mode}"']
    lines.append(f' "difference": {json.dumps(list(found.difference.text))}')
    if note:
        lines.append(f' "note": {json.dumps(note)}')
    programs = [
        "  [\n" + ",\n".join("   " + json.dumps(_readable(op)) for op in program) + "\n  ]"
        for program in found.programs
    ]
    lines.append(' "programs": [\n' + ",\n".join(programs) + "\n ]")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def read(path: Path) -> tuple[str, list[list[Op]]]:
    """Mode and programs of a reproducer. Vel2Error when it is none."""
    try:
        value = json.loads(path.read_text())
        programs = _numbers(value["programs"])
        mode = MODES[MODES.index(value["mode"])]
        for program in programs:
            fuzzprog.assemble(program, mode)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Vel2Error(f"{path}: no program of vel2 fuzz: {error}") from error
    return mode, programs


# ---------------------------------------------------------------------------- the search


@dataclass
class Search:
    """Hypothesis tests, one after another, until enough programs have run."""

    session: Session
    directory: Path
    seed: int
    progress: Callable[[str], None]
    found: list[Found] = field(default_factory=list)
    again: int = 0  # differences with a key that was seen before
    flaky: int = 0  # differences that did not come again
    known: set[tuple[str, ...]] = field(default_factory=set)
    scene: str = ""
    _smallest: Found | None = None
    _error: Vel2Error | None = None
    _shrinks_until: float = 0.0

    def run(self, modes: Sequence[str], programs: int) -> None:
        """Run this many programs, in turn in each L1 mode."""
        started, number = time.monotonic(), 0
        said = started
        before = self.session.ran
        while (left := before + programs - self.session.ran - self.session.void) > 0:
            self._one(modes[number % len(modes)], self.seed * 1_000_003 + number, left)
            number += 1
            ran = self.session.ran - before
            rate = ran / (time.monotonic() - started)
            self.progress(f"{ran} programs, {len(self.found)} differences, {rate:.0f}/s")

    def _one(self, mode: str, seed: int, programs: int) -> None:
        import hypothesis
        from hypothesis import strategies as st

        chunks = st.lists(st.binary(min_size=CHUNK, max_size=CHUNK), min_size=1, max_size=LENGTH)
        examples = max(5, min(EXAMPLES, (programs + BATCH - 1) // BATCH))
        self._smallest = None

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
            suppress_health_check=list(hypothesis.HealthCheck),
            verbosity=hypothesis.Verbosity.quiet,
            print_blob=False,
        )
        @hypothesis.given(st.lists(chunks, min_size=BATCH // 2, max_size=2 * BATCH))
        def test(batch: list[list[bytes]]) -> None:
            if self._error:
                return
            try:
                self._test(mode, [decode(program, mode, self.scene) for program in batch])
            except Vel2Error as error:  # which Hypothesis would try to shrink
                self._error = error

        try:
            test()
        except (Differs, hypothesis.errors.Flaky, BaseExceptionGroup):
            pass
        if self._error:
            raise self._error
        if self._smallest:
            self._keep(self._smallest)

    def _test(self, mode: str, programs: list[list[Op]]) -> None:
        if self._smallest and time.monotonic() > self._shrinks_until:
            return  # Hypothesis takes that for a program that does not differ any more
        for index, difference in self.session.run(mode, programs, new=not self._smallest):
            if difference.key in self.known:
                self.again += self._smallest is None
                continue
            again = self.session.confirm(mode, programs[: index + 1])
            if again is None:
                self.flaky += 1
                write(
                    self.directory / f"flaky-{self.flaky}.json", Found(mode, programs, difference)
                )
                continue
            if again.difference.key in self.known:
                continue
            if self._smallest is None:
                self.progress(f"{difference.text[0]} shrinking")
                self._shrinks_until = time.monotonic() + SHRINK_SECONDS
            if self._smallest is None or again.size() < self._smallest.size():
                self._smallest = again
            raise Differs(difference.text[0])

    def _keep(self, found: Found) -> None:
        self.known.add(found.difference.key)
        self.found.append(found)
        path = self.directory / f"difference-{len(self.found)}.json"
        write(path, found)
        print("\n".join(found.difference.text))
        for program in found.programs:
            for op in program:
                print(f"    {json.dumps(_readable(op))}")
        print(f"  {path}")


def kinds_of(options: argparse.Namespace) -> list[Kind]:
    """The virtual machines that the options ask for."""
    hosts = [options.host] if options.host else HOSTS
    mechs = [options.mech] if options.mech else MECHS
    modes = [options.l1_mode] if options.l1_mode else MODES
    depths = [options.depth or 1]
    return [
        Kind(mode, depth, host, mech)
        for mode, depth, host, mech in itertools.product(modes, depths, hosts, mechs)
    ]


def command_fuzz(options: argparse.Namespace, progress: Callable[[str], None]) -> int:
    """vel2 fuzz."""
    if options.programs < 1:
        raise Vel2Error(f"--programs {options.programs}: at least 1")
    if options.scene and options.scene not in SCENES:
        raise Vel2Error(f"--scene {options.scene}: one of {', '.join(SCENES)}")
    if not options.no_build:
        progress("building")
        configuration.build(["l0", "guests"])
    kinds = kinds_of(options)
    modes = list(dict.fromkeys(kind.mode for kind in kinds))
    with Session(kinds) as session:
        where = options.save or ROOT / "build/fuzz"
        search = Search(session, where, options.seed, progress, scene=options.scene)
        search.run(modes, options.programs)
    if search.flaky:
        print(
            f"{search.flaky} differences that did not come again: {search.directory}/flaky-*.json"
        )
    if session.void:
        print(f"{session.void} programs more in batches that hang QEMU's own EL2")
    different = len(search.found) + search.again
    print(f"{session.ran} programs, {different} differences")
    return EXIT_FAILED if different or search.flaky else EXIT_OK


def replay(session: Session, path: Path) -> list[Difference]:
    """Differences of a reproducer's programs on every machine of the session."""
    mode, programs = read(path)
    return [difference for _, difference in session.run(mode, programs)]


def command_replay(options: argparse.Namespace, progress: Callable[[str], None]) -> int:
    """vel2 replay."""
    files: list[Path] = []
    for path in options.files:
        files += sorted(path.glob("*.json")) if path.is_dir() else [path]
    for path in files:
        read(path)
    if not options.no_build:
        progress("building")
        configuration.build(["l0", "guests"])
    different = 0
    with Session(kinds_of(options)) as session:
        for path in files:
            found = replay(session, path)
            different += bool(found)
            print(f"{path}: {'differs' if found else 'the same'}")
            for difference in found:
                print("\n".join(difference.text))
    print(f"{len(files)} files, {different} differ")
    return EXIT_FAILED if different else EXIT_OK
