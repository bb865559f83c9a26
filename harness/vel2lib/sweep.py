# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 sweep`: the cross product of a file's lists, measured once each.

What is finished is what is in results.db, under a digest of the configuration and of every image that it
boots: a sweep that was interrupted goes on where it was, and one whose code has changed begins anew.
Only this process writes the database.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import queue
import sys
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import config as configuration
from . import job as jobs
from . import setup, store
from .errors import EXIT_ERROR, EXIT_OK, Vel2Error
from .job import Job

#: How often a job is begun whose process is killed under it.
ATTEMPTS = 3
#: Seconds for a Dask scheduler to answer and to have a worker.
DASK_SECONDS = 30

#: (job, what came of it)
Done = tuple[Job, "dict[str, Any] | Exception"]
Submit = Callable[[list[Job], "queue.Queue[Done]"], None]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def read(path: Path) -> dict[str, Any]:
    """A sweep file, checked as far as it is not about single runs."""
    try:
        with path.open("rb") as stream:
            value = tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Vel2Error(f"{path}: {error}") from error
    unknown = set(value) - {"name", "command", "matrix", "options"}
    if unknown:
        raise Vel2Error(f"{path}: '{min(unknown)}' is not one of name, command, matrix, options")
    value = {"name": path.stem, "command": "bench", "matrix": {}, "options": {}} | value
    if value["command"] not in ("bench", "run"):
        raise Vel2Error(f"{path}: command is bench or run, not {value['command']!r}")
    for key, values in value["matrix"].items():
        if not _list(values):
            raise Vel2Error(f"{path}: matrix.{key} is empty")
    return value


def ablation(text: Any) -> dict[str, str]:
    """A value of the `ablation` axis, `trap=LIST no_trap=LIST` or "", as options of a run."""
    found: dict[str, str] = {}
    for word in str(text).split():
        key, equals, value = word.partition("=")
        if key not in ("trap", "no_trap") or not equals:
            raise Vel2Error(f"ablation {text!r}: trap=LIST, no_trap=LIST, both or neither")
        found[key] = value
    return found


def expand(spec: dict[str, Any]) -> list[Job]:
    """The jobs of a sweep file, without their images and keys. One run measures all operations, so `op`
    chooses rows and multiplies nothing; a seed is QEMU's."""
    axes = {key: _list(values) for key, values in spec["matrix"].items()}
    ops = axes.pop("op", [])
    made = []
    for values in itertools.product(*axes.values()):
        chosen = dict(zip(axes, values))
        seed = chosen.pop("seed", None)
        chosen |= ablation(chosen.pop("ablation", ""))
        config = jobs.unpack(spec["options"] | chosen)
        if seed is not None:
            if not isinstance(seed, int) or seed < 0:
                raise Vel2Error(f"seed {seed!r}: a number, 0 or more")
            config.qemu_args += ("-seed", str(seed))
        config = jobs.plan(config, spec["command"])
        label = ", ".join(f"{key} {value}" for key, value in dict(zip(axes, values)).items())
        packed = jobs.pack(config)
        one = {"sweep": spec["name"], "command": spec["command"], "op": ops, "config": packed}
        made.append(one | {"label": label or spec["name"]})
    return made


def identify(found: list[Job], build: bool) -> None:
    """Build what the jobs need, and give each the digests of its images and its key."""
    configs = [jobs.unpack(one["config"]) for one in found]
    for config in configs:
        configuration.check(config)
        problem = setup.qemu_problem(config.qemu)
        if problem:
            raise Vel2Error(problem)
    if build:
        configuration.build(["l0", "guests", "plugin"])
    for one, config in zip(found, configs):
        one["images"] = jobs.images(config, configuration.resolve(replace(config)))
        parts = {key: one[key] for key in ("command", "op", "config", "images")}
        text = json.dumps(parts, sort_keys=True)
        one["key"] = hashlib.sha256(text.encode()).hexdigest()[:32]


def finished(path: Path, retry: bool) -> set[str]:
    """Keys of the jobs that are in the database; with retry, of those that ended well. Vel2Error when
    the database is no use: then there would be nothing to resume from."""
    store.take_in(path)
    try:
        with store.connect(path, create=True) as base:
            query = "SELECT job FROM runs WHERE job IS NOT NULL"
            rows = base.execute(query + (" AND status = 0" if retry else "")).fetchall()
            base.execute("BEGIN IMMEDIATE")
            base.execute("ROLLBACK")
    except store.ERRORS as error:
        raise Vel2Error(f"{path}: {error}") from error
    return {row["job"] for row in rows}


def _attempts(one: Job) -> dict[str, Any]:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return jobs.run_child(one)
        except jobs.WorkerDied:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError


@contextmanager
def local(workers: int) -> Iterator[Submit]:
    """Processes of this machine, at most `workers` at once."""
    pool = ThreadPoolExecutor(workers)
    stopped = False

    def one(job: Job, done: "queue.Queue[Done]") -> None:
        try:
            if not stopped:
                done.put((job, _attempts(job)))
        except Exception as error:  # whatever it is, the sweep goes on with the other jobs
            done.put((job, error))

    def submit(found: list[Job], done: "queue.Queue[Done]") -> None:
        for job in found:
            pool.submit(one, job, done)

    try:
        yield submit
    finally:
        stopped = True
        pool.shutdown(wait=False, cancel_futures=True)
        jobs.kill_all()


@contextmanager
def dask(address: str) -> Iterator[Submit]:
    """The workers of a Dask scheduler: one job a thread of theirs. A worker that dies is Dask's to replace."""
    from distributed import Client

    try:
        client = Client(address, timeout=DASK_SECONDS)
    except (OSError, ValueError) as error:
        raise Vel2Error(f"--scheduler {address}: no Dask scheduler answers there") from error
    futures: list[Any] = []

    def submit(found: list[Job], done: "queue.Queue[Done]") -> None:
        try:
            client.wait_for_workers(1, timeout=DASK_SECONDS)
        except Exception as error:
            raise Vel2Error(f"--scheduler {address}: it has no worker") from error

        def report(job: Job) -> Callable[[Any], None]:
            def callback(future: Any) -> None:
                if future.cancelled():
                    return
                try:
                    done.put((job, future.result()))
                except Exception as error:
                    done.put((job, error))

            return callback

        for job in found:
            future = client.submit(jobs.run_child, job, key=f"vel2-{job['key']}", retries=ATTEMPTS)
            futures.append(future)
            future.add_done_callback(report(job))

    try:
        yield submit
    finally:
        client.cancel([f for f in futures if not f.done()])
        client.close(timeout=5)


class _Bar:
    """How far it is: a bar on a terminal, else a line a job."""

    def __init__(self, total: int):
        self.total, self.count, self.bar = total, 0, None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

            columns = ("{task.description}", BarColumn(), MofNCompleteColumn())
            console = Console(stderr=True)
            self.bar = Progress(*columns, TimeRemainingColumn(), console=console)
            self.task = self.bar.add_task("sweep", total=total)
            self.bar.start()

    def step(self, text: str) -> None:
        """One more is done."""
        self.count += 1
        if self.bar:
            self.bar.update(self.task, advance=1, description=text)
        else:
            print(f"[{self.count}/{self.total}] {text}", file=sys.stderr, flush=True)

    def stop(self) -> None:
        """Leave the terminal."""
        if self.bar:
            self.bar.stop()


class Sweep:
    """Jobs on their way into the database."""

    def __init__(self, path: Path):
        self.path = path
        self.queue: "queue.Queue[Done]" = queue.Queue()
        self.unsaved: list[store.Entry] = []
        self.problem = ""
        self.failed: list[str] = []

    def take(self, done: Done) -> str:
        """Store what came of a job; a line on it."""
        job, value = done
        if isinstance(value, Exception):
            why = str(value) or type(value).__name__
            self.failed.append(f"{job['label']}: {why}")
            return f"{job['label']}: not measured"
        self.unsaved.append(store.Entry(**value))
        self.save()
        outcome = str(value["record"]["outcome"])
        if value["status"]:
            self.failed.append(f"{job['label']}: {outcome}")
        return f"{job['label']}: {outcome}"

    def save(self) -> None:
        """Write what is not written yet; what cannot be now is tried again with the next."""
        while self.unsaved:
            try:
                store.insert(self.unsaved[0], self.path)
            except store.ERRORS as error:
                self.problem = str(error)
                return
            self.unsaved.pop(0)

    def run(self, found: list[Job], submit: Submit) -> None:
        """Measure all of them. What is done when something interrupts this is stored, too."""
        bar = _Bar(len(found))
        left = len(found)
        try:
            submit(found, self.queue)
            while left:
                # In slices, so that a signal is seen at once.
                try:
                    done = self.queue.get(timeout=0.2)
                except queue.Empty:
                    continue
                left -= 1
                bar.step(self.take(done))
        finally:
            bar.stop()
            while not self.queue.empty():
                self.take(self.queue.get_nowait())
            self.save()


def command_sweep(options: argparse.Namespace) -> int:
    """vel2 sweep."""
    if options.job:
        return jobs.command_job()
    if options.file is None:
        raise Vel2Error("sweep: a FILE.toml is needed (harness/vel2 sweep --help)")
    if options.jobs is not None and options.jobs < 1:
        raise Vel2Error(f"--jobs {options.jobs}: 1 or more")
    path = options.db or store.default_path()
    spec = read(options.file)
    try:
        found = expand(spec)
        identify(found, not options.no_build)
    except Vel2Error as error:
        raise Vel2Error(f"{options.file}: {error}", error.status) from error
    found = list({one["key"]: one for one in found}.values())
    there = set() if options.fresh else finished(path, options.retry)
    todo = [one for one in found if one["key"] not in there]
    old = len(found) - len(todo)
    print(f"{spec['name']}: {len(found)} runs, {old} of them finished before", flush=True)
    sweep = Sweep(path)
    if todo:
        workers = options.jobs or configuration.cpus()
        try:
            with dask(options.scheduler) if options.scheduler else local(workers) as submit:
                sweep.run(todo, submit)
        except BaseException:
            if sweep.unsaved:
                text = store.rescue(sweep.unsaved, path, sweep.problem)
                print(f"vel2: warning: {text}", file=sys.stderr)
            raise
    for line in sweep.failed:
        print(f"vel2: {line}", file=sys.stderr)
    if sweep.unsaved:
        raise Vel2Error(store.rescue(sweep.unsaved, path, sweep.problem))
    print(f"{spec['name']}: {len(todo) - len(sweep.failed)} measured, {len(sweep.failed)} failed")
    return EXIT_ERROR if sweep.failed else EXIT_OK
