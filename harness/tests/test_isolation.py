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


@pytest.mark.parametrize(
    "host, mech, mode, smp, first",
    [
        ("vhe", "nv2", "vhe", 1, True),
        ("vhe", "nv2", "vhe", 1, False),
        ("vhe", "nv", "nvhe", 2, True),
        ("nvhe", "nv2", "vhe", 2, False),
        ("nvhe", "pv", "nvhe", 1, True),
    ],
)
def test_reaches_for_the_other(
    checked_l0: Path, host: str, mech: str, mode: str, smp: int, first: bool
) -> None:
    """An L1, EL2 and its L2's EL1 and EL0, reads, writes and executes where the other's memory is, and sends interrupts
    to all CPUs: there is nothing, and the other has what it had, and hears none.
    """
    names = ["outside", "watch"] if first else ["watch", "outside"]
    words = {"outside": "outside", "watch": "watch ms=100"}
    cpu = cpu_for("watch", mode, host, mech)
    more: dict[str, Any] = {"host": host, "mech": mech, "l1_mode": mode, "smp": smp, "cpu": cpu}
    # Instructions are the time: they run side by side however busy the machine of the test is.
    as_natively(run(*(words[n] for n in names), vcpus=1, mem=256, icount=True, **more), names)


@pytest.mark.long
@pytest.mark.parametrize("smp", [1, 2])
def test_frames_of_the_gic(checked_l0: Path, smp: int) -> None:
    """An L1 writes anything to all that its GIC is: the other one has its own, and all of its interrupts."""
    names = ["hostile_frames", "smp"]
    as_natively(run(*map(with_words, names), smp=smp, vcpus=2, mem=256), names)


@pytest.mark.parametrize("host, mech", [("vhe", "nv2"), ("nvhe", "nv")])
def test_psci_by_the_book(checked_l0: Path, host: str, mech: str) -> None:
    """Every function of PSCI with any argument, by EL2 and by its L2: the answers that the specifications have for it,
    of which QEMU's own firmware knows less.
    """
    result = run("hostile_psci book=1", host=host, mech=mech, smp=2)
    assert result.status == 0, explain(result)
    assert "ok wrong answers 0" in result.lines()


@pytest.mark.parametrize("cpus", [1, 2])
def test_each_its_own_cpus(checked_l0: Path, cpus: int) -> None:
    """Two L1s with two vCPUs each, which they turn on and off and send interrupts to: each means its own."""
    names = ["smp", "smp"]
    as_natively(run(*map(with_words, names), smp=cpus, vcpus=2, mem=256), names)


@functools.lru_cache(maxsize=None)
def ticks(*others: str, vcpus: int = 1, words: str = "", first: int = 0) -> int:
    """Instructions until an L1 has done its work, on one CPU, with others beside it, so many of them before it."""
    work = f"pace what=work n=5000 {words}".strip()
    more: dict[str, Any] = {
        "mem": 256,
        "icount": True,
        "markers": False,
        "trace": 0,
        "checked": False,
    }
    result = run(*others[:first], work, *others[first:], vcpus=vcpus, **more)
    assert result.status == 0, explain(result)
    worker = [result, *result.others][first]
    found = re.search(r"took (\d+)", "\n".join(worker.lines()))
    assert found
    return int(found.group(1))


#: What an L1 does all the time, by the name that guest-tests/tests/pace.c has for it.
STORMS = "spin smc mmio sgi tlbi vmid uart timer gic abort hvc eret fault lr vncr".split()
#: Guests that do their worst, one thing after the other, for longer than the other one works.
ENEMIES = [
    name
    for name, row in GUESTS.items()
    if name.startswith(("hostile", "outside")) and row.get("smp", 1) == 1 and row.get("quick") != []
]


def keeps_its_half(beside: int) -> None:
    """At least 90% of the half of one CPU that is due; not more than that, or the other one was not there."""
    assert 0.9 * 0.5 <= ticks() / beside <= 0.6


@pytest.mark.parametrize("what", STORMS)
def test_pace(checked_l0: Path, what: str) -> None:
    """On one CPU with an L1 that does its worst all the time: at least 90% of the half that is due."""
    keeps_its_half(ticks(f"pace what={what} ticks={3 * ticks()}"))


@pytest.mark.parametrize("name", ENEMIES)
def test_pace_beside_an_enemy(checked_l0: Path, name: str) -> None:
    """The same beside each of the guests that harm whoever is below, if anything does."""
    keeps_its_half(ticks(with_words(name)))


@pytest.mark.parametrize(
    "beside, vcpus", [("pace what=spin cpus=4", 4), ("pace what=smc cpus=2", 2), ("hostile_smp", 2)]
)
def test_pace_beside_several(checked_l0: Path, beside: str, vcpus: int) -> None:
    """However many of its vCPUs are busy: a share is an L1's."""
    words = f" ticks={3 * ticks()}" if " " in beside else ""
    keeps_its_half(ticks(beside + words, vcpus=vcpus))


def test_pace_beside_a_sleeper(checked_l0: Path) -> None:
    """An L1 that waits for an interrupt, for good, costs the other one nothing."""
    assert ticks(f"pace what=wfi ticks={3 * ticks()}") <= 1.02 * ticks()


@pytest.mark.parametrize("first", [0, 1])
def test_stolen_time(checked_l0: Path, first: int) -> None:
    """What an L1 is told that it did not have is its own: another one wanted nothing, and a third was busy."""
    others = ("hello", f"pace what=spin ticks={3 * ticks()}")
    had = ticks(*others, words="stolen=1", first=first)
    assert 0.9 * ticks() <= had <= 1.1 * ticks()


@pytest.mark.parametrize("first, second", [("reset", "watch"), ("watch", "reset")])
def test_one_ends(checked_l0: Path, first: str, second: str) -> None:
    """A reset is the end of one L1 alone; the other, which takes longer, does not notice."""
    words = {"reset": with_words("reset"), "watch": "watch ms=300"}
    result = run(words[first], words[second], mem=256, icount=True)
    assert result.status == 0, explain(result)
    by_name = {first: result, second: result.others[0]}
    assert by_name["reset"].end == "reset" and by_name["watch"].end == "system_off"
    assert "ALL PASS" in by_name["watch"].lines()


def test_cpus_that_are_left_on(checked_l0: Path) -> None:
    """An L1 ends while its second vCPU is busy, and with it that one: the other L1 has the CPU for itself."""
    assert ticks("pace what=leave", vcpus=2) <= 1.5 * ticks()


def test_refused(checked_l0: Path) -> None:
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
