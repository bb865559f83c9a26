# SPDX-License-Identifier: GPL-2.0-only
"""When it goes wrong: one line that says what, a non-zero status, nothing left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import HARNESS, Command
from vel2lib.debian import ROOT

pytestmark = pytest.mark.usefixtures("guests")
Fake = Callable[[str], Path]
RUN = ["run", "--no-build", "--l1", "bundled"]


def complaint(done: "subprocess.CompletedProcess[str]") -> str:
    """The one line that begins with vel2: on stderr."""
    lines = [s for s in done.stderr.splitlines() if s.startswith("vel2: ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


@pytest.mark.parametrize(
    "args, status, words",
    [
        (["--l1", "nosuch"], 1, "neither a file nor one of"),
        (["--l1", "/etc/passwd"], 1, "neither an arm64 Image nor an AArch64 ELF"),
        (["--l1", "/bin/true"], 1, "not for AArch64"),
        (["--l1", "hello", "--cpu", "cortex-a72"], 1, "no FEAT_NV"),
        (["--l1", "hello", "--cpu", "cortex-a72", "--mech", "nv"], 1, "--mech nv: "),
        (["--l1", "hello", "--qemu", "/nonexistent/qemu"], 1, "missing"),
        (["--l1", "hello", "--smp", "9"], 1, "--smp 9"),
        (["--l1", "hello", "--mem", "1"], 1, "--mem 1"),
        (["--l1", "hello", "--l1-initrd", "/nonexistent"], 1, "no such file"),
        (["--l1", "hello", "--disk", "/nonexistent"], 1, "no such file"),
        (["--l1", "hello", "--timeout", "0"], 1, "--timeout"),
        (["--l1", "hello", "--protect", "--host", "vhe"], 1, "--host nvhe"),
        (["--l1", "hello", "--protect", "--native"], 1, "--protect"),
        (["--l1", "linux", "--l1-mode", "nested"], 1, "a mode of linux-sid"),
        (["--l1", "edk2", "--l1-mode", "vhe"], 1, "edk2 is nVHE only"),
        (["--l1", "edk2", "--disk", "/etc/passwd"], 1, "a disk of its own"),
        (["--l1", "linux-sid", "--l1-mode", "nested", "--mech", "nv"], 1, "FEAT_NV2"),
    ],
)
def test_found_before_qemu(vel2: Command, args: list[str], status: int, words: str) -> None:
    """What can be checked is checked before QEMU starts."""
    done = vel2("run", "--no-build", *args)
    assert words in complaint(done)
    assert done.returncode == status


def test_qemu_too_old(vel2: Command, fake_qemu: Fake) -> None:
    """An old QEMU is named with the version it must have."""
    done = vel2(*RUN, "--qemu", str(fake_qemu("old")))
    assert "7.2" in complaint(done) and "9.0" in complaint(done) and done.returncode == 1


def test_machine_with_gicv2(vel2: Command) -> None:
    """Whose GIC has no system registers: L0 says so, and runs nothing."""
    done = vel2(*RUN, "--qemu-arg=-machine", "--qemu-arg=gic-version=2")
    assert "GICv3 (machine virt needs gic-version=3)" in complaint(done)
    assert done.returncode == 1


def test_initrd_that_does_not_fit(vel2: Command, tmp_path: Path) -> None:
    """The line says how much memory would do."""
    initrd = tmp_path / "initrd"
    with initrd.open("wb") as stream:
        stream.truncate(600 << 20)
    done = vel2("run", "--no-build", "--l1", "hello", "--l1-initrd", str(initrd), "--mem", "256")
    assert "does not fit" in complaint(done) and "--mem " in complaint(done)


@pytest.mark.parametrize(
    "scenario, status, words",
    [
        ("refusal", 1, "vel2.mech=foo: not one of nv2, nv"),
        ("panic", 2, "L0 panic: x"),
        ("broken", 1, "could not load something"),
        ("failing", 3, "FAIL it should be 3"),
        ("liar", 3, "disagree: sample 1 (region 2): L0 counted 2, QEMU 1"),
    ],
)
def test_told_by_the_run(
    vel2: Command, fake_qemu: Fake, tmp_path: Path, scenario: str, status: int, words: str
) -> None:
    """What only the run shows becomes one line, a status, and the JSON's outcome."""
    out = tmp_path / "r.json"
    done = vel2(*RUN, "--qemu", str(fake_qemu(scenario)), "--json", str(out))
    assert words in complaint(done)
    assert done.returncode == status
    outcome = json.loads(out.read_text())["outcome"]
    assert outcome != "ok" and words in outcome


def test_console_cannot_lie(vel2: Command, fake_qemu: Fake, tmp_path: Path) -> None:
    """Garbage and imitated records on L1's console change nothing of the result."""
    results = []
    for scenario in ("good", "flood"):
        out = tmp_path / f"{scenario}.json"
        done = vel2(*RUN, "--qemu", str(fake_qemu(scenario)), "--json", str(out))
        assert done.returncode == 0, done.stderr
        results.append(json.loads(out.read_text()))
    assert results[0]["regions"] == results[1]["regions"]
    assert results[0]["exits"] == results[1]["exits"]


def test_more_console_than_kept(vel2: Command, fake_qemu: Fake, tmp_path: Path) -> None:
    """Its end counts all the same, and its file says that something is left out."""
    file = tmp_path / "console"
    done = vel2(*RUN, "--qemu", str(fake_qemu("deluge")), "--console", str(file))
    assert "FAIL after all" in complaint(done) and done.returncode == 3
    kept = file.read_bytes()
    assert len(kept) < 24 << 20 and kept.count(b"[vel2: some of the console is left out") == 1
    assert kept.startswith(b"\0lie") and kept.endswith(b"1 FAILED\n")


def test_second_uart_cannot_lie(vel2: Command, fake_qemu: Fake, tmp_path: Path) -> None:
    """What L1 writes there is L1's: nothing of it is among L0's own figures."""
    out = tmp_path / "r.json"
    done = vel2(*RUN, "--qemu", str(fake_qemu("endless")), "--json", str(out))
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert [r["id"] for r in found["regions"]] == [0, 2] and found["regions"][1]["traps"] == 1


def test_guest_cannot_lie(vel2: Command, l0: Path, tmp_path: Path) -> None:
    """A real L1 that writes L0's records on both its UARTs: they are on its console, and nowhere else."""
    out, console = tmp_path / "r.json", tmp_path / "console"
    done = vel2(
        *("run", "--no-build", "--l1", "flood", "--json", str(out), "--console", str(console)),
        *("--l1-append", "uart1=1", "--l0-append", "vel2.uart1=on"),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert found["outcome"] == "ok" and not found["regions"] and "hvc" not in found["exits"]["L1"]
    assert console.read_bytes().count(b'"why":"lie"') == 8


def test_console_file_on_a_full_disk(vel2: Command, fake_qemu: Fake) -> None:
    """The run is stored, and says what is not there."""
    done = vel2(*RUN, "--qemu", str(fake_qemu("good")), "--console", "/dev/full")
    assert "No space left" in complaint(done) and done.returncode == 1
    assert "bundled" in vel2("results", "list").stdout


def test_qemu_is_killed(vel2: Command, fake_qemu: Fake) -> None:
    """One line, and no sample made of half a record."""
    done = vel2(*RUN, "--qemu", str(fake_qemu("killed")))
    assert done.returncode != 0 and complaint(done)


def test_disk_is_full(vel2: Command, fake_qemu: Fake) -> None:
    """A result that cannot be written is one line; the run itself is in the database all the same."""
    done = vel2(*RUN, "--qemu", str(fake_qemu("good")), "--json", "/dev/full")
    assert "No space left" in complaint(done) and done.returncode == 1
    assert Path("/dev/full").is_char_device()
    assert "bundled" in vel2("results", "list").stdout


def test_panic_shows_the_vcpu(vel2: Command, fake_qemu: Fake) -> None:
    """The panic's own line has vcpu, level, ESR, FAR and PC."""
    done = vel2(*RUN, "--qemu", str(fake_qemu("panic")))
    for word in ("vcpu 0", "level L2", "esr 0x96000045", "far 0x1000", "pc 0x40000100"):
        assert word in done.stderr


def test_good_run(vel2: Command, fake_qemu: Fake, tmp_path: Path) -> None:
    """A run as it should be: status 0, the table, and the JSON with every field."""
    out = tmp_path / "r.json"
    done = vel2(*RUN, "--qemu", str(fake_qemu("good")), "--json", str(out))
    assert done.returncode == 0, done.stderr
    assert "hypercall" in done.stdout and "agrees: 1 traps in 2 samples" in done.stdout
    value = json.loads(out.read_text())
    assert value["outcome"] == "ok"
    assert value["witness"] == [{"id": 0, "traps": 0}, {"id": 2, "traps": 1}]
    assert value["exits"]["L1"]["hvc"]["forwarded"] == 1
    assert value["sysregs"] == {"HPFAR_EL2": {"read": 2, "write": 0}}
    assert value["regions"][1]["l0_instructions"] == 200
    assert set(value) >= {"schema", "config", "regions", "wall_seconds"}


def test_hang_shows_every_vcpu(vel2: Command, fake_qemu: Fake) -> None:
    """A timeout prints each vCPU with its last exits."""
    done = vel2(*RUN, "--qemu", str(fake_qemu("hang")), "--timeout", "1")
    assert done.returncode == 4
    assert "timeout" in complaint(done)
    assert "vcpu 0 on cpu 0: L2, pc 0x80001234" in done.stderr and "bank VEL1" in done.stderr
    assert "exit 7: L2 hvc forwarded" in done.stderr


def test_hang_without_l0(vel2: Command, fake_qemu: Fake) -> None:
    """When L0 is silent too, QEMU says where each CPU is."""
    done = vel2(*RUN, "--qemu", str(fake_qemu("deaf")), "--timeout", "1")
    assert done.returncode == 4
    assert "cpu 0: real EL2h, pc 0x40000010" in done.stderr


def processes(word: str) -> list[str]:
    """Command lines of processes that hold a word."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if word in line and "pytest" not in line:
                found.append(line)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_running(fake_qemu: Fake, number: signal.Signals) -> None:
    """Whatever ends the harness ends QEMU."""
    program = fake_qemu("hang")
    child = subprocess.Popen(
        [str(HARNESS / "vel2"), *RUN, "--qemu", str(program), "--timeout", "50"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    for line in child.stderr:
        if "L0 is up" in line:
            break
    child.send_signal(number)
    child.wait(20)
    child.stderr.close()
    deadline = time.monotonic() + 10
    while processes(f"fake_qemu.py hang -machine") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes("fake_qemu.py hang -machine")
    if number != signal.SIGKILL:
        assert child.returncode == 130
