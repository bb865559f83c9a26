# SPDX-License-Identifier: GPL-2.0-only
"""vel2 fuzz and vel2 replay: random programs on QEMU's real EL2 and at vEL2, which must not differ.

Processes, one a CPU, search with machines of their own (fuzzsearch.py). What differs becomes a file, which
`replay` runs again. A machine that hangs, panics or ends is a difference too, and is started anew.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import multiprocessing
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from . import config as configuration
from . import fuzzprog
from .config import HOSTS, MECHS
from .debian import ROOT
from .errors import EXIT_FAILED, EXIT_OK, Vel2Error
from .fuzzdecode import SCENES
from .fuzzmask import Difference
from .fuzzprog import MODES, Op
from .fuzzrun import Kind
from .fuzzsearch import Count, Found, Portion, Search, Session, portions
from .qemu import die_with_parent

CORPUS = ROOT / "guest-tests/corpus"


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


# ---------------------------------------------------------------------------- several searches


@dataclass
class Findings:
    """What was found, by one search or by many: one difference of each key, each in a file."""

    directory: Path
    progress: Callable[[str], None]
    found: list[Found] = field(default_factory=list)
    flaky: int = 0  # differences that did not come again
    count: Count = field(default_factory=Count)
    started: float = field(default_factory=time.monotonic)

    @property
    def known(self) -> set[tuple[str, ...]]:
        """Keys of what was found."""
        return {one.difference.key for one in self.found}

    @property
    def differences(self) -> int:
        """Programs that differ."""
        return len(self.found) + self.count.again

    def keep(self, found: Found, again: bool) -> None:
        """A difference; `again`: it came when its programs ran again."""
        if not again:
            self.flaky += 1
            write(self.directory / f"flaky-{self.flaky}.json", found)
        elif found.difference.key in self.known:  # two searches at the same time
            self.count.again += 1
        else:
            self.found.append(found)
            path = self.directory / f"difference-{len(self.found)}.json"
            write(path, found)
            print("\n".join(found.difference.text))
            for program in found.programs:
                for op in program:
                    print(f"    {json.dumps(_readable(op))}")
            print(f"  {path}")

    def add(self, count: Count) -> None:
        """A portion is done."""
        self.count.ran += count.ran
        self.count.void += count.void
        self.count.again += count.again
        rate = self.count.ran / (time.monotonic() - self.started)
        self.progress(f"{self.count.ran} programs, {self.differences} differences, {rate:.0f}/s")

    def finish(self) -> int:
        """Say what came out. Exit status."""
        if self.flaky:
            files = f"{self.directory}/flaky-*.json"
            print(f"{self.flaky} differences that did not come again: {files}")
        if self.count.void:
            print(f"{self.count.void} programs more in batches that hang QEMU's own EL2")
        print(f"{self.count.ran} programs, {self.differences} differences")
        return EXIT_FAILED if self.differences or self.flaky else EXIT_OK


class _Ended(BaseException):
    """A worker is to end: not an Exception, which Hypothesis would take for the program's."""


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _Ended()


def _work(pipe: Connection, kinds: Sequence[Kind], scene: str) -> None:
    """A worker: runs the portions that come, and sends what it finds; its QEMUs end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent has it, too
    signal.signal(signal.SIGTERM, _end)
    die_with_parent(signal.SIGTERM)
    try:
        with Session(kinds) as session:
            search = Search(
                session,
                lambda *found: pipe.send(("keep", found)),
                lambda text: pipe.send(("progress", (text,))),
                scene,
            )
            while True:
                portion, known = pipe.recv()
                search.known |= known
                pipe.send(("add", (search.run(portion),)))
    except Vel2Error as error:
        pipe.send(("error", (error,)))
    except (_Ended, EOFError, BrokenPipeError):
        pass


class Worker:
    """A process with machines of its own."""

    def __init__(self, kinds: Sequence[Kind], scene: str):
        # Forked: it has read all the tables already, and nothing else runs in this process.
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, kinds, scene), daemon=True)
        self.process.start()
        theirs.close()
        self.portion: Portion | None = None
        self.modes: set[str] = set()  # of its machines

    def give(self, waiting: list[Portion], known: set[tuple[str, ...]]) -> None:
        """The next portion, preferably one for machines that it has."""
        self.portion = None
        if waiting:
            chosen = min(waiting, key=lambda one: (one.mode not in self.modes, one.seed))
            waiting.remove(chosen)
            self.portion = chosen
            self.modes.add(chosen.mode)
            with contextlib.suppress(OSError):  # take() says why
                self.pipe.send((chosen, known))

    def take(self) -> tuple[str, tuple[Any, ...]]:
        """What it says. Vel2Error when it has died."""
        try:
            name, values = self.pipe.recv()
        except (EOFError, OSError) as error:
            self.process.join(5)
            code = self.process.exitcode
            how = signal.Signals(-code).name if code and code < 0 else f"exit status {code}"
            lost = self.portion.programs if self.portion else 0
            mode = self.portion.mode if self.portion else ""
            raise Vel2Error(
                f"a worker process died ({how}): {lost} programs of l1_{mode} have no result"
            ) from error
        if name == "error":
            raise values[0]
        return name, values

    def stop(self) -> None:
        """Wait for its end, which it was told of."""
        self.process.join(10)
        self.process.kill()
        self.pipe.close()


def search_all(
    todo: Sequence[Portion], kinds: Sequence[Kind], findings: Findings, jobs: int, scene: str
) -> None:
    """Run portions in this many processes. Vel2Error when one of them fails."""
    waiting = list(todo)
    workers: list[Worker] = []
    try:
        for _ in range(min(jobs, len(waiting))):
            workers.append(Worker(kinds, scene))
            workers[-1].give(waiting, findings.known)
        while busy := [worker for worker in workers if worker.portion]:
            ready = wait([worker.pipe for worker in busy])
            for worker in (worker for worker in busy if worker.pipe in ready):
                name, values = worker.take()
                getattr(findings, name)(*values)
                if name == "add":
                    worker.give(waiting, findings.known)
    finally:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.stop()


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
    if options.jobs is not None and options.jobs < 1:
        raise Vel2Error(f"--jobs {options.jobs}: at least 1")
    if options.scene and options.scene not in SCENES:
        raise Vel2Error(f"--scene {options.scene}: one of {', '.join(SCENES)}")
    if not options.no_build:
        progress("building")
        configuration.build(["l0", "guests"])
    kinds = kinds_of(options)
    modes = list(dict.fromkeys(kind.mode for kind in kinds))
    findings = Findings(options.save or ROOT / "build/fuzz", progress)
    search_all(
        portions(modes, options.programs, options.seed),
        kinds,
        findings,
        options.jobs or configuration.cpus(),
        options.scene,
    )
    return findings.finish()


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
