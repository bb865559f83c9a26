# SPDX-License-Identifier: GPL-2.0-only
"""The operations of the bundled guests beyond one CPU and one mode: what they may cost, and what of them
is in a record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.usefixtures("l0"), pytest.mark.xdist_group("bench")]

Rows = dict[tuple[str, str], dict[str, Any]]


def measure(l1_mode: str, smp: int = 1, **more: Any) -> Rows:
    """The rows of one run by (op, level)."""
    from vel2lib.config import RunConfig, resolve
    from vel2lib.results import bench_rows
    from vel2lib.run import execute

    append = "iters=8 warm=2" + (" ops=ipi" if smp == 2 else "")
    config = RunConfig(host="vhe", icount=True, l1_mode=l1_mode, smp=smp, l1_append=append, **more)
    result = execute(config, resolve(config))
    assert result.status == 0, result.outcome
    return {(r["op"], r["level"]): r for r in bench_rows(result)}


@pytest.fixture(scope="module")
def split(l0: Path) -> Rows:
    """An nVHE L1 with its host kernel at vEL1."""
    return measure("split")


@pytest.mark.parametrize("l1_mode", ["vhe", "nvhe", "split"])
def test_virtual_ipi(l1_mode: str) -> None:
    """Both sides together, every time: the trapped SGI, L1's own, its ERET; the interrupt, the ERET."""
    row = measure(l1_mode, smp=2)["ipi", "nested"]
    host = 4 if l1_mode == "split" else 0  # to the host kernel and back, on both CPUs
    assert row["traps"] == {"min": 5 + host, "median": 5 + host, "max": 5 + host}, row
    assert row["spread"]["registers"] == {
        "ICC_SGI1R_EL1 write": {"min": 2, "median": 2, "max": 2},
    }
    assert (row["iterations"], row["warm_up"], row["cpus"]) == (8, 2, 2)


@pytest.mark.parametrize(
    "op, traps",
    [
        ("hypercall", 4),
        ("sysreg", 4),
        ("mmio", 3),
        ("mmio_host", 5),
        ("s2fault", 5),
        ("timer", 4),
        ("veoi", 0),
        ("ctxsw", 0),
    ],
)
def test_split_l1(split: Rows, op: str, traps: int) -> None:
    """What goes to the host kernel costs two traps more; the hypervisor part's own device does not."""
    assert split[op, "nested"]["traps"]["median"] == traps, split[op, "nested"]


def test_what_the_host_part_of_a_vhe_l1_costs() -> None:
    """A device in L1's user space is one ERET more than one in L1; a timer has no EOI trap."""
    rows = measure("vhe")
    assert rows["mmio_host", "nested"]["traps"]["median"] == 4
    assert rows["mmio", "nested"]["traps"]["median"] == 3
    timer = rows["timer", "nested"]
    assert timer["spread"]["reasons"]["irq"]["max"] == 1, timer
    assert timer["traps"]["max"] == 4
    assert rows["ctxsw", "vm"]["traps"]["max"] == 0


def test_what_deferring_saves() -> None:
    """A VHE host that defers nothing traps as often, and pays for each exit that its host sees."""
    deferred, eager = measure("vhe"), measure("vhe", l0_append="vel2.eager=on")
    for key, row in deferred.items():
        assert eager[key]["traps"] == row["traps"], key
    cost = [rows["mmio", "vm"]["l0_instructions"]["median"] for rows in (deferred, eager)]
    assert cost[1] > 2 * cost[0], cost
    same = ("hypercall", "nested")  # never sees the host
    assert eager[same]["l0_instructions"] == deferred[same]["l0_instructions"]
