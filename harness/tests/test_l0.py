# SPDX-License-Identifier: GPL-2.0-only
"""L0 itself: its self tests, its options, what it says when something is wrong with the machine."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from conftest import Command
from test_guests import explain
from vel2lib.config import RunConfig, resolve
from vel2lib.qemu import CPU
from vel2lib.run import Result, execute

pytestmark = pytest.mark.usefixtures("l0")


def boot(l0_append: str = "", **more: Any) -> Result:
    """Run without an L1 unless told otherwise."""
    defaults: dict[str, Any] = {"l1": "none", "timeout": 20, "markers": False}
    config = RunConfig(l0_append=l0_append, **{**defaults, **more})
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
def test_stacks_are_guarded(host: str) -> None:
    """A stack that overflows hits a page that is not there; one that is overrun is found on return."""
    result = boot("vel2.test=stack-overflow", l1="hello", host=host)
    assert result.status == 2, explain(result)
    (panic,) = result.panics
    assert int(panic["esr"], 16) >> 26 == 0x25 and panic["far"], panic  # data abort at EL2
    result = boot("vel2.test=stack-overrun", l1="hello", host=host)
    assert result.status == 2 and "stack overrun" in result.outcome, explain(result)


@pytest.mark.parametrize("host, l1_mode", [("vhe", "vhe"), ("vhe", "nvhe"), ("nvhe", "vhe")])
def test_deferred_registers(host: str, l1_mode: str) -> None:
    """A plain exit under a VHE host switches no deferrable register; under an nVHE host each does."""
    result = boot(l1="gic", host=host, l1_mode=l1_mode)
    assert result.status == 0, explain(result)
    (counters,) = result.counters
    visits = sum(
        counters["exits"]["L1"][reason]["handled"] for reason in ("dabt", "irq")
    )  # these go to the host
    assert visits > 50
    if host == "vhe":
        assert counters["el1_bank_switches"] < 5  # what the L1 itself asks for by changing mode
    else:
        assert counters["el1_bank_switches"] >= visits


def exits(result: Result, level: str, reason: str, outcome: str) -> int:
    """Exits of vCPU 0 of this kind."""
    return int(result.counters[0]["exits"][level].get(reason, {}).get(outcome, 0))


@pytest.mark.parametrize("host", ["vhe", "nvhe"])
def test_tlbis_that_must_trap(host: str) -> None:
    """With TGE=0 an EL1 TLBI of a VHE L1 means its guest's VMID, which only L0 can name.

    QEMU's TLB has no VMIDs: a guest cannot see the difference there.
    """
    result = boot(l1="tlbi", host=host)
    assert result.status == 0, explain(result)
    # Those of an nVHE L1 trap always; a VHE L1 executes the same ones, and some more under TGE.
    nvhe = boot(l1="tlbi", host=host, l1_mode="nvhe")
    assert nvhe.status == 0, explain(nvhe)
    always = exits(nvhe, "L1", "tlbi", "handled")
    assert always > 200
    assert exits(result, "L1", "tlbi", "handled") >= always, result.counters


@pytest.mark.parametrize("host", ["vhe", "nvhe"])
@pytest.mark.parametrize("guest", ["hostile", "hostile_gic", "hostile_calls", "vmid"])
def test_memory_is_bounded(host: str, guest: str) -> None:
    """Thousands of VMIDs, or whatever else: L0's shadow tables keep to their budget, its pool never runs dry."""
    result = boot(l1=guest, host=host, timeout=60)
    assert result.status == 0, explain(result)
    pages = result.counters[0]["table_pages"]
    assert pages["shadow"] <= pages["shadow_max"] and pages["pool_low_water"] > 0, pages


@pytest.mark.parametrize("host", ["vhe", "nvhe"])
def test_tables_are_given_up(host: str) -> None:
    """An L2 that is wider than the budget gets all of it in turn, and prints what it prints natively (test_guests)."""
    result = boot(l1="wide", host=host, timeout=60)
    assert result.status == 0, explain(result)
    pages = result.counters[0]["table_pages"]
    assert pages["reclaimed"] > 1000 and pages["shadow"] <= pages["shadow_max"], pages


@pytest.mark.parametrize("host", ["vhe", "nvhe"])
def test_levels_of_exits(host: str) -> None:
    """Exits are counted under the level that they came from, and by what L0 made of them."""
    result = boot(
        l1="bundled", host=host, l1_append="iters=8 warm=0", trace=0, icount=False, markers=True
    )
    assert result.status == 0, explain(result)
    assert exits(result, "L2", "hvc", "forwarded") >= 8
    assert exits(result, "L1", "hvc", "forwarded") < exits(result, "L2", "hvc", "forwarded")
    # What L1 returns to its guest for, it has been given before.
    l2 = result.counters[0]["exits"]["L2"]
    forwarded = sum(row["forwarded"] for row in l2.values())
    assert exits(result, "L1", "eret", "handled") >= forwarded
    undefined = boot(l1="optional", host=host)
    assert undefined.status == 0, explain(undefined)
    reflected = undefined.counters[0]["exits"]
    assert sum(r.get("sysreg", {}).get("reflected", 0) for r in reflected.values()) > 10


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
        ((), "vel2.host=vhe vel2.protect=on", "vel2.host=nvhe"),
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
    """L0 takes less than 8 MiB beside an L1 of 1 GiB."""
    result = boot(l1="hello", mem=1024)
    assert result.status == 0, explain(result)
    assert result.boot["l0_bytes"] < 8 << 20


def test_start_is_quick() -> None:
    """An L1 under L0 takes less than half a second more than natively, start to end."""

    def quickest(native: bool) -> float:
        config = RunConfig(l1="hello", native=native, mem=1024, trace=0)
        return min(execute(config, resolve(config)).wall_seconds for _ in range(3))

    assert quickest(native=False) < quickest(native=True) + 0.5


def image(tmp_path: Path, *instructions: int) -> Path:
    """An L1 of a few instructions; the first must leave the header."""
    header = struct.pack("<II6Q4sI", instructions[0], 0, 0, 4096, 0xA, 0, 0, 0, b"ARM\x64", 0)
    path = tmp_path / "Image"
    path.write_bytes(header + struct.pack(f"<{len(instructions) - 1}I", *instructions[1:]))
    return path


BRANCH_TO_SELF, BRANCH_TO_64, HVC_0, WFI = 0x14000000, 0x14000010, 0xD4000002, 0xD503207F


@pytest.mark.parametrize("host", ["vhe", "nvhe"])
@pytest.mark.parametrize(
    "words",
    [
        (BRANCH_TO_SELF,),
        (BRANCH_TO_64, HVC_0),
        (BRANCH_TO_64, WFI, BRANCH_TO_SELF - 1 & 0x17FFFFFF),
    ],
    ids=["loop", "exceptions", "wfi"],
)
def test_hang(tmp_path: Path, host: str, words: tuple[int, ...]) -> None:
    """A guest that hangs: the state of its vCPU with PC and last exits, and the end of QEMU."""
    result = boot(l1=str(image(tmp_path, *words)), host=host, timeout=2, trace=10)
    assert result.status == 4, explain(result)
    (vcpu,) = result.vcpus
    assert vcpu["level"] == "L1" and "pc" in vcpu
    assert result.traces


def test_hang_before_l0(vel2: Command) -> None:
    """When L0 cannot answer, QEMU says where the CPU is."""
    done = vel2("run", "--no-build", "--l1", "hello", "--timeout", "1", "--qemu-arg=-S")
    assert done.returncode == 4
    assert "cpu 0: real EL2h, pc 0x40000000" in done.stderr


@pytest.mark.parametrize("host", ["vhe", "nvhe"])
def test_markers_off(host: str) -> None:
    """With vel2.markers=off the marker is an ordinary HVC: no samples, and L1 runs on."""
    result = boot(l1="hello", host=host)
    assert result.status == 0 and not result.samples, explain(result)
