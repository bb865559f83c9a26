# SPDX-License-Identifier: GPL-2.0-only
"""`vel2 gdb`: the machine, halted at its first instruction, under gdb with every level's symbols."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from . import config as configuration
from .config import RunConfig, Target
from .debian import ROOT
from .errors import Vel2Error
from .qemu import Qemu
from .run import qemu_command

SCRIPT = ROOT / "harness/debugger/vel2.py"
CONSOLE = configuration.BUILD / "console.txt"
RECORDS = configuration.BUILD / "l0.jsonl"


def gdb_command(socket: Path, target: Target, extra: list[str]) -> list[str]:
    """gdb's arguments: L0's symbols first, L1's and L2's after, then the user's."""
    args = ["gdb-multiarch", "-q", "-nx", "-ex", "set pagination off", "-ex", "set confirm off"]
    args += ["-ex", "set architecture aarch64", "-ex", f"target remote {socket}"]
    seen: list[Path] = []
    for level in ("L1", "L2"):
        for path in target.symbols.get(level, []):
            if path.exists() and path not in seen:
                seen.append(path)
                args += ["-ex", f"add-symbol-file {path}"]
    args += ["-ex", f"source {SCRIPT}"]
    return args + extra + [str(configuration.L0_ELF)]


def _pump(qemu: Qemu) -> None:
    while qemu.pump(1):
        pass


def _writer(stream: FileIO) -> Callable[[bytes], None]:
    def write(data: bytes) -> None:
        stream.write(data)

    return write


def debug(config: RunConfig, target: Target, extra: list[str]) -> int:
    """Start QEMU and gdb; gdb's exit status. QEMU ends with gdb."""
    config.icount, config.trace = False, 256
    with tempfile.TemporaryDirectory(prefix="vel2-") as directory:
        scratch = Path(directory)
        socket = scratch / "gdb"
        option = f"unix:{socket},server=on,wait=off"
        args = qemu_command(config, target, scratch, None, gdb=option)
        with CONSOLE.open("wb", buffering=0) as console, RECORDS.open("wb", buffering=0) as records:
            keep, note = _writer(console), _writer(records)
            with Qemu(args, keep, note, not config.native) as qemu:
                _wait_for(socket, qemu)
                reader = threading.Thread(target=_pump, args=(qemu,), daemon=True)
                reader.start()
                print(f"L1's console: {CONSOLE}  L0's records: {RECORDS}")
                print("commands: vel2 where, vel2 vcpus, vel2 regs, vel2 s2 ADDRESS, vel2 exits")
                # Ctrl-C is gdb's, which stops the machine.
                before = signal.signal(signal.SIGINT, signal.SIG_IGN)
                try:
                    return subprocess.run(
                        gdb_command(socket, target, extra), check=False
                    ).returncode
                except OSError as error:
                    raise Vel2Error(f"gdb-multiarch: {error.strerror}") from error
                finally:
                    signal.signal(signal.SIGINT, before)
                    qemu.process.kill()
                    reader.join(5)


def _wait_for(socket: Path, qemu: Qemu) -> None:
    for _ in range(100):
        if socket.exists():
            return
        if not qemu.pump(0.05):
            said = qemu.stderr()
            raise Vel2Error(f"QEMU ended early: {said[0] if said else 'it said nothing'}")
    raise Vel2Error("QEMU did not open its gdb socket within 5 s")
