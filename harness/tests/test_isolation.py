# SPDX-License-Identifier: GPL-2.0-only
"""Several L1s at once: each as if it were alone, whatever the others do."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import pytest

from test_guests import GUESTS, cpu_for, explain, native
from vel2lib.config import RunConfig, check, resolve
from vel2lib.errors import Vel2Error
from vel2lib.run import Result, execute


def run(first: str, *others: str, **more: Any) -> Result:
    """Bare-metal guests beside each other, each a name with its words."""
    name, _, words = first.partition(" ")
    defaults: dict[str, Any] = {"timeout": 60, "checked": True}
    config = RunConfig(l1=name, l1_append=words, beside=others, **{**defaults, **more})
    return execute(config, resolve(config))


def with_words(name: str) -> str:
    """A guest with the words that guests.toml has for it."""
    return f"{name} {GUESTS[name].get('append', '')}".strip()


def as_natively(result: Result, names: list[str]) -> None:
    """Each L1 ended well and printed what it prints on QEMU's own EL2."""
    assert result.status == 0, explain(result)
    for name, one in zip(names, (result, *result.others), strict=True):
        expected = native(name, one.config.l1_mode, one.config.cpu)
        assert [s for s in one.lines() if s] == [s for s in expected if s], name
        assert one.end == "system_off" and one.counters


@pytest.mark.parametrize(
    "host, mech, mode, smp",
    [
        ("vhe", "nv2", "vhe", 1),
        ("vhe", "nv2", "vhe", 2),
        ("vhe", "nv", "nvhe", 1),
        ("nvhe", "nv2", "nvhe", 1),
        ("nvhe", "nv", "vhe", 2),
        ("nvhe", "pv", "nvhe", 1),
    ],
)
def test_each_as_if_alone(checked_l0: Path, host: str, mech: str, mode: str, smp: int) -> None:
    """Three L1s, two of them with an L2, on one CPU and on two: each prints what it prints natively."""
    names = ["bundled", "exceptions", "bundled"]
    result = run(
        *map(with_words, names),
        host=host,
        mech=mech,
        l1_mode=mode,
        smp=smp,
        vcpus=1,
        mem=64,
        cpu=cpu_for("bundled", mode, host, mech),
    )
    as_natively(result, names)


@pytest.mark.parametrize("host", ["vhe", "nvhe"])
def test_nothing_leaks(checked_l0: Path, host: str) -> None:
    """Registers of three L1s on one CPU: vectors, breakpoints, and all that a context has."""
    names = ["fp", "debug", "context"]
    as_natively(run(*map(with_words, names), host=host, vcpus=1, mem=256), names)


@pytest.mark.parametrize("first", [True, False])
def test_hostile(checked_l0: Path, first: bool) -> None:
    """An L1 that tries its tables on what lies around its memory, which here is the other one's, and VMIDs by the
    thousand: both get the architecture's answers, and the pages that each may take are there for it.
    """
    names = ["hostile", "bundled"] if first else ["bundled", "hostile"]
    result = run(*map(with_words, names), mem=256)
    as_natively(result, names)
    pages = [c["table_pages"] for one in (result, *result.others) for c in one.counters]
    assert [p["shadow_max"] for p in pages] == [256, 256]
    for page in pages:
        assert page["shadow"] <= 256 and page["pool_low_water"] > 0


@functools.lru_cache(maxsize=None)
def ticks(*others: str, vcpus: int = 1) -> int:
    """Instructions until an L1 has done its work, on one CPU, with others beside it."""
    more: dict[str, Any] = {
        "mem": 64,
        "icount": True,
        "markers": False,
        "trace": 0,
        "checked": False,
    }
    result = run("pace what=work n=5000", *others, vcpus=vcpus, **more)
    assert result.status == 0, explain(result)
    found = re.search(r"took (\d+)", "\n".join(result.lines()))
    assert found
    return int(found.group(1))


@pytest.mark.parametrize("what", ["spin", "smc", "mmio", "sgi", "tlbi", "vmid", "uart", "timer"])
def test_pace(l0: Path, what: str) -> None:
    """On one CPU with an L1 that does its worst all the time: at least 90% of the half that is due."""
    beside = ticks(f"pace what={what} ticks={3 * ticks()}")
    assert ticks() / beside >= 0.9 * 0.5
    assert ticks() / beside <= 0.6  # it was there


@pytest.mark.parametrize("first, second", [("reset", "bundled"), ("bundled", "reset")])
def test_one_ends(l0: Path, first: str, second: str) -> None:
    """A reset is the end of one L1 alone; the other, which takes longer, does not notice."""
    result = run(with_words(first), with_words(second), mem=64)
    assert result.status == 0, explain(result)
    by_name = {first: result, second: result.others[0]}
    assert by_name["reset"].end == "reset" and by_name["bundled"].end == "system_off"
    assert "ALL PASS" in by_name["bundled"].lines()


def test_cpus_that_are_left_on(l0: Path) -> None:
    """An L1 ends while its second vCPU is busy, and with it that one: the other L1 has the CPU for itself."""
    assert ticks("pace what=leave", vcpus=2) <= 1.5 * ticks()


def test_refused(l0: Path) -> None:
    """What cannot be is one line."""
    rows: list[tuple[tuple[str, ...], dict[str, Any], str]] = [
        (("vel2",), {}, "vel2 runs alone"),
        (("hello",), {"native": True}, "alone on its machine"),
        (("hello",) * 4, {}, "4 L1s at most"),
        (("nothing",), {}, "neither a file nor one of"),
        (("hello",), {"witness": True}, "do not tell"),
    ]
    for beside, more, says in rows:
        with pytest.raises(Vel2Error, match=says):
            check(RunConfig(l1="hello", beside=beside, **more))
    result = run("hello", l0_append="vel2.l1s=2")
    assert result.status == 1 and "L1 number 1: no L1 kernel" in result.outcome
