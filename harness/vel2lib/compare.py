# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 compare kvm`: Linux KVM as L0 (kvm-arm.mode=nested, Debian's sid) beside vel2, with the same L1s and L2s in the
same QEMU.

Both are counted by the same two instruments, which know neither of them: QEMU's log of exceptions, and a plugin of
QEMU's that counts instructions (plugin.py). KVM does not take our markers: it gives each to L1, whose handling of it
lies within the region. The empty regions are exactly that, and are subtracted. Under icount, so that no timer of the
machine's decides what a guest still waits for.

What takes two CPUs, the virtual IPI, is a run of its own on both sides, so that the other operations are those of a machine
with one; both sides of an operation, the sender's and the receiver's, are added.

KVM's VMM is payload/vmm.c: with Debian's QEMU a Linux L1 needs minutes to its user space, and no L1 can be nVHE. A Linux
L1 has the same kernel, initramfs and VMM (that one, too) on both sides.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from . import plugin, results, table, witness
from .config import BUILD, L2_BENCH, L2_WORD, RunConfig
from .errors import EXIT_ERROR, EXIT_OK, EXIT_TIMEOUT, Vel2Error
from .experiments import COMPARED
from .qemu import NVHE_CPUS
from .regions import RegionName, region_names
from .run import Progress, Result, execute

SCHEMA = "vel2-compare/2"
#: What l1-init gives the bundled guest, and what the L2 of a Linux L1 gets: see harness/payload.
BUNDLED_APPEND = "iters=16 warm=4"
LINUX_APPEND = f"{L2_BENCH} vel2.l2_append=iters=16+warm=16 vel2.as=inner"


class Work(NamedTuple):
    """A run of each side: on how many CPUs, and what L1 is told, the bundled one and Linux."""

    smp: int
    bundled: str
    linux: str


ALONE = Work(1, BUNDLED_APPEND, LINUX_APPEND)
#: What takes two CPUs, which our VMM is told too.
TWO_VCPUS = "vel2.vmm_append=-c+2"
TWO = Work(
    2,
    f"{BUNDLED_APPEND} ops=ipi",
    f"{LINUX_APPEND.replace('warm=16', 'warm=16+ops=ipi')} {TWO_VCPUS}",
)
#: To the user space of a Linux L2.
BOOT = Work(1, BUNDLED_APPEND, f"{L2_WORD}linux vel2.as=inner")
KVM = "linux-sid"
#: MiB: of a Linux L1, and of the machine whose L0 is a Linux with that L1 in its initramfs.
LINUX_MEM, KVM_MEM = 1024, 2048
#: Until KVM without an instrument must have run an L1, and until one that is counted, or has a Linux to boot.
KVM_SECONDS, KVM_TIMEOUT = 90, 900
DEFAULT_L1S = COMPARED[:2]
MODES = ("vhe", "nvhe")
#: The same for KVM's init: a virtual EL2 with E2H fixed at 1, or without.
_EL2 = {"vhe": "vel2.el2", "nvhe": "vel2.el2=nvhe"}
_MEMORY = re.compile(r"vel2: l1-memory (\w+) (\d+) (\d+) (\d+)")
#: What KVM and its VMM say of a machine that they do not run an L1 on.
_REFUSAL = re.compile(r"(kvm \[1\]: .*|vmm: .*|vel2: l2-exit=no-kvm)")
#: Machines on which each is tried: CPU and what Linux is told, vel2's host and mechanism, L1's mode.
MACHINES = (
    ("max", "", "vhe", "nv2", "vhe"),
    ("max", "", "vhe", "nv2", "nvhe"),
    ("max", "id_aa64mmfr1.vh=0", "nvhe", "nv2", "vhe"),
    ("max", "", "vhe", "nv", "vhe"),
    ("neoverse-n2", "", "vhe", "nv2", "vhe"),
    ("cortex-a76", "", "vhe", "pv", "vhe"),
    ("cortex-a57", "", "nvhe", "pv", "nvhe"),
)

Prepare = Callable[[RunConfig, bool, Progress], Any]
Samples = dict[int, list[float]]


@dataclass(frozen=True)
class Cost:
    """Of one operation, net of the markers: medians."""

    traps: float  # exceptions to EL2, by QEMU's log
    l0_instructions: float  # by its plugin: at EL2, and of L0's own programs
    l0_accesses: float  # of them, those of system registers


@dataclass(frozen=True)
class Operation:
    """An operation on both sides; of KVM nothing where it could not be had."""

    op: str
    level: str
    vel2: Cost
    kvm: Cost | None


def _net(samples: Samples, names: dict[int, RegionName]) -> dict[int, float]:
    """Medians, less what an empty region of the same level has; the other CPU's side is added, sample by sample."""
    empty = {
        n.level: statistics.median(samples[i])
        for i, n in names.items()
        if n.op == "empty" and i in samples
    }
    peers = {(n.op, n.level): samples[i] for i, n in names.items() if n.peer and i in samples}
    net = {}
    for i, found in samples.items():
        name = names.get(i)
        if name is None or name.peer or name.op == "empty":
            continue
        peer = peers.get((name.op, name.level), [])
        both = [a + b for a, b in zip(found, peer)] if peer else found
        sides = 2 if peer else 1
        net[i] = max(0.0, statistics.median(both) - sides * empty.get(name.level, 0))
    return net


def _matched(
    log: list[witness.Region], counted: list[plugin.Counted]
) -> Iterator[tuple[witness.Region, plugin.Counted]]:
    """The regions of both, CPU by CPU in their order. Vel2Error when they do not match."""
    for cpu in sorted({r.cpu for r in log} | {c.cpu for c in counted}):
        mine, theirs = [r for r in log if r.cpu == cpu], [c for c in counted if c.cpu == cpu]
        if len(mine) != len(theirs):
            raise Vel2Error(
                f"QEMU's log has {len(mine)} marked regions of CPU {cpu}, its plugin counted {len(theirs)}"
            )
        yield from zip(mine, theirs)


def costs(
    log: list[witness.Region], counted: list[plugin.Counted], names: dict[int, RegionName]
) -> dict[int, Cost]:
    """By region. The log does not say which region it shows, the plugin does. Vel2Error when they do not match."""
    traps: Samples = {}
    instructions: Samples = {}
    accesses: Samples = {}
    for region, one in _matched(log, counted):
        number = -1 if one.region is None else one.region
        traps.setdefault(number, []).append(region.traps)
        instructions.setdefault(number, []).append(one.l0)
        accesses.setdefault(number, []).append(one.accesses)
    each = [_net(samples, names) for samples in (traps, instructions, accesses)]
    return {number: Cost(*(net[number] for net in each)) for number in each[0]}


def operations(vel2: dict[int, Cost], kvm: dict[int, Cost] | None) -> list[Operation]:
    """What both sides have, by region."""
    names = region_names()
    both = sorted(vel2 if kvm is None else set(vel2) & set(kvm))
    return [Operation(names[i].op, names[i].level, vel2[i], kvm[i] if kvm else None) for i in both]


@dataclass
class Side:
    """One L0 with one L1."""

    result: Result
    costs: dict[int, Cost]

    def as_json(self, phases: dict[str, str]) -> dict[str, Any]:
        """Its boot, by the names that `phases` gives its phases, and what it executed in all."""
        found = {p.name: round(p.wall_seconds, 1) for p in self.result.phases}
        return {
            "seconds": {what: found[name] for name, what in phases.items() if name in found},
            "l0_instructions": sum(one.l0 for one in self.result.totals),
            "traps": sum(one.traps for one in self.result.totals),
        }


def _counted(config: RunConfig, prepare: Prepare, progress: Progress) -> Side:
    """Run it under both instruments. Vel2Error when it does not end well."""
    who = "KVM as L0" if config.native else "vel2 as L0"
    with tempfile.TemporaryDirectory(prefix="vel2-") as scratch:
        log = Path(scratch) / "exceptions.log"
        run = replace(
            config,
            icount=True,
            count=True,
            markers=True,
            witness=False,
            qemu_args=(*config.qemu_args, "-d", "int", "-D", str(log)),
        )
        result = execute(run, prepare(run, False, progress), progress)
        if result.status:
            raise Vel2Error(f"{who}: {result.outcome}", result.status)
        with log.open(encoding="utf-8", errors="replace") as stream:
            regions = list(witness.regions(witness.exceptions(stream)))
    return Side(result, costs(regions, result.counted or [], region_names()))


def vel2_config(config: RunConfig, l1: str, mode: str, work: Work = ALONE) -> RunConfig:
    """The run under vel2; a Linux gets its slim initramfs."""
    run = replace(config, l1=l1, l1_mode=mode, host="vhe", l1_append=work.bundled, smp=work.smp)
    if l1 == "bundled":
        return run
    slim = BUILD / "payload" / l1 / "l1-slim.cpio"
    return replace(run, l1_append=work.linux, l1_initrd=slim, mem=LINUX_MEM)


def kvm_config(
    config: RunConfig, l1: str, mode: str, scratch: Path, work: Work = ALONE
) -> RunConfig:
    """The same L1 under KVM. Writes the initramfs of a KVM that has a Linux L1 into `scratch`."""
    from payload.errors import PayloadError
    from payload.linux import add_l1, build_linux_payload

    try:
        own = build_linux_payload(BUILD, lambda _: None, kernel=KVM)
    except PayloadError as error:
        raise Vel2Error(f"KVM as L0: {error}") from error
    # What looks at the memory would share the second CPU.
    words = f"{_EL2[mode]} " + (TWO_VCPUS if work.smp > 1 else "vel2.memory")
    more = work.bundled.removeprefix(BUNDLED_APPEND).strip()
    run = RunConfig(
        l1=KVM,
        l1_mode="nested",
        l1_append=f"{words} {L2_WORD}bundled" + (f" vel2.l2_append={more}" if more else ""),
        l1_initrd=own.slim,
        native=True,
        smp=work.smp,
        cpu=config.cpu,
        qemu=config.qemu,
        qemu_args=config.qemu_args,
        timeout=config.timeout or KVM_TIMEOUT,
    )
    if l1 == "bundled":
        return run
    guest = build_linux_payload(BUILD, lambda _: None, kernel=l1)
    initrd = scratch / "l0.cpio"
    mode_words = "kvm-arm.mode=nvhe " if mode == "nvhe" else ""
    add_l1(own.slim, guest, mode_words + work.linux, initrd)
    words += f" {L2_WORD}l1 vel2.mem={LINUX_MEM}"
    return replace(run, l1_append=words, l1_initrd=initrd, mem=KVM_MEM)


def kvm_memory(result: Result) -> dict[str, int]:
    """Bytes that the Linux which is L0 takes of its machine's memory, as it says itself: what it never gives away
    (its image, its tables of pages), what it uses once its user space is there, without files (its initramfs), and
    how much more at most while L1 runs (the VMM, L1's memory as far as touched, KVM's own)."""
    text = result.console.decode("utf-8", "replace")
    said = [[int(n) << 10 for n in m.groups()[1:]] for m in _MEMORY.finditer(text)]
    if not said:
        return {}
    used = [total - free - cached for total, free, cached in said]
    return {
        "reserved": ((result.config.mem or 0) << 20) - said[0][0],
        "before": used[0],
        "running": max(used) - used[0],
    }


def _show(rows: list[Operation], title: str) -> None:
    whose = {"vm": "L1 as the guest", "nested": "L2 under L1"}
    cells = []
    for row in sorted(rows, key=lambda r: r.level):
        cells.append([f"{row.op}, {whose[row.level]}"])
        for what in ("traps", "l0_instructions", "l0_accesses"):
            figures = [getattr(side, what, None) for side in (row.vel2, row.kvm)]
            cells[-1] += [table.number(figure) for figure in figures]
    heads = ["operation", "traps: vel2", "KVM", "L0 instructions: vel2", "KVM"]
    table.show(title, [*heads, "register accesses: vel2", "KVM"], cells)


def summary(rows: list[Operation]) -> str:
    """Whether vel2 needs more traps for anything that L2 does, and how many times its L0 instructions KVM needs."""
    nested = [(r.op, r.vel2, r.kvm) for r in rows if r.level == "nested" and r.kvm]
    more = [op for op, vel2, kvm in nested if vel2.traps > kvm.traps]
    times = [
        kvm.l0_instructions / vel2.l0_instructions
        for _, vel2, kvm in nested
        if vel2.l0_instructions
    ]
    what = f"more traps for {', '.join(more)}" if more else "no more traps than KVM for any"
    least, most = (f"{n:.1f}" for n in (min(times), max(times)))
    return f"of L2's operations: vel2 needs {what}; KVM needs {least} to {most} times its L0 instructions"


def _boot_lines(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    for what, seconds in mine["seconds"].items():
        other = theirs["seconds"].get(what)
        ratio = f", {other / seconds:.1f} times" if other and seconds else ""
        print(
            f"seconds to {what} (so counted): vel2 {seconds:.1f}, KVM {table.number(other)}{ratio}"
        )
    print(
        f"L0's instructions from reset to power-off: vel2 {table.number(mine['l0_instructions'])}, "
        f"KVM {table.number(theirs['l0_instructions'])}"
    )


def _kvm_side(
    config: RunConfig, l1: str, mode: str, prepare: Prepare, progress: Progress, work: Work
) -> Side | str:
    """The run under KVM, or why it could not be had."""
    with tempfile.TemporaryDirectory(prefix="vel2-") as scratch:
        try:
            return _counted(kvm_config(config, l1, mode, Path(scratch), work), prepare, progress)
        except Vel2Error as error:
            return str(error)


def _booted(
    run: RunConfig, user_space: str, prepare: Prepare, progress: Progress
) -> dict[str, float]:
    """Seconds to the user spaces of L1 (the phase `user_space`) and of L2, a Linux, where nothing is counted.

    Vel2Error when it does not come to that; what comes of L2's end is nothing that was asked."""
    run = replace(run, icount=False, count=False, markers=False, witness=False)
    result = execute(run, prepare(run, False, progress), progress)
    names = {user_space: "L1's user space", "l2-userspace": "L2's user space"}
    found = {names[p.name]: p.wall_seconds for p in result.phases if p.name in names}
    if len(found) < len(names):
        raise Vel2Error(result.outcome)
    return found


def _boots(
    config: RunConfig, l1: str, mode: str, prepare: Prepare, progress: Progress
) -> tuple[dict[str, float], dict[str, float] | str]:
    """The boot of Linux under Linux on both sides, or why KVM's could not be had. Prints it."""
    progress(f"vel2 as L0, L1 {l1} ({mode}), Linux as L2")
    mine = _booted(vel2_config(config, l1, mode, BOOT), "l1-userspace", prepare, progress)
    progress(f"KVM as L0, L1 {l1} ({mode}), Linux as L2")
    theirs: dict[str, float] | str
    with tempfile.TemporaryDirectory(prefix="vel2-") as scratch:
        try:
            run = kvm_config(config, l1, mode, Path(scratch), BOOT)
            theirs = _booted(run, "inner-userspace", prepare, progress)
        except Vel2Error as error:
            theirs = str(error)
    for what, seconds in mine.items():
        had = (
            ""
            if isinstance(theirs, str)
            else f"KVM {theirs[what]:.1f}, {theirs[what] / seconds:.1f} times"
        )
        print(
            f"seconds to {what}, a Linux, where nothing is counted: vel2 {seconds:.1f}, {had or theirs}"
        )
    return mine, theirs


def _compare_l1(
    config: RunConfig, l1: str, mode: str, prepare: Prepare, progress: Progress
) -> dict[str, Any]:
    """One L1 in one mode on both sides: prints its table, returns what `--json` has of it."""
    progress(f"vel2 as L0, L1 {l1} ({mode})")
    vel2 = _counted(vel2_config(config, l1, mode), prepare, progress)
    progress(f"KVM as L0, L1 {l1} ({mode})")
    kvm = _kvm_side(config, l1, mode, prepare, progress, ALONE)
    rows = operations(vel2.costs, None if isinstance(kvm, str) else kvm.costs)
    progress(f"vel2 as L0, L1 {l1} ({mode}), two CPUs")
    two = _counted(vel2_config(config, l1, mode, TWO), prepare, progress)
    progress(f"KVM as L0, L1 {l1} ({mode}), two CPUs")
    kvm_two = _kvm_side(config, l1, mode, prepare, progress, TWO)
    rows += operations(two.costs, None if isinstance(kvm_two, str) else kvm_two.costs)
    _show(
        rows, f"Per operation, by QEMU's log and its plugin: L1 {l1} ({mode}); vel2: host vhe, nv2"
    )
    mine = vel2.as_json({"l1-userspace": "L1's user space", "l2-bench": "L2"})
    mine["seconds"] = mine["seconds"] or {"L1": round(vel2.result.wall_seconds, 1)}
    mine["memory"] = vel2.result.boot.get("l0_bytes")
    theirs: dict[str, Any]
    if isinstance(kvm, str):
        theirs = {"not_had": kvm}
        print(f"not had: {kvm}")
    else:
        print(summary(rows))
        theirs = kvm.as_json(
            {"inner-userspace": "L1's user space", "l2-bundled": "L1", "l2-bench": "L2"}
        )
        theirs["memory"] = kvm_memory(kvm.result)
        _boot_lines(mine, theirs)
    if isinstance(kvm_two, str):
        theirs["two_cpus_not_had"] = kvm_two
        print(f"not had, of what takes two CPUs: {kvm_two}")
    if l1 != "bundled":
        mine["boot"], theirs["boot"] = _boots(config, l1, mode, prepare, progress)
    costs_of = [(r, vars(r.vel2), vars(r.kvm) if r.kvm else None) for r in rows]
    return {
        "l1": l1,
        "mode": mode,
        "rows": [{"op": r.op, "level": r.level, "vel2": a, "kvm": b} for r, a, b in costs_of],
        "vel2": mine,
        "kvm": theirs,
    }


def _tried(run: RunConfig, prepare: Prepare, progress: Progress) -> str:
    """What comes of the bundled L1 there: `runs`, or the line that says why not."""
    try:
        result = execute(run, prepare(run, False, progress), progress)
    except Vel2Error as error:
        return str(error)
    if result.status == EXIT_OK:
        return "runs"
    if run.native:
        said = [m[1] for line in result.lines() for m in [_REFUSAL.search(line)] if m]
        if said:
            return "; ".join(said[-2:])
    return "nothing within the time given" if result.status == EXIT_TIMEOUT else result.outcome


def _tried_kvm(
    config: RunConfig, mode: str, words: str, prepare: Prepare, progress: Progress
) -> str:
    """The same under a KVM that is told `words`."""
    try:
        run = kvm_config(config, "bundled", mode, BUILD)
    except Vel2Error as error:
        return str(error)
    run.l1_append += f" {words}"
    return _tried(run, prepare, progress)


def _machines(config: RunConfig, prepare: Prepare, progress: Progress) -> Iterator[dict[str, str]]:
    """What each of both runs."""
    for cpu, words, host, mech, mode in MACHINES:
        model = config.cpu if cpu == "max" else cpu
        mine = replace(config, l1="bundled", l1_append=BUNDLED_APPEND, witness=False, cpu=model)
        mine = replace(mine, host=host, mech=mech, l1_mode=mode, mem=None)
        progress(f"CPU {cpu}, host {host}, {mech}, L1 {mode}")
        found = {"cpu": cpu, "host": host, "mech": mech, "mode": mode}
        found["vel2"] = _tried(mine, prepare, progress)
        if mech == "nv":
            found["kvm"] = "not tried: no CPU of QEMU's has FEAT_NV without FEAT_NV2"
        else:
            theirs = replace(config, cpu=model, timeout=KVM_SECONDS)
            found["kvm"] = _tried_kvm(theirs, mode, words, prepare, progress)
        yield found


def _show_machines(value: dict[str, Any]) -> None:
    cells = [
        [f"{m['cpu']}, {m['host']}, {m['mech']}, {m['mode']}", m["vel2"], m["kvm"]]
        for m in value["machines"]
    ]
    table.show(
        "What each runs: the bundled L1 and its L2",
        ["CPU, host, mechanism, L1", "vel2", "KVM"],
        cells,
    )
    first = value["runs"][0]
    print(
        f"memory of L0, bytes: vel2 {table.number(first['vel2']['memory'])} (all that L1 does not get: image, "
        "stacks, pools)"
    )
    if first["kvm"].get("memory"):
        reserved, before, more = (
            table.number(first["kvm"]["memory"][k]) for k in ("reserved", "before", "running")
        )
        print(
            f"    KVM {reserved} (what Linux never gives away: image, tables of pages) + {before} (in use before "
            f"its VMM starts, without files) + {more} (more while L1 {first['l1']} runs, with what that touches)"
        )


def command_compare(
    options: argparse.Namespace, config: RunConfig, prepare: Prepare, progress: Progress
) -> int:
    """vel2 compare kvm."""
    config = replace(config, l1="bundled", count=True)
    if config.cpu.split(",")[0] in NVHE_CPUS:
        raise Vel2Error(f"--cpu {config.cpu}: compare needs FEAT_NV2")
    # A copy: what is not said is different for each L1.
    prepare(replace(config), not options.no_build, progress)
    modes = (options.mode,) if options.mode else MODES
    runs = []
    for l1 in options.l1s or DEFAULT_L1S:
        if l1 != "bundled":  # its files are made first
            prepare(replace(config, l1=l1), False, progress)
        runs += [_compare_l1(config, l1, mode, prepare, progress) for mode in modes]
    value: dict[str, Any] = {"schema": SCHEMA, "runs": runs}
    value["machines"] = list(_machines(replace(config, count=False), prepare, progress))
    _show_machines(value)
    if options.json:
        results.write_json(options.json, value)
    had = any("not_had" not in run["kvm"] for run in runs)
    return EXIT_OK if had else EXIT_ERROR
