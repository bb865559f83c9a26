# SPDX-License-Identifier: GPL-2.0-only
"""L0's records: one JSON object a line on the second serial port (hyp/include/abi.h has the list).

The reader takes bytes in any pieces and never fails: what is no record (firmware noise, a line cut
by a crash) is kept aside as garbage, so that it can be shown when nothing else explains a failure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]

#: Longest line that can be a record; longer ones are garbage (L0's own lines stay below 4 KiB).
MAX_LINE = 1 << 16
#: Garbage kept for the user, in lines.
MAX_GARBAGE = 100


def parse_line(line: bytes) -> Record | None:
    """One line as a record, None when it is none.

    A line may carry noise before the object: L0 may have been cut in the middle of a line by its
    own panic, which then starts on the same line.
    """
    text = line.decode("utf-8", "replace").strip()
    start = text.find('{"t":')
    while start >= 0:
        try:
            value = json.loads(text[start:])
        except (ValueError, RecursionError):
            start = text.find('{"t":', start + 1)
            continue
        if isinstance(value, dict) and isinstance(value.get("t"), str):
            return value
        return None
    return None


@dataclass
class RecordReader:
    """Cuts a byte stream into records."""

    garbage: list[str] = field(default_factory=list)
    _tail: bytes = b""

    def feed(self, data: bytes) -> list[Record]:
        """The records that `data` completes, in order."""
        *lines, self._tail = (self._tail + data).split(b"\n")
        if len(self._tail) > MAX_LINE:
            lines.append(self._tail)
            self._tail = b""
        return [r for r in map(self._one, lines) if r is not None]

    def finish(self) -> list[Record]:
        """The record of a last line without its newline, if there is one."""
        tail, self._tail = self._tail, b""
        return [r for r in [self._one(tail)] if r is not None]

    def _one(self, line: bytes) -> Record | None:
        record = parse_line(line)
        if record is None and line.strip() and len(self.garbage) < MAX_GARBAGE:
            self.garbage.append(line.decode("utf-8", "replace").strip())
        return record


def integer(record: Record, key: str) -> int:
    """An integer of a record; 0 when it is absent, null or no number."""
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return 0
    try:
        return int(value, 0) if isinstance(value, str) else value
    except ValueError:
        return 0


def optional_integer(record: Record, key: str) -> int | None:
    """An integer of a record, None when it is absent or null."""
    value = record.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
