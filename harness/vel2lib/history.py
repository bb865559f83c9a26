# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 results`: what results.db holds, listed, shown, compared, exported."""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import store
from .config import BUILD
from .errors import EXIT_OK, Vel2Error
from .table import number, show

if TYPE_CHECKING:
    import pandas as pd

_RUN = (
    "runs.id AS run, started, command, l1, host, mech, l1_mode, commit_id, dirty, qemu, outcome, "
    "status, wall_seconds, sweep"
)
_ROW = f"{_RUN}, rows.op, rows.level, rows.iterations"
#: What can be exported: one line each; {where} is the filters'.
EXPORTS = {
    "rows": f"SELECT {_ROW}, traps_min, traps_median, traps_max, l0_instructions_min, "
    "l0_instructions_median, l0_instructions_max "
    "FROM runs JOIN rows ON rows.run = runs.id {where} ORDER BY runs.id, rows.id",
    "reasons": f"SELECT {_ROW}, reason, traps FROM runs JOIN rows ON rows.run = runs.id "
    "JOIN row_reasons ON row_reasons.row = rows.id {where} ORDER BY runs.id, rows.id, reason",
    "registers": f"SELECT {_ROW}, name, reads, writes FROM runs JOIN rows ON rows.run = runs.id "
    "JOIN row_sysregs ON row_sysregs.row = rows.id {where} ORDER BY runs.id, rows.id, name",
    "exits": f"SELECT {_RUN}, exits.level, reason, handled, forwarded, reflected, instructions "
    "FROM runs JOIN exits ON exits.run = runs.id {where} ORDER BY runs.id, exits.rowid",
    "runs": f"SELECT {_RUN}, config FROM runs {{where}} ORDER BY runs.id",
}


def _date(text: str, end: bool) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?", text):
        raise Vel2Error(f"date {text}: YYYY-MM-DD or YYYY-MM-DDTHH:MM, in UTC")
    return text + "~" if end else text  # after all that begins with it, as text sorts


def where(options: argparse.Namespace, rows: bool) -> tuple[str, list[str]]:
    """The filters as SQL; rows: rows are joined, and --op chooses among them."""
    terms, values = [], []
    for key in ("host", "mech", "l1_mode", "l1", "sweep"):
        if getattr(options, key) is not None:
            terms.append(f"runs.{key} = ?")
            values.append(str(getattr(options, key)))
    if options.op is not None:
        among = "runs.id IN (SELECT rows.run FROM rows WHERE rows.op = ?)"
        terms.append("rows.op = ?" if rows else among)
        values.append(options.op)
    for key, sign in (("since", ">="), ("until", "<=")):
        if getattr(options, key) is not None:
            terms.append(f"runs.started {sign} ?")
            values.append(_date(getattr(options, key), key == "until"))
    return ("WHERE " + " AND ".join(terms) if terms else ""), values


def _path(options: argparse.Namespace) -> Path:
    return options.db or store.default_path()


def find(base: sqlite3.Connection, name: str) -> sqlite3.Row:
    """A run by number, `last` or `last~N`; Vel2Error when there is none."""
    back = re.fullmatch(r"last(?:~(\d+))?", name)
    if back:
        query, value = "SELECT * FROM runs ORDER BY id DESC LIMIT 1 OFFSET ?", back.group(1) or "0"
    elif name.isdecimal() and len(name) < 18:
        query, value = "SELECT * FROM runs WHERE id = ?", name
    else:
        raise Vel2Error(f"run {name}: a number, last, or last~N")
    row = base.execute(query, [int(value)]).fetchone()
    if row is None:
        raise Vel2Error(f"run {name}: not in the database (harness/vel2 results list)")
    assert isinstance(row, sqlite3.Row)
    return row


def _commit(run: sqlite3.Row) -> str:
    return (run["commit_id"] or "?")[:10] + ("+" if run["dirty"] else "")


def command_list(options: argparse.Namespace) -> int:
    """results list."""
    condition, values = where(options, False)
    limit = options.limit if options.limit > 0 else -1
    with store.reading(_path(options)) as base:
        runs = base.execute(
            f"SELECT runs.*, (SELECT count(*) FROM rows WHERE rows.run = runs.id) AS n "
            f"FROM runs {condition} ORDER BY id DESC LIMIT {limit}",
            values,
        ).fetchall()
    heads = ["run", "started (UTC)", "command", "L1", "host", "mech", "L1 mode", "rows", "seconds"]
    rows = [
        [
            str(r["id"]),
            r["started"][:19].replace("T", " "),
            r["command"],
            r["l1"],
            r["host"] or "-",
            r["mech"] or "-",
            r["l1_mode"] or "-",
            number(r["n"]),
            f"{r['wall_seconds']:.1f}",
            _commit(r),
            r["outcome"][:60],
        ]
        for r in reversed(runs)
    ]
    show(f"{len(rows)} runs", [*heads, "commit", "outcome"], rows)
    return EXIT_OK


class Measured:
    """The figures of a stored run, keyed for comparison."""

    def __init__(self, base: sqlite3.Connection, run: sqlite3.Row):
        self.run = run
        key = [run["id"]]
        self.exits = {
            (r["level"], r["reason"]): (
                r["handled"] + r["forwarded"] + r["reflected"],
                r["instructions"],
            )
            for r in base.execute("SELECT * FROM exits WHERE run = ?", key)
        }
        self.sysregs = _registers(base.execute("SELECT * FROM sysregs WHERE run = ?", key))
        self.rows: dict[tuple[str, str], sqlite3.Row] = {}
        self.row_reasons: dict[tuple[str, str, str], float] = {}
        self.row_sysregs: dict[tuple[str, str, str], float] = {}
        for row in base.execute("SELECT * FROM rows WHERE run = ? ORDER BY id", key).fetchall():
            name, times = (row["op"], row["level"]), max(1, row["iterations"])
            self.rows[name] = row
            for r in base.execute("SELECT * FROM row_reasons WHERE row = ?", [row["id"]]):
                self.row_reasons[(*name, r["reason"])] = r["traps"] / times
            found = base.execute("SELECT * FROM row_sysregs WHERE row = ?", [row["id"]])
            for (register, how), count in _registers(found).items():
                self.row_sysregs[(*name, f"{register} {how}")] = count / times


def _registers(rows: Iterable[sqlite3.Row]) -> dict[tuple[str, str], int]:
    found = {}
    for r in rows:
        found[r["name"], "read"], found[r["name"], "write"] = r["reads"], r["writes"]
    return {key: count for key, count in found.items() if count}


def _figure(value: float | None) -> str:
    return number(None if value is None else round(value, 2))


def _changes(pair: list[dict[Any, Any]], nothing: float | None) -> list[list[str]]:
    """Rows [words of the key..., A, B, change] of what differs, the greatest change first."""
    lines: list[tuple[float, list[str]]] = []
    a, b = pair
    for key in dict.fromkeys([*a, *b]):
        old, new = a.get(key, nothing), b.get(key, nothing)
        if old == new:
            continue
        both = old is not None and new is not None
        change = new - old if both else None
        if change is not None and round(change, 2) == 0:
            continue
        sign = "+" if change is not None and change > 0 else ""
        text = "-" if change is None else sign + _figure(change)
        lines.append((abs(change or 0), [*key, _figure(old), _figure(new), text]))
    return [line for _, line in sorted(lines, key=lambda one: -one[0])]


def differences(a: Measured, b: Measured) -> list[tuple[str, list[str], list[list[str]]]]:
    """Tables (title, heads, rows) of what changed from a to b, without the empty ones."""
    tables = []

    def add(title: str, keys: list[str], rows: list[list[str]]) -> None:
        if rows:
            tables.append((title, [*keys, "A", "B", "change"], rows))

    op = ["operation", "level"]
    for key, what in (("traps_median", "Traps"), ("l0_instructions_median", "L0 instructions")):
        pairs = [{name: row[key] for name, row in one.rows.items()} for one in (a, b)]
        add(f"{what} per operation, median", op, _changes(pairs, None))
    # An operation that only one of them has is in the table above, not in these two.
    common = set(a.rows) & set(b.rows)
    for kind, which in (("reason", "row_reasons"), ("register", "row_sysregs")):
        kept = [
            {key: n for key, n in getattr(one, which).items() if key[:2] in common}
            for one in (a, b)
        ]
        add(f"Traps per operation by {kind}", [*op, kind], _changes(kept, 0))
    exits = [{key: n for key, (n, _) in one.exits.items()} for one in (a, b)]
    add("Exits of the whole run by reason", ["level", "reason"], _changes(exits, 0))
    costs = [{k: i for k, (_, i) in one.exits.items() if i is not None} for one in (a, b)]
    keys = ["level", "reason"]
    add("L0 instructions of the whole run by reason", keys, _changes(costs, None))
    registers = _changes([a.sysregs, b.sysregs], 0)
    add("Traps of the whole run by register", ["register", "access"], registers)
    return tables


def _configuration(a: sqlite3.Row, b: sqlite3.Row) -> list[list[str]]:
    old, new = json.loads(a["config"]), json.loads(b["config"])
    rows = [
        [key, str(old.get(key)), str(new.get(key))]
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    ]
    for name, x, y in (
        ("commit", _commit(a), _commit(b)),
        ("QEMU", str(a["qemu"]), str(b["qemu"])),
        ("outcome", a["outcome"], b["outcome"]),
    ):
        if x != y:
            rows.append([name, x, y])
    return rows


def command_diff(options: argparse.Namespace) -> int:
    """results diff."""
    with store.reading(_path(options)) as base:
        a, b = (Measured(base, find(base, name)) for name in (options.a, options.b))
    title = f"Run {a.run['id']} (A) and run {b.run['id']} (B)"
    settings = _configuration(a.run, b.run)
    if settings:
        show(f"{title}: what was run", ["", "A", "B"], settings)
    tables = differences(a, b)
    for one in tables:
        show(*one)
    if not tables:
        print(f"{title}: every count is the same")
    return EXIT_OK


def command_show(options: argparse.Namespace) -> int:
    """results show."""
    with store.reading(_path(options)) as base:
        run = find(base, options.run)
        measured = Measured(base, run)
    if options.json:
        print(json.dumps(json.loads(run["record"]), indent=1))
        return EXIT_OK
    words = {k: v for k, v in json.loads(run["config"]).items() if v not in (None, "", [], False)}
    about = [["started (UTC)", run["started"]], ["command", run["command"]]]
    about += [["outcome", run["outcome"]], ["wall seconds", f"{run['wall_seconds']:.2f}"]]
    about += [["commit", _commit(run)], ["QEMU", run["qemu"] or "?"]]
    about += [[key, str(value)] for key, value in words.items()]
    show(f"Run {run['id']}", ["", "value"], about)
    if measured.rows:
        rows = []
        for (op, level), row in measured.rows.items():
            figures = [
                _figure(row[f"{k}_{s}"]) for k in ("traps", "l0_instructions") for s in SPREAD
            ]
            by = [(n, key[2]) for key, n in measured.row_reasons.items() if key[:2] == (op, level)]
            text = ", ".join(
                f"{_figure(n)} {reason}" for n, reason in sorted(by, reverse=True) if n
            )
            rows.append([f"{op}, {level}", number(row["iterations"]), *figures, text])
        heads = ["operation", "times", *(f"traps {s}" for s in SPREAD)]
        heads += [f"instructions {s}" for s in SPREAD]
        show("Per operation", [*heads, "traps by reason"], rows)
    if measured.exits:
        ranked = sorted(measured.exits.items(), key=lambda item: -int(item[1][0]))
        lines = [[*key, number(n), number(i)] for key, (n, i) in ranked]
        show("Exits of the whole run", ["level", "reason", "exits", "L0 instructions"], lines)
    if measured.sysregs:
        top = sorted(measured.sysregs.items(), key=lambda item: -item[1])
        registers = [[*key, number(n)] for key, n in top]
        show("Registers that trapped", ["register", "access", "traps"], registers)
    return EXIT_OK


SPREAD = ("min", "median", "max")


def frame(base: sqlite3.Connection, options: argparse.Namespace, what: str) -> "pd.DataFrame":
    """One of EXPORTS, filtered."""
    import pandas as pd

    condition, values = where(options, what in ("rows", "reasons", "registers"))
    found = base.execute(EXPORTS[what].format(where=condition), values)
    names = [column[0] for column in found.description]
    return pd.DataFrame([tuple(row) for row in found], columns=names)


def _parquet(data: "pd.DataFrame", out: Path) -> None:
    """Write Parquet, by a Python of Debian sid's where pandas has no engine for it. Vel2Error, OSError."""
    from payload import parquet
    from payload.errors import PayloadError

    try:
        data.to_parquet(out, index=False)
        return
    except ImportError:
        pass
    try:
        python = parquet.python(BUILD, lambda text: print(f"vel2: {text}", file=sys.stderr))
    except PayloadError as error:
        raise Vel2Error(
            "--parquet: this Python has neither pyarrow nor fastparquet; Debian has python3-pyarrow in sid alone, "
            f"and to fetch it from there failed ({error}); --csv and --json need nothing more"
        ) from error
    try:
        parquet.write(python, data.to_json(orient="table", index=False), out.resolve())
    except PayloadError as error:
        raise Vel2Error(f"--parquet {out}: {error}") from error


def command_export(options: argparse.Namespace) -> int:
    """results export."""
    if not (options.csv or options.json or options.parquet):
        raise Vel2Error("results export: --csv, --json or --parquet FILE")
    with store.reading(_path(options)) as base:
        data = frame(base, options, options.what)
    try:
        if options.csv:
            data.to_csv(options.csv, index=False)
        if options.json:
            data.to_json(options.json, orient="records", indent=1)
        if options.parquet:
            _parquet(data, options.parquet)
    except OSError as error:
        raise Vel2Error(f"results export: {error}") from error
    print(f"{len(data)} {options.what}")
    return EXIT_OK


def command_results(options: argparse.Namespace) -> int:
    """vel2 results."""
    actions = {
        "list": command_list,
        "show": command_show,
        "diff": command_diff,
        "export": command_export,
    }
    return actions[options.action](options)
