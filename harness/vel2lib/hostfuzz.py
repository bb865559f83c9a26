# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 fuzz-host`: the pure parts of L0 on the build machine, under sanitizers and a coverage-guided fuzzer.

A target is a file of harness/tests/unit/fuzz; its corpus is guest-tests/corpus/host/TARGET.txt, an input a line in
hexadecimal, comments after #. With the same seed, number of runs, compiler and corpus the same happens again.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .debian import ROOT
from .errors import EXIT_FAILED, EXIT_OK, Vel2Error
from .units import FUZZ, SANITIZED, compile_unit, programs

CORPUS = ROOT / "guest-tests/corpus/host"
WORK = ROOT / "build/fuzz-host"
#: Longest input, in bytes; and seconds after which one input counts as a hang.
MAX_LEN, HANG_SECONDS = 2048, 20
#: What has libFuzzer.
_PACKAGES = "clang libclang-rt-dev"


def targets() -> dict[str, Path]:
    """Name -> source."""
    return {p.stem: p for p in programs(FUZZ)}


def chosen(names: Iterable[str]) -> dict[str, Path]:
    """Those of these names, all without a name; Vel2Error for a name that none has."""
    every = targets()
    unknown = [n for n in names if n not in every]
    if unknown:
        raise Vel2Error(f"{unknown[0]} is no target: {', '.join(every)}")
    return {n: p for n, p in every.items() if n in set(names) or not set(names)}


def read_corpus(name: str) -> list[bytes]:
    """The inputs of a target. Vel2Error for a line that is not hexadecimal."""
    path = CORPUS / f"{name}.txt"
    inputs = []
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
        text = line.partition("#")[0].strip()
        try:
            if text:
                inputs.append(bytes.fromhex(text))
        except ValueError as error:
            raise Vel2Error(f"{path}:{number}: {error}") from error
    return inputs


def unpack(name: str, into: Path) -> list[Path]:
    """The corpus as files of a new folder, in order; the empty input comes first."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    files = []
    for number, data in enumerate([b"", *read_corpus(name)]):
        files.append(into / f"{number:04}")
        files[-1].write_bytes(data)
    return files


def keep(name: str, inputs: Iterable[bytes]) -> int:
    """Write the corpus anew: its comments with their inputs stay, the others are these. Their number."""
    path = CORPUS / f"{name}.txt"
    old = path.read_text().splitlines() if path.exists() else []
    # What has a comment is there for a reason: the comment is a line of its own before it.
    noted = [line for i, line in enumerate(old) if line[:1] == "#" or (i and old[i - 1][:1] == "#")]
    lines = sorted({i.hex() for i in inputs if i} - set(noted), key=lambda s: (len(s), s))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*noted, *lines]) + "\n")
    return len(lines)


def explain(text: str) -> str:
    """Why a target failed, in one line: its own check, or the sanitizer's summary."""
    own = re.search(r"^\S+:\d+: \[.*\] .*|^.*runtime error: .*|^shadow: .*", text, re.M)
    summary = re.search(r"^SUMMARY: (.*)", text, re.M)
    found = own or summary
    return " ".join(found.group(0).split()) if found else (text.strip() or "?").splitlines()[-1]


def replay(name: str, source: Path, work: Path) -> int:
    """Try the corpus with gcc's build; the number of inputs. Vel2Error naming the one that fails."""
    program = work / f"replay-{name}"
    compile_unit(source, program, "gcc", SANITIZED, [FUZZ / "replay.c"])
    files = unpack(name, work / f"corpus-{name}")
    for start in range(0, len(files), 500):
        some = files[start : start + 500]
        done = subprocess.run(
            [str(program), *map(str, some)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=600,
            check=False,
        )
        if done.returncode:
            raise Vel2Error(f"{name}: {explain(done.stderr)}", EXIT_FAILED)
    return len(files)


@dataclass
class Fuzzed:
    """What became of a target: inputs tried, edges of its code reached, what the corpus lacked."""

    name: str
    runs: int
    edges: int
    new: list[bytes]
    failure: str | None = None

    def line(self) -> str:
        """For the user."""
        text = f"{self.name}: {self.runs:,} inputs, {self.edges} edges, {len(self.new)} new"
        return text + (f"; {self.failure}" if self.failure else "")


def build(name: str, source: Path) -> Path:
    """The target with libFuzzer. Vel2Error when there is none, with the packages that have it."""
    program = WORK / name / "fuzz"
    try:
        compile_unit(source, program, "clang", ["-fsanitize=fuzzer", *SANITIZED])
    except Vel2Error as error:
        if "is missing" in str(error) or "libclang_rt.fuzzer" in str(error):
            raise Vel2Error(
                f"clang with libFuzzer is missing: run as root: apt-get install {_PACKAGES}"
            ) from error
        raise
    return program


def _fuzzer(program: Path, *args: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            [str(program), f"-max_len={MAX_LEN}", f"-timeout={HANG_SECONDS}", *args],
            cwd=ROOT,
            env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=6 * 3600,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Vel2Error(f"{program.parent.name}: the fuzzer does not end", EXIT_FAILED) from error


def fuzz(name: str, source: Path, runs: int, seed: int) -> Fuzzed:
    """Fuzz a target: first the corpus, then `runs` inputs in all. Vel2Error when it cannot be built."""
    program, work = build(name, source), WORK / name
    unpack(name, work / "corpus")
    shutil.rmtree(work / "new", ignore_errors=True)
    (work / "new").mkdir()
    failed = work / "failed-"
    for old in work.glob("failed-*"):
        old.unlink()
    done = _fuzzer(
        program,
        *(f"-runs={runs}", f"-seed={seed}", f"-artifact_prefix={failed}"),
        # Not by the clock, nor by what a thread of its own allocates meanwhile: the same each time.
        *("-reload=0", "-detect_leaks=0", "-print_final_stats=1"),
        *(str(work / "new"), str(work / "corpus")),
    )
    units = re.search(r"^stat::number_of_executed_units:\s*(\d+)", done.stderr, re.M)
    covered = re.findall(r"^#\d+\s.*cov: (\d+)", done.stderr, re.M)
    tried, edges = int(units[1]) if units else 0, int(covered[-1]) if covered else 0
    found = Fuzzed(name, tried, edges, [p.read_bytes() for p in sorted((work / "new").iterdir())])
    if done.returncode:
        files = sorted(work.glob("failed-*"))
        where = f": {os.path.relpath(files[0], ROOT)}" if files else ""
        found.failure = explain(done.stderr) + where
        if files:
            found.failure += f" ({files[0].read_bytes().hex()[:200] or 'empty'})"
    return found


def minimize(name: str) -> list[bytes]:
    """Of the corpus and what was new a few inputs that reach every edge that those together reach."""
    work = WORK / name
    shutil.rmtree(work / "least", ignore_errors=True)
    (work / "least").mkdir()
    folders = [str(work / name) for name in ("least", "corpus", "new")]
    _fuzzer(work / "fuzz", "-set_cover_merge=1", "-use_counters=0", *folders)
    return [p.read_bytes() for p in sorted((work / "least").iterdir())]


def fuzz_all(names: Iterable[str], runs: int, seed: int, jobs: int) -> Iterator[Fuzzed]:
    """Each target, in order."""
    some = chosen(names)
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda name: fuzz(name, some[name], runs, seed), some)


def command_fuzz_host(options: argparse.Namespace, progress: Callable[[str], None]) -> int:
    """vel2 fuzz-host. Last line: inputs tried, failures."""
    if options.runs < 1 or options.jobs < 1:
        raise Vel2Error("--runs and --jobs are at least 1")
    some = chosen(options.targets)
    progress(f"building {len(some)} targets")
    tried = failures = 0
    for one in fuzz_all(some, options.runs, options.seed, options.jobs):
        print(one.line(), flush=True)
        tried += one.runs
        failures += one.failure is not None
        if options.keep and not one.failure:
            print(f"{one.name}: {keep(one.name, minimize(one.name))} inputs in its corpus")
    print(f"{tried:,} inputs tried, {failures} failures")
    return EXIT_FAILED if failures else EXIT_OK
