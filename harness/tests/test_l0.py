# SPDX-License-Identifier: GPL-2.0-only
"""L0 itself: its self tests, its options, what it says when something is wrong with the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Command
from test_guests import explain
from vel2lib.config import RunConfig, resolve
from vel2lib.qemu import CPU
from vel2lib.run import Result, execute

pytestmark = pytest.mark.usefixtures("l0")


def boot(l0_append: str = "", **more: object) -> Result:
    """Run without an L1 unless told otherwise."""
    config = RunConfig(l1="none", l0_append=l0_append, timeout=20, markers=False)
    for key, value in more.items():
        setattr(config, key, value)
    return execute(config, resolve(config))


@pytest.mark.parametrize(
    "cpu, host", [(CPU, "vhe"), (CPU, "nvhe"), ("cortex-a57", None), ("cortex-a76", None)]
)
@pytest.mark.parametrize("smp", [1, 4])
def test_percpu(cpu: str, host: str | None, smp: int) -> None:
    """Per-CPU accessors in C and assembly, on every CPU, at EL2 and in the host, on any stack."""
    result = boot("vel2.test=percpu", cpu=cpu, host=host, smp=smp)
    assert result.status == 0, explain(result)
    (test,) = result.tests
    assert test["ok"] and test["cpus"] == smp
    assert test["host"] == (host or ("nvhe" if cpu == "cortex-a57" else "vhe"))


@pytest.mark.parametrize("host", ["vhe", "nvhe"])
def test_corrupt_stack(host: str) -> None:
    """With the hyp stack destroyed, the panic still reports vcpu, level, ESR, FAR and PC."""
    result = boot("vel2.test=corrupt-stack", l1="hello", host=host)
    assert result.status == 2, explain(result)
    (panic,) = result.panics
    assert panic["vcpu"] == 0 and panic["level"] in ("L1", "L2")
    assert {"esr", "far", "pc"} <= set(panic)


@pytest.mark.parametrize("host", ["vhe", "nvhe"])
@pytest.mark.parametrize("mech", ["nv2", "nv"])
def test_timeslice(host: str, mech: str) -> None:
    """Two vCPUs that share one CPU keep all their registers apart."""
    result = boot("vel2.test=timeslice vel2.smp=2", l1="timeslice", host=host, mech=mech)
    assert result.status == 0, explain(result)


@pytest.mark.parametrize(
    "words, complaint",
    [
        ("vel2.nosuch=1", "vel2.nosuch"),
        ("vel2.mech=foo", "vel2.mech"),
        ("vel2.host=both", "vel2.host"),
        ("vel2.smp=0x", "vel2.smp"),
        ("vel2.trace=many", "vel2.trace"),
        ("nonsense", "nonsense"),
    ],
)
def test_option_refused(words: str, complaint: str) -> None:
    """An unknown or malformed option is named."""
    result = boot(words, l1="hello")
    assert result.status == 1 and complaint in result.outcome, explain(result)


@pytest.mark.parametrize(
    "args, append, complaint",
    [
        (("-machine", "virtualization=off"), "", "EL2"),
        (("-cpu", "cortex-a57"), "vel2.mech=nv2", "NV"),
        (("-cpu", "cortex-a76"), "vel2.mech=nv", "NV"),
        (("-cpu", "cortex-a57"), "vel2.host=vhe", "VHE"),
    ],
)
def test_machine_refused(args: tuple[str, ...], append: str, complaint: str) -> None:
    """A machine that cannot do it is refused by one line that says what to do."""
    result = boot(append, l1="hello", qemu_args=args)
    assert result.status == 1, explain(result)
    assert result.outcome.startswith("error: ") and complaint in result.outcome


def test_no_module() -> None:
    """Without an L1 there is a line, not a hang."""
    result = boot()
    assert result.status == 1 and "L1" in result.outcome, explain(result)


def test_broken_device_tree(tmp_path: Path) -> None:
    """A device tree of zeros is refused, by QEMU or by L0, in one line."""
    broken = tmp_path / "broken.dtb"
    broken.write_bytes(bytes(4096))
    result = boot(l1="hello", qemu_args=("-dtb", str(broken)))
    assert result.status == 1, explain(result)


def test_memory_that_l0_needs() -> None:
    """L0 takes less than 8 MiB beside an L1 of 1 GiB, and starts it within half a second."""
    result = boot(l1="hello", mem=1024)
    assert result.status == 0, explain(result)
    assert result.boot["l0_bytes"] < 8 << 20
    plain = RunConfig(l1="hello", native=True, mem=1024)
    native = execute(plain, resolve(plain))
    assert result.wall_seconds < native.wall_seconds + 0.5 + 0.5  # start and end of L0


@pytest.mark.parametrize("host", ["vhe", "nvhe"])
def test_markers_off(host: str) -> None:
    """With vel2.markers=off the marker is an ordinary HVC: no samples, and L1 runs on."""
    result = boot(l1="hello", host=host)
    assert result.status == 0 and not result.samples, explain(result)
