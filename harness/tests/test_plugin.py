# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's plugin counts what L0 counts itself, to the instruction, and says so where it does not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from vel2lib import config as configuration
from vel2lib import plugin, results
from vel2lib.config import RunConfig, resolve
from vel2lib.debian import ROOT
from vel2lib.errors import Vel2Error
from vel2lib.regions import region_names
from vel2lib.run import Result, execute


@pytest.fixture(scope="module", name="counted", params=["vhe", "nvhe"])
def fixture_counted(request: pytest.FixtureRequest, l0: Any, guests: Any) -> Result:
    """The bundled guests, counted by everybody."""
    configuration.build(["plugin"])
    config = RunConfig(host=request.param, count=True, l1_append="iters=4 warm=1")
    result = execute(config, resolve(config))
    assert result.status == 0, (result.outcome, result.details)
    return result


def test_counts_as_l0_does(counted: Result) -> None:
    """Every sample has as many instructions by either count; a host at EL1 is counted where there is one."""
    names = region_names()
    assert counted.counted and counted.log_regions
    assert len(counted.samples) == len(counted.counted) == len(counted.log_regions)
    assert plugin.compare(counted.samples, counted.counted, names) == []
    assert any(one.host for one in counted.counted) == (counted.config.host == "nvhe")
    # The region has its own first marker, which the log's has not.
    for one, log in zip(counted.counted, counted.log_regions):
        assert one.traps + one.own_traps - 1 == log.traps, names[one.region or 0]


def test_a_difference_is_found(counted: Result) -> None:
    """One instruction more in one sample."""
    assert counted.counted
    wrong = list(counted.counted)
    wrong[-1] = dataclasses.replace(wrong[-1], l0=wrong[-1].l0 + 1)
    said = plugin.compare(counted.samples, wrong, region_names())
    assert len(said) == 1 and said[0].startswith(f"sample {len(wrong) - 1} ")
    assert plugin.compare(counted.samples, wrong[1:], region_names())


def test_register_accesses(counted: Result) -> None:
    """A device of L0's host: an nVHE host moves the guest's registers out and in, a VHE one leaves them there."""
    rows = {(r["op"], r["level"]): r for r in results.bench_rows(counted)}
    accesses = rows["mmio", "vm"]["l0_accesses"]["median"]
    assert accesses > 150 if counted.config.host == "nvhe" else accesses < 40
    assert rows["hypercall", "vm"]["l0_accesses"]["median"] < 20


def test_two_cpus(l0: Any, guests: Any) -> None:
    """Each has its own count, though under icount they share QEMU's thread and its translations."""
    configuration.build(["plugin"])
    config = RunConfig(host="vhe", smp=2, count=True, l1_append="iters=2 warm=1 ops=ipi")
    result = execute(config, resolve(config))
    assert result.status == 0, (result.outcome, result.details)
    assert [one.region for one in result.counted or []].count(24) == 2
    assert len(result.totals) == 2 and all(one.guest and one.l0 for one in result.totals)
    assert result.counted and result.log_regions
    for cpu in (0, 1):
        counted = [one for one in result.counted if one.cpu == cpu]
        log = [one for one in result.log_regions if one.cpu == cpu]
        assert [one.traps - 1 for one in counted] == [one.traps for one in log], cpu
    # The samples are in the order of the regions' ends; net of the markers, which cost CPU 1 another few.
    mine = {n: s["l0_instructions"] for s in result.samples for n in [s["region"]]}
    theirs = {one.region: one.l0 for one in result.counted}
    for region in (22, 23, 24, 25):
        empty = 0 if region < 24 else 1
        own, counts = (of[region] - of[empty] for of in (mine, theirs))
        assert abs(own - counts) <= 8 < counts, (region, own, counts)


def test_without_the_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that says how it is made."""
    monkeypatch.setattr(plugin, "PLUGIN", ROOT / "build/none.so")
    with pytest.raises(Vel2Error, match="none.so was not built: make plugin"):
        plugin.arguments(tmp_path / "out")
