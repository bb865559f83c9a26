# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 trace`: what a viewer of trace events needs, and that the slices tell what ran."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import Command
from vel2lib import tracefile
from vel2lib.config import RunConfig
from vel2lib.run import Result

Event = dict[str, Any]


def exit_record(seq: int, level: str, taken: int, returned: int) -> dict[str, Any]:
    """A record of L0's."""
    names = {"t": "trace", "vcpu": 0, "level": level, "reason": "hvc", "outcome": "forwarded"}
    where = {"esr": "0x5a000000", "pc": "0x40200010", "far": "0x0", "hpfar": "0x0"}
    return {**names, **where, "seq": seq, "taken_ns": taken, "returned_ns": returned}


def slices(found: list[Event]) -> list[tuple[str, float, float]]:
    """(name, begin, duration) of all complete events."""
    return [(e["name"], e["ts"], e["dur"]) for e in found if e["ph"] == "X"]


def test_slices() -> None:
    """L0 from an exit to its return, the guest from there to the next exit; none over a gap."""
    result = Result(RunConfig())
    result.traces = [
        exit_record(7, "L1", 1000, 2000),
        exit_record(8, "L2", 2500, 3000),
        exit_record(20, "L1", 9000, 0),
    ]
    hvc = "L0: hvc forwarded"
    found = tracefile.events(result)
    assert slices(found) == [(hvc, 1.0, 1.0), ("L2", 2.0, 0.5), (hvc, 2.5, 0.5), (hvc, 9.0, 0.0)]
    names = [(e["name"], e["args"]["name"]) for e in found if e["ph"] == "M"]
    assert names == [("process_name", "L0"), ("thread_name", "vcpu 0")]
    assert [e["args"]["esr"] for e in found if e.get("cat") == "L0"] == ["0x5a000000"] * 3


@pytest.mark.usefixtures("l0")
@pytest.mark.parametrize("host, icount", [("vhe", "--icount"), ("nvhe", "--no-icount")])
def test_of_a_run(vel2: Command, tmp_path: Path, host: str, icount: str) -> None:
    """The bundled guests: slices of a track do not overlap, every level is there."""
    out = tmp_path / "trace.json"
    done = vel2("trace", "--no-build", "--host", host, icount, "--no-witness", "-o", str(out))
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())["traceEvents"]
    tracks: dict[tuple[int, int], list[tuple[str, float, float]]] = defaultdict(list)
    for event in found:
        assert event["ph"] in ("X", "M") and {"name", "pid", "args"} <= set(event)
        if event["ph"] == "X":
            tracks[event["pid"], event["tid"]].append((event["name"], event["ts"], event["dur"]))
    assert set(tracks) == {(0, 0)}
    track = tracks[0, 0]
    assert len([1 for name, *_ in track if name.startswith("L0: ")]) == tracefile.MOST
    assert {"L1", "L2"} <= {name for name, *_ in track}
    for (_, begin, length), (_, following, _) in zip(track, track[1:]):
        assert begin > 0 and length >= 0 and begin + length <= following + 0.001


def test_refusals(vel2: Command, tmp_path: Path) -> None:
    """What has no trace."""
    done = vel2("trace", "--native", "-o", str(tmp_path / "x"))
    assert done.returncode == 1 and "without L0" in done.stderr
