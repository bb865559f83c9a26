# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 compare kvm`: what is subtracted, what is refused; and, long, the comparison itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import Command
from vel2lib import compare
from vel2lib.debian import ROOT
from vel2lib.errors import Vel2Error
from vel2lib.witness import Region

#: Two empty regions of L2 and two hypercalls; an empty region of L1 and a hypercall.
ORDER = [0, 2, 1, 1, 3, 3]


def regions(*traps: int) -> list[Region]:
    """Regions with so many traps."""
    return [Region(0, n) for n in traps]


def test_markers_are_subtracted_by_level() -> None:
    """What L1 does with a marker that L0 does not take is in every region of that level."""
    rows = compare.operations(ORDER, regions(0, 1, 0, 0, 2, 2), regions(1, 3, 8, 8, 16, 16))
    assert [(r.op, r.level, r.vel2, r.kvm) for r in rows] == [
        ("hypercall", "vm", 1, 2),
        ("hypercall", "nested", 2, 8),
    ]


def test_another_number_of_regions_is_refused() -> None:
    """Then nobody knows which is which."""
    with pytest.raises(Vel2Error, match="5 marked regions"):
        compare.by_region(ORDER, regions(1, 2, 3, 4, 5))


def test_the_arguments_are_those_that_the_payload_gives() -> None:
    """Both L1s do the same operations only if they are told the same."""
    init = (ROOT / "harness/payload/l1-init").read_text()
    assert f"append='{compare.L1_APPEND}'" in init


@pytest.mark.long
def test_kvm(vel2: Command, tmp_path: Path) -> None:
    """vel2 needs no more exceptions than KVM for anything that L2 does."""
    out = tmp_path / "compare.json"
    done = vel2("compare", "kvm", "--json", str(out), timeout=900)
    assert done.returncode == 0, done.stderr
    rows = {(r["op"], r["level"]): r for r in json.loads(out.read_text())["rows"]}
    assert rows["hypercall", "nested"]["vel2"] == 2
    for row in rows.values():
        if row["level"] == "nested":
            assert row["vel2"] <= row["kvm"], row
