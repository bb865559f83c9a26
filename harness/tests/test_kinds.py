# SPDX-License-Identifier: GPL-2.0-only
"""Hypervisors that others made, as they ship them: at vEL2 each gives the verdicts that it gives on real EL2.

A cell that takes longer than half a minute, or is one of many alike, is marked long (make test-long).
"""

from __future__ import annotations

import functools
import itertools
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import Note, commit
from test_guests import explain
from vel2lib.config import MECHS, RunConfig, Target, resolve
from vel2lib.errors import Vel2Error
from vel2lib.matrix import Cell
from vel2lib.run import Result, execute

#: What a console says about how it went: our own lines (without times), and the hypervisor's.
_VERDICT = re.compile(
    r"vel2: .*|kvm \[1\]: .* initialized successfully|op \w+ \w+ ok|L2 end|ALL PASS|\(XEN\) (Brought up|Hardware Dom0|Loading d).*"
    r"|U-Boot 20.*|Flash: .*|Saving Environment .*|vel2=.*"
    r"|UEFI .*|BdsDxe: .*|.* - vel2 - [0-9]* Bytes|6B 65 .*"
)
_CHANGES = re.compile(r", up [0-9.]+ s| [@to]+ (0x)?[0-9a-f]{16}.*")
_LIMIT = 240.0


@functools.lru_cache(maxsize=None)
def target(l1: str, mode: str, append: str) -> Target:
    """The payload, fetched and built once."""
    try:
        return resolve(RunConfig(l1=l1, l1_mode=mode, l1_append=append))
    except Vel2Error as error:
        pytest.fail(str(error))


def run(l1: str, mode: str, smp: int, **more: Any) -> Result:
    """Boot it with as many CPUs for its guest."""
    config = RunConfig(l1=l1, l1_mode=mode, smp=smp, **more)
    chosen = target(l1, config.l1_mode, config.l1_append)
    config.timeout, config.mem, config.trace = _LIMIT, chosen.mem, 10
    config.icount = config.witness = config.markers = False
    if l1.startswith("linux"):
        words = chosen.append + f" vel2.vmm_append=-smp+{smp}"
        chosen = replace(chosen, append=words)
    return execute(config, chosen)


def verdicts(result: Result) -> list[str]:
    """The lines of its console that must be equal."""
    found = (s[m.start() :] for s in result.lines() if (m := _VERDICT.search(s)))
    lines = [_CHANGES.sub("", s) for s in found]
    # Several domains at once: their order is chance.
    return sorted(lines) if result.config.l1 == "xen-dom0less" else lines


@functools.lru_cache(maxsize=None)
def native(l1: str, mode: str, smp: int, append: str = "") -> Result:
    """The run on QEMU's own EL2."""
    result = run(l1, mode, smp, native=True, l1_append=append)
    assert result.status == 0, explain(result)
    return result


def cells() -> list[Any]:
    """L1 x mode x CPUs x mechanism; those of each L1 in one group, for its native runs."""
    kinds = itertools.product(
        ("linux", "linux-6.12"), ("vhe", "nvhe", "protected"), (1, 2), ("nv2",)
    )
    xens = itertools.product(("xen", "xen-dom0less"), ("any",), (1, 2), MECHS)
    sid = itertools.product(("linux-sid-16k",), ("vhe", "nvhe"), (1, 2), ("nv2",))
    firmware = [("u-boot", "vhe"), ("u-boot", "nvhe"), ("edk2", "any"), ("edk2", "nvhe")]
    firmwares = ((l1, mode, smp, "nv2") for (l1, mode), smp in itertools.product(firmware, (1, 2)))
    quick = {("linux-6.12", "vhe", 1, "nv2"), ("xen", "any", 1, "nv2")}
    return [
        pytest.param(
            *cell,
            id=f"{cell[0]}-{cell[1]}-{cell[2]}cpu-{cell[3]}",
            marks=[
                pytest.mark.xdist_group(cell[0]),
                *([] if cell in quick else [pytest.mark.long]),
            ],
        )
        for cell in (*kinds, *sid, *xens, *firmwares)
    ]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("l1, mode, smp, mech", cells())
def test_same_verdicts(l0: Path, note: Note, l1: str, mode: str, smp: int, mech: str) -> None:
    """Its guests run to their ends and it says what it says natively."""
    note(cell := Cell(l1, mode, smp, "vhe", mech))
    on_el2 = native(l1, mode, smp)
    result = run(l1, mode, smp, host="vhe", mech=mech)
    note(cell.measured(on_el2, result, commit()))
    assert result.status == 0, explain(result)
    assert verdicts(result) == verdicts(on_el2), explain(result)
    assert any(f" {smp} CPUs" in s for s in verdicts(on_el2)), verdicts(on_el2)
    if l1 == "edk2":
        now = time.time()
        days = {time.strftime("%m/%d/%Y", time.gmtime(at)) for at in (now - _LIMIT, now)}
        assert days & set(result.lines()), explain(result)


@pytest.mark.long
@pytest.mark.xdist_group("linux-sid")
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "host, smp, l2", [("vhe", 1, "bundled"), ("nvhe", 1, "bundled"), ("vhe", 2, "linux")]
)
def test_l2_at_a_virtual_el2(l0: Path, note: Note, host: str, smp: int, l2: str) -> None:
    """KVM gives its guest a virtual EL2 of its own: the bundled guest with an L3, or Linux with KVM."""
    append = f"vel2.l2={l2}"
    note(cell := Cell("linux-sid", "nested", smp, host, "nv2", l2))
    on_el2 = native("linux-sid", "nested", smp, append)
    result = run("linux-sid", "nested", smp, host=host, l1_append=append)
    note(cell.measured(on_el2, result, commit()))
    expected = verdicts(on_el2)
    assert result.status == 0, explain(result)
    assert verdicts(result) == expected, explain(result)
    at_el2 = {"bundled": "op hypercall nested ok", "linux": "vel2: l2 kvm [1]:"}
    assert any(s.startswith(at_el2[l2]) for s in expected), expected
    assert "kvm [1]: VHE+NV2 mode initialized successfully" in expected, expected
