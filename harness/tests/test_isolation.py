# SPDX-License-Identifier: GPL-2.0-only
"""Several L1s at once: each as if it were alone, whatever the others do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from test_guests import GUESTS, cpu_for, explain, native
from vel2lib.cli import main
from vel2lib.config import RunConfig, resolve
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
    assert result.status == 0, explain(result)
    for name, one in zip(names, (result, *result.others)):
        expected = native(name, mode, one.config.cpu)
        assert tuple(s for s in one.lines() if s) == tuple(s for s in expected if s)
        assert one.end == "system_off" and one.counters
