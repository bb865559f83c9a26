# SPDX-License-Identifier: GPL-2.0-only
"""Parquet on a Debian that cannot write it: pandas needs pyarrow or fastparquet for it, which Debian has in sid alone.

A Python of sid's with its pandas and pyarrow is fetched below the build directory, 120 MB once, and runs from there with its
own libraries; nothing is installed. It gets the table as JSON, with the types of its columns.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from .errors import PayloadError
from .linux import fetch, payload_dir

SUITE, ARCH = "sid", "amd64"
PACKAGES = ["python3-pandas", "python3-pyarrow"]
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_WRITE = """
import io, sys, pandas
table = pandas.read_json(io.TextIOWrapper(sys.stdin.buffer, "utf-8"), orient="table")
table.to_parquet(sys.argv[1], index=False, engine="pyarrow")
"""

Progress = Callable[[str], None]
Python = tuple[list[str], dict[str, str]]  #: command and environment


def python(build_dir: Path, progress: Progress) -> Python:
    """A Python that has pyarrow. Raises PayloadError when it cannot be fetched."""
    with payload_dir(build_dir, progress) as base:
        root = base / "parquet"
        fetch(base, progress, False, root.name, PACKAGES, False, SUITE, ARCH)
        found = sorted(root.glob("usr/bin/python3.*[0-9]"))
        if len(found) != 1:
            raise PayloadError(f"{SUITE} has {len(found)} versions of Python, not one")
    # What Debian's alternatives would choose.
    libraries = [root / _LIBRARIES / name for name in ("", "blas", "lapack")]
    path = ":".join(map(str, libraries))
    loader = root / "usr/lib64/ld-linux-x86-64.so.2"
    env = os.environ | {"PYTHONHOME": str(root / "usr"), "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("PYTHONPATH", None)
    return [str(loader), "--library-path", path, str(found[0])], env


def write(python_of: Python, table: str, out: Path) -> None:
    """Write `table` (JSON as pandas' orient="table") as Parquet by what python() gave. Raises PayloadError."""
    command, env = python_of
    done = subprocess.run(
        [*command, "-c", _WRITE, str(out)],
        input=table.encode(),
        capture_output=True,
        env=env,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise PayloadError(lines[-1])
