# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 bench`: the bundled guests under icount, as rows that other programs read."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from . import results, table
from .config import HOSTS, MECHS, RunConfig
from .errors import EXIT_OK
from .run import Progress, Result, execute

#: Samples of each operation.
ITERATIONS = 100

Prepare = Callable[[RunConfig, bool, Progress], Any]


def combinations(config: RunConfig, everything: bool) -> list[RunConfig]:
    """The configurations to measure: the one asked for, or host x mechanism x L1 mode."""
    append = config.l1_append or f"iters={ITERATIONS}"
    base = replace(config, icount=True, witness=True, host=config.host or "vhe", l1_append=append)
    if not everything:
        return [base]
    return [
        replace(base, host=host, mech=mech, l1_mode=mode)
        for host, mech, mode in itertools.product(HOSTS, MECHS, ("vhe", "nvhe"))
    ]


def _name(config: RunConfig) -> str:
    return f"host {config.host}, {config.mech}, L1 {config.l1_mode}"


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
    for one in combinations(config, options.all):
        target = prepare(one, build, progress)
        build = False
        progress(_name(one))
        result = execute(one, target, progress)
        runs.append({"config": one.as_json(), "outcome": result.outcome})
        if result.status:
            status = max(status, result.status)
            _failed(one, result)
            continue
        rows += results.bench_rows(result)
        table.operations(result)
    if options.json:
        value = {"schema": results.BENCH_SCHEMA, "runs": runs, "rows": rows}
        results.write_json(options.json, value)
    return status
