# SPDX-License-Identifier: GPL-2.0-only
"""One job of a sweep, measured in a process of its own: here, or where a Dask worker runs.

A job and what comes of it are plain JSON values. `run_child` is the only way in which a job is run; the
process dies with the one that started it, and takes its QEMU along.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from . import bench, plugin, results, store
from . import config as configuration
from .config import RunConfig, Target
from .debian import ROOT
from .errors import EXIT_FAILED, EXIT_OK, Vel2Error
from .run import execute

Job = dict[str, Any]
#: Seconds for everything about a job besides its own timeout, e.g. unpacking a Linux.
SPARE_SECONDS = 900
_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class WorkerDied(Exception):
    """The process that measured was killed: the job is to be done again."""


def pack(config: RunConfig) -> dict[str, Any]:
    """A configuration as JSON values."""
    plain = {k: v for k, v in asdict(config).items() if v is not None}
    return {k: str(v) if isinstance(v, Path) else v for k, v in plain.items()}


def unpack(values: dict[str, Any]) -> RunConfig:
    """The configuration that pack() made, or a sweep file describes. Vel2Error names what is wrong."""
    known = {one.name: str(one.type) for one in fields(RunConfig)}
    made: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            raise Vel2Error(f"'{key}' is no option of a run ({', '.join(known)})")
        kind = known[key]
        wanted: tuple[type, ...] = (str,)
        if "Path" in kind:
            value = Path(value) if isinstance(value, str) else None
            wanted = (Path,)
        elif "tuple" in kind:
            value = tuple(value) if isinstance(value, list) else value
            wanted = (tuple,)
        elif "bool" in kind:
            wanted = (bool,)
        elif "int" in kind or "float" in kind:
            wanted = (int, float) if "float" in kind else (int,)
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            raise Vel2Error(f"'{key}' cannot be {value!r}")
        made[key] = value
    return RunConfig(**made)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def images(config: RunConfig, target: Target) -> dict[str, str]:
    """Digests of what a run boots, by role."""
    found = {} if config.native else {"L0": _digest(configuration.l0_bin(config))}
    if config.count:
        found["plugin"] = _digest(plugin.PLUGIN)
    for role, path in (("kernel", target.kernel), ("initrd", target.initrd)):
        if path is not None:
            found[role] = _digest(path)
    for index, module in enumerate(target.modules):
        found[f"module {index}"] = _digest(module.path)
    return found


def measure(job: Job) -> dict[str, Any]:
    """Run a job in this process; the Entry as JSON values. Vel2Error when it cannot be started."""
    config = unpack(job["config"])
    configuration.check(config)
    target = configuration.resolve(config)
    if images(config, target) != job["images"]:
        raise Vel2Error("what was built here is not what the sweep is about: make the same commit")
    where = store.provenance(config.qemu)
    result = execute(config, target)
    rows = results.bench_rows(result)
    if job["op"]:
        lost = [op for op in job["op"] if op not in {row["op"] for row in rows}]
        if lost:
            result.fail(f"not measured: {', '.join(lost)}", EXIT_FAILED)
        rows = [row for row in rows if row["op"] in job["op"]]
    made = store.entry(result, job["command"], where, rows)
    made.sweep, made.job = job["sweep"], job["key"]
    return asdict(made)


def command_job() -> int:
    """A job on stdin, its Entry on stdout."""
    value = measure(json.load(sys.stdin))
    json.dump(value, sys.stdout)
    return EXIT_OK


def _child() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


#: Processes of run_child() in this process, and what guards them.
_running: set["subprocess.Popen[str]"] = set()
_lock = threading.Lock()


def kill_all() -> None:
    """End the jobs that this process has started."""
    with _lock:
        for child in _running:
            child.kill()


def run_child(job: Job) -> dict[str, Any]:
    """measure() in a process of its own. WorkerDied when that was killed, Vel2Error when it refused."""
    seconds = (job["config"].get("timeout") or 0) + SPARE_SECONDS
    child = subprocess.Popen(
        [str(ROOT / "harness/vel2"), "sweep", "--job"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_child,
        start_new_session=True,
    )
    with _lock:
        _running.add(child)
    try:
        out, said = child.communicate(json.dumps(job), timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise Vel2Error(f"the job did not end within {seconds:g} s") from error
    finally:
        child.kill()
        child.wait()
        with _lock:
            _running.discard(child)
    if child.returncode < 0:
        raise WorkerDied(f"killed by signal {-child.returncode}")
    if child.returncode:
        lines = said.strip().splitlines() or ["it said nothing"]
        raise Vel2Error(lines[-1].removeprefix("vel2: "))
    value: dict[str, Any] = json.loads(out.splitlines()[-1])  # setup may have spoken before
    return value


def plan(config: RunConfig, command: str) -> RunConfig:
    """The configuration with what `bench` adds to it."""
    return bench.combinations(config, False)[0] if command == "bench" else config
