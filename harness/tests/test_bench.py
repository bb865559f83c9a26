# SPDX-License-Identifier: GPL-2.0-only
"""What operations may cost (host VHE, nv2, L1 VHE), and that the figures repeat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import Command

pytestmark = [pytest.mark.usefixtures("l0"), pytest.mark.xdist_group("bench")]
OPS = {"hypercall", "mmio", "s2fault", "sysreg", "wfi", "virq", "veoi", "syscall"}


def bench(vel2: Command, out: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of one bench by (op, level)."""
    done = vel2("bench", "--no-build", "--json", str(out))
    assert done.returncode == 0, done.stderr
    return {(r["op"], r["level"]): r for r in json.loads(out.read_text())["rows"]}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory, l0: Path) -> dict[tuple[str, str], Any]:
    """One bench for all tests of this file."""
    from vel2lib.config import RunConfig, resolve
    from vel2lib.results import bench_rows
    from vel2lib.run import execute

    config = RunConfig(host="vhe", icount=True)
    result = execute(config, resolve(config))
    assert result.status == 0, result.outcome
    return {(r["op"], r["level"]): r for r in bench_rows(result)}


def test_every_operation_is_there(rows: dict[tuple[str, str], Any]) -> None:
    """All operations, nested."""
    assert {op for op, level in rows if level == "nested"} >= OPS
    assert {("hypercall", "vm"), ("syscall", "vm")} <= set(rows)


def test_an_l1_without_operations(vel2: Command) -> None:
    """A guest that marks no region cannot be measured, and the command says so."""
    done = vel2("bench", "--no-build", "--l1", "hello")
    assert done.returncode == 1 and done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert last == "vel2: hello marks no operations: README.md says how"


@pytest.mark.parametrize(
    "op, level, traps, instructions",
    [
        ("hypercall", "nested", 2, 700),
        ("mmio", "nested", 3, None),
        ("s2fault", "nested", 3, None),
        ("sysreg", "nested", 2, None),
        ("hypercall", "vm", 1, 250),
        ("syscall", "vm", 1, 150),
        ("veoi", "nested", 0, None),
    ],
)
def test_cost(
    rows: dict[tuple[str, str], Any], op: str, level: str, traps: int, instructions: int | None
) -> None:
    """Traps exactly, instructions at most, in the median."""
    row = rows[op, level]
    assert row["traps"]["median"] == traps, row
    if instructions is not None:
        assert row["l0_instructions"]["median"] <= instructions, row


def test_figures_repeat(vel2: Command, tmp_path: Path) -> None:
    """Two benches under icount give the same rows."""
    assert bench(vel2, tmp_path / "a.json") == bench(vel2, tmp_path / "b.json")


@pytest.mark.parametrize("smp, append", [(1, "iters=4 warm=1"), (2, "iters=4 warm=1 ops=ipi")])
def test_records_repeat_to_the_byte(smp: int, append: str) -> None:
    """Two runs under icount: the same record but for the wall clock, the same console, and each sample and
    counter that L0 said the same."""
    from vel2lib.config import RunConfig, resolve
    from vel2lib.results import run_json
    from vel2lib.run import execute

    said = []
    for _ in range(2):
        config = RunConfig(host="vhe", icount=True, smp=smp, l1_append=append)
        result = execute(config, resolve(config))
        assert result.status == 0, result.outcome
        record = {**run_json(result), "wall_seconds": None}
        said.append(json.dumps([record, result.samples, result.counters]).encode() + result.console)
    assert said[0] == said[1]
