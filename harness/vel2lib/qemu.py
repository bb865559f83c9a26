# SPDX-License-Identifier: GPL-2.0-only
"""One QEMU: its command line, its two serial ports and its end.

QEMU gets its serial ports as socket pairs (nothing in the file system, nothing lost before we listen)
and runs in a process group of its own, which is killed whatever happens: normal end, exception,
signal, and, through PR_SET_PDEATHSIG, even a SIGKILL of this process.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from . import devices as pcie
from .devices import Devices
from .errors import EXIT_INTERRUPTED, Vel2Error
from .placement import L0_SIZE, Placement
from .image import MIB

CPU = "max,pauth-impdef=on,sve=off,sme=off"
#: The same with SVE, which makes a Linux slower to emulate.
SVE_CPU = "max,pauth-impdef=on,sme=off"
MACHINE = "virt,virtualization=on,gic-version=3"
#: CPU models of QEMU 10 with FEAT_NV and FEAT_NV2.
NV_CPUS = frozenset({"max", "neoverse-v1", "neoverse-n2"})
#: CPU models without VHE: L0's host and L1 can only be nVHE there.
NVHE_CPUS = frozenset({"cortex-a53", "cortex-a57", "cortex-a72"})
#: What a guest could tell one run from the next by: the time of day and random numbers.
REPEATABLE = ("-rtc", "base=2026-01-01T00:00:00,clock=vm", "-seed", "1")
#: Set by `vel2 coverage` for what it starts: the plugin of every QEMU that has an L0.
COVERAGE = "VEL2_COVERAGE_PLUGIN"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Machine:
    """What QEMU is to be: sizes in MiB (`mem` is L1's; L0's 6 MiB come on top unless native)."""

    cpu: str = CPU
    smp: int = 1
    mem: int = 1024
    icount: bool = False
    extra: tuple[str, ...] = ()
    qemu: str = "qemu-system-aarch64"
    exception_log: Path | None = None
    plugin: tuple[str, ...] = ()  # QEMU's arguments for one
    gdb: str | None = None
    reboots: bool = False  # a reset starts it again; if not, it ends it
    devices: Devices = Devices()


@dataclass(frozen=True)
class Domain:
    """A guest that L1 (Xen) starts by itself; mem in MiB."""

    name: str
    cpus: int
    mem: int


@dataclass(frozen=True)
class Module:
    """A further boot module, for L1 to start a guest of its own with: a kernel (with its
    command line) or the initrd that belongs to it."""

    kind: str  # kernel or initrd
    path: Path
    append: str = ""
    domain: Domain | None = None  # None: of the one guest that needs no node of its own
    address: int | None = None  # IPA, for what L1 knows without being told: no node for it


def quote(value: str) -> str:
    """A value inside a comma-separated QEMU option."""
    return value.replace(",", ",,")


def _common(machine: Machine, mem: int) -> list[str]:
    model = MACHINE + (pcie.MACHINE if machine.devices else "")
    args = [machine.qemu, "-machine", model, "-cpu", machine.cpu, "-smp", str(machine.smp)]
    args += ["-m", f"{mem}M", "-nodefaults", "-no-user-config", "-display", "none"]
    args += [] if machine.reboots else ["-no-reboot"]
    args += ["-semihosting-config", "enable=on,target=gdb"]
    args += machine.devices.arguments()
    if machine.icount:
        args += ["-icount", "shift=0,sleep=off", *REPEATABLE]
    if machine.exception_log:
        args += ["-d", "int", "-D", str(machine.exception_log)]
    args += machine.plugin
    if machine.gdb:
        args += ["-S", "-gdb", machine.gdb]
    return args


def _loader(module: Module, address: int) -> list[str]:
    if module.domain or module.address is not None:  # its node is in the device tree (domains.py)
        where = f"addr={address:#x},force-raw=on"
        return ["-device", f"loader,file={quote(str(module.path))},{where}"]
    loader = f"guest-loader,addr={address:#x},{module.kind}={quote(str(module.path))}"
    if module.kind == "kernel":
        loader += f",bootargs={quote(module.append)}"
    return ["-device", loader]


def command(
    machine: Machine,
    l0: Path,
    l0_append: str,
    kernel: Path | None,
    l1_append: str,
    initrd: Path | None,
    where: Placement | None,
    modules: Sequence[Module] = (),
) -> list[str]:
    """QEMU's arguments for L0 with L1's modules (none when `kernel` is None), without serial ports."""
    args = _common(machine, machine.mem + L0_SIZE // MIB)
    args += ["-kernel", str(l0), "-append", l0_append]
    if COVERAGE in os.environ:
        args += ["-plugin", os.environ[COVERAGE]]
    if kernel is not None and where is not None:
        args += _loader(Module("kernel", kernel, l1_append), where.kernel)
        if initrd is not None and where.initrd is not None:
            args += _loader(Module("initrd", initrd), where.initrd)
        for module, address in zip(modules, where.modules):
            args += _loader(module, address)
    return args + list(machine.extra)


def native_command(
    machine: Machine,
    kernel: Path,
    append: str,
    initrd: Path | None,
    where: Placement,
    modules: Sequence[Module] = (),
) -> list[str]:
    """QEMU's arguments for an L1 on QEMU's own EL2, without L0 and without serial ports."""
    args = _common(machine, machine.mem)
    args += ["-kernel", str(kernel), "-append", append]
    if initrd is not None:
        args += ["-initrd", str(initrd)]
    for module, address in zip(modules, where.modules):
        args += _loader(module, address)
    return args + list(machine.extra)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have this process get a signal when the one that started it ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, number)


_running: set["Qemu"] = set()


@atexit.register
def kill_all() -> None:
    """Kill every QEMU that this process started."""
    for one in list(_running):
        one.kill()


def _on_signal(number: int, _frame: FrameType | None) -> None:
    kill_all()
    raise Vel2Error(f"interrupted ({signal.Signals(number).name})", EXIT_INTERRUPTED)


def install_signal_handlers() -> None:
    """Turn the signals that end a program into a Vel2Error, after killing QEMU."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)


@dataclass
class Channel:
    """One socket to QEMU: bytes come out of it through a callback until QEMU closes it."""

    name: str
    socket: socket.socket
    on_data: Callable[[bytes], None]
    closed: bool = False


@dataclass(eq=False)
class Qemu:
    """A running QEMU. Use as a context manager: leaving it kills whatever still runs."""

    args: list[str]
    on_console: Callable[[bytes], None]
    on_l0: Callable[[bytes], None]
    #: Whether there is an L0. If not, there is no second UART: L1 has none under L0 either.
    l0: bool = True
    process: subprocess.Popen[bytes] = field(init=False)
    channels: dict[str, Channel] = field(init=False)
    errors: bytes = b""
    _replies: bytes = b""

    def __enter__(self) -> "Qemu":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start QEMU. Vel2Error when it cannot be executed."""
        handlers = {"uart": self.on_console, "l0": self.on_l0, "qmp": self._on_reply}
        self.channels, theirs, args = {}, [], list(self.args)
        for name, handler in handlers.items():
            mine, other = socket.socketpair()
            mine.setblocking(False)
            theirs.append(other)
            self.channels[name] = Channel(name, mine, handler)
            args += ["-chardev", f"socket,id={name},fd={other.fileno()}"]
        args += ["-serial", "chardev:uart", *(["-serial", "chardev:l0"] if self.l0 else [])]
        args += ["-mon", "chardev=qmp,mode=control"]
        with tempfile.TemporaryFile() as stderr:
            self._stderr = os.dup(stderr.fileno())
            try:
                self.process = subprocess.Popen(
                    args,
                    stdin=subprocess.DEVNULL,
                    stdout=stderr,
                    stderr=stderr,
                    pass_fds=[s.fileno() for s in theirs],
                    start_new_session=True,
                    preexec_fn=die_with_parent,
                )
            except OSError as error:
                raise Vel2Error(
                    f"{args[0]}: {error.strerror}: run 'harness/vel2 setup' as root"
                ) from error
            finally:
                for end in theirs:
                    end.close()
        _running.add(self)

    def pump(self, seconds: float) -> bool:
        """Hand over what arrives within `seconds`; return early once QEMU has closed everything.

        True while QEMU runs.
        """
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            for channel in self.channels.values():
                if not channel.closed:
                    selector.register(channel.socket, selectors.EVENT_READ, channel)
            while selector.get_map():
                left = deadline - time.monotonic()
                if left <= 0:
                    return True
                for key, _ in selector.select(left):
                    channel = key.data
                    data = self.receive(channel)
                    if data:
                        channel.on_data(data)
                    elif data is not None:
                        selector.unregister(channel.socket)
                        channel.closed = True
        return False

    @staticmethod
    def receive(channel: Channel) -> bytes | None:
        """What has arrived, b"" at the end, None when nothing is there after all."""
        try:
            return channel.socket.recv(1 << 16)
        except BlockingIOError:
            return None
        except ConnectionError:
            return b""

    def send(self, name: str, data: bytes) -> None:
        """Write to a channel; nothing happens when QEMU has gone."""
        channel = self.channels[name]
        if not channel.closed:
            with contextlib.suppress(OSError):
                channel.socket.send(data)

    def wait(self, seconds: float = 10) -> int | None:
        """Exit status of a QEMU that is about to end, None when it does not end in time."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stderr(self) -> list[str]:
        """What QEMU printed itself, as lines."""
        with contextlib.suppress(OSError):
            size = os.fstat(self._stderr).st_size
            self.errors = os.pread(self._stderr, min(size, 1 << 16), 0)
        return [s for s in self.errors.decode("utf-8", "replace").splitlines() if s.strip()]

    def kill(self) -> None:
        """Kill QEMU's whole process group and close everything. Idempotent."""
        if self not in _running:
            return
        _running.discard(self)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.stderr()
        with contextlib.suppress(OSError):
            os.close(self._stderr)
        for channel in self.channels.values():
            channel.closed = True
            channel.socket.close()

    # The monitor is asked only when L0 itself does not answer any more.

    def _on_reply(self, data: bytes) -> None:
        self._replies += data

    def monitor(self, line: str, seconds: float = 5) -> str:
        """Output of a human monitor command, "" when QEMU does not answer in time."""
        requests: list[dict[str, Any]] = [
            {"execute": "qmp_capabilities"},
            {"execute": "human-monitor-command", "arguments": {"command-line": line}, "id": line},
        ]
        for request in requests:
            self.send("qmp", json.dumps(request).encode() + b"\n")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            running = self.pump(0.05)
            for reply in self._parsed():
                if reply.get("id") == line:
                    return str(reply.get("return", ""))
            if not running:
                break
        return ""

    def _parsed(self) -> Iterator[dict[str, Any]]:
        for text in self._replies.split(b"\n"):
            with contextlib.suppress(ValueError):
                value = json.loads(text)
                if isinstance(value, dict):
                    yield value
