# SPDX-License-Identifier: GPL-2.0-only
"""vel2 as L1 of vel2: the same guests, one level and more deeper, print what they print natively.

A few combinations run in `make test`; every host, mechanism and mode of both vel2s in `make test-long`.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from conftest import Note, commit
from test_guests import GUESTS, comparable, explain, modes, native, skip_unless_offered
from vel2lib.config import HOSTS, MECHS, RunConfig, resolve
from vel2lib.matrix import Cell
from vel2lib.results import bench_rows
from vel2lib.qemu import CPU, SVE_CPU
from vel2lib.run import Result, execute, exits_total, levels

#: Guests of the short matrix.
QUICK = {"hello", "exceptions", "eret", "stage2", "tlbi", "vmid", "at", "regs", "bundled"}
QUICK |= {"nv", "vncr", "optional"}
#: Seconds for one run at depth 1; each level more takes several times as many traps.
SECONDS = 60.0


class Stack(NamedTuple):
    """How every level runs: L0, the vel2s under it, and what the last of them runs."""

    host: str = "vhe"
    mech: str = "nv2"
    l1_host: str = "vhe"
    l1_mech: str = "nv2"
    mode: str = "vhe"
    depth: int = 1

    def name(self, guest: str) -> str:
        """For pytest."""
        deep = f"-depth_{self.depth}" if self.depth > 1 else ""
        return (
            f"{guest}-l0_{self.host}_{self.mech}-l1_{self.l1_host}_{self.l1_mech}"
            f"-mode_{self.mode}{deep}"
        )


QUICK_STACKS = (Stack(), Stack(l1_host="nvhe", mode="nvhe"))


def offered(host: str, mech: str, l1_host: str, l1_mech: str) -> bool:
    """L1's virtual CPU has FEAT_NV2 where L0 itself uses it."""
    return host in HOSTS and l1_host in HOSTS and (mech == "nv2" or l1_mech == "nv")


def stacks(guest: str) -> list[Stack]:
    """Every combination at depth 1, and at depth 2, which nv2 is for, each guest in its modes.

    None with a disk on PCIe: a vel2 hands devices on only behind an SMMU, and has none for its L1. None with SVE
    under an L0 that uses FEAT_NV: it offers SVE only to an L1 that can never be nVHE, and a vel2 may be.
    """
    if GUESTS[guest].get("disk") or GUESTS[guest].get("heavy"):
        return []
    mechs = GUESTS[guest].get("mechs", MECHS)
    outer = ["nv2"] if GUESTS[guest].get("sve") else mechs
    ways = [w for w in itertools.product(HOSTS, outer, HOSTS, mechs) if offered(*w)]
    found = [
        Stack(host, mech, l1_host, l1_mech, mode)
        for (host, mech, l1_host, l1_mech), mode in itertools.product(ways, modes(GUESTS[guest]))
    ]
    if guest in ("hello", "bundled"):
        found += [
            Stack(l1_host=host, l1_mech=mech, mode=mode, depth=2)
            for host, mech, mode in itertools.product(HOSTS, MECHS, modes(GUESTS[guest]))
        ]
        found.append(Stack(depth=3))
    elif "nv2" in mechs:
        found += [Stack(mode=mode, depth=2) for mode in modes(GUESTS[guest])]
    return found


def is_quick(guest: str, stack: Stack) -> bool:
    """Whether `make test` has time for it."""
    deep = stack == Stack(depth=2) and guest in ("hello", "bundled")
    return deep or (guest in QUICK and stack in QUICK_STACKS)


def cells() -> list[Any]:
    """Guest x combination. A known difference must be one at every depth."""
    found = []
    for guest, row in GUESTS.items():
        known = [pytest.mark.xfail(reason=row["known"], strict=True)] if "known" in row else []
        for stack in stacks(guest):
            marks = known + ([] if is_quick(guest, stack) else [pytest.mark.long])
            found.append(pytest.param(guest, stack, id=stack.name(guest), marks=marks))
    return found


def run(guest: str, stack: Stack, **more: Any) -> Result:
    """One run of a guest of the table under vel2 under vel2."""
    row = GUESTS[guest]
    config = RunConfig(
        l1="vel2",
        host=stack.host,
        mech=stack.mech,
        l1_append=f"vel2.host={stack.l1_host} vel2.mech={stack.l1_mech}",
        depth=stack.depth,
        l2=guest,
        l2_append=str(row.get("append", "")),
        l2_mode=stack.mode,
        cpu=SVE_CPU if row.get("sve") else CPU,
        smp=int(row.get("cpus", row.get("smp", 1))),
        vcpus=int(row.get("smp", 1)),
        timeout=max(SECONDS, 12 * float(row.get("timeout", 20))) * stack.depth,
        icount=False,
        trace=10,
        **more,
    )
    return execute(config, resolve(config))


def cell(guest: str, stack: Stack, result: Result | None = None) -> Cell:
    """Of the matrix: hosts and guests of one depth, mode and pair of mechanisms are one row."""
    return Cell(
        l1="vel2" + (f" --depth {stack.depth}" if stack.depth > 1 else ""),
        mode=stack.mode,
        cpus=int(GUESTS[guest].get("smp", 1)),
        host="all",
        mech=f"{stack.mech}, {stack.l1_mech}",
        runs=f"{guest} ({stack.host}, {stack.l1_host})",
        seconds=result.wall_seconds if result else None,
        traps=exits_total(result.counters) if result else None,
        commit=commit(),
    )


@pytest.mark.parametrize("guest, stack", cells())
def test_under_vel2_under_vel2(l0: Path, note: Note, guest: str, stack: Stack) -> None:
    """The guest prints at vEL2 of a virtual vEL2 what it prints on real EL2."""
    skip_unless_offered(guest)
    note(cell(guest, stack))
    row = GUESTS[guest]
    expected = native(guest, stack.mode)
    result = run(guest, stack, witness=stack.depth == 1)
    note(cell(guest, stack, result))
    mech = "nv2" if "nv2" in (stack.mech, stack.l1_mech) else "nv"
    said = comparable(tuple(result.lines()), expected, row, mech)
    assert said == list(expected), explain(result)
    assert result.status == 0, explain(result)
    boots = [(one.boot.get("host"), one.boot.get("mech")) for one in levels(result)]
    assert boots == [(stack.l1_host, stack.l1_mech)] * stack.depth, boots
    assert all(one.counters for one in levels(result))


def test_cost_of_an_l3(l0: Path) -> None:
    """Twice two traps are the architecture's, two more read CNTKCTL_EL12, which NV2 does not keep."""
    config = RunConfig(l1="vel2", host="vhe", l2_append="iters=20", icount=True, witness=True)
    result = execute(config, resolve(config))
    assert result.status == 0, explain(result)
    rows = {(r["op"], r["level"]): r for r in bench_rows(result)}
    assert rows["hypercall", "l3"]["traps"]["median"] <= 6, rows["hypercall", "l3"]
    assert rows["veoi", "l3"]["traps"]["max"] == 0
