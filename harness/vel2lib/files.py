# SPDX-License-Identifier: GPL-2.0-only
"""Files that are there whole or not at all, whatever ends the process, and however many write the same one."""

from __future__ import annotations

import uuid
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a file by rename; its directory is made. OSError leaves `path` as it was, and nothing beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")  # nobody else's
    try:
        scratch.write_text(text)
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
