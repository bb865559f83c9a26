# SPDX-License-Identifier: GPL-2.0-only
"""Looking inside: gdb with every level's symbols, and --trace."""

from __future__ import annotations

import re

import pytest

from conftest import Command

pytestmark = pytest.mark.usefixtures("l0")


@pytest.mark.parametrize("host", ["vhe", "nvhe"])
def test_gdb_shows_each_level(vel2: Command, host: str) -> None:
    """Stopped in L1: the bank, virtual registers by name, an address's stage 2, the last exits."""
    commands = ["break guest_main", "continue", "vel2 where", "vel2 vcpus", "vel2 regs VBAR*"]
    commands += ["vel2 s2 0x40200000", "vel2 exits 3", "info symbol __kvm_vcpu_run"]
    args = [word for one in commands for word in ("-ex", one)]
    done = vel2("gdb", "--no-build", "--l1", "hello", "--host", host, "--", "-batch", *args)
    text = done.stdout
    assert done.returncode == 0, done.stderr
    assert re.search(r"cpu 0: real EL1, pc 0x402\w+ <guest_main", text), text
    assert re.search(r"vcpu 0: .*last exit from L1 .*pstate 0x\w+9\b", text), text
    assert re.search(r"VBAR_EL2 +0x\w+", text), text
    assert "0x40200000 -> PA 0x40800000" in text, text
    assert len(re.findall(r"^\d+: L1 \w+ \w+, pc 0x", text, re.M)) == 3, text
    assert "__kvm_vcpu_run in section" in text, text


def test_trace_prints_the_last_exits(vel2: Command) -> None:
    """--trace N: one line an exit, the PC with its symbol."""
    done = vel2("run", "--no-build", "--l1", "hello", "--trace", "5")
    assert done.returncode == 0, done.stderr
    lines = [s for s in done.stdout.splitlines() if s.startswith("vcpu 0 exit ")]
    assert len(lines) == 5
    assert re.search(r"L1 smc handled, pc 0x\w+ \(\w+", lines[-1]), lines
