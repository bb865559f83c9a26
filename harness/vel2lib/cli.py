# SPDX-License-Identifier: GPL-2.0-only
"""The command line of harness/vel2. Every failure is one line on stderr and an exit status."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import experiments, setup
from .errors import EXIT_ERROR, EXIT_OK, Vel2Error

if TYPE_CHECKING:  # these need packages that setup installs
    from .config import RunConfig, Target
    from .run import Result

STATUSES = """exit status:
  0 ok   1 an option, a file, a package, or L0 refused   2 L0 panicked
  3 the guest failed, or L0's counts and QEMU's log disagree   4 timeout"""

EXAMPLES = {
    "": """examples:
  harness/vel2 run                            the bundled L1 and its L2, every operation counted
  harness/vel2 run --l1 linux --json out.json Debian's Linux/KVM as L1 with its own L2
  harness/vel2 run --l1 my/Image --l1-append 'console=ttyAMA0' --mem 512
  harness/vel2 bench --json rows.json
  harness/vel2 gdb --l1 hello
""",
    "run": """examples:
  harness/vel2 run --host nvhe --mech nv --l1-mode nvhe
  harness/vel2 run --mech nv --no-trap nv2 --trap VTTBR_EL2    NV2 without a slot for it
  harness/vel2 run --l1 linux --json build/linux.json --console build/linux.txt
  harness/vel2 run --l1 vel2 --l2 bundled --l1-append 'vel2.host=nvhe vel2.mech=nv'
  harness/vel2 run --l1 vel2 --depth 2 --l2 hello
  harness/vel2 run --l1-features -pauth,-tlbirange
  harness/vel2 run --l1 hello --beside 'bundled iters=4'     two L1s on one CPU
  harness/vel2 run --l1 hello --native        on QEMU's own EL2, without L0
  harness/vel2 run --l1 hello --trace 20      the last 20 exits of each vCPU
  harness/vel2 run --qemu-arg=-d --qemu-arg=guest_errors
""",
    "bench": """examples:
  harness/vel2 bench                          host VHE, nv2, L1 VHE
  harness/vel2 bench --all --json rows.json   all eight combinations
  harness/vel2 bench --l1 linux               Linux's own L2, and its boot; also linux-6.12, linux-sid
  harness/vel2 bench --l1 linux --smp 2       the same with two CPUs: its L2's virtual IPI
  harness/vel2 bench --l1 vel2                an L3's operations under vel2 in vel2
""",
    "gdb": """examples:
  harness/vel2 gdb                            halted at L0's first instruction
  harness/vel2 gdb --l1 hello -- -ex 'break guest_main' -ex continue
""",
    "test": """examples:
  harness/vel2 test                           lint and everything
  harness/vel2 test -- -k witness             arguments after -- are pytest's
""",
}


def _add_machine_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--l1",
        metavar="NAME|PATH",
        help="bundled (default), linux, linux-6.12, linux-sid, linux-sid-16k, xen, xen-dom0less, u-boot, edk2, vel2, a guest's name, Image or ELF",
    )
    add("--l1-initrd", metavar="FILE", type=Path, help="initrd for L1")
    add("--l1-append", metavar="ARGS", help="words added to L1's command line")
    add(
        "--beside",
        action="append",
        metavar="'NAME|PATH [ARGS]'",
        help="another L1 at the same time, with memory and CPUs of its own (--mem, --vcpus: of each)",
    )
    add("--host", choices=["vhe", "nvhe"], help="how L0's own host runs (default: by CPU)")
    add("--mech", choices=["nv2", "nv", "pv"], help="how L1's EL2 accesses reach L0 (default nv2)")
    add(
        "--pv-flavour",
        choices=["trap", "page"],
        help="with --mech pv: every access of EL2's registers traps (default), or those that FEAT_NV2 "
        "redirects become loads and stores",
    )
    modes = ["vhe", "nvhe", "any", "protected", "nested", "split"]
    add(
        "--l1-mode",
        choices=modes,
        help="what L1's CPU allows (default vhe); protected, nested: Linux's own modes; split: "
        "bundled's, nvhe with a host kernel at EL1",
    )
    add(
        "--l1-features",
        metavar="+X,-Y",
        help="features of L1's CPU to insist on or to turn off (README.md lists them)",
    )
    lists = "REG[,REG|GROUP|@FILE]"
    add("--trap", metavar=lists, help="registers that trap although the mechanism would not")
    add(
        "--no-trap",
        metavar=lists,
        help="with --mech nv: registers counted as served from memory (groups: nv2, neve, vmtrap...)",
    )
    add("--depth", type=int, metavar="N", help="with --l1 vel2: vel2s under L0 (default 1)")
    add(
        "--l2",
        metavar="NAME|PATH",
        help="with --l1 vel2: what the last vel2 runs (default bundled)",
    )
    add("--l2-append", metavar="ARGS", help="words added to its command line")
    add("--l2-mode", choices=modes, help="what its CPU allows (default vhe)")
    add("--smp", type=int, metavar="N", help="CPUs (default 1)")
    add("--vcpus", type=int, metavar="N", help="CPUs of L1 (default --smp; more share the CPUs)")
    add("--mem", type=int, metavar="MIB", help="L1's RAM")
    add("--disk", metavar="FILE", type=Path, help="a raw disk image as L1's virtio-blk (PCIe)")
    add("--net", action="store_true", default=None, help="a virtio-net for L1 that ends in QEMU")
    add(
        "--virtio-console",
        metavar="FILE",
        type=Path,
        help="a virtio console for L1, which writes to FILE",
    )
    add("--cpu", help="QEMU's CPU model with its properties")
    add("--qemu", metavar="PROGRAM", help="the QEMU to use")
    add("--qemu-arg", action="append", metavar="ARG", dest="qemu_args", help="one more for QEMU")
    add("--l0-append", metavar="WORDS", help="more options for L0 (vel2.NAME=VALUE)")
    add("--trace", type=int, metavar="N", help="print the last N exits of each vCPU")
    add("--checked", action="store_true", default=None, help="L0 checks itself (make CHECK=1 l0)")
    add(
        "--pauth",
        action="store_true",
        default=None,
        help="L0 with pointer authentication and BTI of its own (make PAUTH=1 l0)",
    )
    add(
        "--protect",
        action="store_true",
        default=None,
        help="keep EL2's memory from L0's own host (--host nvhe)",
    )
    add("--no-build", action="store_true", help="take what is in build/")


def _add_count(add: Callable[..., Any]) -> None:
    text = "count L0's instructions and register accesses by a plugin of QEMU's, too"
    add("--count", action="store_true", default=None, help=text)


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--native", action="store_true", default=None, help="boot L1 on QEMU's own EL2, no L0")
    add("--icount", action=argparse.BooleanOptionalAction, help="count instructions exactly")
    add("--witness", action=argparse.BooleanOptionalAction, help="check against QEMU's log")
    _add_count(add)
    add("--markers", action=argparse.BooleanOptionalAction, help="let L0 take the marker HVC")
    add("--timeout", type=float, metavar="S", help="seconds until the guest counts as hung")
    add("--json", type=Path, metavar="FILE", help="write the result")
    add(
        "--console",
        metavar="FILE",
        help="write L1's console to a file ('-': print it); a further L1's to FILE-1",
    )


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(
        prog="harness/vel2",
        description="Boot an L1 hypervisor with its L2 guest on vel2 in QEMU, and count its traps.",
        epilog=EXAMPLES[""] + "\n" + STATUSES,
        formatter_class=raw,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        epilog = {**EXAMPLES, **experiments.EXAMPLES}.get(name, "") + "\n" + STATUSES
        return commands.add_parser(
            name, help=text, description=text, epilog=epilog, formatter_class=raw
        )

    run = command("run", "boot an L1 and print what it cost")
    _add_machine_options(run)
    _add_run_options(run)
    bench = command("bench", "measure the operations of the bundled guests under icount")
    bench.add_argument("--json", type=Path, metavar="FILE", help="write the rows")
    bench.add_argument("--all", action="store_true", help="host x mechanism x L1 mode")
    bench.add_argument("--no-wall", action="store_true", help="a Linux: not the wall-clock rows")
    bench.add_argument("--timeout", type=float, metavar="S", help="seconds for each run")
    _add_count(bench.add_argument)
    _add_machine_options(bench)
    experiments.add(command, _add_machine_options, _add_run_options)
    gdb = command("gdb", "the machine, halted, under gdb with the symbols of every level")
    _add_machine_options(gdb)
    gdb.add_argument("gdb_args", nargs="*", metavar="GDB_ARG", help="arguments for gdb, after --")
    test = command("test", "lint and the suite")
    test.add_argument(
        "pytest_args", nargs="*", metavar="ARG", help="arguments for pytest, after --"
    )
    command("setup", "install what the host lacks (as root), or say how")
    return top


def make_config(options: argparse.Namespace) -> "RunConfig":
    """The configuration that the options ask for."""
    from .config import RunConfig
    from .qemu import SVE_CPU

    given: dict[str, Any] = {}
    for one in fields(RunConfig):
        value = getattr(options, one.name, None)
        if value is not None:
            given[one.name] = tuple(value) if isinstance(value, list) else value
    config = RunConfig(**given)
    # Insisting on it says which CPU is meant.
    if "cpu" not in given and "+sve" in config.l1_features.split(","):
        config.cpu = SVE_CPU
    return config


class Progress:
    """Lines on stderr; on a terminal the last one is replaced by the next."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.terminal = sys.stderr.isatty()

    def __call__(self, text: str) -> None:
        stamp = f"[{time.monotonic() - self.started:6.1f} s] "
        if self.terminal:
            sys.stderr.write(f"\r\x1b[K{stamp}{text}")
        else:
            sys.stderr.write(f"{stamp}{text}\n")
        sys.stderr.flush()

    def done(self) -> None:
        """Leave the line."""
        if self.terminal:
            sys.stderr.write("\r\x1b[K")


def prepare(config: "RunConfig", build: bool, progress: Callable[[str], None]) -> "Target":
    """Everything before QEMU: checks, the build, L1's files. Vel2Error when one fails."""
    from . import config as configuration
    from .debian import ROOT

    configuration.check(config)
    problem = setup.qemu_problem(config.qemu)
    if problem:
        raise Vel2Error(problem)
    if build:
        progress("building")
        targets = [
            "guests",
            *([] if config.native else ["l0"]),
            *(["plugin"] if config.count else []),
        ]
        configuration.build(targets)
        if config.checked or config.pauth:
            configuration.build(configuration.l0_target(config))
    image = configuration.l0_bin(config)
    if not config.native and not image.exists():
        how = " ".join(configuration.l0_target(config))
        raise Vel2Error(f"{image.relative_to(ROOT)} does not exist: make {how}")
    return configuration.resolve(config)


def _print_console(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def finish(result: "Result", options: argparse.Namespace) -> int:
    """Print and write a result; the exit status."""
    from . import results, table

    if options.json:
        results.write_json(options.json, results.run_json(result))
    if not result.config.native:
        table.report(result)
    elif result.status == EXIT_OK:
        print(f"{result.config.l1} ran natively, {result.wall_seconds:.1f} s")
    if result.status or options.trace:
        sys.stdout.flush()
        lines = table.explain(result)
        if result.status:
            lines.insert(0, f"vel2: {result.outcome}")
        for line in lines:
            print(line, file=sys.stderr if result.status else sys.stdout)
    return result.status


def command_run(options: argparse.Namespace) -> int:
    """vel2 run."""
    from . import store
    from .debian import ROOT
    from .run import execute

    config, progress = make_config(options), Progress()
    if options.json is None:
        options.json = ROOT / "build/run.json"
    target = prepare(config, not options.no_build, progress)
    # A guest of the user's own is watched as it runs; the console of ours goes to a file.
    users = not target.needs and not target.measured
    watched = options.console == "-" or (options.console is None and users)
    path = None if options.console == "-" else Path(options.console or ROOT / "build/console.txt")
    where = store.provenance(config.qemu)
    progress(f"starting {config.l1} under QEMU")
    try:
        result = execute(config, target, progress, _print_console if watched else None, path)
    finally:
        progress.done()
    try:
        return finish(result, options)
    finally:
        store.record(result, "run", where)


def command_bench(options: argparse.Namespace) -> int:
    """vel2 bench."""
    from . import bench

    progress = Progress()
    try:
        return bench.bench(make_config(options), options, progress, prepare)
    finally:
        progress.done()


def command_compare(options: argparse.Namespace) -> int:
    """vel2 compare."""
    from . import compare

    progress = Progress()
    try:
        return compare.command_compare(options, make_config(options), prepare, progress)
    finally:
        progress.done()


def command_gdb(options: argparse.Namespace) -> int:
    """vel2 gdb."""
    from . import debug

    config = make_config(options)
    target = prepare(config, not options.no_build, lambda _: None)
    return debug.debug(config, target, options.gdb_args)


def command_test(options: argparse.Namespace) -> int:
    """vel2 test: lint is one of the suite's tests."""
    from .debian import ROOT

    args = ["/usr/bin/python3", "-m", "pytest", "-n", "2", "--dist", "loadgroup"]
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(args[0], [*args, *(options.pytest_args or []), "harness/tests"])


def _join_features(argv: list[str]) -> list[str]:
    """argparse would take a value that begins with - for an option."""
    joined: list[str] = []
    for arg in argv:
        if joined and joined[-1] == "--l1-features":
            joined[-1] += "=" + arg
        else:
            joined.append(arg)
    return joined


def main(argv: list[str]) -> int:
    """Run one command; its exit status."""
    options = parser().parse_args(_join_features(argv))
    commands = {
        "run": command_run,
        "bench": command_bench,
        "compare": command_compare,
        "gdb": command_gdb,
        "test": command_test,
        **experiments.COMMANDS,
    }
    try:
        setup.setup(verbose=options.command == "setup")
        if options.command == "setup":
            return EXIT_OK
        from . import qemu

        qemu.install_signal_handlers()
        return commands[options.command](options)
    except Vel2Error as error:
        print(f"vel2: {error}", file=sys.stderr)
        return error.status
    except BrokenPipeError:
        return EXIT_ERROR
