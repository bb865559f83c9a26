# SPDX-License-Identifier: GPL-2.0-only
"""A second count of L0's instructions, and one of its register accesses: by a plugin of QEMU's (harness/plugin), which
knows neither vel2 nor Linux and counts both alike.

Its regions begin and end with the guest's markers and hold what those lead to; an empty region is exactly that, and is
subtracted. Of a CPU that is not the one of the empty regions a marker may cost L0 a few instructions less or more, so that
with several CPUs regions are equals of L0's to within those.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .debian import ROOT
from .errors import Vel2Error
from .qemu import quote
from .records import Record, integer, optional_integer
from .regions import RegionName

PLUGIN = ROOT / "build/count.so"


@dataclass(frozen=True)
class Counted:
    """A region, or (region None) all that one CPU has executed."""

    region: int | None
    ops: int
    l0: int  # instructions of L0: at EL2, and of its own host below
    host: int  # those of the host below EL2, which l0 has too
    accesses: int  # of l0, those that read or write a system register
    guest: int  # instructions of everybody else
    traps: int  # exceptions to EL2 of guests
    own_traps: int  # and of L0's own host below EL2
    cpu: int = 0


def arguments(out: Path) -> list[str]:
    """QEMU's arguments. Vel2Error when the plugin was not built."""
    if not PLUGIN.exists():
        raise Vel2Error(f"--count: {PLUGIN.relative_to(ROOT)} was not built: make plugin")
    return ["-plugin", f"{quote(str(PLUGIN))},out={quote(str(out))}"]


def _counted(record: dict[str, Any]) -> Counted:
    l0 = ("el2", "host")
    return Counted(
        record.get("region"),
        record.get("ops", 0),
        sum(record[who] for who in l0),
        record["host"],
        sum(record[f"{who}_{how}"] for who in l0 for how in ("reads", "writes")),
        record["guest"],
        record["traps"],
        record["own_traps"],
        record["cpu"],
    )


def read(path: Path) -> tuple[list[Counted], list[Counted]]:
    """The regions in the order in which they ended, and the CPUs' totals. Vel2Error when it did not count."""
    try:
        records = [json.loads(line) for line in path.read_text().splitlines()]
    except (OSError, ValueError) as error:
        raise Vel2Error(f"QEMU's plugin counted nothing: {error}") from error
    regions = [_counted(r) for r in records if r["t"] == "region"]
    return regions, [_counted(r) for r in records if r["t"] == "end"]


def empty(regions: Iterable[Counted], names: dict[int, RegionName], what: str) -> dict[str, float]:
    """What a pair of markers costs of `what` (a field of Counted), by level: the median of the empty regions."""
    found: dict[str, list[int]] = {}
    for one in regions:
        name = names.get(one.region if one.region is not None else -1)
        if name is not None and name.op == "empty":
            found.setdefault(name.level, []).append(getattr(one, what))
    return {level: statistics.median(values) for level, values in found.items()}


def net(regions: list[Counted], names: dict[int, RegionName], what: str) -> dict[int, list[float]]:
    """`what` of each sample by region, less what markers cost; for operations, which empty regions are not."""
    markers = empty(regions, names, what)
    made: dict[int, list[float]] = {}
    for one in regions:
        name = names.get(one.region if one.region is not None else -1)
        if one.region is not None and name is not None and name.op != "empty" and one.ops:
            cost = max(0.0, getattr(one, what) - markers.get(name.level, 0))
            made.setdefault(one.region, []).append(cost / one.ops)
    return made


def compare(
    samples: list[Record], regions: list[Counted], names: dict[int, RegionName]
) -> list[str]:
    """Where L0's own count of its instructions and the plugin's differ, sample by sample, markers subtracted on
    both sides. Empty when they agree."""
    if [integer(s, "region") for s in samples] != [r.region for r in regions]:
        return [f"L0 has {len(samples)} samples, QEMU's plugin {len(regions)} regions, or others"]
    cost: dict[str, tuple[int, int]] = {}
    wrong = []
    for index, (sample, region) in enumerate(zip(samples, regions)):
        name, mine = names.get(integer(sample, "region")), optional_integer(
            sample, "l0_instructions"
        )
        if name is None or mine is None:
            continue
        if name.op == "empty" and name.level not in cost:
            cost[name.level] = mine, region.l0
        if name.level in cost:
            own, counted = (a - b for a, b in zip((mine, region.l0), cost[name.level]))
            if own != counted:
                wrong.append(
                    f"sample {index} ({name.op}, {name.level}): L0 counted {own} instructions, "
                    f"QEMU's plugin {counted}"
                )
    return wrong
