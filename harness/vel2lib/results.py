# SPDX-License-Identifier: GPL-2.0-only
"""Results as other programs read them: the JSON of `run` and the rows of `bench`.

The schema is versioned; a field is never given another meaning under the same version.
"""

from __future__ import annotations

import json
import re
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import plugin, witness
from .config import RunConfig
from .errors import Vel2Error
from .files import write_whole
from .records import Record, integer, optional_integer
from .regions import RegionName, region_names
from .run import Result, exits_total, instructions_total

RUN_SCHEMA = "vel2-run/1"
BENCH_SCHEMA = "vel2-bench/1"
OUTCOMES = ("handled", "forwarded", "reflected")
#: Where a sample begins and ends: the guest's own markers, which L0 does not count.
BOUNDARY = "HVC #0x4e56 to HVC #0x4e56 of the guest, markers subtracted"


@dataclass
class Samples:
    """All samples of one region, instructions net of what the markers themselves cost."""

    number: int
    level: str  # the hardware's point of view: L1 or L2
    ops: list[int] = field(default_factory=list)
    traps: list[int] = field(default_factory=list)
    instructions: list[int | None] = field(default_factory=list)
    by_reason: dict[str, int] = field(default_factory=dict)
    sysregs: dict[str, dict[str, int]] = field(default_factory=dict)
    #: Of each sample, traps by reason and by `REGISTER read` or `REGISTER write`.
    reasons: list[dict[str, int]] = field(default_factory=list)
    registers: list[dict[str, int]] = field(default_factory=list)

    def add(self, record: Record, overhead: int) -> None:
        """Take one sample record."""
        self.ops.append(integer(record, "ops"))
        self.traps.append(integer(record, "traps"))
        raw = optional_integer(record, "l0_instructions")
        self.instructions.append(None if raw is None else max(0, raw - overhead))
        reasons = {k: v for k, v in record.get("by_reason", {}).items() if isinstance(v, int)}
        add_counts(self.by_reason, reasons)
        add_sysregs(self.sysregs, record)
        self.reasons.append(reasons)
        self.registers.append(_register_counts(record))

    def add_peer(self, peer: "Samples") -> None:
        """Add the other CPU's side: sample by sample, the operations stay as many."""
        for index in range(min(len(self.ops), len(peer.ops))):
            self.traps[index] += peer.traps[index]
            mine, theirs = self.instructions[index], peer.instructions[index]
            unknown = mine is None or theirs is None
            self.instructions[index] = None if unknown else (mine or 0) + (theirs or 0)
            add_counts(self.reasons[index], peer.reasons[index])
            add_counts(self.registers[index], peer.registers[index])
        add_counts(self.by_reason, peer.by_reason)
        add_sysregs(self.sysregs, {"sysregs": peer.sysregs})

    def spreads(self) -> dict[str, dict[str, dict[str, float]]]:
        """Least, median and most traps of an operation by reason and by register."""
        return {
            what: {
                name: _spread([one.get(name, 0) / max(1, n) for one, n in zip(samples, self.ops)])
                for name in sorted({name for one in samples for name in one})
            }
            for what, samples in (("reasons", self.reasons), ("registers", self.registers))
        }

    def l0_instructions(self) -> int | None:
        """Their sum, None when one of them is unknown."""
        known = [i for i in self.instructions if i is not None]
        return sum(known) if len(known) == len(self.instructions) else None


def add_counts(total: dict[str, int], counts: dict[str, int]) -> None:
    """Add counts by name to `total`."""
    for name, count in counts.items():
        total[name] = total.get(name, 0) + count


def _register_counts(record: Record) -> dict[str, int]:
    return {
        f"{name} {how}": count
        for name, row in record.get("sysregs", {}).items()
        for how, count in row.items()
        if count
    }


def add_sysregs(total: dict[str, dict[str, int]], record: Record) -> None:
    """Add a record's traps of system registers to `total`."""
    for name, row in record.get("sysregs", {}).items():
        sums = total.setdefault(name, {"read": 0, "write": 0})
        sums["read"] += integer(row, "read")
        sums["write"] += integer(row, "write")


def marker_overhead(samples: list[Record], names: dict[int, RegionName]) -> dict[str, int]:
    """L0 instructions that a pair of markers costs, by level (L1, L2), from the empty regions.

    The least that was seen: an interrupt may have hit one of them. 0 for a level without any.
    """
    overhead: dict[str, int] = {}
    for record in samples:
        name = names.get(integer(record, "region"))
        cost = optional_integer(record, "l0_instructions")
        if name is not None and name.op == "empty" and cost is not None:
            level = str(record.get("level", "?"))
            overhead[level] = min(overhead.get(level, cost), cost)
    return overhead


def group(samples: list[Record], names: dict[int, RegionName]) -> list[Samples]:
    """Samples by region, in the order of their ids."""
    overhead = marker_overhead(samples, names)
    groups: dict[int, Samples] = {}
    for record in samples:
        number, level = integer(record, "region"), str(record.get("level", "?"))
        one = groups.setdefault(number, Samples(number, level))
        one.add(record, overhead.get(level, 0))
    mine = {(n.op, n.level): number for number, n in names.items() if not n.peer}
    for number, name in names.items():
        if name.peer and number in groups and mine[name.op, name.level] in groups:
            groups[mine[name.op, name.level]].add_peer(groups.pop(number))
    return [groups[number] for number in sorted(groups)]


def warm_up(config: RunConfig) -> int | None:
    """Operations before the first that is measured; None: what the guest's source says."""
    found = re.search(r"\bwarm=(\d+)", f"{config.l1_append} {config.l2_append}")
    return int(found.group(1)) if found else None


def exits(counters: list[Record]) -> dict[str, dict[str, dict[str, Any]]]:
    """Exits by level and reason, summed over vCPUs; instructions null where L0 did not count them."""
    total: dict[str, dict[str, dict[str, Any]]] = {}
    for record in counters:
        for level, reasons in record.get("exits", {}).items():
            for reason, row in reasons.items():
                sums = total.setdefault(level, {}).setdefault(
                    reason, {"handled": 0, "forwarded": 0, "reflected": 0, "instructions": None}
                )
                for outcome in OUTCOMES:
                    sums[outcome] += integer(row, outcome)
                cost = optional_integer(row, "instructions")
                if cost is not None:
                    sums["instructions"] = (sums["instructions"] or 0) + cost
    return total


def sysregs(counters: list[Record]) -> dict[str, dict[str, int]]:
    """Traps of each system register, summed over vCPUs."""
    total: dict[str, dict[str, int]] = {}
    for record in counters:
        add_sysregs(total, record)
    return total


def regions(result: Result) -> list[dict[str, Any]]:
    """The measured regions, one row an id."""
    names = region_names()
    accesses = _accesses(result)
    rows = []
    for one in group(result.samples, names):
        name = names.get(one.number)
        rows.append(
            {
                "id": one.number,
                "name": f"{name.op}_{name.level}" if name else f"region{one.number}",
                "level": one.level,
                "samples": len(one.ops),
                "ops": sum(one.ops),
                "warm_up": warm_up(result.config),
                "boundary": BOUNDARY,
                "traps": sum(one.traps),
                "by_reason": one.by_reason,
                "spread": one.spreads(),
                "l0_instructions": one.l0_instructions(),
                **accesses[one.number],
            }
        )
    return rows


def nested_json(result: Result) -> dict[str, Any]:
    """What an L1 that is vel2 said of itself, and its own L1 likewise."""
    boot = {k: v for k, v in result.boot.items() if k != "t"}
    value = {
        "boot": boot,
        "end": result.end,
        "error": result.error,
        "panics": result.panics,
        "exits": exits(result.counters),
        "sysregs": sysregs(result.counters),
    }
    if result.nested:
        value["nested"] = nested_json(result.nested)
    return value


def other_json(result: Result) -> dict[str, Any]:
    """What is known of an L1 beside the first."""
    return {
        "l1": result.config.l1,
        "l1_append": result.config.l1_append,
        "outcome": result.outcome,
        "end": result.end,
        "exits": exits(result.counters),
        "sysregs": sysregs(result.counters),
        "regions": regions(result),
    }


def run_json(result: Result) -> dict[str, Any]:
    """The JSON of `vel2 run`."""
    settled = dict(result.config.as_json())
    for key in ("host", "mech"):
        settled[key] = result.boot.get(key, settled[key])
    log = result.log_regions
    value: dict[str, Any] = {
        "schema": RUN_SCHEMA,
        "config": settled,
        "outcome": result.outcome,
        "exits": exits(result.counters),
        "sysregs": sysregs(result.counters),
        "regions": regions(result),
        "witness": None if log is None else witness.by_region(result.samples, log),
        "wall_seconds": round(result.wall_seconds, 3),
        "l0_bytes": result.boot.get("l0_bytes"),
    }
    if result.phases:
        value["phases"] = [
            {
                "name": p.name,
                "wall_seconds": round(p.wall_seconds, 3),
                "traps": p.traps,
                "l0_instructions": p.l0_instructions,
            }
            for p in result.phases
        ]
    if result.nested:
        value["nested"] = nested_json(result.nested)
    if result.others:
        value["others"] = [other_json(one) for one in result.others]
    if result.details:
        value["details"] = result.details
    return value


def write_json(path: Path, value: Any) -> None:
    """Write a result by rename, so that a reader never sees half of it; into a device or pipe as it is.

    Vel2Error where that is impossible, such as on a full disk.
    """
    text = json.dumps(value, indent=1) + "\n"
    try:
        if path.exists() and not path.is_file():
            path.write_text(text)
        else:
            write_whole(path, text)
    except OSError as error:
        raise Vel2Error(f"{path}: {error.strerror}") from error


def _spread(values: list[float]) -> dict[str, float]:
    def tidy(value: float) -> float:
        return int(value) if value == int(value) else round(value, 2)

    return {
        "min": tidy(min(values)),
        "median": tidy(statistics.median(values)),
        "max": tidy(max(values)),
    }


def level_name(result: Result, level: str) -> str:
    """Whose operation it is: vm or nested, or by number under an L1 that is vel2 itself."""
    if result.config.l1 != "vel2":
        return level
    return f"l{result.config.depth + (1 if level == 'vm' else 2)}"


def _accesses(result: Result) -> dict[int, dict[str, Any]]:
    """L0's accesses of system registers per operation by region, where QEMU's plugin counted them: of the
    side that the region is on, should two CPUs do an operation together."""
    found = plugin.net(result.counted or [], region_names(), "accesses")
    made: dict[int, dict[str, Any]] = defaultdict(dict)
    made.update({region: {"l0_accesses": _spread(samples)} for region, samples in found.items()})
    return made


def bench_rows(result: Result) -> list[dict[str, Any]]:
    """The rows of `vel2 bench`: every figure is per operation, spread over the samples."""
    names = region_names()
    accesses = _accesses(result)
    rows = []
    for one in group(result.samples, names):
        name = names.get(one.number)
        if name is None or name.op == "empty":
            continue
        pairs = [(n, t, i) for n, t, i in zip(one.ops, one.traps, one.instructions) if n > 0]
        costs = [i / n for n, _, i in pairs if i is not None]
        if not pairs:
            continue
        rows.append(
            {
                "op": name.op,
                "level": level_name(result, name.level),
                "host": result.boot.get("host", result.config.host),
                "mech": result.boot.get("mech", result.config.mech),
                "l1_mode": result.config.l1_mode,
                "cpus": result.config.smp,
                "warm_up": warm_up(result.config),
                "iterations": sum(n for n, _, _ in pairs),
                "traps": _spread([t / n for n, t, _ in pairs]),
                "l0_instructions": _spread(costs) if len(costs) == len(pairs) else None,
                "by_reason": one.by_reason,
                "sysregs": one.sysregs,
                "spread": one.spreads(),
                **accesses[one.number],
            }
        )
    return rows


def boot_row(result: Result) -> dict[str, Any]:
    """The row of `vel2 bench` for L1's boot: a whole run, from L1's first instruction to its power-off."""
    reasons: dict[str, int] = {}
    for level, rows in exits(result.counters).items():
        for reason, row in rows.items():
            if level != "host":
                reasons[reason] = reasons.get(reason, 0) + sum(row[k] for k in OUTCOMES)
    cost = instructions_total(result.counters)
    return {
        "op": "boot",
        "level": "vm",
        "host": result.boot.get("host", result.config.host),
        "mech": result.boot.get("mech", result.config.mech),
        "l1_mode": result.config.l1_mode,
        "iterations": 1,
        "traps": _spread([exits_total(result.counters)]),
        "l0_instructions": None if cost is None else _spread([cost]),
        "by_reason": reasons,
        "sysregs": sysregs(result.counters),
    }
