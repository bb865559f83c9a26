# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 compare kvm`: what is subtracted, what is refused; and, long, the comparison itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import Command
from vel2lib import compare
from vel2lib.config import RunConfig
from vel2lib.debian import ROOT
from vel2lib.errors import Vel2Error
from vel2lib.plugin import Counted
from vel2lib.regions import region_names
from vel2lib.run import Result
from vel2lib.witness import Region

#: An empty region and a hypercall of L1; the same of L2, each twice.
ORDER = [0, 2, 1, 1, 3, 3]


def costs(traps: list[int], instructions: list[int]) -> dict[int, compare.Cost]:
    """What both instruments found in the regions of ORDER."""
    counted = [
        Counted(number, 1, l0=n, host=0, accesses=n // 10, guest=5, traps=0, own_traps=0)
        for number, n in zip(ORDER, instructions)
    ]
    return compare.costs([Region(0, n) for n in traps], counted, region_names())


def test_markers_are_subtracted_by_level() -> None:
    """What L1 does with a marker that L0 does not take is in every region of that level."""
    vel2 = costs([0, 1, 0, 0, 2, 2], [100, 270, 100, 100, 800, 800])
    kvm = costs([1, 3, 8, 8, 16, 16], [500, 4500, 30000, 30000, 70000, 72000])
    rows = compare.operations(vel2, kvm)
    assert [(r.op, r.level, r.vel2, r.kvm) for r in rows] == [
        ("hypercall", "vm", compare.Cost(1, 170, 17), compare.Cost(2, 4000, 400)),
        ("hypercall", "nested", compare.Cost(2, 700, 70), compare.Cost(8, 41000, 4100)),
    ]
    assert "no more traps than KVM for any; KVM needs 58.6 to 58.6 times" in compare.summary(rows)
    assert "more traps for hypercall" in compare.summary(compare.operations(kvm, vel2))


def test_instruments_that_differ_are_refused() -> None:
    """Then nobody knows which region of the log is which."""
    with pytest.raises(Vel2Error, match="log has 5 marked regions of CPU 0, its plugin counted 6"):
        costs([1, 2, 3, 4, 5], [1] * 6)


def test_both_sides_of_an_ipi_are_added() -> None:
    """The receiver's regions are on another CPU, and each side has its own markers."""
    names = region_names()
    order = [
        (0, 1, 10, 500),
        (1, 25, 40, 2500),
        (0, 24, 60, 3500),
        (1, 25, 46, 2900),
        (0, 24, 60, 3700),
    ]
    order += [(0, 1, 10, 500)]
    log = [Region(cpu, traps) for cpu, _, traps, _ in order]
    counted = [
        Counted(number, 1, l0=n, host=0, accesses=n // 10, guest=5, traps=0, own_traps=0, cpu=cpu)
        for cpu, number, _, n in order
    ]
    one = compare.Cost(103 - 20, 6300 - 1000, 630 - 100)
    assert compare.costs(log, counted, names) == {24: one}
    # In what order the CPUs' regions end among each other is nothing that both instruments must see alike.
    assert compare.costs(log, sorted(counted, key=lambda c: c.cpu), names) == {24: one}
    with pytest.raises(Vel2Error, match="2 marked regions of CPU 1, its plugin counted 1"):
        compare.costs(log, [*counted[:1], *counted[2:]], names)


def test_two_cpus_are_a_run_of_their_own() -> None:
    """Nothing but what takes two, told to each level: L0's VMM, L1's and the bundled guest."""
    bundled = compare.vel2_config(RunConfig(), "bundled", "vhe", compare.TWO)
    assert bundled.smp == 2 and bundled.l1_append.split() == [
        *compare.BUNDLED_APPEND.split(),
        "ops=ipi",
    ]
    linux = compare.vel2_config(RunConfig(), "linux", "vhe", compare.TWO)
    assert (
        "iters=16+warm=16+ops=ipi" in linux.l1_append and "vel2.vmm_append=-c+2" in linux.l1_append
    )
    assert compare.vel2_config(RunConfig(), "linux", "vhe").l1_append == compare.LINUX_APPEND


def test_where_kvm_cannot_be_had_there_is_vel2(capsys: pytest.CaptureFixture[str]) -> None:
    """A row has what there is."""
    rows = compare.operations(costs([0, 1, 0, 0, 2, 2], [100, 270, 100, 100, 800, 800]), None)
    assert [(r.op, r.vel2.traps, r.kvm) for r in rows] == [
        ("hypercall", 1, None),
        ("hypercall", 2, None),
    ]
    compare._show(rows, "title")
    assert "hypercall, L2 under L1" in capsys.readouterr().out


def test_kvm_that_is_not_reachable_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's sid away: what stands in KVM's place says so."""
    from payload import linux
    from payload.errors import PayloadError

    def unreachable(*_: Any, **__: Any) -> None:
        raise PayloadError("cannot reach sid")

    monkeypatch.setattr(linux, "build_linux_payload", unreachable)
    prepare = progress = lambda *_: None
    said = compare._kvm_side(RunConfig(), "bundled", "vhe", prepare, progress, compare.TWO)
    assert said == "KVM as L0: cannot reach sid"
    assert compare._tried_kvm(RunConfig(), "vhe", "", prepare, progress) == said


def test_memory_is_what_linux_says() -> None:
    """Of a machine of 1 GiB: what it never had, what it used without files, how much more while L1 ran."""
    result = Result(RunConfig(mem=1024))
    result.console = bytearray().join(
        b"vel2: l1-memory %s\r\n" % text
        for text in (b"before 1000000 700000 100000", b"running 1000000 650000 100000")
    )
    assert compare.kvm_memory(result) == {
        "reserved": (1 << 30) - (1000000 << 10),
        "before": 200000 << 10,
        "running": 50000 << 10,
    }
    assert not compare.kvm_memory(Result(RunConfig(mem=1024)))


def test_the_arguments_are_those_that_the_payload_gives() -> None:
    """Both L1s do the same operations only if they are told the same."""
    init = (ROOT / "harness/payload/l1-init").read_text()
    assert f"append='{compare.BUNDLED_APPEND}'" in init


@pytest.mark.long
@pytest.mark.timeout(2700)
@pytest.mark.parametrize("mode", compare.MODES)
@pytest.mark.parametrize("l1", compare.DEFAULT_L1S)
def test_kvm(vel2: Command, tmp_path: Path, l1: str, mode: str) -> None:
    """vel2 needs no more exceptions than KVM for anything that L2 does; under Linux as L1 a tenth of KVM's L0
    instructions at most."""
    out = tmp_path / "compare.json"
    done = vel2("compare", "kvm", "--l1", l1, "--l1-mode", mode, "--json", str(out), timeout=2600)
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads(out.read_text())
    (run,) = value["runs"]
    assert (run["l1"], run["mode"]) == (l1, mode)
    assert not {"not_had", "two_cpus_not_had"} & set(run["kvm"]), run["kvm"]
    rows = {r["op"]: r for r in run["rows"] if r["level"] == "nested"}
    assert {"hypercall", "mmio", "timer", "veoi", "ipi"} <= set(rows)
    for row in rows.values():
        assert row["vel2"]["traps"] <= row["kvm"]["traps"], row
        if l1 == "linux":
            assert row["vel2"]["l0_instructions"] <= row["kvm"]["l0_instructions"] / 10, row
    if l1 == "linux":
        assert set(run["vel2"]["boot"]) == {"L1's user space", "L2's user space"}
        for what, seconds in run["vel2"]["boot"].items():
            assert 0 < seconds < run["kvm"]["boot"][what], what
    assert rows["hypercall"]["vel2"]["traps"] > 0
    assert 0 < run["vel2"]["memory"] < run["kvm"]["memory"]["reserved"]
    assert [m["vel2"] for m in value["machines"]] == ["runs"] * len(compare.MACHINES)
    assert {m["kvm"] == "runs" for m in value["machines"]} == {True, False}
