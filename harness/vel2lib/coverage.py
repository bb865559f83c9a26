# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 coverage`: which lines and branches of L0 the tests execute.

Two tables. On the build machine: unit tests and the fuzzer's corpora, by gcc's --coverage; branches are those of the
source. In QEMU: L0 as it ships, while it runs the suite, by a plugin that notes each instruction of it; a line was
executed if one of its instructions was (DWARF says which those are, inlined copies included), and branches are the two
ways of each conditional branch in the code.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

from .config import BUILD, L0_BIN, build
from .debian import ROOT
from .errors import EXIT_FAILED, EXIT_OK, Vel2Error
from .hostfuzz import unpack
from .qemu import COVERAGE, quote
from .units import FUZZ, UNIT, compile_apart, programs

WORK = ROOT / "build/coverage"
PLUGIN = BUILD / "coverage.so"
#: What counts as L0.
ROOMS = ("hyp/", "shadow/", "nested/")
RUN, TAKEN, NOT_TAKEN = 1, 2, 4


@dataclass
class FileCoverage:
    """Of one source file: line -> executed, branch -> executed (by any key), function -> executed."""

    lines: dict[int, bool] = field(default_factory=dict)
    branches: dict[Any, bool] = field(default_factory=dict)
    functions: dict[str, bool] = field(default_factory=dict)

    def add(self, kind: str, key: Any, executed: bool) -> None:
        """Executed by one is executed."""
        values = getattr(self, kind)
        values[key] = values.get(key, False) or executed


Coverage = dict[str, FileCoverage]


def _file(found: Coverage, path: str) -> FileCoverage | None:
    name = os.path.relpath(os.path.join(ROOT, path), ROOT)
    return found.setdefault(name, FileCoverage()) if name.startswith(ROOMS) else None


# On the build machine.


def add_gcov(found: Coverage, text: str) -> None:
    """What `gcov --json-format --stdout` said of a program."""
    for line in text.splitlines():
        for one in json.loads(line)["files"]:
            into = _file(found, one["file"])
            if into is None:
                continue
            for row in one["lines"]:
                into.add("lines", row["line_number"], row["count"] > 0)
                for index, branch in enumerate(row["branches"]):
                    into.add("branches", (row["line_number"], index), branch["count"] > 0)
            for row in one["functions"]:
                into.add("functions", row["name"], row["execution_count"] > 0)


def _run(command: Sequence[str], cwd: Path = ROOT) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, errors="replace", timeout=900, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Vel2Error(f"{Path(command[0]).name}: {said[-1] if said else 'failed'}")
    return done.stdout


def _unit(source: Path) -> str:
    """Build one program, run it, and gcov's account of it."""
    fuzzed = source.parent == FUZZ
    work = WORK / ("fuzz" if fuzzed else "unit") / source.stem
    shutil.rmtree(work, ignore_errors=True)
    more = [FUZZ / "replay.c"] if fuzzed else []
    compile_apart(source, work / "program", ["-O0", "--coverage"], more)
    inputs = unpack(source.stem, work / "corpus") if fuzzed else []
    _run([str(work / "program"), *map(str, inputs)])
    notes = [str(p) for p in sorted(work.glob("*.gcda"))]
    return _run(["gcov", "--json-format", "--stdout", "--branch-probabilities", *notes])


def of_units(jobs: int, sources: Iterable[Path] | None = None) -> Coverage:
    """Of the unit tests and the corpora, or of these programs alone."""
    found: Coverage = {}
    every = sources if sources is not None else [*programs(UNIT), *programs(FUZZ)]
    with ThreadPoolExecutor(jobs) as pool:
        for text in pool.map(_unit, every):
            add_gcov(found, text)
    return found


# In QEMU.


@dataclass(frozen=True)
class Code:
    """The instructions of an image: where, and of each its conditional branch or None."""

    start: int
    size: int  # bytes

    @staticmethod
    def of(elf: ELFFile) -> "Code":
        """From the first executable section to the end of the last."""
        parts = [s for s in elf.iter_sections() if s["sh_flags"] & 4 and s["sh_size"]]
        start = min(s["sh_addr"] for s in parts)
        return Code(start, max(s["sh_addr"] + s["sh_size"] for s in parts) - start)


def prepare(image: Path) -> tuple[Path, str]:
    """An empty map for an image (ELF), and the plugin's option for QEMU."""
    WORK.mkdir(parents=True, exist_ok=True)
    with image.open("rb") as stream:
        code = Code.of(ELFFile(stream))
    path = WORK / f"l0-{os.getpid()}.map"
    path.write_bytes(bytes(code.size // 4))
    where = f"map={quote(str(path))},start={code.start:#x},size={code.size:#x}"
    return path, f"{quote(str(PLUGIN))},{where}"


def _line_tables(elf: ELFFile) -> Iterable[tuple[str, int, int, int]]:
    """(file, line, first address, address behind the last) of each piece of code."""
    dwarf = elf.get_dwarf_info()
    for unit in dwarf.iter_CUs():
        program = dwarf.line_program_for_CU(unit)
        if program is None:
            continue
        header = program.header
        # DWARF 5 counts files and directories from 0, earlier ones from 1.
        base = 0 if header["version"] >= 5 else 1
        folder = unit.get_top_DIE().attributes["DW_AT_comp_dir"].value.decode()
        folders = [d.decode() for d in header["include_directory"]]
        if base:
            folders.insert(0, folder)
        names = [
            os.path.join(folder, folders[f.dir_index], f.name.decode())
            for f in header["file_entry"]
        ]
        last = None
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            if last is not None and not last.end_sequence and last.address < state.address:
                yield names[last.file - base], last.line, last.address, state.address
            last = state


def is_conditional(insn: int) -> bool:
    """B.cond, CBZ, CBNZ, TBZ, TBNZ: as the plugin has it."""
    return insn & 0xFF000010 == 0x54000000 or insn & 0x7C000000 == 0x34000000


def of_map(image: Path, path: Path) -> Coverage:
    """What a map says of its image."""
    found: Coverage = {}
    bits = path.read_bytes()
    with image.open("rb") as stream:
        elf = ELFFile(stream)
        code = Code.of(elf)
        text = bytearray(code.size)
        for section in elf.iter_sections():
            if section["sh_flags"] & 4:
                at = section["sh_addr"] - code.start
                text[at : at + section["sh_size"]] = section.data()
        files: dict[int, FileCoverage] = {}
        for name, line, first, end in _line_tables(elf):
            into = _file(found, name)
            if into is None or not code.start <= first < code.start + code.size:
                continue
            for index in range((first - code.start) // 4, (end - code.start) // 4):
                files[index] = into
                into.add("lines", line, bool(bits[index] & RUN))
        for index, into in files.items():
            if is_conditional(int.from_bytes(text[index * 4 : index * 4 + 4], "little")):
                into.add("branches", (index, TAKEN), bool(bits[index] & TAKEN))
                into.add("branches", (index, NOT_TAKEN), bool(bits[index] & NOT_TAKEN))
        for symbol in elf.get_section_by_name(".symtab").iter_symbols():
            index = (symbol["st_value"] - code.start) // 4
            if symbol["st_info"]["type"] != "STT_FUNC" or index not in files:
                continue
            some = bits[index : index + max(symbol["st_size"] // 4, 1)]
            files[index].add("functions", symbol.name, any(b & RUN for b in some))
    return found


def of_suite(pytest_args: Sequence[str], progress: Callable[[str], None]) -> tuple[Coverage, int]:
    """Of L0 in QEMU, while pytest runs; and pytest's exit status."""
    build(["l0", "guests", "plugin"])
    image = L0_BIN.with_suffix(".elf")
    path, option = prepare(image)
    progress("running the suite with QEMU's plugin")
    command = ["/usr/bin/python3", "-m", "pytest", "-c", "harness/pyproject.toml"]
    command += pytest_args or ["-n", "2", "--dist", "loadgroup", "harness/tests"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, COVERAGE: option}, timeout=6 * 3600, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Vel2Error("the suite does not end", EXIT_FAILED) from error
    found = of_map(image, path)
    path.unlink()
    return found, done.returncode


# What is said of it.


def _share(values: Iterable[bool]) -> tuple[int, int]:
    some = list(values)
    return sum(some), len(some)


def _cell(done: int, every: int) -> str:
    return f"{done:5}/{every:<5} {100 * done / every:5.1f}%" if every else " " * 18


def totals(found: Coverage) -> dict[str, tuple[int, int]]:
    """kind -> (executed, all) over all files."""
    kinds = ("lines", "branches", "functions")
    return {k: _share(v for f in found.values() for v in getattr(f, k).values()) for k in kinds}


def table(title: str, found: Coverage, uncovered: bool) -> list[str]:
    """A line a file, then the sum; then the functions that nothing called."""
    rows = [title, f"{'file':32} {'lines':>18} {'branches':>18}"]
    for name, one in sorted(found.items()):
        shares = [_share(v.values()) for v in (one.lines, one.branches)]
        rows.append(f"{name:32} {_cell(*shares[0])} {_cell(*shares[1])}".rstrip())
    sums = totals(found)
    rows.append(f"{'all':32} {_cell(*sums['lines'])} {_cell(*sums['branches'])}")
    never = [
        f"{n}: {f}" for n, one in sorted(found.items()) for f, ok in one.functions.items() if not ok
    ]
    rows.append(f"functions: {sums['functions'][0]} of {sums['functions'][1]} executed")
    return rows + (["not executed:", *(f"  {s}" for s in never)] if uncovered and never else [])


def as_json(found: Coverage) -> dict[str, Any]:
    """For --json: sums, and of each file its figures, lines and functions that were not executed."""
    files = {}
    for name, one in sorted(found.items()):
        files[name] = {
            "lines": _share(one.lines.values()),
            "branches": _share(one.branches.values()),
            "lines_not_executed": sorted(n for n, ok in one.lines.items() if not ok),
            "functions_not_executed": sorted(n for n, ok in one.functions.items() if not ok),
        }
    return {"all": totals(found), "files": files}


def command_coverage(options: argparse.Namespace, progress: Callable[[str], None]) -> int:
    """vel2 coverage. Fails if the suite does; the tables are printed all the same."""
    tables: dict[str, tuple[str, Coverage]] = {}
    status = 0
    if options.of != "suite":
        progress("building and running the unit tests and the fuzzer's corpora")
        title = "on the build machine: unit tests and the fuzzer's corpora"
        tables["units"] = (title, of_units(options.jobs))
    if options.of != "units":
        found, status = of_suite(options.pytest_args, progress)
        tables["suite"] = ("in QEMU: L0 while it runs the suite", found)
    for title, found in tables.values():
        print("\n".join(["", *table(title, found, options.uncovered)]))
    if options.json:
        value = {name: as_json(found) for name, (_, found) in tables.items()}
        try:
            options.json.write_text(json.dumps(value, indent=1) + "\n")
        except OSError as error:
            raise Vel2Error(f"{options.json}: {error.strerror}") from error
    if status:
        raise Vel2Error("the suite failed: see above; its coverage is what was run", EXIT_FAILED)
    return EXIT_OK
