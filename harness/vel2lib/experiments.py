# SPDX-License-Identifier: GPL-2.0-only
"""Commands on what was measured before: their options, and the modules that do the work.

The modules are imported when their command runs, since they need packages that setup installs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

EXAMPLES = {
    "fuzz": """examples:
  harness/vel2 fuzz --programs 20000 --seed 7     every host, mechanism and L1 mode
  harness/vel2 fuzz --mech nv --l1-mode nvhe
  harness/vel2 fuzz --depth 2 --host vhe --mech nv2
""",
    "replay": """examples:
  harness/vel2 replay build/fuzz/difference-1.json
  harness/vel2 replay guest-tests/corpus --host nvhe
""",
    "fuzz-host": """examples:
  harness/vel2 fuzz-host                          every target, 100,000 inputs each
  harness/vel2 fuzz-host vgic --runs 5000000 --seed 7 --keep
""",
    "coverage": """examples:
  harness/vel2 coverage                           both tables; runs the whole suite
  harness/vel2 coverage --of units --uncovered    of what runs on this machine
  harness/vel2 coverage --of suite --json cov.json -- harness/tests/test_guests.py -k vgic
""",
    "results": """examples:
  harness/vel2 results list --mech nv --op hypercall --since 2026-01-31
  harness/vel2 results show last
  harness/vel2 results diff last~1 last       which reason and register changed, by how much
  harness/vel2 results export --csv rows.csv --l1 bundled
  harness/vel2 results export --what registers --json regs.json
""",
    "report": """examples:
  harness/vel2 bench --all && harness/vel2 report -o build/report.html
  harness/vel2 report --l1 bundled --since 2026-01-31 -o build/report.html
""",
    "sweep": """examples:
  harness/vel2 sweep mechs.toml               goes on where an earlier one was interrupted
  harness/vel2 sweep mechs.toml --scheduler tcp://HOST:8786
      where each machine runs, in its checkout: PYTHONPATH=harness dask-worker tcp://HOST:8786
  harness/vel2 report --sweep mechs -o mechs.html

mechs.toml:
  command = "bench"                           # or run
  [matrix]                                    # lists: the cross product; op chooses rows
  mech = ["nv2", "nv"]
  host = ["vhe", "nvhe"]
  l1_mode = ["vhe", "nvhe"]
  op = ["hypercall", "mmio"]
  seed = [1, 2]                               # QEMU's
  [options]                                   # of every run, by the names of `run`'s options
  l1 = "bundled"
  timeout = 120
""",
    "compare": """examples:
  harness/vel2 compare kvm                    fetches Debian sid's kernel and QEMU for arm64 the first time
  harness/vel2 compare kvm --json build/compare.json
  harness/vel2 compare kvm --l1 linux-sid --l1-mode vhe
""",
    "papers": """examples:
  harness/vel2 papers                         all of papers/; what is in results.db is not measured again
  harness/vel2 papers neve turtles
""",
    "trace": """examples:
  harness/vel2 trace --l1 hello -o hello.json       the last 256 exits of each vCPU
  harness/vel2 trace --icount -o bundled.json       a nanosecond is an instruction
""",
}
#: Tables that `results export` can write.
EXPORTS = ("rows", "reasons", "registers", "exits", "runs")
#: L1s that `compare` has on both sides.
COMPARED = ("bundled", "linux", "linux-6.12", "linux-sid")

AddCommand = Callable[[str, str], argparse.ArgumentParser]
AddOptions = Callable[[argparse.ArgumentParser], None]


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Options that choose runs."""
    add = parser.add_argument
    add("--db", type=Path, metavar="FILE", help="the database (default build/results.db)")
    add("--op", metavar="NAME", help="runs that measured this operation; its rows alone")
    add("--host", choices=["vhe", "nvhe"], help="how L0's own host ran")
    add("--mech", metavar="NAME", help="mechanism")
    add("--l1-mode", metavar="MODE", help="what L1's CPU allowed")
    add("--l1", metavar="NAME", help="L1")
    add("--sweep", metavar="NAME", help="runs of this sweep")
    add("--since", metavar="DATE", help="started then or later (UTC, 2026-01-31[T12:00])")
    add("--until", metavar="DATE", help="started then or earlier; a day includes its end")


def add_commands(parser: argparse.ArgumentParser) -> None:
    """The subcommands of `results`."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = commands.add_parser("list", help="one line a run, the newest last")
    add_filters(listing)
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="(default 50, 0: all)")
    shown = commands.add_parser("show", help="all that is known of a run")
    shown.add_argument("run", metavar="RUN", help="its number, last, or last~N")
    shown.add_argument("--json", action="store_true", help="the record itself")
    diff = commands.add_parser("diff", help="what changed from run A to run B")
    diff.add_argument("a", metavar="A")
    diff.add_argument("b", metavar="B")
    for one in (shown, diff):
        one.add_argument("--db", type=Path, metavar="FILE", help="(default build/results.db)")
    export = commands.add_parser("export", help="tables for other programs, through pandas")
    add_filters(export)
    export.add_argument("--what", choices=EXPORTS, default="rows", help="(default rows)")
    for kind in ("csv", "json", "parquet"):
        export.add_argument(f"--{kind}", type=Path, metavar="FILE", help=f"write {kind}")


def add(command: AddCommand, machine_options: AddOptions, run_options: AddOptions) -> None:
    """The commands of this file; cli.py's functions add the options that they share with its own."""
    report = command("report", "tables and plots of build/results.db as one HTML file")
    report.add_argument("-o", "--output", type=Path, metavar="FILE", required=True)
    add_filters(report)
    sweep = command("sweep", "measure the cross product that a file describes, each run once")
    sweep.add_argument("file", nargs="?", type=Path, metavar="FILE.toml")
    sweep.add_argument("--db", type=Path, metavar="FILE", help="(default build/results.db)")
    sweep.add_argument("--jobs", type=int, metavar="N", help="runs at once (default: CPUs)")
    sweep.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster's (tcp://HOST:8786)")
    sweep.add_argument("--retry", action="store_true", help="measure again what failed")
    sweep.add_argument("--fresh", action="store_true", help="measure again everything")
    sweep.add_argument("--no-build", action="store_true", help="take what is in build/")
    sweep.add_argument("--job", action="store_true", help=argparse.SUPPRESS)
    compare = command("compare", "another L0 beside vel2, the same L1 and L2 in the same QEMU")
    compare.add_argument("peer", choices=["kvm"], metavar="kvm", help="Linux, kvm-arm.mode=nested")
    text = "L1s: bundled, linux, linux-6.12, linux-sid (default: bundled and linux)"
    compare.add_argument("--l1", dest="l1s", action="append", choices=COMPARED, help=text)
    compare.add_argument(
        "--l1-mode", dest="mode", choices=["vhe", "nvhe"], help="of L1 (default: both)"
    )
    compare.add_argument("--json", type=Path, metavar="FILE", help="write both sides")
    compare.add_argument("--timeout", type=float, metavar="S", help="seconds for each run")
    compare.add_argument("--cpu", help="QEMU's CPU model with its properties")
    compare.add_argument("--qemu", metavar="PROGRAM", help="the QEMU to use")
    compare.add_argument("--no-build", action="store_true", help="take what is in build/")
    papers = command("papers", "measure what the papers in papers/ measured; tables and figures")
    papers.add_argument(
        "names", nargs="*", metavar="NAME", help="folders of papers/ (default: all)"
    )
    papers.add_argument("--db", type=Path, metavar="FILE", help="(default build/results.db)")
    papers.add_argument("--jobs", type=int, metavar="N", help="runs at once (default: CPUs)")
    papers.add_argument("--no-build", action="store_true", help="take what is in build/")
    trace = command("trace", "run, and write the exit trace for Chrome's and Perfetto's viewers")
    trace.add_argument("-o", "--output", type=Path, metavar="FILE", required=True)
    machine_options(trace)
    run_options(trace)
    fuzz = command("fuzz", "random programs at EL2: does virtual EL2 differ from QEMU's?")
    fuzz.add_argument("--programs", type=int, default=1000, metavar="N", help="(default 1000)")
    fuzz.add_argument("--seed", type=int, default=1, metavar="S", help="(default 1)")
    fuzz.add_argument("--save", type=Path, metavar="DIR", help="for what differs (build/fuzz)")
    fuzz.add_argument("--jobs", type=int, metavar="N", help="processes (default: CPUs)")
    fuzz.add_argument("--scene", default="", metavar="NAME", help="programs about this: sign, ...")
    replay = command("replay", "run the programs of reproducer files again")
    replay.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="or a directory of them"
    )
    host = command("fuzz-host", "L0's pure parts on this machine: sanitizers, coverage-guided")
    host.add_argument("targets", nargs="*", metavar="TARGET", help="(default: all)")
    host.add_argument("--runs", type=int, default=100_000, metavar="N", help="inputs (100,000)")
    host.add_argument("--seed", type=int, default=1, metavar="S", help="(default 1)")
    host.add_argument("--jobs", type=int, default=1, metavar="N", help="targets at once (1)")
    host.add_argument("--keep", action="store_true", help="add what is new to guest-tests/corpus")
    covered = command("coverage", "which lines and branches of L0 the tests execute")
    covered.add_argument("--of", choices=["units", "suite"], help="one of the tables alone")
    covered.add_argument("--uncovered", action="store_true", help="name the functions not executed")
    covered.add_argument("--json", type=Path, metavar="FILE", help="write it, line by line")
    covered.add_argument("--jobs", type=int, default=2, metavar="N", help="programs at once (2)")
    covered.add_argument(
        "pytest_args", nargs="*", metavar="ARG", help="arguments for pytest, after --"
    )
    for one in (fuzz, replay):
        one.add_argument("--host", choices=["vhe", "nvhe"], help="(default: both)")
        one.add_argument("--mech", choices=["nv2", "nv"], help="(default: both)")
        one.add_argument("--l1-mode", choices=["vhe", "nvhe", "any"], help="(default: each)")
        one.add_argument("--depth", type=int, choices=[1, 2], help="2: under vel2 under vel2")
        one.add_argument("--no-build", action="store_true", help="take what is in build/")
    add_commands(command("results", "list, show, compare and export the runs in build/results.db"))


def _results(options: argparse.Namespace) -> int:
    from . import history

    return history.command_results(options)


def _report(options: argparse.Namespace) -> int:
    from . import report

    return report.command_report(options)


def _sweep(options: argparse.Namespace) -> int:
    from . import sweep

    return sweep.command_sweep(options)


def _papers(options: argparse.Namespace) -> int:
    from . import papers

    return papers.command_papers(options)


def _trace(options: argparse.Namespace) -> int:
    from . import tracefile

    return tracefile.command_trace(options)


def _with_progress(
    command: Callable[[argparse.Namespace, Callable[[str], None]], int], options: argparse.Namespace
) -> int:
    from .cli import Progress

    progress = Progress()
    try:
        return command(options, progress)
    finally:
        progress.done()


def _fuzz(options: argparse.Namespace) -> int:
    from . import fuzz

    command = fuzz.command_fuzz if options.command == "fuzz" else fuzz.command_replay
    return _with_progress(command, options)


def _coverage(options: argparse.Namespace) -> int:
    from . import coverage

    return _with_progress(coverage.command_coverage, options)


def _fuzz_host(options: argparse.Namespace) -> int:
    from . import hostfuzz

    return _with_progress(hostfuzz.command_fuzz_host, options)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "results": _results,
    "report": _report,
    "sweep": _sweep,
    "papers": _papers,
    "trace": _trace,
    "fuzz": _fuzz,
    "replay": _fuzz,
    "fuzz-host": _fuzz_host,
    "coverage": _coverage,
}
