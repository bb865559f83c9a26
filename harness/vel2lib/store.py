# SPDX-License-Identifier: GPL-2.0-only
"""build/results.db: every run, in SQLite.

One transaction a run, write-ahead log, so that readers and several writers share the file. A database
that cannot be used costs a run one line of warning and nothing else: what was measured is kept in a folder beside
it (results.db.unsaved), from which whoever opens the database next takes it in.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from . import results
from .debian import ROOT
from .errors import Vel2Error
from .files import write_whole
from .run import Result

SCHEMA = 1
#: Milliseconds that a writer waits for another one.
BUSY_MS = 5000
#: What can be wrong with a database or with what is to go into it.
ERRORS = (sqlite3.Error, OSError, OverflowError, TypeError, ValueError, KeyError)

_TABLES = """
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  started TEXT NOT NULL,        -- UTC, ISO 8601
  command TEXT NOT NULL,        -- run, bench
  l1 TEXT NOT NULL, host TEXT, mech TEXT, l1_mode TEXT,
  commit_id TEXT,               -- of the checkout; dirty: 1 when tracked files differed from it
  dirty INTEGER,
  qemu TEXT,                    -- version
  outcome TEXT NOT NULL, status INTEGER NOT NULL,
  wall_seconds REAL NOT NULL,
  config TEXT NOT NULL,         -- JSON
  record TEXT NOT NULL,         -- JSON: what `run --json` writes
  sweep TEXT, job TEXT          -- name of the sweep, digest of the job; else null
);
CREATE UNIQUE INDEX runs_job ON runs (job) WHERE job IS NOT NULL;
CREATE INDEX runs_started ON runs (started);
CREATE TABLE rows (             -- figures are per operation
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  op TEXT NOT NULL, level TEXT NOT NULL, iterations INTEGER NOT NULL,
  traps_min REAL, traps_median REAL, traps_max REAL,
  l0_instructions_min REAL, l0_instructions_median REAL, l0_instructions_max REAL
);
CREATE INDEX rows_run ON rows (run);
CREATE TABLE row_reasons (      -- sums over a row's iterations
  row INTEGER NOT NULL REFERENCES rows ON DELETE CASCADE,
  reason TEXT NOT NULL, traps INTEGER NOT NULL
);
CREATE INDEX row_reasons_row ON row_reasons (row);
CREATE TABLE row_sysregs (
  row INTEGER NOT NULL REFERENCES rows ON DELETE CASCADE,
  name TEXT NOT NULL, reads INTEGER NOT NULL, writes INTEGER NOT NULL
);
CREATE INDEX row_sysregs_row ON row_sysregs (row);
CREATE TABLE exits (            -- of the whole run
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  level TEXT NOT NULL, reason TEXT NOT NULL,
  handled INTEGER NOT NULL, forwarded INTEGER NOT NULL, reflected INTEGER NOT NULL,
  instructions INTEGER
);
CREATE INDEX exits_run ON exits (run);
CREATE TABLE sysregs (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  name TEXT NOT NULL, reads INTEGER NOT NULL, writes INTEGER NOT NULL
);
CREATE INDEX sysregs_run ON sysregs (run);
"""


def default_path() -> Path:
    """The database: $VEL2_RESULTS, else build/results.db."""
    return Path(os.environ.get("VEL2_RESULTS") or ROOT / "build/results.db")


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@dataclass
class Provenance:
    """What was run: the checkout's commit, whether tracked files differed, QEMU's version. None: unknown."""

    commit: str | None = None
    dirty: bool | None = None
    qemu: str | None = None


def provenance(qemu: str) -> Provenance:
    """Of this checkout and this QEMU program, now: ask before the run."""
    changed = _output("git", "status", "--porcelain", "--untracked-files=no")
    version = re.search(r"version (\S+)", _output(qemu, "--version") or "")
    return Provenance(
        _output("git", "rev-parse", "HEAD"),
        None if changed is None else bool(changed),
        version.group(1) if version else None,
    )


@dataclass
class Entry:
    """A run as it goes into the database; plain values, so that it can come from another machine."""

    command: str
    started: str
    status: int
    wall_seconds: float
    record: dict[str, Any]
    rows: list[dict[str, Any]]
    provenance: dict[str, Any] = field(default_factory=dict)
    sweep: str | None = None
    job: str | None = None


def entry(
    result: Result, command: str, where: Provenance, rows: list[dict[str, Any]] | None = None
) -> Entry:
    """A result that has just ended. rows: those of bench, made here when None."""
    started = datetime.now(timezone.utc) - timedelta(seconds=result.wall_seconds)
    if rows is None:
        rows = results.bench_rows(result)
    return Entry(
        command,
        started.isoformat(timespec="milliseconds"),
        result.status,
        result.wall_seconds,
        results.run_json(result),
        rows,
        asdict(where),
    )


def _create(base: sqlite3.Connection) -> None:
    base.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been faster.
        if base.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in re.sub(r"--[^\n]*", "", _TABLES).split(";"):
                base.execute(statement)
            base.execute(f"PRAGMA user_version = {SCHEMA}")
        base.execute("COMMIT")
    except sqlite3.Error:
        with contextlib.suppress(sqlite3.Error):
            base.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def connect(path: Path, create: bool = False) -> Iterator[sqlite3.Connection]:
    """The open database. sqlite3.Error, OSError, or ValueError (a newer schema) when it is no use."""
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.is_file():
        raise FileNotFoundError(f"{path} does not exist")
    base = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)
    try:
        base.row_factory = sqlite3.Row
        base.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        base.execute("PRAGMA foreign_keys = ON")
        version = base.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA:
            raise ValueError(f"its schema is version {version}, this vel2 knows {SCHEMA}")
        if version == 0:
            if not create:
                raise ValueError("it is not a database of vel2's, or an empty one")
            base.execute("PRAGMA journal_mode = WAL")
            _create(base)
        yield base
    finally:
        base.close()


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The database for a command that only reads; Vel2Error when it is no use."""
    take_in(path)
    try:
        with connect(path) as base:
            yield base
    except FileNotFoundError as error:
        raise Vel2Error(f"{path}: no results yet (harness/vel2 run, bench, sweep)") from error
    except (sqlite3.Error, OSError, ValueError) as error:
        raise Vel2Error(f"{path}: {error}") from error


def unsaved(path: Path) -> Path:
    """Where runs wait that a database could not take."""
    return path.with_name(path.name + ".unsaved")


def keep(one: Entry, path: Path) -> Path:
    """Keep a run beside a database that cannot take it: the file, whole or not at all. OSError when it cannot be."""
    made = unsaved(path) / f"run-{uuid.uuid4().hex}.json"
    write_whole(made, json.dumps(asdict(one)))
    return made


def _kept(path: Path) -> list[tuple[Path, Entry]]:
    """What waits beside a database; a file that is no run of ours is left alone."""
    found = []
    for file in sorted(unsaved(path).glob("run-*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError):
            found.append((file, Entry(**json.loads(file.read_text()))))
    return found


def _take_in(base: sqlite3.Connection, path: Path) -> None:
    """Store what waits, each run once however many do this at once. sqlite3.Error: it waits on."""
    for file, one in _kept(path):
        base.execute("BEGIN IMMEDIATE")
        try:
            there = "SELECT 1 FROM runs WHERE started = ? AND command = ? AND wall_seconds = ?"
            if not base.execute(there, [one.started, one.command, one.wall_seconds]).fetchone():
                _insert(base, one)
            base.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                base.execute("ROLLBACK")
            if isinstance(error, (KeyError, TypeError, ValueError, OverflowError)):
                continue  # something in it is wrong; the others are not to wait for it
            raise
        with contextlib.suppress(OSError):
            file.unlink()
            file.parent.rmdir()


def _spread(row: dict[str, Any], key: str) -> list[float | None]:
    value = row.get(key) or {}
    return [value.get("min"), value.get("median"), value.get("max")]


def _insert_rows(base: sqlite3.Connection, run: int, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        values: list[Any] = [run, row["op"], row["level"], row["iterations"]]
        values += [*_spread(row, "traps"), *_spread(row, "l0_instructions")]
        made = base.execute(
            f"INSERT INTO rows VALUES (NULL{', ?' * len(values)})",
            values,
        ).lastrowid
        base.executemany(
            "INSERT INTO row_reasons VALUES (?, ?, ?)",
            [(made, reason, count) for reason, count in row["by_reason"].items()],
        )
        base.executemany(
            "INSERT INTO row_sysregs VALUES (?, ?, ?, ?)",
            [(made, name, one["read"], one["write"]) for name, one in row["sysregs"].items()],
        )


def _insert(base: sqlite3.Connection, one: Entry) -> int:
    record, config, where = one.record, one.record["config"], one.provenance
    values: list[Any] = [one.started, one.command]
    values += [config.get(k) for k in ("l1", "host", "mech", "l1_mode")]
    values += [where.get("commit"), where.get("dirty"), where.get("qemu")]
    values += [record["outcome"], one.status, one.wall_seconds]
    values += [json.dumps(config), json.dumps(record), one.sweep, one.job]
    if one.job is not None:  # a job is measured again only when that is asked for
        base.execute("DELETE FROM runs WHERE job = ?", [one.job])
    run = base.execute(
        f"INSERT INTO runs VALUES (NULL{', ?' * len(values)})",
        values,
    ).lastrowid
    assert run is not None
    _insert_rows(base, run, one.rows)
    base.executemany(
        "INSERT INTO exits VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (run, level, reason, *(row[k] for k in results.OUTCOMES), row["instructions"])
            for level, reasons in record["exits"].items()
            for reason, row in reasons.items()
            if any(row[k] for k in results.OUTCOMES)
        ],
    )
    base.executemany(
        "INSERT INTO sysregs VALUES (?, ?, ?, ?)",
        [
            (run, name, row["read"], row["write"])
            for name, row in record["sysregs"].items()
            if row["read"] or row["write"]
        ],
    )
    return run


def insert(one: Entry, path: Path) -> int:
    """Store a run, all of it or nothing; its number. Any of ERRORS when that cannot be."""
    with connect(path, create=True) as base:
        with contextlib.suppress(*ERRORS):
            _take_in(base, path)
        base.execute("BEGIN IMMEDIATE")
        try:
            run = _insert(base, one)
            base.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                base.execute("ROLLBACK")
            raise
        return run


def take_in(path: Path) -> None:
    """What waits beside a database goes into it, if that is possible now."""
    if any(unsaved(path).glob("run-*.json")):
        with contextlib.suppress(*ERRORS), connect(path, create=True) as base:
            _take_in(base, path)


def rescue(entries: list[Entry], path: Path, error: BaseException | str) -> str:
    """Keep runs that a database did not take for `error`: what became of them, and what to do, for the user."""
    why = " ".join(str(error).split()) or type(error).__name__
    what = "this run is" if len(entries) < 2 else f"{len(entries)} runs are"
    text = f"{what} not in {path}: {why}"
    if "malformed" in why or "not a database" in why:
        text += " (move it away, and the next run makes a new one)"
    try:
        for one in entries:
            keep(one, path)
    except (OSError, TypeError, ValueError) as problem:
        return f"{text}; nor can it be kept beside it: {problem}"
    return text + (f"; kept in {unsaved(path)}, for the next run to store" if entries else "")


def record(
    result: Result, command: str, where: Provenance, rows: list[dict[str, Any]] | None = None
) -> int | None:
    """Store a result. When that cannot be: one line of warning, and None."""
    path, made = default_path(), []
    try:
        made = [entry(result, command, where, rows)]
        return insert(made[0], path)
    except ERRORS as error:
        print(f"vel2: warning: {rescue(made, path, error)}", file=sys.stderr)
        return None
