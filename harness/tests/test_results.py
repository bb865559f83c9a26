# SPDX-License-Identifier: GPL-2.0-only
"""The database of results: every run is in it, and nothing that is wrong with it fails a run."""

from __future__ import annotations

import csv
import json
import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from conftest import HARNESS, Command
from vel2lib import cli, store
from vel2lib.debian import ROOT

pytestmark = pytest.mark.usefixtures("guests")
Fake = Callable[[str], Path]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Where this test's database is to be."""
    return tmp_path / "results.db"


@pytest.fixture
def run(vel2: Command, fake_qemu: Fake, base: Path, tmp_path: Path) -> Any:
    """`vel2 run` of a fake QEMU's scenario."""

    def one(scenario: str = "good", *args: str) -> "subprocess.CompletedProcess[str]":
        qemu, out = str(fake_qemu(scenario)), str(tmp_path / "run.json")
        command = ["run", "--no-build", "--l1", "bundled", "--qemu", qemu, "--json", out]
        return vel2(*command, *args, VEL2_RESULTS=str(base))

    return one


def query(base: Path, text: str) -> list[Any]:
    """Rows of the database."""
    connection = sqlite3.connect(base)
    try:
        return connection.execute(text).fetchall()
    finally:
        connection.close()


def entry(**more: Any) -> store.Entry:
    """A run to be stored."""
    config = {"l1": "bundled", "host": "vhe", "mech": "nv2", "l1_mode": "vhe"}
    cost = {"handled": 1, "forwarded": 1, "reflected": 0, "instructions": 500}
    record = {
        "config": config | more.get("config", {}),
        "outcome": "ok",
        "exits": {"L2": {"hvc": cost}},
        "sysregs": {"HPFAR_EL2": {"read": more.get("reads", 1), "write": 0}},
    }
    row = {
        "op": "hypercall",
        "level": "nested",
        "iterations": 10,
        "traps": {"min": 2, "median": more.get("traps", 2), "max": 2},
        "l0_instructions": None,
        "by_reason": {"hvc": 10, "sysreg": 10 * (more.get("traps", 2) - 1)},
        "sysregs": {"HPFAR_EL2": {"read": 10 * more.get("reads", 1), "write": 0}},
    }
    started = more.get("started", "2026-01-02T03:04:05.000+00:00")
    return store.Entry("bench", started, 0, 1.5, record, [row], job=more.get("job"))


def test_a_run_is_stored(run: Any, base: Path) -> None:
    """Configuration, commit, versions, counters, rows and outcome."""
    assert run().returncode == 0
    assert run("failing").returncode == 3
    found = query(
        base, "SELECT command, l1, mech, outcome, status, qemu, commit_id, dirty FROM runs"
    )
    assert [f[0:3] for f in found] == [("run", "bundled", "nv2")] * 2
    assert found[0][3:6] == ("ok", 0, "10.0.2") and "it should be 3" in found[1][3]
    assert len(found[0][6]) == 40 and found[0][7] in (0, 1)
    assert query(base, "SELECT op, level, traps_median, l0_instructions_median FROM rows") == [
        ("hypercall", "vm", 1.0, 200.0)
    ]
    assert query(base, "SELECT reason, handled, forwarded FROM exits") == [("hvc", 3, 1)]
    assert query(base, "SELECT name, reads FROM sysregs") == [("HPFAR_EL2", 2)]
    assert query(base, "PRAGMA journal_mode") == [("wal",)]
    assert query(base, "PRAGMA user_version") == [(store.SCHEMA,)]


def corrupt(base: Path) -> None:
    """No database at all."""
    base.write_bytes(b"this is not SQLite\n" * 1000)


def newer(base: Path) -> None:
    """A database of a later vel2."""
    store.insert(entry(), base)
    connection = sqlite3.connect(base)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def foreign(base: Path) -> None:
    """Somebody else's table has our name."""
    connection = sqlite3.connect(base)
    connection.execute("CREATE TABLE runs (x)")
    connection.close()


@pytest.mark.parametrize("spoil", [corrupt, newer, foreign, Path.mkdir])
def test_unusable(run: Any, base: Path, spoil: Callable[[Path], None], tmp_path: Path) -> None:
    """One line; the run's own result is there, and its status is its own."""
    spoil(base)
    done = run()
    assert done.returncode == 0
    lines = [s for s in done.stderr.splitlines() if s.startswith("vel2: ")]
    assert len(lines) == 1 and lines[0].startswith("vel2: warning: this run is not in"), done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads((tmp_path / "run.json").read_text())["outcome"] == "ok"


def test_locked(run: Any, base: Path, tmp_path: Path) -> None:
    """A writer that does not let go costs a run its place in the database, and nothing else."""
    store.insert(entry(), base)
    other = sqlite3.connect(base, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        done = run()
    finally:
        other.close()
    assert done.returncode == 0 and "database is locked" in done.stderr
    assert json.loads((tmp_path / "run.json").read_text())["outcome"] == "ok"
    assert len(query(base, "SELECT * FROM runs")) == 1
    assert "kept in" in done.stderr and len(list(store.unsaved(base).iterdir())) == 1
    # Whoever opens it next takes it in, once.
    with store.reading(base):
        pass
    assert query(base, "SELECT command, status FROM runs") == [("bench", 0), ("run", 0)]
    assert query(base, "SELECT count(*) FROM rows") == [(2,)]
    assert not store.unsaved(base).exists()


def waiting(base: Path) -> list[Path]:
    """Runs beside a database."""
    return list(store.unsaved(base).glob("*"))


def test_cut_off(run: Any, base: Path) -> None:
    """Half of a database: the line says what to do, and then nothing of the run is lost."""
    for _ in range(20):
        store.insert(entry(), base)
    base.write_bytes(base.read_bytes()[: base.stat().st_size // 2])
    done = run()
    lines = [s for s in done.stderr.splitlines() if s.startswith("vel2: ")]
    assert done.returncode == 0 and len(lines) == 1 and "Traceback" not in done.stderr
    assert "malformed (move it away" in lines[0] and len(waiting(base)) == 1, lines
    base.rename(base.with_name("bad.db"))
    assert run().returncode == 0
    assert query(base, "SELECT command FROM runs") == [("run",), ("run",)]
    assert not waiting(base)


def test_full_disk(base: Path, fake_qemu: Fake, tmp_path: Path) -> None:
    """No room for the database, but for the run: what was in it is whole, and the run comes later. Here a file may
    not grow beyond some size, which is as when the disk is full at that moment."""
    out = tmp_path / "run.json"
    command = [str(HARNESS / "vel2"), "run", "--no-build", "--l1", "bundled"]
    command += ["--qemu", str(fake_qemu("good")), "--json", str(out)]

    def limited(size: int) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            env={**os.environ, "VEL2_RESULTS": str(base)},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    done = limited(24 << 10)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert done.stderr.count("vel2: ") == 1 and "kept in" in done.stderr, done.stderr
    assert json.loads(out.read_text())["outcome"] == "ok"
    # Not even for that.
    other = limited(1 << 10)
    assert other.returncode != 0 and "Traceback" not in other.stderr, other.stderr
    assert limited(resource.RLIM_INFINITY).returncode == 0
    assert query(base, "PRAGMA integrity_check") == [("ok",)]
    assert query(base, "SELECT count(*) FROM runs") == [(2,)] and not waiting(base)


def test_taken_in_once(base: Path) -> None:
    """Several who open it at the same moment; and one that was killed before it could tidy up."""
    for number in range(6):
        store.keep(entry(started=f"2026-01-0{number + 1}T00:00:00.000+00:00"), base)
    again = store.unsaved(base) / "run-again.json"
    again.write_bytes(waiting(base)[0].read_bytes())
    (store.unsaved(base) / "run-half.json").write_text('{"command": "run", ')
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.take_in(base), range(4)))
    assert query(base, "SELECT count(*), count(DISTINCT started) FROM runs") == [(6, 6)]
    assert [p.name for p in waiting(base)] == ["run-half.json"]


def test_unwritable_place(run: Any, vel2: Command, base: Path) -> None:
    """The database's directory cannot be made."""
    base.write_text("a file")
    command = ["results", "list", "--db", str(base / "results.db")]
    done = vel2(*command)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "no results" in done.stderr


def test_many_writers(base: Path) -> None:
    """Nothing is lost, the first moment included."""
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: store.insert(entry(), base), range(40)))
    assert len(set(numbers)) == 40
    assert query(base, "SELECT count(*) FROM row_reasons") == [(80,)]


def test_a_job_is_there_once(base: Path) -> None:
    """A job that is measured again takes the place of the first; its rows go with it."""
    store.insert(entry(job="x"), base)
    store.insert(entry(job="x", traps=3), base)
    store.insert(entry(), base)
    assert query(base, "SELECT traps_median FROM rows ORDER BY run") == [(3.0,), (2.0,)]


def test_list_filters(vel2: Command, base: Path) -> None:
    """By mechanism, date, operation."""
    store.insert(entry(), base)
    store.insert(entry(config={"mech": "nv"}, started="2026-02-02T00:00:00.000+00:00"), base)

    def runs(*filters: str) -> list[str]:
        done = vel2("results", "list", "--db", str(base), *filters)
        assert done.returncode == 0, done.stderr
        return [s.split()[0] for s in done.stdout.splitlines() if s[:1].isdigit() and "bench" in s]

    assert runs() == ["1", "2"]
    assert runs("--mech", "nv") == ["2"]
    assert runs("--since", "2026-01-03") == ["2"]
    assert runs("--until", "2026-01-02") == ["1"]
    assert runs("--op", "hypercall", "--l1-mode", "vhe") == ["1", "2"]
    assert runs("--op", "mmio") == runs("--l1", "linux") == runs("--host", "nvhe") == []
    assert runs("--limit", "1") == ["2"]
    assert (
        "date yesterday"
        in vel2("results", "list", "--db", str(base), "--since", "yesterday").stderr
    )


def test_diff(vel2: Command, base: Path) -> None:
    """Which reason and which register changed, and by how much."""
    for one in (entry(), entry(traps=5, reads=4), entry()):
        store.insert(one, base)
    done = vel2("results", "diff", "1", "last~1", "--db", str(base))
    assert done.returncode == 0, done.stderr
    lines = [s.split() for s in done.stdout.splitlines()]
    assert ["hypercall", "nested", "2", "5", "+3"] in lines
    assert ["hypercall", "nested", "sysreg", "1", "4", "+3"] in lines
    assert ["hypercall", "nested", "HPFAR_EL2", "read", "1", "4", "+3"] in lines
    assert not any("hvc" in s for s in lines)
    same = vel2("results", "diff", "1", "last", "--db", str(base))
    assert "every count is the same" in same.stdout
    assert "not in the database" in vel2("results", "diff", "1", "9", "--db", str(base)).stderr


def test_show_and_export(vel2: Command, base: Path, tmp_path: Path) -> None:
    """What is shown and what is written."""
    store.insert(entry(), base)
    shown = vel2("results", "show", "last", "--db", str(base))
    assert "hypercall, nested" in shown.stdout and "1 sysreg" in shown.stdout
    record = json.loads(vel2("results", "show", "1", "--json", "--db", str(base)).stdout)
    assert record["exits"]["L2"]["hvc"]["instructions"] == 500
    out = {kind: tmp_path / f"out.{kind}" for kind in ("csv", "json")}
    args = ["results", "export", "--db", str(base), "--csv", str(out["csv"])]
    assert vel2(*args, "--json", str(out["json"])).returncode == 0
    with out["csv"].open() as stream:
        assert [r["traps_median"] for r in csv.DictReader(stream)] == ["2.0"]
    assert json.loads(out["json"].read_text())[0]["op"] == "hypercall"
    for what, count in (("reasons", 2), ("registers", 1), ("exits", 1), ("runs", 1)):
        assert vel2(*args, "--what", what).stdout == f"{count} {what}\n"


def test_parquet_that_cannot_be_had(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No engine here and Debian's archive away: one line with what is missing and where it is."""
    import pandas as pd

    from payload import apt, linux
    from payload.errors import PayloadError

    def away(*_: Any, **__: Any) -> None:
        raise PayloadError("cannot fetch Debian's package lists")

    def without(*_: Any, **__: Any) -> None:
        raise ImportError("Unable to find a usable engine")

    monkeypatch.setattr(apt.PrivateApt, "configure", away)
    monkeypatch.setattr(linux, "_unpacked", lambda *_: None)
    monkeypatch.setattr(pd.DataFrame, "to_parquet", without)
    store.insert(entry(), base)
    out = tmp_path / "rows.parquet"
    assert cli.main(["results", "export", "--db", str(base), "--parquet", str(out)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and not out.exists()
    assert "python3-pyarrow in sid" in said[0] and "cannot fetch Debian's package lists" in said[0]


@pytest.mark.long
def test_parquet(vel2: Command, base: Path, tmp_path: Path) -> None:
    """What is written is read by pyarrow itself, the types included: as what CSV has of the same rows."""
    from payload import parquet

    store.insert(entry(), base)
    out = {kind: tmp_path / f"out.{kind}" for kind in ("csv", "parquet")}
    args = ["results", "export", "--db", str(base), "--csv", str(out["csv"])]
    done = vel2(*args, "--parquet", str(out["parquet"]), timeout=600)
    assert done.returncode == 0, done.stderr
    command, env = parquet.python(ROOT / "build", lambda _: None)
    script = (
        "import sys, pandas as pd, pyarrow.parquet as pq; t = pq.read_table(sys.argv[1]).to_pandas()\n"
        "pd.testing.assert_frame_equal(t, pd.read_csv(sys.argv[2], keep_default_na=True), check_dtype=False)\n"
        "print(len(t), t.dtypes['traps_median'], t.dtypes['iterations'], t.op[0])"
    )
    read = subprocess.run(
        [*command, "-c", script, str(out["parquet"]), str(out["csv"])],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert read.stdout == "1 float64 int64 hypercall\n", read.stderr
    nowhere = vel2("results", "export", "--db", str(base), "--parquet", str(tmp_path / "no/where"))
    assert nowhere.returncode == 1 and len(nowhere.stderr.splitlines()) == 1
