# SPDX-License-Identifier: GPL-2.0-only
"""`make mutants`: does the suite notice when L0 is wrong?

harness/tests/mutants.toml lists deliberate faults. Each is put into a copy of the checkout, built, and the
tests that must fail because of it are run there. A fault that none of them notices is a hole in the suite.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .config import BUILD
from .debian import ROOT
from .errors import EXIT_ERROR, EXIT_FAILED, EXIT_OK, Vel2Error
from .lint import tracked

LIST = ROOT / "harness/tests/mutants.toml"
COPIES = BUILD / "mutants"
#: What the copies share with the checkout.
SHARED = ("deb", "payload", ".setup")
#: What is compiled into an image: a fault there that leaves all images as they are is none.
COMPILED = ("hyp/", "shadow/", "nested/", "guest-tests/")
#: Seconds for one build, for the tests of one fault, and for those of all on what is not faulty.
BUILD_SECONDS, TEST_SECONDS, BASE_SECONDS = 600, 300, 1800
_KEYS = {"name", "file", "old", "new", "tests", "why"}


@dataclass(frozen=True)
class Mutant:
    """One fault: `old`, which is in `file` exactly once, becomes `new`; some of `tests` must fail.

    tests are pytest's node ids below harness/tests.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str

    def apply(self, text: str) -> str:
        """The file with the fault; Vel2Error where it does not apply."""
        found = text.count(self.old)
        if found != 1:
            raise Vel2Error(f"mutant {self.name}: its old text is {found} times in {self.file}")
        return text.replace(self.old, self.new)


def _mutant(row: dict[str, object]) -> Mutant:
    name = str(row.get("name", "?"))
    if set(row) != _KEYS or not isinstance(row["tests"], list) or not row["tests"]:
        raise Vel2Error(f"mutant {name}: a row has {', '.join(sorted(_KEYS))}, and tests is a list")
    text = {k: str(row[k]) for k in _KEYS - {"tests"}}
    if text["old"] == text["new"] or not text["old"]:
        raise Vel2Error(f"mutant {name}: old and new are the same, or old is empty")
    return Mutant(**text, tests=tuple(str(t) for t in row["tests"]))


def read_list(path: Path = LIST) -> list[Mutant]:
    """The rows of mutants.toml; Vel2Error for one that is none, or two of the same name."""
    try:
        with path.open("rb") as stream:
            rows = tomllib.load(stream).get("mutant", [])
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Vel2Error(f"{path}: {error}") from error
    mutants = [_mutant(row) for row in rows]
    names = [m.name for m in mutants]
    for name in names:
        if names.count(name) > 1:
            raise Vel2Error(f"mutant {name}: two have this name")
    return mutants


def select(mutants: list[Mutant], names: Sequence[str]) -> list[Mutant]:
    """Those of these names, all without a name; Vel2Error for a name that none has."""
    unknown = set(names) - {m.name for m in mutants}
    if unknown:
        raise Vel2Error(f"no mutant is called {', '.join(sorted(unknown))}")
    return [m for m in mutants if not names or m.name in names]


class Copy:
    """A copy of the checkout with a build of its own."""

    def __init__(self, number: int):
        self.root = COPIES / str(number)
        self._images = ""

    def make(self) -> None:
        """Bring it up to date, fetch nothing, build. Vel2Error when that fails."""
        files = {p.relative_to(ROOT) for p in tracked("*")}
        for name in files:
            self._copy(name)
        build = self.root / "build"
        build.mkdir(parents=True, exist_ok=True)
        for old in self.root.rglob("*"):
            inside = old.relative_to(self.root)
            if old.is_file() and inside.parts[0] != "build" and inside not in files:
                old.unlink()
        for shared in SHARED:
            link = build / shared
            if not link.exists() and (BUILD / shared).exists():
                link.symlink_to(BUILD / shared)
        error = self.build()
        if error:
            raise Vel2Error(f"make in {self.root}: {error}")
        self._images = self._digest()

    def _copy(self, name: Path) -> None:
        source, target = ROOT / name, self.root / name
        if target.is_file() and target.read_bytes() == source.read_bytes():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        shutil.copymode(source, target)

    def _run(self, args: Sequence[str], seconds: float) -> "subprocess.CompletedProcess[str]":
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        return subprocess.run(
            args,
            cwd=self.root,
            env={**keep, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def build(self) -> str | None:
        """make; the compiler's first complaint when that fails."""
        done = self._run(["make", "-s", "-j2", "l0", "guests"], BUILD_SECONDS)
        if not done.returncode:
            return None
        lines = [s for s in done.stderr.splitlines() if "rror" in s]
        return lines[0] if lines else done.stderr[-300:]

    def _digest(self) -> str:
        images = sorted([*self.root.glob("build/*.bin"), *self.root.glob("build/guests/*.bin")])
        return hashlib.sha256(b"".join(p.read_bytes() for p in images)).hexdigest()

    def test(self, tests: Iterable[str], seconds: float) -> tuple[int, list[str]]:
        """Run these tests to the first failure: pytest's status, and the names of what failed."""
        args = ["-m", "pytest", "-c", "harness/pyproject.toml", "-q", "-x", "-m", "", "--tb=no"]
        nodes = [f"harness/tests/{test}" for test in tests]
        done = self._run(["/usr/bin/python3", *args, *nodes], seconds)
        failed = re.findall(r"^(?:FAILED|ERROR) (?:harness/)?tests/(\S+)", done.stdout, re.M)
        return done.returncode, failed or done.stdout.splitlines()[-3:]

    def try_out(self, mutant: Mutant) -> str | None:
        """The test that caught it, or None. Vel2Error when it is no fault that could be tried."""
        path = self.root / mutant.file
        text = path.read_text()
        path.write_text(mutant.apply(text))
        try:
            return self._caught(mutant)
        finally:
            path.write_text(text)

    def _caught(self, mutant: Mutant) -> str | None:
        error = self.build()
        if error:
            raise Vel2Error(f"mutant {mutant.name}: does not compile: {error}")
        if mutant.file.startswith(COMPILED) and self._digest() == self._images:
            raise Vel2Error(f"mutant {mutant.name}: every image is what it was without it")
        try:
            status, failed = self.test(mutant.tests, TEST_SECONDS)
        except subprocess.TimeoutExpired:
            return f"its tests did not end in {TEST_SECONDS} s"
        if status not in (0, 1):
            raise Vel2Error(f"mutant {mutant.name}: pytest: {' '.join(failed)}")
        return failed[0] if status else None


class Trial:
    """All the faults, several at a time."""

    def __init__(self, mutants: list[Mutant]):
        self.mutants = mutants
        self.caught = 0
        self.errors: list[str] = []
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()

    def base(self, copy: Copy) -> None:
        """The tests pass where nothing is wrong, or their failures say nothing."""
        tests = sorted({test for mutant in self.mutants for test in mutant.tests})
        status, failed = copy.test(tests, BASE_SECONDS)
        if status:
            raise Vel2Error(f"without a mutant there is a failure: {' '.join(failed)}")

    def _work(self, copy: Copy) -> None:
        while True:
            try:
                mutant = self._waiting.get_nowait()
            except queue.Empty:
                return
            started = time.monotonic()
            try:
                by, error = copy.try_out(mutant), None
            except (Vel2Error, OSError, subprocess.TimeoutExpired) as problem:
                by, error = None, str(problem)
            said = error or (f"caught by {by}" if by else "SURVIVED")
            with self._lock:
                self.caught += by is not None
                self.errors += [error] if error else []
                print(f"{mutant.name}: {said} ({time.monotonic() - started:.0f} s)", flush=True)

    def run(self, copies: list[Copy]) -> None:
        """Try out every fault, each copy one at a time."""
        for mutant in self.mutants:
            self._waiting.put(mutant)
        threads = [threading.Thread(target=self._work, args=(copy,)) for copy in copies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def mutate(mutants: list[Mutant], jobs: int) -> int:
    """Try these out; print a line for each and the sum. The exit status."""
    for mutant in mutants:
        mutant.apply((ROOT / mutant.file).read_text())
    copies = [Copy(i) for i in range(max(1, min(jobs, len(mutants))))]
    for copy in copies:
        copy.make()
    trial = Trial(mutants)
    trial.base(copies[0])
    trial.run(copies)
    for error in trial.errors:
        print(f"vel2: {error}", file=sys.stderr, flush=True)
    print(f"{len(mutants)} mutants, {trial.caught} caught")
    if trial.errors:
        return EXIT_ERROR
    return EXIT_OK if trial.caught == len(mutants) else EXIT_FAILED


def main(argv: list[str]) -> int:
    """mutants [--jobs N] [NAME...]"""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="at a time (default 2)")
    parser.add_argument("names", nargs="*", metavar="NAME", help="these alone (default all)")
    options = parser.parse_args(argv)
    try:
        return mutate(select(read_list(), options.names), options.jobs)
    except (Vel2Error, OSError) as error:
        print(f"vel2: {error}", file=sys.stderr)
        return EXIT_ERROR


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
