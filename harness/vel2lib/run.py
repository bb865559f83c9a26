# SPDX-License-Identifier: GPL-2.0-only
"""Runs one machine to its end and says how it ended.

Nothing is printed here except through `progress`; results.py and table.py show what a Result holds.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import config as configuration
from . import plugin, witness
from .config import RunConfig, Target
from .domains import with_domains
from .errors import EXIT_ERROR, EXIT_FAILED, EXIT_OK, EXIT_PANIC, EXIT_TIMEOUT, Vel2Error
from .image import Image, load
from .placement import Placement, place, place_firmware, place_vel2s
from .qemu import Machine, Module, Qemu, command, native_command
from .records import MAX_LINE, Record, RecordReader, integer, optional_integer
from .regions import region_names
from .symbols import Symbolizer

#: Seconds L0 gets to answer 'd' after a timeout, and QEMU to end after its last record.
DUMP_SECONDS = 3.0
END_SECONDS = 5.0
MAX_CONSOLE = 16 << 20
#: What stands for the middle of a console that is longer.
LEFT_OUT = b"\n[vel2: some of the console is left out here]\n"
#: How a console moves its cursor and changes colours.
_ESCAPES = re.compile(r"\x1b\[[0-9;=?]*[A-Za-z]")

Progress = Callable[[str], None]


@dataclass
class Phase:
    """A point of a run that L1's console shows: seconds since QEMU's start, traps and (under icount,
    without markers) L0's instructions up to there."""

    name: str
    wall_seconds: float
    traps: int | None = None
    l0_instructions: int | None = None


@dataclass
class Result:
    """Everything that is known about a run after its end."""

    config: RunConfig
    outcome: str = "ok"
    status: int = EXIT_OK
    wall_seconds: float = 0.0
    console: bytearray = field(default_factory=bytearray)  # all, or its beginning and its end
    boot: Record = field(default_factory=dict)
    samples: list[Record] = field(default_factory=list)
    counters: list[Record] = field(default_factory=list)  # the last of each vCPU
    vcpus: list[Record] = field(default_factory=list)
    traces: list[Record] = field(default_factory=list)
    tests: list[Record] = field(default_factory=list)  # L0's own (vel2.test=)
    logs: list[Record] = field(default_factory=list)
    panics: list[Record] = field(default_factory=list)
    garbage: list[str] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    details: list[str] = field(default_factory=list)  # lines for the user besides the outcome
    log_regions: list[witness.Region] | None = None  # None: no witness was asked for
    counted: list[
        "plugin.Counted"
    ] | None = None  # regions of QEMU's plugin; None: it was not asked for
    totals: list["plugin.Counted"] = field(default_factory=list)  # and each CPU's
    end: str | None = None  # what L0 said last; None when it did not come to that
    resets: int = 0  # of Target.resets, as L0 says
    error: str | None = None  # why L0 refused
    nested: "Result | None" = None  # the same of L1, where L1 is vel2, and so on
    others: "list[Result]" = field(default_factory=list)  # of the L1s beside it, each its own part
    symbolizer: Symbolizer = field(default_factory=lambda: Symbolizer({}))

    def fail(self, outcome: str, status: int) -> None:
        """Note what went wrong; the first reason stands."""
        if self.status == EXIT_OK:
            self.outcome, self.status = outcome, status

    def lines(self) -> list[str]:
        """L1's console as lines, without carriage returns and escape sequences."""
        text = _ESCAPES.sub("", self.console.decode("utf-8", "replace"))
        return [s.rstrip("\r") for s in text.split("\n")]


def exits_total(counters: list[Record]) -> int:
    """Traps in counter records: exits from every guest level (not the nVHE host's own HVCs)."""
    total = 0
    for record in counters:
        for level, reasons in record.get("exits", {}).items():
            if level != "host":
                for row in reasons.values():
                    total += sum(integer(row, k) for k in ("handled", "forwarded", "reflected"))
    return total


def instructions_total(counters: list[Record]) -> int | None:
    """L0's instructions in counter records; None where one does not say."""
    known = [optional_integer(record, "l0_instructions") for record in counters]
    return sum(k for k in known if k is not None) if known and None not in known else None


def _add(console: bytearray, data: bytes) -> None:
    """Of a console that nobody can keep the beginning and the end stay: the verdict is at the end."""
    console += data
    if len(console) > MAX_CONSOLE * 5 // 4:  # not at every piece: each time moves half of it
        console[MAX_CONSOLE // 2 : -MAX_CONSOLE // 2] = LEFT_OUT


class _Session:
    """What arrives while QEMU runs."""

    def __init__(self, config: RunConfig, target: Target, result: Result, progress: Progress):
        self.config = config
        self.target = target
        self.result = result
        self.progress = progress
        self.reader = RecordReader()
        self.qemu: Qemu | None = None
        self.started = time.monotonic()
        self.ended = False  # L0 has said its last word
        self.dumping = False
        self.typed = 0
        self.nested: _Session | None = None  # of an L1 that is vel2
        self.others: list[_Session] = []  # of the L1s beside it
        self._line = b""
        self._uart1 = ""
        self._snapshots: list[Record] = []
        self._waiting: list[Phase] = []

    def console(self, data: bytes) -> None:
        """L1's UART."""
        _add(self.result.console, data)
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").strip()
            name = self.target.phases.get(text)
            if name and all(p.name != name for p in self.result.phases):
                self.phase(name)
        self._line = self._line[-4096:]
        self.type()

    def type(self) -> None:
        """Answer the prompt that the console shows, if it is the next one expected."""
        if self.typed < len(self.target.types) and self.qemu:
            prompt, text = self.target.types[self.typed]
            if _ESCAPES.sub("", self._line.decode("utf-8", "replace")).startswith(prompt):
                self.typed += 1
                self._line = b""  # what is echoed there is no new prompt
                self.qemu.send("uart", text.encode())

    def phase(self, name: str) -> None:
        """Note a phase and ask L0 how many traps it took; not where regions are measured under icount, since
        the question is an interrupt that comes when this machine's time has it."""
        phase = Phase(name, time.monotonic() - self.started)
        self.result.phases.append(phase)
        self.progress(f"{name} after {phase.wall_seconds:.1f} s")
        repeats = self.config.icount and self.config.markers
        if self.qemu and not self.config.native and not repeats:
            self._waiting.append(phase)
            self.qemu.send("l0", b"s")

    def l0(self, data: bytes) -> None:
        """L0's serial port."""
        for record in self.reader.feed(data):
            self.record(record)

    def record(self, record: Record) -> None:
        """One record of L0."""
        kind, result = record["t"], self.result
        number = integer(record, "vm")
        if 0 < number <= len(self.others) and kind != "panic":
            del record["vm"]
            self.others[number - 1].record(record)
        elif kind == "boot":
            result.boot = record
            self.progress(
                f"L0 is up after {time.monotonic() - self.started:.1f} s: host "
                f"{record.get('host')}, mechanism {record.get('mech')}"
            )
        elif kind == "error":
            result.error = str(record.get("msg", "L0 gave no reason"))
        elif kind == "sample":
            result.samples.append(record)
        elif kind == "counters":
            self.counters(record)
        elif kind == "trace":
            result.traces.append(record)
        elif kind == "vcpu":
            result.vcpus.append(record)
        elif kind == "panic":
            result.panics.append(record)
        elif kind == "test":
            result.tests.append(record)
        elif kind == "end":
            self.end(str(record.get("why", "")))
        elif kind == "log":
            result.logs.append(record)
        elif kind == "uart0":
            more = b"" if record.get("more") else b"\n"
            self.console(str(record.get("line", "")).encode() + more)
        elif kind == "uart1":
            self.uart1(record)

    def end(self, why: str) -> None:
        """L1's end, or that of one of its lives."""
        if why == "reset" and self.result.resets < self.target.resets:
            self.result.resets += 1
        else:
            self.result.end = why

    def uart1(self, record: Record) -> None:
        """A line, or a piece of one, that L1 wrote to its second UART: a record of L1's, if L1 is vel2."""
        self._uart1 += str(record.get("line", ""))
        if record.get("more"):
            self._uart1 = self._uart1[: MAX_LINE + 1]  # no record is so long
            return
        line, self._uart1 = self._uart1, ""
        if self.nested is None:
            self.result.nested = Result(self.config)
            self.nested = _Session(self.config, self.target, self.result.nested, lambda _: None)
        self.nested.l0(line.encode() + b"\n")

    def counters(self, record: Record) -> None:
        """Counters: at the end, or the answer to a snapshot (one record a vCPU)."""
        vcpu = integer(record, "vcpu")
        if record.get("why") == "snapshot":
            if not self._waiting:  # another L1's
                return
            self._snapshots.append(record)
            if len(self._snapshots) >= max(1, integer(self.result.boot, "cpus")):
                phase = self._waiting.pop(0)
                phase.traps = exits_total(self._snapshots)
                phase.l0_instructions = instructions_total(self._snapshots)
                self._snapshots = []
        else:
            kept = [c for c in self.result.counters if integer(c, "vcpu") != vcpu]
            self.result.counters = kept + [record]


def l0_append(config: RunConfig) -> str:
    """L0's options; a word of config.l0_append takes the place of the one made here."""
    words = {
        "vel2.host": config.host or "",
        # Without an L1 there is no mechanism to choose: self tests run on any CPU.
        "vel2.mech": "" if config.l1 == "none" else config.mech,
        "vel2.pv": config.pv_flavour,
        "vel2.l1_mode": configuration.l0_mode(config.l1_mode),
        "vel2.features": config.l1_features,
        "vel2.trap": configuration.registers(config.trap),
        "vel2.notrap": configuration.registers(config.no_trap),
        "vel2.l1s": str(1 + len(config.beside)) if config.beside else "",
        "vel2.smp": str(config.vcpus or config.smp),
        "vel2.markers": "on" if config.markers else "off",
        "vel2.trace": str(config.trace) if config.trace else "",
        "vel2.protect": "on" if config.protect else "",
        "vel2.uart1": "on" if config.l1 == "vel2" else "",
    }
    own = config.l0_append.split()
    given = {word.partition("=")[0] for word in own}
    made = [f"{key}={value}" for key, value in words.items() if value and key not in given]
    return " ".join(made + own)


def _machine(
    config: RunConfig, target: Target, log: Path | None, gdb: str | None, counts: Path | None
) -> Machine:
    return Machine(
        cpu=config.cpu,
        smp=config.smp,
        mem=(config.mem or 0) * (1 + len(target.others)),
        icount=bool(config.icount),
        extra=(*target.qemu_args, *config.qemu_args),
        qemu=config.qemu,
        exception_log=log,
        plugin=tuple(plugin.arguments(counts)) if counts else (),
        gdb=gdb,
        reboots=target.resets > 0,
        devices=config.devices(target.disk),
    )


def _place_vel2s(target: Target, mem: int, scratch: Path) -> Placement:
    """Where the vel2s of target.modules go, and what the last of them runs."""
    guest, *initrd = target.modules[target.depth - 1 :]
    image = load(guest.path)
    if image.converted:
        path = scratch / "guest.bin"
        path.write_bytes(image.data)
        target.modules[target.depth - 1] = replace(guest, path=path)
    size = initrd[0].path.stat().st_size if initrd else None
    last = place(image, size, mem, depth=target.depth)
    first, *others = place_vel2s(target.depth)
    rest = [last.kernel] if last.initrd is None else [last.kernel, last.initrd]
    return Placement(first, None, tuple(others + rest))


def _place_l1(
    config: RunConfig, target: Target, scratch: Path, number: int
) -> tuple[Path, Placement]:
    """The kernel's file and where all of this L1 goes; `number` of several L1s."""
    assert target.kernel is not None
    image = Image(target.kernel, b"", 0, 0) if target.firmware else load(target.kernel)
    size = target.initrd.stat().st_size if target.initrd else None
    mem, of = config.mem or 0, 1 + len(config.beside)
    if not target.symbols.get("L1") and image.elf:
        target.symbols["L1"] = [image.elf]
    kernel = target.kernel
    if image.converted:
        kernel = scratch / f"l1-{number}.bin"
        kernel.write_bytes(image.data)
    if target.depth:
        return kernel, _place_vel2s(target, mem, scratch)
    if target.firmware:
        addresses = [m.address or 0 for m in target.modules]
        return kernel, place_firmware(addresses, config.native)
    sizes = [module.path.stat().st_size for module in target.modules]
    if config.mech != "pv" or config.native or image.elf is None:
        return kernel, place(image, size, mem, sizes, config.native, number=number, of=of)
    # L0 puts its segments where an Image would lie.
    sizes.append(image.elf.stat().st_size)
    where = place(image, size, mem, sizes, number=number, of=of)
    return image.elf, Placement(where.modules[-1], where.initrd, where.modules[:-1])


def _other_l1s(config: RunConfig, target: Target, scratch: Path) -> list[tuple[Module, int]]:
    """The modules of the L1s beside the first, and where they go."""
    found = []
    for number, other in enumerate(target.others, 1):
        kernel, where = _place_l1(config, other, scratch, number)
        found.append((Module("kernel", kernel, other.append), where.kernel))
        if other.initrd is not None and where.initrd is not None:
            found.append((Module("initrd", other.initrd), where.initrd))
        found += zip(other.modules, where.modules)
    return found


def qemu_command(
    config: RunConfig,
    target: Target,
    scratch: Path,
    log: Path | None,
    gdb: str | None = None,
    counts: Path | None = None,
) -> list[str]:
    """QEMU's arguments for a resolved configuration. Writes what must be converted into `scratch`.

    Vel2Error when L1 is no kernel or does not fit.
    """
    machine = _machine(config, target, log, gdb, counts)
    where, kernel = Placement(0, None), None
    if target.kernel is not None:
        kernel, where = _place_l1(config, target, scratch, 0)
    modules = list(zip(target.modules, where.modules)) + _other_l1s(config, target, scratch)
    where = replace(where, modules=tuple(address for _, address in modules))
    files = [module for module, _ in modules]
    if config.native and kernel is not None:
        args = native_command(machine, kernel, target.append, target.initrd, where, files)
    else:
        args = command(
            machine,
            configuration.l0_bin(config),
            l0_append(config),
            kernel,
            target.append,
            target.initrd,
            where,
            files,
        )
    return with_domains(args, modules, 1 if config.native else 2, scratch)


def _timed_out(session: _Session, qemu: Qemu) -> None:
    """Ask everything that still answers for the state of every vCPU."""
    result, config = session.result, session.config
    result.fail(f"timeout: the guest did not end within {config.timeout:g} s", EXIT_TIMEOUT)
    if not config.trace and not config.native:
        result.details.append("run it again with --trace 10 to see the last exits")
    if not config.native:
        result.traces.clear()
        qemu.send("l0", b"d")
        deadline = time.monotonic() + DUMP_SECONDS
        wanted = max(1, integer(result.boot, "cpus"))
        # Until every vCPU has answered and nothing more comes for a moment.
        seen = -1
        while time.monotonic() < deadline and qemu.pump(0.2):
            said = len(result.vcpus) + len(result.traces)
            if len(result.vcpus) >= wanted and said == seen:
                break
            seen = said
    if not result.vcpus:
        text = qemu.monitor("info registers -a")
        lines = _registers(text, result.symbolizer)
        result.details += lines or ["neither L0 nor QEMU's monitor answered"]


def _registers(text: str, symbols: Symbolizer) -> list[str]:
    """One line a CPU from QEMU's register dump."""
    lines = []
    for block in re.split(r"^CPU#", text, flags=re.M)[1:]:
        number = block.split(None, 1)[0]
        pc = re.search(r"\bPC=([0-9a-f]+)", block)
        pstate = re.search(r"PSTATE=([0-9a-f]+).*?(EL\d\w)", block)
        if pc:
            address = int(pc.group(1), 16)
            name = symbols.name("L0", address) or symbols.name("L1", address)
            where = f"{address:#x}" + (f" ({name})" if name else "")
            at = pstate.group(2) if pstate else "?"
            lines.append(f"cpu {number}: real {at}, pc {where} (from QEMU: L0 did not answer)")
    return lines


def levels(result: Result) -> list[Result]:
    """The vel2s under L0, L1 first: those that said something."""
    found = []
    while result.nested:
        result = result.nested
        found.append(result)
    return found


def _failed_level(result: Result) -> str:
    """What a vel2 under L0 failed with, the innermost first; "" when none did."""
    for number, one in reversed(list(enumerate(levels(result), 1))):
        if one.error is not None:
            return f"vel2 as L{number}: error: {one.error}"
        if one.panics:
            return f"vel2 as L{number}: panic: {one.panics[0].get('msg', 'no reason given')}"
    return ""


def _judge_levels(result: Result, target: Target) -> None:
    """Every vel2 must have seen the end of what it ran: the last of the guest, the others of a vel2,
    which ends as its guest does."""
    found = [result, *levels(result)]
    if len(found) != target.depth + 1:
        result.fail(f"{target.depth} vel2s were to run under L0, {len(found) - 1} did", EXIT_FAILED)
    for number, one in enumerate(found):
        if one.end != target.ends or one.resets != target.resets:
            why = one.end or (one.garbage[:1] or ["no word of its end"])[0]
            said = f"L{number}'s L{number + 1} did not end by {target.ends}"
            result.fail(f"{said} after {target.resets} resets: {why}", EXIT_FAILED)


def _judge(session: _Session, qemu: Qemu, code: int | None) -> None:
    """The outcome of a QEMU that ended by itself."""
    result, target = session.result, session.target
    if result.error is not None:
        result.fail(f"error: {result.error}", EXIT_ERROR)
    elif result.panics:
        panic = result.panics[0]
        result.fail(f"L0 panic: {panic.get('msg', 'no reason given')}", EXIT_PANIC)
    elif _failed_level(result):
        result.fail(_failed_level(result), EXIT_FAILED)
    elif result.tests and result.end is None and code == 0:
        failed = [str(t.get("name")) for t in result.tests if not t.get("ok")]
        if failed:
            result.fail(f"L0's own test failed: {', '.join(failed)}", EXIT_FAILED)
    elif result.end is None and not session.config.native:
        said = qemu.stderr() or result.garbage
        reason = said[0] if said else "it said nothing"
        result.fail(f"QEMU ended early (status {code}): {reason}", EXIT_ERROR)
    elif code != 0:
        said = qemu.stderr()
        result.fail(f"QEMU ended with status {code}: {said[0] if said else ''}", EXIT_ERROR)
    elif target.depth:
        _judge_levels(result, target)
    else:
        _judge_end(result, target)
    _judge_console(result, target)
    for number, (other, its) in enumerate(zip(result.others, target.others), 1):
        if result.status == EXIT_OK and other.end is None:
            other.fail("it did not end", EXIT_FAILED)
        _judge_end(other, its)
        _judge_console(other, its)
        if other.status != EXIT_OK:
            result.fail(f"L1 number {number}: {other.outcome}", other.status)


def _judge_end(result: Result, target: Target) -> None:
    """How L1 ended, where that is known."""
    if result.end not in (None, target.ends):
        result.fail(f"L1 ended by {result.end}, not by {target.ends}", EXIT_FAILED)
    elif result.resets != target.resets and not result.config.native:
        result.fail(f"L1 reset {result.resets} times, not {target.resets}", EXIT_FAILED)


def _judge_console(result: Result, target: Target) -> None:
    """What L1's console must hold."""
    lines = [s.strip() for s in result.lines()]
    if target.verdict and result.status == EXIT_OK:
        failed = [s for s in lines if s.startswith("FAIL")]
        if failed:
            result.fail(f"the guest failed: {failed[0]}", EXIT_FAILED)
        elif "ALL PASS" not in lines:
            result.fail("the guest ended without its verdict (ALL PASS)", EXIT_FAILED)
    for line, meaning in target.needs.items():
        if line not in lines:
            result.fail(f"{meaning} (no line '{line}' on its console)", EXIT_FAILED)
            break


def _read_witness(result: Result, log: Path) -> None:
    """Parse QEMU's log and compare it with L0's samples."""
    if not log.exists():
        result.fail("QEMU wrote no exception log to compare with", EXIT_ERROR)
        return
    with log.open("r", encoding="utf-8", errors="replace") as stream:
        result.log_regions = list(witness.regions(witness.exceptions(stream)))
    if result.status != EXIT_OK:
        return
    wrong = witness.compare(result.samples, result.log_regions)
    if wrong:
        result.fail(f"L0's counts and QEMU's exception log disagree: {wrong[0]}", EXIT_FAILED)
        result.details += [str(one) for one in wrong[1:10]]


def _read_counts(result: Result, counts: Path) -> None:
    """What QEMU's plugin counted; on one CPU, compared with L0's own instructions."""
    try:
        result.counted, result.totals = plugin.read(counts)
    except Vel2Error as error:
        result.fail(str(error), EXIT_ERROR)
        return
    if result.status == EXIT_OK and result.samples and result.config.smp == 1:
        wrong = plugin.compare(result.samples, result.counted, region_names())
        if wrong:
            result.fail(f"L0's instructions and QEMU's plugin disagree: {wrong[0]}", EXIT_FAILED)
            result.details += wrong[1:10]


def _finish(session: _Session) -> None:
    """What the last lines of each level hold, and what was no record."""
    for record in session.reader.finish():
        session.record(record)
    session.result.garbage = session.reader.garbage
    for other in session.others:
        _finish(other)
    if session.nested:
        _finish(session.nested)


def _end_phase(target: Target, result: Result) -> None:
    if target.phases:
        total = exits_total(result.counters) if result.counters else None
        cost = instructions_total(result.counters)
        result.phases.append(Phase("end", result.wall_seconds, total, cost))


def _console_file(path: Path | None, result: Result) -> None:
    """The console into `path`; those of further L1s beside it, as NAME-1 and so on."""
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(result.console)
            for number, other in enumerate(result.others, 1):
                path.with_stem(f"{path.stem}-{number}").write_bytes(other.console)
        except OSError as error:
            result.fail(f"{path}: {error.strerror}", EXIT_ERROR)


def execute(
    config: RunConfig,
    target: Target,
    progress: Progress = lambda _: None,
    console: Callable[[bytes], None] | None = None,
    console_file: Path | None = None,
) -> Result:
    """Run a resolved configuration to its end, or to its timeout.

    Vel2Error only for what prevents a start; how the run went is in the Result.
    """
    result = Result(config)
    session = _Session(config, target, result, progress)
    for one, its in zip(config.others(), target.others):
        session.others.append(_Session(one, its, Result(one), progress))
        result.others.append(session.others[-1].result)

    def on_console(data: bytes) -> None:
        session.console(data)
        if console:
            console(data)

    with tempfile.TemporaryDirectory(prefix="vel2-") as directory:
        scratch = Path(directory)
        log = scratch / "exceptions.log" if config.witness else None
        counts = scratch / "counts.json" if config.count else None
        args = qemu_command(config, target, scratch, log, counts=counts)
        for each in (session, *session.others):
            symbols = {"L0": [configuration.l0_elf(config)], **each.target.symbols}
            each.result.symbolizer = Symbolizer(symbols)
        session.started = time.monotonic()
        with Qemu(args, on_console, session.l0, not config.native) as qemu:
            for each in (session, *session.others):
                each.qemu = qemu
            running = qemu.pump(config.timeout or 60)
            code = None if running else qemu.wait(END_SECONDS)
            result.wall_seconds = time.monotonic() - session.started
            _finish(session)
            if running:
                _timed_out(session, qemu)
            else:
                _judge(session, qemu, code)
        for each in (session, *session.others):
            _end_phase(each.target, each.result)
        _console_file(console_file, result)
        if log is not None:
            _read_witness(result, log)
        if counts is not None:
            _read_counts(result, counts)
    return result
