# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 sweep`: every run once, whatever dies meanwhile, the same here and on a Dask cluster."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import HARNESS, Command
from vel2lib import sweep
from vel2lib.debian import ROOT

pytestmark = [pytest.mark.usefixtures("l0"), pytest.mark.xdist_group("sweep")]
Fake = Callable[[str], Path]
SEEDS = 4
PYTHON = "/usr/bin/python3"


@pytest.fixture
def plan(fake_qemu: Fake, tmp_path: Path) -> Path:
    """A sweep of eight slow runs of a QEMU that only speaks."""
    path = tmp_path / "plan.toml"
    qemu = fake_qemu("slow")
    path.write_text(
        'command = "run"\n[matrix]\nmech = ["nv2", "nv"]\nop = ["hypercall"]\n'
        f'seed = {list(range(SEEDS))}\n[options]\nl1 = "bundled"\nqemu = "{qemu}"\ntimeout = 30\n'
    )
    return path


def test_an_experiment_takes_ten_lines() -> None:
    """The one of README.md, with every key that a sweep has: two mechanisms, hosts, seeds and ablations."""
    text = (ROOT / "README.md").read_text()
    found = re.search(r'^    command = "bench".*?(?=\n\n)', text, re.M | re.S)
    assert found
    lines = [line.removeprefix("    ") for line in found[0].splitlines()]
    assert len(lines) <= 10
    path = Path("experiment.toml")
    jobs = sweep.expand({**tomllib.loads("\n".join(lines)), "name": path.stem})
    assert len(jobs) == 16


def command(plan: Path, base: Path, *args: str) -> list[str]:
    """The command line of a sweep."""
    return [str(HARNESS / "vel2"), "sweep", str(plan), "--no-build", "--db", str(base), *args]


def start(*args: str) -> "subprocess.Popen[str]":
    """A sweep under way."""
    return subprocess.Popen(
        args, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def stored(base: Path) -> dict[str, tuple[int, str, Any]]:
    """Job -> (run, when it started, its figures)."""
    connection = sqlite3.connect(base)
    try:
        rows = connection.execute("SELECT job, id, started, record, outcome FROM runs").fetchall()
        measured = connection.execute("SELECT run, op, traps_median FROM rows").fetchall()
    finally:
        connection.close()
    assert len({job for job, *_ in rows}) == len(rows)
    found = {}
    for job, run, started, text, outcome in rows:
        record = {k: v for k, v in json.loads(text).items() if k != "wall_seconds"}
        figures = [row[1:] for row in measured if row[0] == run]
        found[job] = (run, started, (outcome, record, figures))
    return found


def figures(base: Path) -> dict[str, Any]:
    """Job -> its figures."""
    return {job: one[2] for job, one in stored(base).items()}


def running_jobs(parent: int) -> list[int]:
    """Processes that measure for a process."""
    children = Path(f"/proc/{parent}/task").glob("*/children")
    found = [int(pid) for path in children for pid in path.read_text().split()]
    return [p for p in found if b"--job" in Path(f"/proc/{p}/cmdline").read_bytes()]


def wait_for(what: Callable[[], Any], seconds: float = 40) -> Any:
    """The first true value of `what`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = what()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} came to nothing")


def count(base: Path) -> int:
    """Runs in a database that may not be there yet."""
    try:
        return len(stored(base))
    except sqlite3.Error:
        return 0


def test_a_killed_process_is_replaced(plan: Path, tmp_path: Path) -> None:
    """Two at once, one of which is killed under its job."""
    base = tmp_path / "results.db"
    sweep = start(*command(plan, base, "--jobs", "2"))
    wait_for(lambda: count(base) >= 1)
    victim = wait_for(lambda: running_jobs(sweep.pid))[0]
    os.kill(victim, signal.SIGKILL)
    out, said = sweep.communicate(timeout=90)
    assert sweep.returncode == 0, said
    found = figures(base)
    assert len(found) == 2 * SEEDS
    assert all(outcome == "ok" for outcome, *_ in found.values())
    assert all(rows == [("hypercall", 1.0)] for *_, rows in found.values())
    assert "8 measured, 0 failed" in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_resumes(plan: Path, vel2: Command, tmp_path: Path, number: signal.Signals) -> None:
    """After an interruption, what was finished is not done again, and the rest is."""
    base = tmp_path / "results.db"
    sweep = start(*command(plan, base, "--jobs", "2"))
    wait_for(lambda: count(base) >= 2)
    children = running_jobs(sweep.pid)
    sweep.send_signal(number)
    sweep.communicate(timeout=30)
    assert sweep.returncode != 0
    wait_for(lambda: not any(Path(f"/proc/{p}/cmdline").exists() for p in children))
    before = stored(base)
    assert 2 <= len(before) < 2 * SEEDS
    done = vel2(*command(plan, base)[1:])
    assert done.returncode == 0, done.stderr
    assert f"8 runs, {len(before)} of them finished before" in done.stdout
    after = stored(base)
    assert len(after) == 2 * SEEDS
    assert {job: one[:2] for job, one in after.items() if job in before} == {
        job: one[:2] for job, one in before.items()
    }
    again = vel2(*command(plan, base)[1:])
    assert "8 runs, 8 of them finished before" in again.stdout and stored(base) == after


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list["subprocess.Popen[bytes]"]]]:
    """A Dask scheduler and two workers: its address, and their processes."""
    contact = tmp_path / "scheduler.json"
    env = {**os.environ, "PYTHONPATH": str(HARNESS)}
    common = {"env": env, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

    def process(*args: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([PYTHON, "-m", *args], cwd=tmp_path, **common)  # type: ignore

    file = ["--scheduler-file", str(contact)]
    processes = [
        process("distributed.cli.dask_scheduler", *file, "--port", "0", "--no-dashboard"),
    ]
    for _ in range(2):
        more = ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
        processes.append(process("distributed.cli.dask_worker", *file, *more))
    try:
        address = wait_for(lambda: contact.exists() and contact.read_text())
        yield str(json.loads(address)["address"]), processes[1:]
    finally:
        for one in processes:
            one.kill()
            one.wait()


def test_dask(plan: Path, vel2: Command, tmp_path: Path, cluster: Any) -> None:
    """Two workers, one of which is killed midway: the same results as on this machine alone."""
    address, workers = cluster
    base, alone = tmp_path / "dask.db", tmp_path / "local.db"
    sweep = start(*command(plan, base, "--scheduler", address))
    wait_for(lambda: count(base) >= 1 and running_jobs(workers[0].pid))
    workers[0].kill()
    out, said = sweep.communicate(timeout=120)
    assert sweep.returncode == 0, said
    done = vel2(*command(plan, alone, "--jobs", "2")[1:])
    assert done.returncode == 0, done.stderr
    assert len(figures(base)) == 2 * SEEDS and figures(base) == figures(alone)


def test_database_spoilt_on_the_way(plan: Path, vel2: Command, tmp_path: Path) -> None:
    """What was measured afterwards waits beside it, and is not measured again."""
    base = tmp_path / "results.db"
    sweep = start(*command(plan, base, "--jobs", "2"))
    wait_for(lambda: count(base) >= 1)
    base.rename(tmp_path / "good.db")
    base.write_bytes(b"no database" * 1000)
    _, said = sweep.communicate(timeout=90)
    assert sweep.returncode == 1 and said.count("vel2: ") == 1, said
    assert "move it away" in said and "kept in" in said
    for file in tmp_path.glob("results.db*"):
        if file.is_file():
            file.unlink()
    kept = len(list(tmp_path.glob("results.db.unsaved/run-*.json")))
    assert kept >= 1
    done = vel2(*command(plan, base)[1:])
    assert f"8 runs, {kept} of them finished before" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0 and len(figures(base)) == 2 * SEEDS


def test_of_a_guest(vel2: Command, tmp_path: Path) -> None:
    """Through QEMU, both mechanisms."""
    plan, base = tmp_path / "hello.toml", tmp_path / "results.db"
    plan.write_text('command = "run"\n[matrix]\nmech = ["nv2", "nv"]\n[options]\nl1 = "hello"\n')
    done = vel2(*command(plan, base, "--jobs", "1")[1:])
    assert done.returncode == 0, done.stderr
    assert re.search(r"\[2/2\] mech nv2?: ok", done.stderr)
    listed = vel2("results", "list", "--sweep", "hello", "--db", str(base))
    assert listed.stdout.startswith("2 runs")


@pytest.mark.parametrize(
    "text, words",
    [
        ("[matrix]\nmechanism = ['nv']", "'mechanism' is no option of a run"),
        ("[matrix]\nsmp = ['two']", "'smp' cannot be 'two'"),
        ("[matrix]\nmech = []", "matrix.mech is empty"),
        ("[options]\nsmp = 99\nl1 = 'hello'", "--smp 99"),
        ("command = 'test'", "bench or run"),
        ("matrices = 3", "'matrices' is not one of"),
        ("[matrix", "Expected"),
    ],
)
def test_refusals(vel2: Command, tmp_path: Path, text: str, words: str) -> None:
    """One line that names the file and what is wrong in it."""
    plan = tmp_path / "plan.toml"
    plan.write_text(text)
    done = vel2(*command(plan, tmp_path / "results.db")[1:])
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert words in done.stderr and "plan.toml" in done.stderr


def test_unusable_database(vel2: Command, plan: Path, tmp_path: Path) -> None:
    """Without its state a sweep does not begin."""
    base = tmp_path / "results.db"
    base.write_bytes(b"no database" * 1000)
    done = vel2(*command(plan, base)[1:])
    assert done.returncode == 1 and "not a database" in done.stderr
