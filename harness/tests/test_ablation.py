# SPDX-License-Identifier: GPL-2.0-only
"""Registers that trap by request, and architectures that do not exist, modelled on FEAT_NV."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from conftest import Command
from test_guests import GUESTS, modes, native, page_registers, run
from vel2lib import report, sweep
from vel2lib.errors import Vel2Error

pytestmark = pytest.mark.usefixtures("l0")

#: All of EL1's names that FEAT_FGT can trap at vEL2.
FGT = (
    "SCTLR_EL1,CPACR_EL1,TTBR0_EL1,TTBR1_EL1,TCR_EL1,AFSR0_EL1,AFSR1_EL1,ESR_EL1,FAR_EL1,MAIR_EL1,"
    "AMAIR_EL1,VBAR_EL1,CONTEXTIDR_EL1,PAR_EL1,TPIDR_EL1,TPIDR_EL0,TPIDRRO_EL0,CSSELR_EL1"
)
#: (mechanism, trap, no_trap) under which guests must behave as on real EL2.
RUNS = {
    "fgt": {"mech": "nv2", "trap": FGT},
    "nv2-on-nv": {"mech": "nv", "no_trap": "nv2"},
    "neve": {"mech": "nv", "no_trap": "neve", "trap": "ESR_EL1,TPIDR_EL0"},
}
QUICK = ("exceptions", "context", "mmu", "stage2")

Rows = dict[tuple[str, str], tuple[float, dict[str, Any]]]


def rows(l1_mode: str, **more: Any) -> Rows:
    """Median of traps and traps by register of each operation of the bundled guests."""
    from vel2lib.config import RunConfig, resolve
    from vel2lib.results import bench_rows
    from vel2lib.run import execute

    config = RunConfig(host="vhe", l1_mode=l1_mode, l1_append="iters=2 warm=1", **more)
    result = execute(config, resolve(config))
    assert result.status == 0, (result.outcome, result.error)
    found = bench_rows(result)
    if config.no_trap and l1_mode == "split":
        nested = [r for r in found if r["op"] == "hypercall" and r["level"] == "nested"]
        assert nested[0]["l0_instructions"] is None, "what a served access cost is not the model's"
    return {(r["op"], r["level"]): (r["traps"]["median"], r["sysregs"]) for r in found}


@pytest.mark.parametrize("l1_mode", ["vhe", "split"])
def test_the_model_of_nv2_is_nv2(l1_mode: str) -> None:
    """FEAT_NV with what NV2 redirects counted as served: trap for trap and register for register what
    FEAT_NV2 itself gives."""
    assert rows(l1_mode, mech="nv", no_trap="nv2") == rows(l1_mode, mech="nv2")


def test_a_register_taken_out_of_the_model() -> None:
    """NV2 without slots for two registers: exactly their accesses are added."""
    modelled = rows("split", mech="nv", no_trap="nv2", trap="VTTBR_EL2,SCTLR_EL1:r")
    traps, registers = modelled["hypercall", "nested"]
    assert registers == {
        "VTTBR_EL2": {"read": 0, "write": 4},
        "SCTLR_EL1": {"read": 4, "write": 0},
    }
    assert traps == 4 + 2 + 2


def test_a_register_trapped_by_fgt() -> None:
    """The hardware itself traps an EL1 name that NV2 would have redirected."""
    traps, registers = rows("split", mech="nv2", trap="SCTLR_EL1:w,TTBR0_EL1")[
        "hypercall", "nested"
    ]
    assert registers == {
        "SCTLR_EL1": {"read": 0, "write": 4},
        "TTBR0_EL1": {"read": 4, "write": 4},
    }
    assert traps == 4 + 2 + 4


def check(guest: str, mode: str, how: str) -> None:
    """An ablated run prints what the guest prints on real EL2."""
    result = run(guest, mode, host="vhe", **RUNS[how])
    assert result.status == 0, (result.outcome, result.error)
    mine = result.lines()
    wanted = list(native(guest, mode))
    if GUESTS[guest].get("nv2") == "page":
        skip = page_registers()
        mine = [s for s in mine if not (s.startswith("REG ") and s.split()[1] in skip)]
        wanted = [s for s in wanted if not (s.startswith("REG ") and s.split()[1] in skip)]
    assert mine == wanted


@pytest.mark.parametrize("how", RUNS)
@pytest.mark.parametrize("mode", ["vhe", "nvhe"])
@pytest.mark.parametrize("guest", QUICK)
def test_ablated_guests(guest: str, mode: str, how: str) -> None:
    """A few of the suite under each kind of ablation."""
    check(guest, mode, how)


@pytest.mark.long
@pytest.mark.parametrize("how", RUNS)
@pytest.mark.parametrize(
    "guest, mode",
    [
        (name, mode)
        for name, row in GUESTS.items()
        for mode in modes(row)
        if "known" not in row and row.get("mechs", ["nv2", "nv"]) == ["nv2", "nv"]
    ],
)
def test_ablated_suite(guest: str, mode: str, how: str) -> None:
    """All of the suite."""
    check(guest, mode, how)


@pytest.mark.parametrize(
    "options, said",
    [
        (["--trap", "NO_SUCH_EL1"], "bad register 'NO_SUCH_EL1' in vel2.trap="),
        (["--trap", "SCTLR_EL1:x"], "bad register 'SCTLR_EL1:x'"),
        (["--trap", "HCR_EL2"], "HCR_EL2: FEAT_NV2 makes it a memory access"),
        (["--trap", "SPSR_EL1"], "SPSR_EL1: no fine-grained trap has it"),
        (["--no-trap", "nv2"], "vel2.notrap: is for a mechanism that traps everything"),
        (["--trap", "@/nowhere"], "@/nowhere: No such file or directory"),
        (["--cpu", "neoverse-v1", "--trap", "SCTLR_EL1"], "this CPU has no FEAT_FGT"),
    ],
)
def test_what_cannot_be_had(vel2: Command, options: list[str], said: str) -> None:
    """One line that names the register."""
    done = vel2("run", "--no-build", "--l1", "hello", *options)
    lines = [s for s in done.stderr.splitlines() if s.startswith("vel2: ")]
    assert done.returncode == 1 and len(lines) == 1 and said in lines[0], done.stderr


def test_the_axis_of_a_sweep() -> None:
    """Both lists in one word, neither in an empty one, and nothing else."""
    assert sweep.ablation("no_trap=nv2 trap=HCR_EL2") == {"no_trap": "nv2", "trap": "HCR_EL2"}
    assert sweep.ablation("") == {}
    with pytest.raises(Vel2Error, match="ablation 'HCR_EL2'"):
        sweep.ablation("HCR_EL2")


def test_a_report_keeps_ablated_runs_apart() -> None:
    """A run with other traps is another configuration."""
    plain, ablated = (
        {"l1": "bundled", "config": json.dumps(c)} for c in ({}, {"trap": "SCTLR_EL1"})
    )
    assert report._variant(cast(Any, plain)) == ""
    assert report._variant(cast(Any, ablated)) == ", trap SCTLR_EL1"
