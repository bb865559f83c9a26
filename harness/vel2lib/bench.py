# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 bench`: the bundled guests, on L0 or on vel2 as L1, or Linux with its own L2, under icount, as
rows that other programs read.

L0's instructions are L0's own reading of the PMU, exact under icount. L0's traps are compared with QEMU's
exception log, sample by sample. How long a Linux takes, against the same without L0, is this machine's clock.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from . import forced, results, store, table
from .config import HOSTS, L2_BENCH, LINUX, MECHS, RunConfig
from .errors import EXIT_ERROR, EXIT_OK
from .qemu import NVHE_CPUS
from .run import Phase, Progress, Result, execute

#: Samples of each operation, and operations before the first of them.
ITERATIONS = 100
WARM_UP = 4
LINUX_WARM_UP = 16
#: Linux as L1 boots and its init, a busybox applet, powers off at once. Without markers L0 counts the
#: instructions of every exit.
BOOT_APPEND = "rdinit=/bin/poweroff -- -f"

Prepare = Callable[[RunConfig, bool, Progress], Any]


def _default_host(config: RunConfig) -> str:
    """VHE where the CPU has it."""
    return "nvhe" if config.cpu.split(",")[0] in NVHE_CPUS else "vhe"


def combinations(config: RunConfig, everything: bool) -> list[RunConfig]:
    """The configurations to measure: the one asked for, or host x mechanism x L1 mode."""
    if config.l1 == "vel2":
        return _recursion(config, everything)
    linux = config.l1 in LINUX
    default = f"iters={ITERATIONS} warm={WARM_UP}"
    if linux:
        default = f"{L2_BENCH} vel2.l2_append=iters={ITERATIONS}+warm={LINUX_WARM_UP}"
        if config.smp > 1:  # L2 has two, and does what takes two
            default += "+ops=ipi vel2.vmm_append=-smp+2"
    base = replace(
        config,
        icount=True,
        witness=True,
        markers=True,
        host=config.host or _default_host(config),
        l1_append=config.l1_append or default,
    )
    if not everything:
        return [base]
    modes = ("vhe", "nvhe", "split") if config.l1 == "bundled" else ("vhe", "nvhe")
    return [
        replace(base, host=host, mech=mech, l1_mode=mode)
        for host, mech, mode in itertools.product(HOSTS, MECHS, modes)
    ]


def _two_cpus(config: RunConfig) -> RunConfig | None:
    """The run of the operations that need a second CPU; None where the first run has them or nobody does.

    A run of its own, so that the other operations are those of a machine with one CPU.
    """
    if config.l1 != "bundled" or config.smp > 1:
        return None
    return replace(config, smp=2, l1_append=f"{config.l1_append} ops=ipi")


def _recursion(config: RunConfig, everything: bool) -> list[RunConfig]:
    """vel2 as L1: what its own L1 and that one's L2 (an L3) do; or both vel2s' host x mechanism."""
    base = replace(
        config,
        icount=True,
        witness=True,
        markers=True,
        host=config.host or "vhe",
        l2_append=config.l2_append or f"iters={ITERATIONS} warm={WARM_UP}",
    )
    if not everything:
        return [base]
    return [
        replace(base, host=host, mech=mech, l1_append=f"vel2.host={l1_host} vel2.mech={l1_mech}")
        for host, mech, l1_host, l1_mech in itertools.product(HOSTS, MECHS, HOSTS, MECHS)
        if mech == "nv2" or l1_mech == "nv"
    ]


def _name(config: RunConfig) -> str:
    if config.l1 == "vel2":
        return f"host {config.host}, {config.mech}, vel2 as L1: {config.l1_append or 'defaults'}"
    if config.native:
        return f"natively, L1 {config.l1_mode}"
    return f"host {config.host}, {config.mech}, L1 {config.l1_mode}"


def _boots(config: RunConfig) -> RunConfig | None:
    """The run that measures the boot of this L1; None where L1 is a program of ours."""
    if config.l1 not in LINUX:
        return None
    return replace(config, l1_append=BOOT_APPEND, markers=False, witness=False)


def _by_the_clock(config: RunConfig) -> tuple[RunConfig, RunConfig] | None:
    """Runs that compare wall-clock time, at vEL2 and on QEMU's own EL2; None where L1 is a program of ours."""
    if config.l1 not in LINUX:
        return None
    under = replace(config, l1_append="", icount=False, markers=False, witness=False)
    without_l0 = {"vcpus": None, "l1_features": "", "trap": "", "no_trap": "", "protect": False}
    return under, replace(under, native=True, **without_l0)


def _ratios(under: Result, native: Result) -> None:
    """Both runs' phases. A ratio is good for this machine and this minute: printed, and not among the rows."""
    natively = {p.name: p.wall_seconds for p in native.phases}
    rows = [
        [p.name, f"{natively[p.name]:.1f}", f"{p.wall_seconds:.1f}", f"{_times(p, natively):.2f}"]
        for p in under.phases
        if p.name in natively
    ]
    title = "Wall-clock seconds from QEMU's start, by this machine's clock, without icount"
    table.show(title, ["", "on QEMU's EL2", "at vEL2", "times as long"], rows)


def _times(phase: Phase, natively: dict[str, float]) -> float:
    return phase.wall_seconds / natively[phase.name]


def _per_operation(row: dict[str, Any]) -> list[tuple[float, str, str]]:
    """Traps of system registers in one operation: how many, `HPFAR_EL2`, `read`; the most frequent first."""
    flat = [
        (count / row["iterations"], name, how)
        for name, sums in row["sysregs"].items()
        for how, count in sums.items()
    ]
    return sorted((f for f in flat if f[0] >= 0.1), key=lambda f: (-f[0], *f[1:]))


def _registers(rows: list[dict[str, Any]], mech: str) -> None:
    """Which registers the operations of L2s trapped on, and what forces each trap of theirs. What other programs
    of L1 do in between is in it."""
    rows = [r for r in rows if r["level"] == "nested"]
    lines = [(r["op"], _per_operation(r)) for r in rows]
    if any(traps for _, traps in lines):
        print("Registers that trapped, per operation")
        for op, traps in lines:
            text = ", ".join(f"{table.number(round(n, 1))} {name} {how}" for n, name, how in traps)
            print(f"  {op}: {text or 'none'}")
    reasons = (
        n for r in rows for n, count in r["by_reason"].items() if count >= 0.1 * r["iterations"]
    )
    found = forced.causes(reasons, (name for _, traps in lines for _, name, _ in traps), mech)
    if found:
        print("What forces these traps")
        for cause, whom in found.items():
            print(f"  {', '.join(whom)}: {cause}")


def _boot_table(row: dict[str, Any]) -> None:
    cost = row["l0_instructions"]
    figures = [table.number(row["traps"]["median"])]
    figures += [table.number(cost["median"] if cost else None), table.reasons(row["by_reason"], 1)]
    title = "L1 from its first instruction through its power-off by init"
    table.show(title, ["", "traps", "L0 instructions", "by reason"], [["boot", *figures]])


def _failed(config: RunConfig, result: Result) -> None:
    print(f"vel2: {_name(config)}: {result.outcome}", file=sys.stderr)
    for line in table.explain(result):
        print(line, file=sys.stderr)


def bench(
    config: RunConfig, options: argparse.Namespace, progress: Progress, prepare: Prepare
) -> int:
    """Measure, print the tables and write the rows; the worst exit status of the runs."""
    rows: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    status = EXIT_OK
    build = not options.no_build

    def measure(run: RunConfig) -> tuple[Result, list[dict[str, Any]]]:
        nonlocal build, status
        target = prepare(run, build, progress)
        build = False
        progress(_name(run))
        where = store.provenance(run.qemu)
        result = execute(run, target, progress)
        made: list[dict[str, Any]] = []
        if result.status:
            status = max(status, result.status)
            _failed(run, result)
        elif run.markers:
            made = results.bench_rows(result)
        elif run.icount:
            made = [results.boot_row(result)]
        store.record(result, "bench", where, made)
        return result, made

    for one in combinations(config, options.all):
        for run in filter(None, (one, _two_cpus(one), _boots(one))):
            result, made = measure(run)
            runs.append({"config": run.as_json(), "outcome": result.outcome})
            rows += made
            if made and run.markers:
                table.operations(result)
                _registers(made, run.mech)
            elif made:
                _boot_table(made[0])
            elif not result.status:
                status = max(status, EXIT_ERROR)
                print(f"vel2: {run.l1} marks no operations: README.md says how", file=sys.stderr)
        clocked = None if options.no_wall else _by_the_clock(one)
        if clocked:
            under, native = (measure(run)[0] for run in clocked)
            if not (under.status or native.status):
                _ratios(under, native)
    if options.json:
        value = {"schema": results.BENCH_SCHEMA, "runs": runs, "rows": rows}
        results.write_json(options.json, value)
    return status
