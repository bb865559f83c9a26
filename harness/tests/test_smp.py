# SPDX-License-Identifier: GPL-2.0-only
"""Several vCPUs: what each of them costs, PSCI as an L1 may use it, Linux on as many CPUs and on fewer."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from test_guests import explain
from vel2lib.config import HOSTS, RunConfig, Target, resolve
from vel2lib.errors import Vel2Error
from vel2lib.run import Result, execute

pytestmark = pytest.mark.usefixtures("l0", "guests")

#: Regions of the guest `many`.
ALONE, TOGETHER, CPUS = 190, 200, 8
#: Of each CPU. Where QEMU goes from one CPU to another within a region, its instructions mix: medians.
SAMPLES = 20
#: TLBIs of a whole run of Linux and its L2 that may trap, a vCPU: L1 does some 60,000.
TLBIS = 200


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("mode", ["vhe", "nvhe"])
def test_eight_pay_no_more_than_one(host: str, mode: str) -> None:
    """A hypercall costs the same L0 instructions on each of eight vCPUs as on one that is alone."""
    config = RunConfig(
        l1="many",
        l1_mode=mode,
        host=host,
        smp=CPUS,
        l1_append="mark=1",
        icount=True,
        witness=False,
        timeout=60,
    )
    result = execute(config, resolve(config))
    assert result.status == 0, explain(result)
    costs: dict[int, list[int]] = {}
    for sample in result.samples:
        assert sample["traps"] == 2, sample
        costs.setdefault(sample["region"], []).append(sample["l0_instructions"])
    assert set(costs) == {ALONE, *range(TOGETHER, TOGETHER + CPUS)}
    assert {len(one) for one in costs.values()} == {SAMPLES}
    alone = statistics.median(costs[ALONE])
    assert all(statistics.median(one) <= alone for one in costs.values()), costs


@pytest.mark.parametrize("smp", [1, 2])
def test_mpidr_with_bit_31(smp: int) -> None:
    """PSCI takes an MPIDR as MPIDR_EL1 has it, which QEMU's own does not."""
    config = RunConfig(l1="smp", smp=smp, vcpus=2, l1_append="bit31=1", timeout=20)
    result = execute(config, resolve(config))
    assert result.status == 0, explain(result)
    assert "started three times" in result.lines()


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("cpus, vcpus, turns", [(1, 2, 1), (2, 3, 0)])
def test_shares_are_fair(host: str, cpus: int, vcpus: int, turns: int) -> None:
    """Busy vCPUs get as much time as each other, whether their number divides by that of the CPUs or not."""
    # Under icount QEMU runs several CPUs by turns, of as much as 40 ms of their time: nothing to be fair in.
    window = 60 if cpus == 1 else 1000
    config = RunConfig(
        l1="migrate",
        host=host,
        smp=cpus,
        vcpus=vcpus,
        l1_append=f"cpus={vcpus} fair={window} turns={turns} pv=1 of={cpus}",
        icount=cpus == 1,
        witness=False,
        markers=False,
        timeout=60,
    )
    result = execute(config, resolve(config))
    assert result.status == 0, explain(result)
    assert ("ok shares within a tenth of each other" in result.lines()) == bool(turns)
    shares = [c["run_ns"] for c in result.counters]
    assert sum(shares) > 0.95 * cpus * window * 1e6, shares
    if cpus == 1:
        # Two slices of 2 ms, and vCPU 0 started the others.
        assert max(shares) - min(shares) < 5e6 + 3e6, shares


@pytest.mark.parametrize("host", HOSTS)
def test_off_leaves_its_cpu(host: str) -> None:
    """A vCPU that goes off with a timer that fires keeps no CPU from those that are busy."""
    config = RunConfig(l1="off", host=host, smp=2, vcpus=3, witness=False, timeout=20)
    result = execute(config, resolve(config))
    assert result.status == 0, explain(result)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "rounds, moves", [(2000, 300), pytest.param(20000, 4000, marks=pytest.mark.long)]
)
def test_migration_keeps_everything(host: str, rounds: int, moves: int) -> None:
    """After many moves each vCPU has its registers, its timers and its pending interrupts."""
    config = RunConfig(
        l1="migrate", host=host, smp=2, vcpus=3, l1_append=f"rounds={rounds}", timeout=100
    )
    result = execute(config, resolve(config))
    assert result.status == 0, explain(result)
    assert sum(c["migrations"] for c in result.counters) >= moves


def linux(host: str, mode: str, cpus: int, vcpus: int, l2: int) -> Result:
    """Debian's Linux as L1, and an L2 with its own CPUs."""
    config = RunConfig(l1="linux", l1_mode=mode, host=host, smp=cpus, vcpus=vcpus, timeout=240)
    config.l1_append = f"vel2.vmm_append=-smp+{l2}"
    try:
        target: Target = resolve(config)
    except Vel2Error as error:
        pytest.fail(str(error))
    config.icount, config.witness, config.trace = False, False, 10
    return execute(config, target)


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("linux-smp")
@pytest.mark.parametrize(
    "host, mode, cpus, vcpus, l2",
    [
        ("vhe", "vhe", 2, 2, 2),
        *(
            pytest.param(host, mode, cpus, vcpus, l2, marks=pytest.mark.long)
            for host in HOSTS
            for mode in ("vhe", "nvhe")
            for cpus, vcpus, l2 in ((1, 2, 1), (2, 4, 2), (4, 4, 4), (8, 8, 2))
        ),
    ],
)
def test_linux(host: str, mode: str, cpus: int, vcpus: int, l2: int) -> None:
    """L1 and L2 bring all their CPUs up and end, and few of L1's TLBIs trap."""
    result = linux(host, mode, cpus, vcpus, l2)
    assert result.status == 0, explain(result)
    said = [s for s in result.lines() if s.startswith("vel2: l")]
    for level, n in (("l1", vcpus), ("l2", l2)):
        assert any(s.startswith(f"vel2: {level} ") and f" {n} CPUs" in s for s in said), said
    assert {c["vcpu"] for c in result.counters} == set(range(vcpus))
    for one in result.counters:
        taken = one["exits"]["L1"].get("tlbi", {})
        assert taken.get("handled", 0) < TLBIS, one
