# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 compare kvm`: Linux KVM as L0 (kvm-arm.mode=nested, Debian's sid) beside vel2, with the same bundled L1 and
its L2, in the same QEMU.

Both are counted by the same code from QEMU's log of exceptions, which knows neither of them. KVM does not take our
markers: it gives each to L1, whose handling of it lies within the region. The empty regions are exactly that, and are
subtracted. Under icount, so that no timer of the machine's decides what a guest still waits for. Which region of
KVM's log is which is known from vel2's: the same L1 with the same arguments does the same operations in the same order.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import results, table, witness
from .config import RunConfig
from .errors import EXIT_FAILED, EXIT_OK, Vel2Error
from .records import integer
from .run import Progress, Result, execute

SCHEMA = "vel2-compare/1"
#: What l1-init gives the bundled guest: see harness/payload.
L1_APPEND = "iters=4 warm=1"
KVM = "linux-sid"
#: `Memory: 1937184K/2097152K available` of a Linux that boots.
_MEMORY = re.compile(r"Memory: (\d+)K/(\d+)K available")
#: Of what there is no figure, and why.
NOT_HAD = {
    "nVHE L1": "sid's QEMU starts an L1 with E2H fixed at 1; kvmtool, which Debian has not, can ask for the other",
    "nv": "KVM's nested mode is for FEAT_NV2 alone",
    "L0 instructions": "KVM has no counter for its own: it would take a plugin of QEMU's",
}

Prepare = Callable[[RunConfig, bool, Progress], Any]


@dataclass(frozen=True)
class Operation:
    """Median exceptions to EL2 of an operation, net of the markers."""

    op: str
    level: str
    vel2: float
    kvm: float


def by_region(order: list[int], regions: list[witness.Region]) -> dict[int, list[int]]:
    """Exceptions to EL2 of each region of a log by the region's number. Vel2Error when the log has others."""
    if len(order) != len(regions):
        raise Vel2Error(
            f"the log has {len(regions)} marked regions where the same L1 had {len(order)} under vel2"
        )
    found: dict[int, list[int]] = {}
    for number, region in zip(order, regions):
        found.setdefault(number, []).append(region.traps)
    return found


def net(found: dict[int, list[int]], names: dict[int, results.RegionName]) -> dict[int, float]:
    """Medians, less what an empty region of the same level has."""
    empty = {
        n.level: statistics.median(found[i])
        for i, n in names.items()
        if n.op == "empty" and i in found
    }
    return {
        i: statistics.median(traps) - empty.get(names[i].level, 0)
        for i, traps in found.items()
        if i in names and names[i].op != "empty"
    }


def operations(
    order: list[int], mine: list[witness.Region], other: list[witness.Region]
) -> list[Operation]:
    """Both sides, operation by operation."""
    names = results.region_names()
    vel2, kvm = net(by_region(order, mine), names), net(by_region(order, other), names)
    return [Operation(names[i].op, names[i].level, vel2[i], kvm[i]) for i in sorted(vel2)]


def _run_kvm(
    config: RunConfig, prepare: Prepare, progress: Progress
) -> tuple[Result, list[witness.Region]]:
    with tempfile.TemporaryDirectory(prefix="vel2-") as scratch:
        log = Path(scratch) / "exceptions.log"
        args = (*config.qemu_args, "-d", "int", "-D", str(log))
        kvm = RunConfig(
            l1=KVM,
            l1_mode="nested",
            native=True,
            icount=True,
            cpu=config.cpu,
            qemu=config.qemu,
            qemu_args=args,
        )
        kvm.timeout = config.timeout
        result = execute(kvm, prepare(kvm, False, progress), progress)
        if result.status:
            raise Vel2Error(f"KVM as L0: {result.outcome}", result.status)
        with log.open(encoding="utf-8", errors="replace") as stream:
            return result, list(witness.regions(witness.exceptions(stream)))


def _seconds(result: Result, name: str) -> float | None:
    return next((round(p.wall_seconds, 1) for p in result.phases if p.name == name), None)


def _kvm_memory(result: Result) -> int | None:
    found = _MEMORY.search(result.console.decode("utf-8", "replace"))
    return (int(found[2]) - int(found[1])) * 1024 if found else None


def _show(rows: list[Operation], value: dict[str, Any]) -> None:
    whose = {"vm": "L1 as the guest", "nested": "L2 under L1"}
    cells = [
        [f"{r.op}, {whose[r.level]}", table.number(r.vel2), table.number(r.kvm)]
        for r in sorted(rows, key=lambda r: r.level)
    ]
    table.show(
        "Exceptions to EL2 per operation, from QEMU's log: host VHE, nv2, L1 VHE",
        ["operation", "vel2", "KVM"],
        cells,
    )
    for key, what in (("seconds_to_l1", "seconds to L1"), ("l0_bytes", "memory of L0, bytes")):
        pair = [table.number(value[side][key]) for side in ("vel2", "kvm")]
        print(f"{what}: vel2 {pair[0]}, KVM {pair[1]}")
    for what, why in NOT_HAD.items():
        print(f"not had of KVM: {what}: {why}")


def command_compare(
    options: argparse.Namespace, config: RunConfig, prepare: Prepare, progress: Progress
) -> int:
    """vel2 compare kvm."""
    mine = replace(config, l1="bundled", host="vhe", l1_append=L1_APPEND, witness=True, icount=True)
    ours = execute(mine, prepare(mine, not options.no_build, progress), progress)
    if ours.status or ours.log_regions is None:
        raise Vel2Error(f"vel2 as L0: {ours.outcome}", ours.status or EXIT_FAILED)
    theirs, regions = _run_kvm(config, prepare, progress)
    rows = operations([integer(s, "region") for s in ours.samples], ours.log_regions, regions)
    value: dict[str, Any] = {
        "schema": SCHEMA,
        "rows": [vars(row) for row in rows],
        "vel2": {
            "seconds_to_l1": round(ours.wall_seconds, 1),
            "l0_bytes": ours.boot.get("l0_bytes"),
        },
        "kvm": {
            "seconds_to_l1": _seconds(theirs, "l2-bundled"),
            "seconds_to_l0_user_space": _seconds(theirs, "l1-userspace"),
            "l0_bytes": _kvm_memory(theirs),
        },
        "not_had": NOT_HAD,
    }
    _show(rows, value)
    if options.json:
        results.write_json(options.json, value)
    return EXIT_OK
