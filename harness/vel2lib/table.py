# SPDX-License-Identifier: GPL-2.0-only
"""What a user sees of a result: tables, and the lines that explain a failure.

Plain aligned text; python3-rich draws the tables where there is a terminal and the package is there.
"""

from __future__ import annotations

import shutil
import sys
from typing import Any

from .records import Record, integer
from .results import bench_rows, exits, sysregs
from .run import Result, exits_total, levels

Row = list[str]


def number(value: float | None) -> str:
    """A figure for a table: 1234567 -> 1,234,567; None -> -."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def draw(title: str, heads: Row, rows: list[Row]) -> str:
    """A table as text: the first column left, the others right."""
    widths = [max(len(r[i]) for r in [heads, *rows]) for i in range(len(heads))]

    def line(cells: Row) -> str:
        first = cells[0].ljust(widths[0])
        return "  ".join([first, *(c.rjust(w) for c, w in zip(cells[1:], widths[1:]))]).rstrip()

    rule = "-" * len(line(["x" * w for w in widths]))
    return "\n".join([title, rule, line(heads), rule, *map(line, rows), rule])


def show(title: str, heads: Row, rows: list[Row]) -> None:
    """Print a table, by rich on a terminal."""
    if sys.stdout.isatty():
        try:
            from rich.console import Console
            from rich.table import Table
        except ImportError:
            pass
        else:
            table = Table(title=title, title_justify="left")
            for index, head in enumerate(heads):
                table.add_column(head, justify="right" if index else "left")
            for row in rows:
                table.add_row(*row)
            Console(width=max(shutil.get_terminal_size().columns, 80)).print(table)
            return
    print(draw(title, heads, rows))


def reasons(by_reason: dict[str, int], operations: int) -> str:
    """Exits by reason per operation: `1 hvc, 1 eret`, the most frequent first."""
    parts = sorted(by_reason.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{number(round(n / max(1, operations), 2))} {name}" for name, n in parts if n)


def operations(result: Result) -> None:
    """The table of `run`: what each operation of the bundled guests cost."""
    what = {"vm": "L1 as the guest", "nested": "L2 under L1"}
    rows = []
    for row in sorted(bench_rows(result), key=lambda r: str(r["level"])):
        cost = row["l0_instructions"]
        rows.append(
            [
                f"{row['op']}, {what.get(row['level'], row['level'])}",
                number(row["iterations"]),
                number(row["traps"]["median"]),
                number(cost["median"] if cost else None),
                reasons(row["by_reason"], row["iterations"]),
            ]
        )
    boot = result.boot
    title = (
        f"Traps to L0 and L0 instructions per operation: host {boot.get('host')}, "
        f"{boot.get('mech')}, L1 {result.config.l1_mode}"
    )
    title += f", served from a {boot['pv']}" if "pv" in boot else ""
    for how, names in (("trapped", result.config.trap), ("served", result.config.no_trap)):
        title += f", {how}: {names}" if names else ""
    show(title, ["operation", "times", "traps", "L0 instructions", "traps by reason"], rows)


def exit_table(result: Result, to: str = "L0") -> None:
    """Exits by level and reason, with the columns of `perf kvm stat report`."""
    by_level = exits(result.counters)
    flat: list[tuple[int, str, str, dict[str, Any]]] = []
    for level, by_reason in by_level.items():
        for reason, row in by_reason.items():
            samples = row["handled"] + row["forwarded"] + row["reflected"]
            if samples:
                flat.append((samples, level, reason, row))
    total = sum(samples for samples, *_ in flat)
    counted = any(row["instructions"] is not None for *_, row in flat)
    heads = ["exit", "level", "samples", "share", "handled", "forwarded", "reflected"]
    rows = []
    for samples, level, reason, row in sorted(flat, key=lambda f: (-f[0], f[1], f[2])):
        cells = [reason, level, number(samples), f"{100 * samples / total:.2f}%"]
        cells += [number(row[k]) for k in ("handled", "forwarded", "reflected")]
        rows.append(cells + ([number(row["instructions"])] if counted else []))
    heads += [f"{to} instructions"] if counted else []
    show(f"Exits to {to}: {number(total)}", heads, rows)


def sysreg_table(result: Result, to: str = "L0", most: int = 10) -> None:
    """The registers that trapped most."""
    flat = [(r["read"] + r["write"], name, r) for name, r in sysregs(result.counters).items()]
    flat = sorted((f for f in flat if f[0]), key=lambda f: (-f[0], f[1]))[:most]
    rows = [[name, number(n), number(r["read"]), number(r["write"])] for n, name, r in flat]
    if rows:
        show(
            f"The {len(rows)} registers that trapped most to {to}",
            ["register", "traps", "reads", "writes"],
            rows,
        )


def phase_table(result: Result) -> None:
    """Time and traps up to each phase."""
    rows = [[p.name, f"{p.wall_seconds:.1f}", number(p.traps)] for p in result.phases]
    show("Phases", ["up to", "seconds", "traps to L0"], rows)


def _hex(record: Record, key: str) -> int:
    return integer(record, key)


def trace_line(result: Result, record: Record) -> str:
    """One exit of a trace as a line."""
    level = str(record.get("level", "?"))
    pc = result.symbolizer.text(level, _hex(record, "pc"))
    text = (
        f"vcpu {record.get('vcpu')} exit {record.get('seq')}: {level} {record.get('reason')} "
        f"{record.get('outcome')}, pc {pc}, esr {_hex(record, 'esr'):#x}"
    )
    far = _hex(record, "far")
    return text + (f", far {far:#x}" if far else "")


def vcpu_line(result: Result, record: Record) -> str:
    """The state of one vCPU as a line."""
    level = str(record.get("level", "?"))
    pc = result.symbolizer.text(level, _hex(record, "pc"))
    known = {"t", "vcpu", "cpu", "level", "pc"}
    rest = ", ".join(f"{k} {v}" for k, v in record.items() if k not in known)
    return f"vcpu {record.get('vcpu')} on cpu {record.get('cpu')}: {level}, pc {pc}, {rest}"


def panic_line(result: Result, record: Record) -> str:
    """What L0 said when it gave up, as a line."""
    address = _hex(record, "pc")
    level = str(record.get("level", "?"))
    name = result.symbolizer.name(level, address) or result.symbolizer.name("L0", address)
    parts = [f"{k} {v}" for k, v in record.items() if k not in ("t", "msg")]
    return f"panic: {', '.join(parts)}" + (f" ({name})" if name else "")


def explain(result: Result) -> list[str]:
    """The lines that follow the outcome of a run that failed, and a trace that was asked for."""
    lines = list(result.details)
    lines += [panic_line(result, r) for r in result.panics]
    for depth, one in enumerate(levels(result), 1):
        warned = (
            [r for r in one.logs if r.get("level") in ("warn", "error")] if result.status else []
        )
        said = [panic_line(result, r) for r in one.panics]
        said += [f"{r.get('level')}: {r.get('msg')}" for r in warned[-5:]]
        lines += [f"vel2 as L{depth}: {line}" for line in said]
    lines += [vcpu_line(result, r) for r in result.vcpus if result.status]
    for which, other in enumerate(result.others, 1):
        said = [vcpu_line(other, r) for r in other.vcpus if result.status]
        said += [f"console: {s}" for s in other.lines() if s.strip()][-5:] if other.status else []
        lines += [f"L1 number {which}: {line}" for line in said]
    asked = result.config.trace
    by_vcpu: dict[int, list[Record]] = {}
    for record in result.traces:
        by_vcpu.setdefault(integer(record, "vcpu"), []).append(record)
    for records in by_vcpu.values():
        lines += [trace_line(result, r) for r in records[-(asked or 10) :]]
    if result.status:
        warned = [r for r in result.logs if r.get("level") in ("warn", "error")]
        lines += [f"L0 {r.get('level')}: {r.get('msg')}" for r in warned[-5:]]
        tail = [s for s in result.lines() if s.strip()][-5:]
        lines += [f"console: {s}" for s in tail]
    return lines


def report(result: Result) -> None:
    """Print everything that a run is for."""
    if result.samples and bench_rows(result):
        operations(result)
    elif result.counters:
        exit_table(result)
        sysreg_table(result)
    for depth, one in enumerate(levels(result), 1):
        if one.counters:
            exit_table(one, f"vel2 as L{depth}")
            sysreg_table(one, f"vel2 as L{depth}")
    for which, other in enumerate(result.others, 1):
        if other.counters:
            print(f"L1 number {which}, {other.config.l1}:")
            exit_table(other)
            sysreg_table(other)
    if result.phases:
        phase_table(result)
    for test in result.tests:
        words = ", ".join(f"{k} {v}" for k, v in test.items() if k not in ("t", "name", "ok"))
        print(f"L0's test {test.get('name')}: {'ok' if test.get('ok') else 'FAILED'}, {words}")
    if result.log_regions is not None and result.status == 0:
        traps = sum(r.traps for r in result.log_regions)
        print(
            f"QEMU's exception log agrees: {number(traps)} traps in "
            f"{number(len(result.log_regions))} samples"
        )
    if result.counters:
        print(f"{number(exits_total(result.counters))} traps in all, {result.wall_seconds:.1f} s")
