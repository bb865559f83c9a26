# SPDX-License-Identifier: GPL-2.0-only
"""The machines that run random programs: QEMUs that stay, RAM in files that this process maps too.

A batch of programs is written into L1's memory, a byte to its UART starts it, a byte back says that the
records are there. Not under -icount: a program that cannot even fetch its exception vector executes no
instruction, so that time, and with it the watchdog, would stand still.
"""

from __future__ import annotations

import mmap
import os
import selectors
import struct
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import fuzzprog, fuzztables
from .config import RunConfig, resolve
from .errors import Vel2Error
from .fuzzabi import ABI
from .image import MIB
from .placement import L0_SIZE, RAM_BASE
from .qemu import Qemu, quote
from .records import RecordReader
from .run import qemu_command

#: MiB of RAM of the L1 (or L2) that runs the programs.
MEM = 128
#: Seconds of wall clock for a boot, and for a batch.
BOOT_SECONDS, BATCH_SECONDS = 60.0, 30.0
#: Nanoseconds (the counter has 1 GHz) of wall clock after which a program is stopped, by depth; HASTY is
#: for a first run, after which it gets another chance where one machine alone was stopped.
WATCHDOG = (50_000_000, 150_000_000, 1_000_000_000, 8_000_000_000)
HASTE = 12
HASTY = tuple(ticks // HASTE for ticks in WATCHDOG)


@dataclass(frozen=True)
class Kind:
    """A machine for programs of `mode`: depth 0 is QEMU's own EL2, 1 vel2, 2 vel2 under vel2 (both of host, mech)."""

    mode: str
    depth: int = 0
    host: str = ""
    mech: str = ""

    def __str__(self) -> str:
        if not self.depth:
            return f"native l1_{self.mode}"
        deep = f" depth_{self.depth}" if self.depth > 1 else ""
        return f"host_{self.host} {self.mech} l1_{self.mode}{deep}"

    def can_run(self, code: fuzzprog.Code) -> bool:
        """Whether its CPU has what the program needs."""
        return not (code.nv2 and self.mech == "nv")

    def config(self) -> RunConfig:
        """How it is booted."""
        if self.depth < 2:
            made = RunConfig(l1="fuzz", l1_mode=self.mode, native=not self.depth, mem=MEM)
        else:
            made = RunConfig(
                l1="vel2",
                l1_append=f"vel2.host={self.host} vel2.mech={self.mech}",
                l2="fuzz",
                l2_mode=self.mode,
                depth=self.depth - 1,
                mem=MEM + (self.depth - 1) * L0_SIZE // MIB,
            )
        if self.depth:
            made.host, made.mech = self.host, self.mech
        made.icount, made.markers, made.witness, made.trace = False, False, False, 0
        return made


class Lost(Exception):
    """A machine that does not answer any more: which program it ran, and what it said."""

    def __init__(self, program: int, why: str):
        super().__init__(why)
        self.program = program
        self.why = why


@dataclass
class Machine:
    """One QEMU. Not running until start()."""

    kind: Kind
    bell: bool = False
    said: bytes = b""
    panics: list[str] = field(default_factory=list)
    gone: bool = False
    qemu: Qemu | None = None
    _memory: mmap.mmap | None = None

    def start(self) -> None:
        """Boot it up to the executor's first word. Vel2Error when that does not come."""
        shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        # QEMU has the files open then: nothing is left behind, however this process ends.
        with tempfile.TemporaryDirectory(prefix="vel2-fuzz-", dir=shm) as scratch:
            self._boot(Path(scratch))
        if not self.bell:
            why = self.panics or [self.said.decode("utf-8", "replace")[-200:]]
            why += self.qemu.stderr()[:2] if self.qemu else []
            self.stop()
            raise Vel2Error(f"{self.kind}: the executor does not start: {' '.join(why)}")
        for address, data in fuzztables.build(self.kind.mode != "nvhe").items():
            self.write(address, data)
        self.write(ABI["FUZZ_STUBS2"], fuzzprog.stubs(self.kind.mode != "nvhe")[1])
        first = self.run([fuzzprog.base(self.kind.mode).pack()])[0]
        if struct.unpack_from("<I", first, 4)[0] != ABI["FUZZ_END_OK"]:
            raise Vel2Error(f"{self.kind}: the executor's registers cannot be set up")

    def _boot(self, scratch: Path) -> None:
        config = self.kind.config()
        size = (MEM + self.kind.depth * L0_SIZE // MIB) * MIB
        path = scratch / "ram"
        with path.open("w+b") as stream:
            stream.truncate(size)
            self._memory = mmap.mmap(stream.fileno(), size)
        backend = f"memory-backend-file,id=ram,size={size},mem-path={quote(str(path))},share=on"
        config.qemu_args = ("-object", backend, "-machine", "memory-backend=ram")
        args = qemu_command(config, resolve(config), scratch, None)
        self.said, self.panics, self.gone, self.bell = b"", [], False, False
        self._reader = RecordReader()
        self.qemu = Qemu(args, self._console, self._l0)
        self.qemu.start()
        wait([self], BOOT_SECONDS)

    def stop(self) -> None:
        """Kill it and forget its memory."""
        if self.qemu:
            self.qemu.kill()
        if self._memory:
            self._memory.close()
        self.qemu = self._memory = None

    def _console(self, data: bytes) -> None:
        self.said = (self.said + data)[-4096:]
        if ABI["FUZZ_BELL"] in data or ABI["FUZZ_READY"] in data:
            self.bell = True
        if b"FAIL" in self.said:
            self.gone = True

    def _l0(self, data: bytes) -> None:
        for record in self._reader.feed(data):
            if record["t"] in ("panic", "error"):
                self.panics.append(f"{record['t']}: {record.get('msg', '')}")

    def _offset(self, address: int) -> int:
        return address - RAM_BASE + self.kind.depth * L0_SIZE

    def write(self, address: int, data: bytes) -> None:
        """Bytes into L1's memory, by IPA."""
        assert self._memory is not None
        offset = self._offset(address)
        self._memory[offset : offset + len(data)] = data

    def read(self, address: int, size: int) -> bytes:
        """Bytes of L1's memory, by IPA."""
        assert self._memory is not None
        offset = self._offset(address)
        return self._memory[offset : offset + size]

    def begin(self, programs: Sequence[bytes], watchdog: Sequence[int] = WATCHDOG) -> None:
        """Hand over a batch."""
        assert self.qemu is not None
        ticks = watchdog[self.kind.depth]
        self.write(ABI["FUZZ_IN"], b"".join(programs))
        mode = {"nvhe": 0, "vhe": 1, "any": ABI["FUZZ_MODE_ANY"]}[self.kind.mode]
        mailbox = struct.pack("<4IQ", ABI["FUZZ_MAGIC"], len(programs), 0, mode, ticks)
        self.write(ABI["FUZZ_MAILBOX"], mailbox)
        self.bell = False
        self.qemu.send("uart", b"!")

    def end(self, count: int) -> list[bytes]:
        """The records of the batch that begin() gave, one value a program. Lost: see there."""
        if self.panics or not self.bell or self.gone:
            program = struct.unpack("<I", self.read(ABI["FUZZ_MAILBOX"] + 8, 4))[0]
            why = "; ".join(self.panics)
            if not why and self.gone:
                said = self.qemu.stderr() if self.qemu else []
                why = "ended: " + " ".join([self.said.decode("utf-8", "replace")[-200:], *said])
            raise Lost(program, why or "hangs")
        found, address = [], ABI["FUZZ_OUT"]
        for _ in range(count):
            size = struct.unpack("<I", self.read(address, 4))[0]
            found.append(self.read(address, size))
            address += size
        return found

    def run(self, programs: Sequence[bytes], watchdog: Sequence[int] = WATCHDOG) -> list[bytes]:
        """begin(), wait, end()."""
        self.begin(programs, watchdog)
        wait([self], BATCH_SECONDS)
        return self.end(len(programs))


def wait(machines: Sequence[Machine], seconds: float) -> None:
    """Until every one has rung its bell, has gone, or the time is over."""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        left = {id(m) for m in machines if not m.bell}
        for machine in machines:
            if machine.qemu and id(machine) in left:
                for channel in machine.qemu.channels.values():
                    if not channel.closed:
                        selector.register(channel.socket, selectors.EVENT_READ, (machine, channel))
        while left and selector.get_map():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            for key, _ in selector.select(remaining):
                machine, channel = key.data
                data = Qemu.receive(channel)
                if data:
                    channel.on_data(data)
                elif data is not None:
                    selector.unregister(channel.socket)
                    channel.closed = machine.gone = True
                if machine.bell or machine.gone or machine.panics:
                    left.discard(id(machine))


# ---------------------------------------------------------------------------- records


@dataclass(frozen=True)
class Record:
    """One record of a program: kind (FUZZ_REC_*), what it is about, its words."""

    kind: int
    what: int
    words: tuple[int, ...]


_KINDS = {value: name[9:].lower() for name, value in ABI.items() if name.startswith("FUZZ_REC_")}
_ENDS = {value: name[9:].lower() for name, value in ABI.items() if name.startswith("FUZZ_END_")}


def parse(output: bytes) -> tuple[int, list[Record]]:
    """How a program ended (FUZZ_END_*), and its records."""
    size, end = struct.unpack_from("<2I", output)
    words = struct.unpack_from(f"<{(size - 8) // 8}Q", output, 8)
    found, place = [], 0
    while place < len(words):
        head = words[place]
        count = head & 0xFFFF_FFFF
        found.append(
            Record(head >> 56, head >> 32 & 0xFF_FFFF, words[place + 1 : place + 1 + count])
        )
        place += 1 + count
    return end, found


def describe(record: Record | None) -> str:
    """A record as a line."""
    if record is None:
        return "nothing"
    kind = _KINDS.get(record.kind, str(record.kind))
    if record.kind in (ABI["FUZZ_REC_EXC"], ABI["FUZZ_REC_EXC1"]):
        level = "EL2" if record.kind == ABI["FUZZ_REC_EXC"] else "EL1"
        names = ("esr", "elr", "spsr", "far", "hpfar")
        text = " ".join(f"{n} {w:x}" for n, w in zip(names, record.words))
        return f"exception to {level}, vector {record.what}: {text}"
    if record.kind == ABI["FUZZ_REC_IRQ"]:
        text = " ".join(f"{w:x}" for w in record.words)
        return f"interrupt {record.what >> 8}, vector {record.what & 31}, at {text}"
    return f"{kind} {record.what}: " + " ".join(f"{w:x}" for w in record.words)


def end_name(end: int) -> str:
    """FUZZ_END_* as a word."""
    return _ENDS.get(end, str(end))
