# SPDX-License-Identifier: GPL-2.0-only
"""Random programs on QEMU's real EL2 and at vEL2: no difference, and what finds them does find them."""

from __future__ import annotations

import argparse
import itertools
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from vel2lib import fuzz, fuzzabi, fuzzdecode, fuzzprog, fuzzregs, fuzzrun
from vel2lib.config import HOSTS, MECHS
from vel2lib.errors import Vel2Error
from vel2lib.fuzz import CORPUS, Found, Search, Session
from vel2lib.fuzzprog import MODES, Op
from vel2lib.fuzzmask import Difference
from vel2lib.fuzzrun import Kind

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


def search(session: Session, directory: Path, seed: int, programs: int) -> None:
    """Run programs; fails where one differs."""
    work = Search(session, directory, seed, print)
    work.run(MODES, programs)
    assert not work.found, explain([one.difference for one in work.found])
    assert not work.flaky and not session.void


def test_programs(session: Session, tmp_path: Path) -> None:
    """A few hundred programs, the same on each run of the suite."""
    search(session, tmp_path, 1, 400)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_many_programs(session: Session, tmp_path: Path, seed: int) -> None:
    """2,000 programs each."""
    search(session, tmp_path, seed, 2000)


@pytest.mark.long
def test_under_vel2_under_vel2(l0: Path, tmp_path: Path) -> None:
    """Two levels down."""
    with Session(DEEP) as deep:
        search(deep, tmp_path, 12, 1000)


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
    enc = fuzzprog.base("vhe").end
    word = next(w for w in enc if w & ~0x1F == fuzzabi.msr(0xE08B, 0))  # MSR HSTR_EL2

    def differs(kind: Kind, code: fuzzprog.Code, want: bytes, got: bytes) -> Difference | None:
        return Difference(kind, ("planted",), ("planted",)) if word in code.words2 else None

    monkeypatch.setattr(fuzz, "compare", differs)
    monkeypatch.setattr(fuzz, "SHRINK_SECONDS", 8.0)
    with Session([Kind("vhe", 1, "vhe", "nv2")]) as made:
        work = Search(made, tmp_path, 3, print)
        work.run(["vhe"], 600)
        assert [len(one.programs) for one in work.found] == [1]
        mode, programs = fuzz.read(tmp_path / "difference-1.json")
        assert mode == "vhe" and [op[:2] for op in programs[0]] == [["wr", "HSTR_EL2"]]
        assert fuzz.replay(made, tmp_path / "difference-1.json")
        monkeypatch.undo()
        assert not fuzz.replay(made, tmp_path / "difference-1.json")


def test_a_hang_is_a_difference(l0: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program that hangs at vEL2 is named, its machine replaced, and the next batch runs."""
    monkeypatch.setattr(fuzz, "BATCH_SECONDS", 2.0)
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
    options = argparse.Namespace(programs=1, scene="nothing", no_build=True)
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
        monkeypatch.setattr(fuzz, "compare", late)
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
