# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 report`: one HTML file, complete in itself, of what results.db holds.

Of each operation of each configuration the newest run that ended well counts. Figures are SVG inside
the file; the same database gives the same file but for the line that says when it was made.
"""

from __future__ import annotations

import argparse
import base64
import html
import io
import json
import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from . import history, store
from .errors import EXIT_OK, Vel2Error
from .qemu import CPU
from .table import number

STYLE = """
body { font: 15px/1.45 sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0; font-size: 13px }
th, td { padding: .2em .7em; border-bottom: 1px solid #ddd; text-align: right }
th:first-child, td:first-child { text-align: left }
th { border-bottom: 2px solid #888 }
img { max-width: 100%; display: block; margin: 1em 0 }
.note { color: #666; font-size: 13px }
"""


@dataclass(frozen=True)
class Setup:
    """What is compared with what: a configuration without its mechanism."""

    l1: str
    host: str
    l1_mode: str
    variant: str  # further differences, e.g. CPUs

    def __str__(self) -> str:
        return f"L1 {self.l1} ({self.l1_mode}), host {self.host}" + self.variant


@dataclass
class Row:
    """An operation under a mechanism; figures per operation."""

    setup: Setup
    mech: str
    op: str
    level: str
    run: int
    iterations: int
    traps: list[float | None]  # min, median, max
    instructions: list[float | None]
    reasons: dict[str, float] = field(default_factory=dict)
    registers: dict[str, float] = field(default_factory=dict)


def _variant(run: sqlite3.Row) -> str:
    """What sets a configuration apart besides its columns: further settings that change counts."""
    config = json.loads(run["config"])
    words = [f"{config['smp']} CPUs"] if config.get("smp", 1) != 1 else []
    if run["l1"] == "vel2":
        words.append(
            f"depth {config.get('depth')}, then {config.get('l2')} ({config.get('l2_mode')})"
        )
    words += [str(config[k]) for k in ("l0_append", "l1_features") if config.get(k)]
    words += [f"{k} {config[k]}" for k in ("pv_flavour", "trap", "no_trap") if config.get(k)]
    cpu = config.get("cpu") or CPU
    words += [] if cpu == CPU else [cpu]
    return "".join(f", {word}" for word in words)


def read_rows(base: sqlite3.Connection, options: argparse.Namespace) -> list[Row]:
    """The newest row of each operation of each configuration."""
    condition, values = history.where(options, True)
    good = "AND" if condition else "WHERE"
    found: dict[tuple[Any, ...], Row] = {}
    query = (
        "SELECT runs.*, rows.id AS row, rows.* FROM runs JOIN rows ON rows.run = runs.id "
        f"{condition} {good} runs.status = 0 ORDER BY runs.id, rows.id"
    )
    for r in base.execute(query, values).fetchall():
        setup = Setup(r["l1"], r["host"] or "?", r["l1_mode"] or "?", _variant(r))
        times = max(1, r["iterations"])
        traps, cost = (
            [r[f"{k}_{s}"] for s in history.SPREAD] for k in ("traps", "l0_instructions")
        )
        one = Row(setup, r["mech"] or "?", r["op"], r["level"], r["run"], times, traps, cost)
        key = [r["row"]]
        for x in base.execute("SELECT * FROM row_reasons WHERE row = ? ORDER BY reason", key):
            one.reasons[x["reason"]] = x["traps"] / times
        for x in base.execute("SELECT * FROM row_sysregs WHERE row = ? ORDER BY name", key):
            one.registers[x["name"]] = (x["reads"] + x["writes"]) / times
        found[setup, one.mech, one.op, one.level] = one
    return list(found.values())


def _image(figure: Any, text: str) -> str:
    """A figure as an element."""
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", bbox_inches="tight", metadata={"Date": None})
    data = base64.b64encode(stream.getvalue()).decode()
    return f'<img alt="{html.escape(text)}" src="data:image/svg+xml;base64,{data}">'


def _figure(width: float, height: float) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "vel2"
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def _bars(rows: list[Row]) -> tuple[list[str], dict[tuple[str, str], Row]]:
    """Operations in the order in which they came, and the row of (operation, mechanism)."""
    return list(dict.fromkeys(r.op for r in rows)), {(r.op, r.mech): r for r in rows}


def _colours(names: Sequence[str]) -> dict[str, Any]:
    import matplotlib

    palette = matplotlib.colormaps["tab20"]
    return {name: palette(i % 20) for i, name in enumerate(names)}


def traps_figure(rows: list[Row], title: str, colours: dict[str, Any]) -> str:
    """Traps by reason, stacked: a group for each operation, in it a bar for each mechanism."""
    mechs = sorted({r.mech for r in rows}, reverse=True)
    ops, by = _bars(rows)
    figure, axes = _figure(max(6.0, 1.0 * len(ops) * max(1.4, 0.6 * len(mechs))), 4.2)
    width, shown, places, labels = 0.8 / len(mechs), set(), [], []
    for index, op in enumerate(ops):
        for place, mech in enumerate(mechs):
            row, base = by.get((op, mech)), 0.0
            x = index + (place - (len(mechs) - 1) / 2) * width
            places.append(x)
            labels.append(mech)
            for reason, count in row.reasons.items() if row else ():
                label = None if reason in shown else reason
                shown.add(reason)
                axes.bar(x, count, width * 0.9, base, color=colours[reason], label=label)
                base += count
            if row:
                axes.text(x, base, number(round(base, 1)), ha="center", va="bottom", fontsize=7)
    axes.set_xticks(places, labels, fontsize=7)
    for index, op in enumerate(ops):
        axes.text(index, -0.1, op, ha="center", transform=axes.get_xaxis_transform(), fontsize=9)
    axes.set_xlim(-0.6, len(ops) - 0.4)
    axes.set_ylabel("traps to L0 per operation")
    axes.set_title(title, fontsize=10)
    if shown:
        axes.legend(fontsize=7, ncols=2)
    return _image(figure, f"traps by reason, {title}")


def instructions_figure(rows: list[Row], title: str) -> str:
    """L0's instructions for an operation: medians, whiskers from the least to the most. "" without any."""
    rows = [r for r in rows if r.instructions[1] is not None]
    if not rows:
        return ""
    mechs = sorted({r.mech for r in rows}, reverse=True)
    ops, by = _bars(rows)
    colours = _colours(mechs)
    figure, axes = _figure(max(6.0, 1.4 * len(ops)), 3.6)
    width = 0.8 / len(mechs)
    for place, mech in enumerate(mechs):
        some = [(i, by[op, mech]) for i, op in enumerate(ops) if (op, mech) in by]
        middle = [float(r.instructions[1] or 0) for _, r in some]
        whiskers = [
            [m - float(r.instructions[0] or 0) for m, (_, r) in zip(middle, some)],
            [float(r.instructions[2] or 0) - m for m, (_, r) in zip(middle, some)],
        ]
        at = [i + (place - (len(mechs) - 1) / 2) * width for i, _ in some]
        style = {"color": colours[mech], "label": mech, "capsize": 2, "ecolor": "#555"}
        axes.bar(at, middle, width * 0.9, yerr=whiskers, **style)
    axes.set_xticks(range(len(ops)), ops, fontsize=9)
    axes.set_ylabel("L0 instructions per operation")
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=7)
    return _image(figure, f"instructions, {title}")


def depth_of(row: Row) -> int | None:
    """Whose operation it is as a number: 1 for L1 as the guest, 2 for a nested one, and so on."""
    named = {"vm": 1, "nested": 2}.get(row.level)
    found = re.fullmatch(r"l(\d+)", row.level)
    return int(found.group(1)) if found else named


def depth_figure(rows: list[Row]) -> str:
    """Traps to L0 against depth, a line for each operation and mechanism; "" with fewer than three depths."""
    lines: dict[tuple[str, str], dict[int, float]] = {}
    for row in rows:
        depth, traps = depth_of(row), row.traps[1]
        if depth and traps:
            points = lines.setdefault((row.op, row.mech), {})
            points[depth] = min(traps, points.get(depth, traps))
    lines = {key: points for key, points in lines.items() if len(points) >= 3}
    if not lines:
        return ""
    figure, axes = _figure(7, 4)
    for (op, mech), points in sorted(lines.items()):
        axes.plot(*zip(*sorted(points.items())), marker="o", label=f"{op}, {mech}")
    axes.set_yscale("log")
    depths = sorted({d for points in lines.values() for d in points})
    axes.set_xticks(depths, [f"L{d}" for d in depths])
    axes.set_ylabel("traps to L0 per operation, least median")
    axes.legend(fontsize=7)
    return "<h2>Growth with depth</h2>" + _image(figure, "traps against depth")


def table(heads: Sequence[str], rows: list[list[str]]) -> str:
    """A table; cells are text."""

    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>\n"

    return "<table>\n" + line("th", heads) + "".join(line("td", r) for r in rows) + "</table>\n"


def _named(counts: dict[str, float]) -> str:
    parts = sorted(((-n, name) for name, n in counts.items() if round(n, 2)))
    return ", ".join(f"{number(round(-n, 2))} {name}" for n, name in parts)


def _rows_table(rows: list[Row]) -> str:
    spread: Callable[[list[float | None]], list[str]] = lambda v: [number(x) for x in v]
    lines = [
        [f"{r.op}, {r.level}", r.mech, number(r.iterations), *spread(r.traps)]
        + [*spread(r.instructions), _named(r.reasons), _named(r.registers), str(r.run)]
        for r in rows
    ]
    heads = ["operation", "mechanism", "times", "traps min", "median", "max", "instructions min"]
    return table([*heads, "median", "max", "traps by reason", "by register", "run"], lines)


def _runs_table(base: sqlite3.Connection, numbers: set[int]) -> str:
    lines = []
    for number_ in sorted(numbers):
        r = base.execute("SELECT * FROM runs WHERE id = ?", [number_]).fetchone()
        commit = (r["commit_id"] or "?")[:12] + ("+" if r["dirty"] else "")
        lines.append([str(number_), r["started"][:19], r["command"], r["qemu"] or "?", commit])
    return table(["run", "started (UTC)", "command", "QEMU", "commit (+: changed)"], lines)


def page(base: sqlite3.Connection, options: argparse.Namespace) -> str:
    """The whole file; Vel2Error when there is nothing to show."""
    rows = read_rows(base, options)
    if not rows:
        raise Vel2Error("report: no measured operations in the database: harness/vel2 bench --all")
    colours = _colours(sorted({reason for r in rows for reason in r.reasons}))
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>vel2 results</title>',
        f"<style>{STYLE}</style></head><body>\n<h1>vel2: traps and instructions</h1>",
        f'<p class="note">Made {now}. Of each operation the newest run that ended well. Traps are '
        "exceptions taken to L0; instructions are L0's own, counted by QEMU's PMU.</p>",
    ]
    for setup in sorted({r.setup for r in rows}, key=str):
        parts.append(f"<h2>{html.escape(str(setup))}</h2>")
        mine = [r for r in rows if r.setup == setup]
        for level in sorted({r.level for r in mine}):
            some = [r for r in mine if r.level == level]
            title = {"vm": "L1 as the guest", "nested": "L2 under L1"}.get(level, level.upper())
            parts.append(traps_figure(some, title, colours))
            parts.append(instructions_figure(some, title))
        parts.append(_rows_table(mine))
    parts.append(depth_figure(rows))
    parts += ["<h2>Runs</h2>", _runs_table(base, {r.run for r in rows}), "</body></html>\n"]
    return "\n".join(parts)


def command_report(options: argparse.Namespace) -> int:
    """vel2 report."""
    path: Path = options.output
    with store.reading(options.db or store.default_path()) as base:
        text = page(base, options)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise Vel2Error(f"{path}: {error.strerror}") from error
    print(f"{path}: {len(text) // 1024} KiB")
    return EXIT_OK
