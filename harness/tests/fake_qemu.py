# SPDX-License-Identifier: GPL-2.0-only
"""A QEMU that only speaks: plays what L0 and L1 would say, for tests of the harness itself.

fake_qemu.py SCENARIO QEMU-ARGUMENTS...
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

MARKER = """Taking exception 11 [Hypervisor Call] on CPU 0
...from EL1 to EL2
...with ESR 0x16/0x5a004e56
"""
TRAP = """Taking exception 1 [Undefined Instruction] on CPU 0
...from EL1 to EL2
...with ESR 0x1a/0x68000000
"""


class Fake:
    """Both serial ports, and the file of the exception log."""

    def __init__(self, args: list[str]):
        self.ports: dict[str, socket.socket] = {}
        self.log: Path | None = None
        for index, arg in enumerate(args):
            found = re.match(r"socket,id=(\w+),fd=(\d+)", arg)
            if found:
                self.ports[found.group(1)] = socket.socket(fileno=int(found.group(2)))
            if arg == "-D":
                self.log = Path(args[index + 1])

    def console(self, text: str) -> None:
        """L1 prints."""
        self.ports["uart"].sendall(text.encode())

    def say(self, **record: Any) -> None:
        """L0 writes a record."""
        self.ports["l0"].sendall(json.dumps(record).replace('": ', '":').encode() + b"\r\n")

    def boot(self) -> None:
        """L0 is up."""
        self.say(t="boot", host="vhe", mech="nv2", cpus=1, l1_mem=1 << 30, l0_bytes=6 << 20)

    def sample(self, region: int, traps: int, **more: Any) -> None:
        """A sample, and the same in the log."""
        self.say(t="sample", region=region, level="L1", ops=1, traps=traps, **more)
        if self.log:
            with self.log.open("a") as stream:
                stream.write(MARKER + TRAP * traps + MARKER)

    def end(self) -> None:
        """L0 and L1 say good-bye."""
        self.console("ALL PASS\n")
        self.say(
            t="counters",
            why="end",
            vcpu=0,
            exits={"L1": {"hvc": {"handled": 3, "forwarded": 1, "reflected": 0}}},
            sysregs={"HPFAR_EL2": {"read": 2, "write": 0}},
            l0_instructions=None,
        )
        self.say(t="end", why="system_off")


def good(fake: Fake) -> int:
    """Everything as it should be."""
    fake.boot()
    fake.sample(0, 0, l0_instructions=40, by_reason={})
    fake.sample(2, 1, l0_instructions=240, by_reason={"hvc": 1})
    fake.end()
    return 0


def slow(fake: Fake) -> int:
    """As good, but it takes its time."""
    time.sleep(0.7)
    return good(fake)


def liar(fake: Fake) -> int:
    """L0 counts one trap that never was."""
    fake.boot()
    fake.sample(0, 0)
    fake.say(t="sample", region=2, level="L1", ops=1, traps=2)
    if fake.log:
        with fake.log.open("a") as stream:
            stream.write(MARKER + TRAP + MARKER)
    fake.end()
    return 0


def flood(fake: Fake) -> int:
    """L1 fills its console with garbage and with what imitates L0's records; otherwise good."""
    lies = '{"t":"sample","region":2,"level":"L1","ops":1,"traps":99}\n{"t":"end","why":"lie"}\n'
    lies += '{"t":"panic","msg":"lie"}\n'
    for _ in range(200):
        fake.console(lies + "\x00\x1b[2J\xff" * 500 + "{" * 300 + "\n")
    return good(fake)


def deluge(fake: Fake) -> int:
    """L1 fills its console beyond what anybody keeps, without an end of line, and fails in the end."""
    fake.boot()
    for _ in range(24 * 16):
        fake.console("\x00lie" * (1 << 14))
    fake.console("\nFAIL after all\n1 FAILED\n")
    fake.say(t="end", why="system_off")
    return 0


def endless(fake: Fake) -> int:
    """L1's second UART has a line that does not end; then one that L1 means as a record."""
    fake.boot()
    for _ in range(1000):
        fake.say(t="uart1", line='{"t":"end","why":"lie"}' * 80, more=True)
    fake.say(t="uart1", line="")
    fake.say(t="uart1", line='{"t":"sample","region":2,"level":"L1","ops":1,"traps":99}')
    return good(fake)


def killed(fake: Fake) -> int:
    """QEMU is killed in the middle of a record."""
    fake.boot()
    fake.ports["l0"].sendall(b'{"t":"sample","region"')
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def refusal(fake: Fake) -> int:
    """L0 refuses an option."""
    fake.say(t="error", msg="vel2.mech=foo: not one of nv2, nv")
    return 1


def panic(fake: Fake) -> int:
    """L0 panics in the middle of a line."""
    fake.boot()
    fake.ports["l0"].sendall(b'{"t":"log","lev\n')
    fake.say(
        t="panic", vcpu=0, level="L2", esr="0x96000045", far="0x1000", pc="0x40000100", msg="x"
    )
    return 2


def broken(_fake: Fake) -> int:
    """QEMU itself gives up."""
    print("qemu: could not load something", file=sys.stderr)
    return 1


def failing(fake: Fake) -> int:
    """The guest finds a fault."""
    fake.boot()
    fake.console("FAIL it should be 3\n1 FAILED\n")
    fake.say(t="end", why="system_off")
    return 0


def hang(fake: Fake) -> int:
    """L0 answers 'd', L1 never ends."""
    fake.boot()
    while fake.ports["l0"].recv(1) != b"d":
        pass
    fake.say(t="vcpu", vcpu=0, cpu=0, level="L2", pc="0x80001234", pstate="0x3c5", bank="VEL1")
    fake.say(
        t="trace", vcpu=0, seq=7, level="L2", reason="hvc", outcome="forwarded", pc="0x1", esr="0x2"
    )
    time.sleep(60)
    return 0


def deaf(fake: Fake) -> int:
    """Nobody answers but QEMU's monitor."""
    fake.boot()
    requests = fake.ports["qmp"].makefile()
    while True:
        request = json.loads(requests.readline())
        if "id" in request:
            text = "\nCPU#0\n PC=0000000040000010 X00=0\nPSTATE=600003c9 -ZC- EL2h BTYPE=0\n"
            answer = {"return": text, "id": request["id"]}
            fake.ports["qmp"].sendall(json.dumps(answer).encode() + b"\n")
            time.sleep(60)


def main(argv: list[str]) -> int:
    """Play a scenario."""
    if "--version" in argv:
        number = "7.2.0" if argv[0] == "old" else "10.0.2"
        print(f"QEMU emulator version {number}")
        return 0
    scenarios = {
        f.__name__: f
        for f in (
            good,
            slow,
            flood,
            deluge,
            endless,
            killed,
            liar,
            refusal,
            panic,
            broken,
            failing,
            hang,
            deaf,
        )
    }
    return scenarios[argv[0]](Fake(argv[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
