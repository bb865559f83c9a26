# SPDX-License-Identifier: GPL-2.0-only
"""The real thing: Debian's Linux/KVM as L1, unmodified, with its own L2."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from conftest import Command
from test_guests import explain
from vel2lib.config import RunConfig, Target, resolve
from vel2lib.errors import Vel2Error
from vel2lib.qemu import SVE_CPU
from vel2lib.run import Result, execute

pytestmark = pytest.mark.xdist_group("linux")
MODES = {
    "vhe": "kvm [1]: VHE mode initialized successfully",
    "nvhe": "kvm [1]: Hyp mode initialized",
}
#: Seconds that a run may take.
LIMITS = {"nv2": 60.0, "nv": 240.0}


@functools.lru_cache(maxsize=None)
def target(mode: str) -> Target:
    """The payload, fetched and built once."""
    try:
        return resolve(RunConfig(l1="linux", l1_mode=mode))
    except Vel2Error as error:
        pytest.fail(str(error))


def run(mode: str, **more: str) -> Result:
    """Boot Linux."""
    config = RunConfig(l1="linux", l1_mode=mode)
    for key, value in more.items():
        setattr(config, key, value)
    config.timeout = LIMITS[config.mech]
    chosen = target(mode)
    config.mem, config.icount, config.witness, config.trace = chosen.mem, False, False, 10
    return execute(config, chosen)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "host, mech, mode",
    [
        ("vhe", "nv2", "vhe"),
        ("vhe", "nv2", "nvhe"),
        ("vhe", "nv2", "any"),
        ("vhe", "nv", "vhe"),
        ("nvhe", "nv2", "vhe"),
    ],
)
def test_l1_and_l2_run_to_their_ends(l0: Path, host: str, mech: str, mode: str) -> None:
    """L1's KVM comes up in its mode, its L2 reaches user space and both power off, in time."""
    result = run(mode, host=host, mech=mech)
    assert result.status == 0, explain(result)
    assert any(s.startswith(MODES.get(mode, MODES["vhe"])) for s in result.lines()), explain(result)
    assert [p.name for p in result.phases] == ["l1-userspace", "l2-userspace", "end"]
    traps = [p.traps for p in result.phases]
    assert None not in traps and traps == sorted(t or 0 for t in traps), traps


def bench_rows(vel2: Command, out: Path, *args: str) -> dict[tuple[str, str], dict[str, Any]]:
    """`bench --json` with these arguments: the rows by operation and level."""
    done = vel2("bench", "--no-build", "--no-wall", "--json", str(out), *args)
    assert done.returncode == 0, done.stderr
    return {(r["op"], r["level"]): r for r in json.loads(out.read_text())["rows"]}


@pytest.mark.timeout(300)
def test_what_its_l2_costs(vel2: Command, l0: Path, tmp_path: Path) -> None:
    """Traps as the architecture forces them, and the budget of instructions."""
    rows = bench_rows(vel2, tmp_path / "rows.json", "--l1", "linux")
    for op, traps in (("hypercall", 2), ("mmio_kernel", 3), ("veoi", 0)):
        assert rows[op, "nested"]["traps"]["median"] == traps, rows[op, "nested"]
    assert rows["hypercall", "nested"]["l0_instructions"]["median"] <= 2000
    boot = rows["boot", "vm"]
    assert boot["traps"]["max"] <= 2500, boot
    assert boot["l0_instructions"]["max"] <= 3_000_000, boot


@pytest.mark.long
@pytest.mark.timeout(600)
def test_how_long_it_takes(vel2: Command, l0: Path) -> None:
    """By the clock: L1's user space within 1.5 times, its L2's within twice, of what QEMU's own EL2 takes."""
    done = vel2("bench", "--no-build", "--l1", "linux", timeout=500)
    assert done.returncode == 0, done.stderr
    for phase, limit in (("l1-userspace", 1.5), ("l2-userspace", 2.0)):
        row = re.search(rf"^{phase} +([\d.]+) +([\d.]+) +([\d.]+)$", done.stdout, re.M)
        assert row, done.stdout
        assert float(row[3]) <= limit, row[0]


@pytest.mark.long
@pytest.mark.timeout(300)
def test_figures_repeat_to_the_byte(vel2: Command, l0: Path, tmp_path: Path) -> None:
    """A whole Linux, its L2 and its boot twice under icount: neither the time of day nor chance is in it."""
    files = [tmp_path / name for name in ("a.json", "b.json")]
    for path in files:
        bench_rows(vel2, path, "--l1", "linux")
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode, traps", [("vhe", 7), ("nvhe", 40)])
def test_what_an_ipi_of_its_l2_costs(
    vel2: Command, l0: Path, tmp_path: Path, mode: str, traps: int
) -> None:
    """Both sides together: what the two hypervisors' switches force."""
    args = ("--l1", "linux", "--smp", "2", "--l1-mode", mode)
    rows = bench_rows(vel2, tmp_path / "rows.json", *args)
    assert rows["ipi", "nested"]["traps"]["median"] <= traps, rows["ipi", "nested"]


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode, traps, instructions", [("vhe", 3, 2000), ("nvhe", 18, 6000)])
def test_what_the_l2_of_a_newer_linux_costs(
    vel2: Command, l0: Path, tmp_path: Path, mode: str, traps: int, instructions: int
) -> None:
    """Of the 7.2 kernel, that KVM as L0 needs 8 and 22.6 traps for: what that L1 forces, no more."""
    rows = bench_rows(vel2, tmp_path / "rows.json", "--l1", "linux-sid", "--l1-mode", mode)
    hypercall = rows["hypercall", "nested"]
    assert hypercall["traps"]["median"] <= traps, hypercall
    assert hypercall["l0_instructions"]["median"] <= instructions, hypercall


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("smp, vcpus", [(1, 1), (2, 1), (2, 2)])
def test_two_side_by_side(l0: Path, smp: int, vcpus: int) -> None:
    """Two Linux hosts, each with its own L2, on a CPU, on one each, and with two each that share them: both end well."""
    config = RunConfig(l1="linux", beside=("linux",), smp=smp, vcpus=vcpus)
    config.icount, config.witness, config.timeout, config.trace = False, False, 240, 10
    chosen = resolve(config)
    config.mem = chosen.mem
    result = execute(config, chosen)
    assert result.status == 0, explain(result)
    for one in (result, *result.others):
        assert [p.name for p in one.phases] == ["l1-userspace", "l2-userspace", "end"], one.lines()
        assert one.end == "system_off"
        assert one.lines()[-2].endswith("reboot: Power down"), one.lines()[-9:]


@pytest.mark.long
@pytest.mark.timeout(300)
def test_with_sve(l0: Path) -> None:
    """Linux finds SVE at (virtual) EL2 and hands it to its L2, each at the first use."""
    config = RunConfig(l1="linux-6.12", cpu=SVE_CPU, l1_features="+sve", icount=False, timeout=200)
    chosen = resolve(config)
    config.mem = chosen.mem
    result = execute(config, chosen)
    assert result.status == 0, explain(result)
    exits = result.counters[0]["exits"]
    assert exits["L1"]["sve"]["handled"] and exits["L2"]["sve"]["forwarded"], exits
