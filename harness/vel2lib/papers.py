# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 papers`: the experiments of papers/, one folder a paper, measured, and their tables and figures.

A folder has claims.toml (what the paper says, how that is known, and which of our rows stands beside it) and the
sweep files that it names; table.md and figure.svg are made here. A table that is not what was there before is an
error, so that a commit which changes a published figure has to say so.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sqlite3
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import store, sweep
from .debian import ROOT
from .errors import EXIT_FAILED, EXIT_OK, Vel2Error
from .job import Job
from .table import number

PAPERS = ROOT / "papers"
#: Keys of a reference to one of our rows that choose the row; all others choose the run.
ROW_KEYS = ("sweep", "op", "level")
#: A register that trapped less often than that per operation is noise of L1's other programs.
LEAST = 0.5
#: Inches of a figure: width, height of each line of the table.
WIDTH, LINE_HEIGHT = 8.0, 0.45


@dataclass
class Cell:
    """One of our rows: figures per operation, and its traps by reason and by register name."""

    traps: float
    l0_instructions: float | None
    l0_accesses: float | None  # of system registers, where QEMU's plugin counted
    by: list[tuple[str, int]]


@dataclass
class Paper:
    """A folder of papers/."""

    path: Path
    claims: dict[str, Any]

    @property
    def name(self) -> str:
        """As the folder is called."""
        return self.path.name


def load(path: Path) -> Paper:
    """A folder's claims. Vel2Error names what is missing."""
    try:
        with (path / "claims.toml").open("rb") as stream:
            claims = tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Vel2Error(f"{path / 'claims.toml'}: {error}") from error
    for key in ("title", "unit", "claim", "experiments", "ours", "bars", "why", "line"):
        if key not in claims:
            raise Vel2Error(f"{path / 'claims.toml'}: no {key}")
    for line in claims["line"]:
        if len(line["ours"]) != len(claims["ours"]):
            raise Vel2Error(f"{path / 'claims.toml'}: {line['operation']}: a cell for each of ours")
        for cell in line["ours"]:
            if cell and cell.get("sweep") not in claims["experiments"]:
                raise Vel2Error(f"{path / 'claims.toml'}: {cell}: no such experiment")
    return Paper(path, claims)


def measure(paper: Paper, db: Path, at_once: int | None, build: bool) -> dict[str, list[Job]]:
    """Run what is not measured yet; the jobs of each experiment with their keys. Vel2Error when one fails."""
    jobs = {}
    for name in paper.claims["experiments"]:
        file = paper.path / f"{name}.toml"
        options = argparse.Namespace(
            job=False, file=file, jobs=at_once, db=db, no_build=not build, fresh=False
        )
        options.retry, options.scheduler = True, None
        if sweep.command_sweep(options):
            raise Vel2Error(f"{file.relative_to(ROOT)}: not all of it could be measured")
        jobs[name] = sweep.expand(sweep.read(file))
        sweep.identify(jobs[name], False)
    return jobs


def _row(base: sqlite3.Connection, job: Job, cell: dict[str, Any]) -> Cell:
    query = (
        "SELECT rows.*, runs.record FROM rows JOIN runs ON runs.id = rows.run "
        "WHERE job = ? AND status = 0 AND op = ? AND level = ?"
    )
    row = base.execute(query, (job["key"], cell["op"], cell.get("level", "nested"))).fetchone()
    if row is None:
        raise Vel2Error(f"{cell}: measured, but without such an operation")
    count = row["iterations"]
    by = []
    for how in ("reads", "writes"):
        found = base.execute(
            f"SELECT name, {how} AS n FROM row_sysregs WHERE row = ?", (row["id"],)
        )
        by += [
            (f"{r['name']} {how[:-1]}", round(r["n"] / count))
            for r in found
            if r["n"] / count > LEAST
        ]
    found = base.execute("SELECT reason, traps AS n FROM row_reasons WHERE row = ?", (row["id"],))
    by += [
        (r["reason"], round(r["n"] / count))
        for r in found
        if r["n"] / count > LEAST and r["reason"] != "sysreg"
    ]
    by.sort(key=lambda item: (-item[1], item[0]))
    name = f"{cell['op']}_{cell.get('level', 'nested')}"
    regions = {r["name"]: r.get("l0_accesses") for r in json.loads(row["record"])["regions"]}
    accesses = (regions.get(name) or {}).get("median")
    return Cell(row["traps_median"], row["l0_instructions_median"], accesses, by)


def _find(
    base: sqlite3.Connection, jobs: dict[str, list[Job]], cell: dict[str, Any]
) -> Cell | None:
    if not cell:
        return None
    wanted = {key: value for key, value in cell.items() if key not in ROW_KEYS}
    for job in jobs[cell["sweep"]]:
        if all(job["config"].get(key) == value for key, value in wanted.items()):
            return _row(base, job, cell)
    raise Vel2Error(f"{cell}: its sweep has no such run")


def cells(paper: Paper, jobs: dict[str, list[Job]], db: Path) -> list[list[Cell | None]]:
    """Our rows, as the lines of the claims have them."""
    with store.connect(db) as base:
        return [[_find(base, jobs, c) for c in line["ours"]] for line in paper.claims["line"]]


def _figure_of(line: dict[str, Any], cell: Cell | None) -> float | None:
    if cell is None:
        return None
    value: float | None = getattr(cell, line.get("value", "traps"))
    return value


def _text(paper: Any) -> str:
    return number(paper) if isinstance(paper, (int, float)) else str(paper)


def table(paper: Paper, ours: list[list[Cell | None]]) -> str:
    """table.md."""
    claims = paper.claims
    lines = [f"# {claims['title']}", "", "Made by `make papers`; not to be edited.", ""]
    lines += ["The claim. " + " ".join(claims["claim"].split()), ""]
    lines += [f"Figures are {claims['unit']}, medians. `-`: not measured, or not said.", ""]
    heads = ["operation", "setting", "the paper", "known how", *claims["ours"]]
    lines += [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for line, found in zip(claims["line"], ours):
        row = [line["operation"], line["setting"]]
        row += [_text(line.get("paper", "-")), line.get("known", "-")]
        row += [number(_figure_of(line, cell)) for cell in found]
        lines.append(f"| {' | '.join(row)} |")
    lines += ["", "## Why ours differ", "", claims["why"].strip(), "", "## What trapped", ""]
    for line, found in zip(claims["line"], ours):
        if not line.get("registers"):
            continue
        for head, cell in zip(claims["ours"], found):
            if cell:
                what = ", ".join(f"{count} {name}" for name, count in cell.by) or "nothing"
                lines.append(f"- {line['operation']}, {line['setting']}, {head}: {what}")
    return "\n".join(lines) + "\n"


def figure(paper: Paper, ours: list[list[Cell | None]], path: Path) -> None:
    """figure.svg: a group of bars for each line; the same figures give the same bytes."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "vel2"
    from matplotlib.figure import Figure

    claims = paper.claims
    chosen = [(li, found) for li, found in zip(claims["line"], ours) if li.get("bar", True)]
    plot = Figure(figsize=(WIDTH, 1.2 + LINE_HEIGHT * len(chosen)))
    axes = plot.subplots()
    height = 0.8 / len(claims["bars"])
    for index, head in enumerate(claims["bars"]):
        places, values = [], []
        for place, (line, found) in enumerate(chosen):
            if head in claims["ours"]:
                value = _figure_of(line, found[claims["ours"].index(head)])
            else:
                value = line.get("paper")
            if isinstance(value, (int, float)):
                places.append(place + (index - (len(claims["bars"]) - 1) / 2) * height)
                values.append(value)
        bars = axes.barh(places, values, height, label=head)
        axes.bar_label(bars, [number(v) for v in values], padding=2, fontsize=7)
    axes.set_yticks(
        range(len(chosen)), [f"{li['operation']}\n{li['setting']}" for li, _ in chosen], fontsize=7
    )
    axes.invert_yaxis()
    axes.set_xlabel(claims.get("axis", claims["unit"]))
    axes.margins(x=0.1)
    axes.legend(fontsize=7)
    axes.set_title(claims["title"], fontsize=9)
    plot.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})


def reproduce(paper: Paper, db: Path, at_once: int | None, build: bool) -> bool:
    """Measure, write table and figure. False when there was a table and it was another one."""
    ours = cells(paper, measure(paper, db, at_once, build), db)
    path = paper.path / "table.md"
    old, new = path.read_text() if path.exists() else None, table(paper, ours)
    path.write_text(new)
    figure(paper, ours, paper.path / "figure.svg")
    if old is None or old == new:
        return True
    print(f"vel2: {path.relative_to(ROOT)} is not what it was:", file=sys.stderr)
    diff = difflib.unified_diff(old.splitlines(), new.splitlines(), "was", "measured", "", "", 0)
    print("\n".join(diff), file=sys.stderr)
    return False


def command_papers(options: argparse.Namespace) -> int:
    """vel2 papers."""
    found = sorted(p.parent for p in PAPERS.glob("*/claims.toml"))
    known = [path.name for path in found]
    for name in options.names:
        if name not in known:
            raise Vel2Error(f"papers: '{name}' is none of {', '.join(known)}")
    db, same, build = options.db or store.default_path(), True, not options.no_build
    for path in found:
        if not options.names or path.name in options.names:
            same &= reproduce(load(path), db, options.jobs, build)
            build = False
    return EXIT_OK if same else EXIT_FAILED
