# SPDX-License-Identifier: GPL-2.0-only
"""Random programs on QEMU's real EL2 and at vEL2: no difference, and what finds them does find them."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from vel2lib import fuzz, fuzzabi, fuzzdecode, fuzzprog, fuzzregs, fuzzrun, fuzzsearch
from vel2lib.config import HOSTS, MECHS
from vel2lib.errors import EXIT_ERROR, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, Vel2Error
from vel2lib.fuzz import CORPUS, Findings
from vel2lib.fuzzmask import Difference
from vel2lib.fuzzprog import MODES, Op
from vel2lib.fuzzrun import Kind
from vel2lib.fuzzsearch import Found, Search, Session, portions

HARNESS = Path(__file__).resolve().parents[1]
KINDS = [Kind(*one) for one in itertools.product(MODES, (1,), HOSTS, MECHS)]
DEEP = [Kind(*one) for one in itertools.product(MODES, (2,), ["vhe"], ["nv2"])]
SPIN = ["word", 0x14000000]  # B .


def explain(found: Sequence[Difference]) -> str:
    """What differs, for a failed test."""
    return "\n".join("\n".join(one.text) for one in found)


@pytest.fixture(scope="module")
def session(l0: Path) -> Iterator[Session]:
    """Every machine at depth 1; they stay for all tests."""
    with Session(KINDS) as made:
        yield made


@pytest.mark.parametrize(
    "path", sorted(CORPUS.glob("*.json")), ids=[p.stem for p in sorted(CORPUS.glob("*.json"))]
)
def test_corpus(session: Session, path: Path) -> None:
    """What once differed does not any more."""
    found = fuzz.replay(session, path)
    assert not found, explain(found)


def search(
    session: Session, directory: Path, seed: int, programs: int, modes: Sequence[str] = MODES
) -> Findings:
    """What running programs finds."""
    findings = Findings(directory, print)
    work = Search(session, findings.keep, print)
    for portion in portions(modes, programs, seed):
        findings.add(work.run(portion))
    return findings


def none_differs(session: Session, directory: Path, seed: int, programs: int) -> None:
    """Run programs; fails where one differs."""
    findings = search(session, directory, seed, programs)
    assert not findings.found, explain([one.difference for one in findings.found])
    assert not findings.flaky and findings.count.ran == programs


def test_programs(session: Session, tmp_path: Path) -> None:
    """A few hundred programs, the same on each run of the suite."""
    none_differs(session, tmp_path, 1, 400)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_many_programs(session: Session, tmp_path: Path, seed: int) -> None:
    """2,000 programs each."""
    none_differs(session, tmp_path, seed, 2000)


@pytest.mark.long
def test_under_vel2_under_vel2(l0: Path, tmp_path: Path) -> None:
    """Two levels down."""
    with Session(DEEP) as deep:
        none_differs(deep, tmp_path, 12, 1000)


def test_a_trapped_write_raises_the_maintenance_interrupt(session: Session) -> None:
    """At once under nv; what is a store under nv2 has to be seen by L0's host first, as programs do."""
    program: list[Op] = [
        ["wr", "ICH_HCR_EL2", 0],
        ["ppi", 25, 1],
        ["wr", "TPIDR_EL2", 3],  # En, UIE: left in X16
        ["word", fuzzabi.msr(fuzzregs.row_of("ICH_HCR_EL2").enc, 16)],
        ["word", fuzzabi.ISB],
        ["unmask"],
    ]
    every = [kind for kind in KINDS if kind.mode == "vhe"]
    found = session.run("vhe", [program])
    assert {one.kind for _, one in found} == {kind for kind in every if kind.mech == "nv2"}


def test_what_differs_is_shrunk_and_replayed(
    l0: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A difference that one operation makes ends as a file with that operation alone."""
    word = fuzzabi.msr(fuzzregs.row_of("HSTR_EL2").enc, 16)

    def differs(kind: Kind, code: fuzzprog.Code, want: bytes, got: bytes) -> Difference | None:
        return Difference(kind, ("planted",), ("planted",)) if word in code.words2 else None

    monkeypatch.setattr(fuzzsearch, "compare", differs)
    monkeypatch.setattr(fuzzsearch, "SHRINK_SECONDS", 8.0)
    with Session([Kind("vhe", 1, "vhe", "nv2")]) as made:
        findings = search(made, tmp_path, 4, 300, ["vhe"])
        assert [len(one.programs) for one in findings.found] == [1]
        assert findings.count.ran == 300
        assert findings.finish() == EXIT_FAILED
        mode, programs = fuzz.read(tmp_path / "difference-1.json")
        assert mode == "vhe" and [op[:2] for op in programs[0]] == [["wr", "HSTR_EL2"]]
        assert fuzz.replay(made, tmp_path / "difference-1.json")
        monkeypatch.undo()
        assert not fuzz.replay(made, tmp_path / "difference-1.json")


def fuzz_options(directory: Path, programs: int, jobs: int) -> argparse.Namespace:
    """Of a run on two machines."""
    return argparse.Namespace(
        **{"programs": programs, "seed": 5, "scene": "", "jobs": jobs, "save": directory},
        **{"host": "vhe", "mech": "nv2", "l1_mode": "vhe", "depth": 1, "no_build": True},
    )


def test_jobs_share_the_programs(
    l0: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The programs, and what comes out, do not depend on how many processes run them."""
    run = Session.run

    def note(session: Session, mode: str, programs: Sequence[list[Op]], *more: Any) -> Any:
        with (tmp_path / f"{os.getpid()}.txt").open("a") as stream:
            stream.write("".join(f"{mode} {json.dumps(program)}\n" for program in programs))
        return run(session, mode, programs, *more)

    monkeypatch.setattr(Session, "run", note)
    monkeypatch.setattr(fuzzsearch, "PORTION", 80)
    ran, said = [], []
    for jobs in (1, 2):
        assert fuzz.command_fuzz(fuzz_options(tmp_path, 240, jobs), print) == EXIT_OK
        files = list(tmp_path.glob("*.txt"))
        assert len(files) == jobs
        ran.append({line for file in files for line in file.read_text().splitlines()})
        said.append(capsys.readouterr().out.splitlines()[-1])
        for file in files:
            file.unlink()
    assert said == ["240 programs, 0 differences"] * 2
    assert ran[0] == ran[1]
    assert len(ran[0]) > 50


def test_jobs_share_what_they_find(
    l0: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A difference that several processes meet is one file; its programs are counted; flaky ones are kept."""

    def differs(kind: Kind, code: fuzzprog.Code, want: bytes, got: bytes) -> Difference | None:
        return Difference(kind, ("planted",), ("planted",)) if code.reads else None

    monkeypatch.setattr(fuzzsearch, "compare", differs)
    monkeypatch.setattr(fuzzsearch, "SHRINK_SECONDS", 1.0)
    monkeypatch.setattr(fuzzsearch, "PORTION", 20)
    assert fuzz.command_fuzz(fuzz_options(tmp_path, 60, 2), print) == EXIT_FAILED
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("60 programs, ") and int(last.split()[2]) > 1
    assert [path.name for path in tmp_path.iterdir()] == ["difference-1.json"]
    monkeypatch.setattr(Session, "confirm", lambda *_: None)
    assert fuzz.command_fuzz(fuzz_options(tmp_path / "flaky", 60, 1), print) == EXIT_FAILED
    assert capsys.readouterr().out.splitlines()[-1] == "60 programs, 0 differences"
    assert (tmp_path / "flaky/flaky-1.json").is_file()


def children(pid: int) -> list[int]:
    """The processes that this one has started, and theirs."""
    own = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [one for child in own for one in (int(child), *children(int(child)))]


@pytest.mark.parametrize("who", ["a worker killed", "interrupted", "the parent killed"])
def test_a_process_that_dies(l0: Path, tmp_path: Path, who: str) -> None:
    """A worker that dies, an end by Ctrl-C: one clear line and a status. Whatever ends, no process is left."""
    command = [str(HARNESS / "vel2"), "fuzz", "--no-build", "--programs", "100000", "--jobs", "2"]
    command += ["--host", "vhe", "--mech", "nv2", "--l1-mode", "vhe", "--save", str(tmp_path)]
    with subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True, process_group=0) as made:
        assert made.stderr
        first = made.stderr.readline()
        assert "0 differences" in first, first
        every = children(made.pid)
        workers = [one for one in every if children(one)]
        assert len(workers) == 2 and len(every) == 2 + 2 * 2
        if who == "interrupted":
            os.killpg(made.pid, signal.SIGINT)
        else:
            os.kill(workers[0] if who == "a worker killed" else made.pid, signal.SIGKILL)
        _, errors = made.communicate(timeout=30)
    last = (errors.splitlines() or [""])[-1]
    if who == "interrupted":
        assert made.returncode == EXIT_INTERRUPTED and last == "vel2: interrupted (SIGINT)"
    elif who == "a worker killed":
        assert made.returncode == EXIT_ERROR
        assert re.fullmatch(r"vel2: a worker process died \(SIGKILL\): \d+ programs .*", last), last
    assert not [line for line in errors.splitlines() if "Traceback" in line]
    deadline = time.monotonic() + 10
    while any(alive(one) for one in every) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [one for one in every if alive(one)]


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_an_executor_that_does_not_start(
    l0: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker's error is the command's."""
    monkeypatch.setattr(fuzzrun, "BOOT_SECONDS", 0.0)
    with pytest.raises(Vel2Error, match="native l1_vhe: the executor does not start"):
        fuzz.command_fuzz(fuzz_options(tmp_path, 10, 2), print)


def test_a_hang_is_a_difference(l0: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program that hangs at vEL2 is named, its machine replaced, and the next batch runs."""
    monkeypatch.setattr(fuzzrun, "BATCH_SECONDS", 2.0)
    begin = fuzzrun.Machine.begin

    def hangs(
        machine: fuzzrun.Machine,
        programs: Sequence[bytes],
        watchdog: Sequence[int] = fuzzrun.WATCHDOG,
    ) -> None:
        spin = fuzzprog.assemble([SPIN], "vhe").pack()
        many = len(programs) > 2 and machine.kind.depth
        begin(machine, [programs[0], spin, programs[2]] if many else programs, watchdog)

    monkeypatch.setattr(fuzzrun.Machine, "begin", hangs)
    with Session([Kind("vhe", 1, "vhe", "nv2")]) as made:
        found = made.run("vhe", [[], [], []])
        assert [(index, one.key) for index, one in found] == [(1, ("lost", "hangs"))]
        assert not made.run("vhe", [[], []])
        assert not made.run("vhe", [[SPIN]]) and made.void == 1


def test_a_programs_records(l0: Path) -> None:
    """Values read, exceptions in order, what code below EL2 leaves: all in the records."""
    program: list[Op] = [
        ["wr", "TPIDR_EL2", 0x1234],
        ["rd", "TPIDR_EL2"],
        ["word", fuzzabi.hvc(5)],
        ["enter", 0x3C5, 0, [["st", 0, fuzzprog.PAGES[1] + 16, 7], ["rd", "TPIDR_EL1"]]],
    ]
    with Session([]) as made:
        made.run("vhe", [program])
        output = made.machines[Kind("vhe")].run([fuzzprog.assemble(program, "vhe").pack()])[0]
    end, records = fuzzrun.parse(output)
    assert end == fuzzabi.ABI["FUZZ_END_OK"]
    assert [r.kind for r in records] == [1, 2, 5, 6]
    assert records[0].words == (0x1234,)
    assert records[1].words[0] == 0x5A000005
    assert records[3].words[2] == 7


def test_what_el2_does_itself(l0: Path) -> None:
    """Its memory by both halves of its addresses, FP, an interrupt that it polls for, a timer set by TVAL."""
    upper = fuzzregs.U64 << fuzzregs.IPA_BITS & fuzzregs.U64
    word = 4 * fuzzprog.SPI_WORD
    program: list[Op] = [
        ["mmu", 1],
        ["st", upper | fuzzprog.PAGES[2] + 16, 0x1234, 2],
        ["ld", fuzzprog.PAGES[2] + 16, 4],
        ["call", upper | fuzzprog.PAGES[2]],
        ["fp", 7],
        *(["gicd", offset + word, 1 << fuzzprog.SPI_FIRST] for offset in (0x100, 0x200)),
        ["wr", "ICC_PMR_EL1", 0x80],
        ["ack", 1],
        ["wr", "ICC_PMR_EL1", 0xF8],
        ["ack", 1],
        ["wr", "CNTV_TVAL_EL02", 0xFFFF0000],
        ["wr", "CNTV_CTL_EL02", 1],
        ["rd", "CNTV_CTL_EL02"],
    ]
    with Session([]) as made:
        made.run("vhe", [program])
        output = made.machines[Kind("vhe")].run([fuzzprog.assemble(program, "vhe").pack()])[0]
    _, records = fuzzrun.parse(output)
    values = [r.words[0] for r in records if r.kind == fuzzabi.ABI["FUZZ_REC_VALUE"]]
    assert values[:2] == [0x34, 7]
    assert values[4:] == [1023, 0xFF, 0xFF, fuzzprog.SPI, 0xA0, 0xFF, 5]


@pytest.mark.parametrize("mode", MODES)
def test_what_programs_write_is_put_back(mode: str) -> None:
    """No program depends on the ones before it: the end of each knows every register that EL2 writes."""
    pools = fuzzregs.pools(mode != "nvhe")
    source = random.Random(1)
    for _ in range(2000):
        chunks = [source.randbytes(fuzzdecode.CHUNK) for _ in range(8)]
        for op in fuzzdecode.decode(chunks, mode):
            row = fuzzregs.row_of(op[1]) if op[0] == "wr" else None
            if row and row.feat in fuzzregs.OFFERED:
                assert fuzzregs.home(row.name, mode != "nvhe") in pools.by_name, op


def test_a_scene_of_ones_own(l0: Path) -> None:
    """`--scene` makes programs of that one; a name that is none is an error."""
    options = argparse.Namespace(programs=1, scene="nothing", jobs=None, no_build=True)
    with pytest.raises(Vel2Error, match="--scene nothing: one of stale, "):
        fuzz.command_fuzz(options, print)
    source = random.Random(1)
    chunks = [source.randbytes(fuzzdecode.CHUNK) for _ in range(40)]
    ops = fuzzdecode.decode(chunks, "vhe", "sign")
    keys = [op for op in ops if op[0] == "wr" and op[1].startswith("AP")]
    assert len(keys) > 10 and not any(op[0] in ("gicd", "ppi") for op in ops)


def test_a_watchdog_that_comes_too_early(l0: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that one machine did not end is given more time and again more before it differs."""
    given: list[int] = []
    begin = fuzzrun.Machine.begin

    def note(
        machine: fuzzrun.Machine,
        programs: Sequence[bytes],
        watchdog: Sequence[int] = fuzzrun.WATCHDOG,
    ) -> None:
        given.append(watchdog[machine.kind.depth])
        begin(machine, programs, watchdog)

    def late(kind: Kind, code: fuzzprog.Code, want: bytes, got: bytes) -> Difference | None:
        return Difference(kind, ("late",), ("late",), late=True) if code.words2[1:] else None

    with Session([Kind("vhe", 1, "vhe", "nv2")]) as made:
        made.run("vhe", [[]])
        monkeypatch.setattr(fuzzrun.Machine, "begin", note)
        monkeypatch.setattr(fuzzsearch, "compare", late)
        assert made.run("vhe", [[["rd", "MIDR_EL1"]]])
    hasty, normal = fuzzrun.HASTY[1], fuzzrun.WATCHDOG[1]
    assert given[1::2] == [hasty, normal, 4 * normal, 16 * normal]


def test_files_that_are_none(tmp_path: Path) -> None:
    """One clear line, whatever the file holds."""
    path = tmp_path / "x.json"
    for text in ("", "[]", '{"mode": "vhe"}', '{"mode": "vhe", "programs": [[["nothing"]]]}'):
        path.write_text(text)
        with pytest.raises(Vel2Error, match="no program of vel2 fuzz"):
            fuzz.read(path)


def test_a_file_keeps_its_programs(tmp_path: Path) -> None:
    """What is written is what is read."""
    program: list[Op] = [["wr", "HCR_EL2", 1 << 63], ["enter", 0x3C5, 0, [["ld", 2, 9]]]]
    found = Found("nvhe", [program], Difference(Kind("nvhe"), ("text",), ("key",)))
    fuzz.write(tmp_path / "a.json", found)
    assert fuzz.read(tmp_path / "a.json") == ("nvhe", [program])
