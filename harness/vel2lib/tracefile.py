# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 trace`: the exit trace in the trace-event format of Chrome's and Perfetto's viewers.

A process for L0 (and for each vel2 that it runs), in it a track for each vCPU, on which slices of L0, named
by the exit, and of the guest follow each other. L0 keeps the last exits of each vCPU; times are of
CNTPCT_EL0: nanoseconds, which under icount are the machine's instructions.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from . import results, store, table
from .errors import EXIT_ERROR, Vel2Error
from .records import Record, integer
from .run import Result, levels

#: What L0's ring holds for each vCPU.
MOST = 256

Event = dict[str, Any]


def _slice(name: str, category: str, begin: int, end: int, where: Event, args: Event) -> Event:
    """A complete event; times in ns, in the file they are microseconds."""
    times = {"ts": begin / 1000, "dur": (end - begin) / 1000}
    return {"name": name, "cat": category, "ph": "X", **times, **where, "args": args}


def _name(kind: str, name: str, where: Event) -> Event:
    return {"name": kind, "ph": "M", **where, "args": {"name": name}}


def _exit(result: Result, record: Record, where: Event) -> Event:
    """L0's slice of an exit. One that has not returned has no length."""
    level, begin = str(record.get("level", "?")), integer(record, "taken_ns")
    end = max(begin, integer(record, "returned_ns"))
    args: Event = {
        "from": level,
        "outcome": record.get("outcome"),
        "esr": record.get("esr"),
        "pc": record.get("pc"),
        "at": result.symbolizer.text(level, integer(record, "pc")),
        "far": record.get("far"),
        "hpfar": record.get("hpfar"),
        "seq": record.get("seq"),
    }
    name = f"L0: {record.get('reason')} {record.get('outcome')}"
    return _slice(name, "L0", begin, end, where, args)


def _track(result: Result, records: list[Record], where: Event) -> list[Event]:
    """The slices of one vCPU, in order."""
    events: list[Event] = []
    last: Record | None = None
    for record in sorted(records, key=lambda r: integer(r, "seq")):
        follows = last is not None and integer(record, "seq") == integer(last, "seq") + 1
        if last is not None and follows and integer(last, "returned_ns"):
            level = str(record.get("level", "?"))
            begin, end = integer(last, "returned_ns"), integer(record, "taken_ns")
            if end >= begin:
                args = {"until": record.get("reason")}
                events.append(_slice(level, level, begin, end, where, args))
        events.append(_exit(result, record, where))
        last = record
    return events


def events(result: Result) -> list[Event]:
    """All events of a run's trace."""
    found: list[Event] = []
    for depth, one in enumerate([result, *levels(result)]):
        by_vcpu: dict[int, list[Record]] = {}
        for record in one.traces:
            by_vcpu.setdefault(integer(record, "vcpu"), []).append(record)
        if by_vcpu:
            name = "L0" if depth == 0 else f"vel2 as L{depth}"
            found.append(_name("process_name", name, {"pid": depth}))
        for vcpu, records in sorted(by_vcpu.items()):
            where = {"pid": depth, "tid": vcpu}
            found.append(_name("thread_name", f"vcpu {vcpu}", where))
            found += _track(one, records, where)
    return found


def trace_json(result: Result) -> dict[str, Any]:
    """The file."""
    return {
        "traceEvents": events(result),
        "displayTimeUnit": "ns",
        "otherData": {"config": result.config.as_json(), "outcome": result.outcome},
    }


def command_trace(options: argparse.Namespace) -> int:
    """vel2 trace: a run with the trace on. A run that failed is written too: it is looked at for that."""
    from . import cli
    from .run import execute

    options.trace = options.trace or MOST
    if options.native:
        raise Vel2Error("trace --native: without L0 there is no trace")
    config, progress = cli.make_config(options), cli.Progress()
    target = cli.prepare(config, not options.no_build, progress)
    where = store.provenance(config.qemu)
    progress(f"starting {config.l1} under QEMU")
    try:
        console = Path(options.console) if options.console not in (None, "-") else None
        result = execute(config, target, progress, None, console)
    finally:
        progress.done()
    value = trace_json(result)
    try:
        results.write_json(options.output, value)
    except OSError as error:
        raise Vel2Error(f"{options.output}: {error.strerror}", EXIT_ERROR) from error
    store.record(result, "trace", where)
    exits = sum(event.get("cat") == "L0" for event in value["traceEvents"])
    print(f"{options.output}: {exits} exits")
    if result.status:
        for line in [f"vel2: {result.outcome}", *table.explain(result)]:
            print(line, file=sys.stderr)
    return result.status
