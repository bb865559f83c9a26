# SPDX-License-Identifier: GPL-2.0-only
"""What the regions that guests mark stand for: the rows of guest-tests/include/regions.def."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .debian import ROOT

REGIONS_DEF = ROOT / "guest-tests/include/regions.def"
_ROW = re.compile(r"^(REGION|PEER)\((\d+),\s*(\w+),\s*(\w+)\)", re.M)


@dataclass(frozen=True)
class RegionName:
    """What a region id of the bundled guests stands for: operation, and whose (vm or nested).

    peer: it is the other CPU's side of the operation of that name.
    """

    op: str
    level: str
    peer: bool = False


def region_names(path: Path = REGIONS_DEF) -> dict[int, RegionName]:
    """The rows of regions.def by id."""
    rows = _ROW.findall(path.read_text()) if path.exists() else []
    return {int(number): RegionName(op, level, how == "PEER") for how, number, op, level in rows}
