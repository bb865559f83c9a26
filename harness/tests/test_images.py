# SPDX-License-Identifier: GPL-2.0-only
"""Images and device trees that are damaged: refused in one line, by the harness or by L0, or run as they are."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import libfdt
from conftest import Command
from vel2lib import config as configuration
from vel2lib.config import RunConfig, resolve
from vel2lib.errors import Vel2Error
from vel2lib.image import load
from vel2lib.qemu import Qemu, command
from vel2lib.records import Record, RecordReader
from vel2lib.run import qemu_command
from vel2lib.symbols import Symbolizer

#: Damaged files of each kind that L0 gets to see in QEMU: in `make test`, and in `make test-long`.
FEW, MANY = 4, 60
SECONDS = 3
#: How many bytes from the beginning of a file are damaged most: headers are there.
HEADERS = {"hello.bin": 72, "hello.elf": 400}

Damage = list[tuple[int, int]]


def damaged(data: bytes, where: Damage) -> bytes:
    """With bytes replaced: (index, value); an index beyond the end cuts the file there instead."""
    made = bytearray(data)
    for index, value in where:
        if index < len(made):
            made[index] = value
        else:
            del made[index % (len(made) or 1) :]
    return bytes(made)


@pytest.mark.parametrize("name", HEADERS)
def test_harness_reads_anything(guests: Path, tmp_path: Path, name: str) -> None:
    """Whatever is in a file, it is an L1 or a Vel2Error of one line; and it has names or none."""
    good, path = (guests / name).read_bytes()[: 1 << 14], tmp_path / name
    byte = st.integers(0, 255)
    places = st.one_of(st.integers(0, HEADERS[name]), st.integers(0, 1 << 15))

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(places, byte), min_size=1, max_size=6))
    def check(where: Damage) -> None:
        path.write_bytes(damaged(good, where))
        try:
            image = load(path)
        except Vel2Error as error:
            assert "\n" not in str(error) and str(path) in str(error)
        else:
            assert image.image_size >= len(image.data)
        Symbolizer({"L1": [path]}).text("L1", 0x40200000)

    check()


@dataclass
class Said:
    """What came of a QEMU: L0's records, QEMU's own lines, whether it ended by itself."""

    records: list[Record]
    errors: list[str]
    ended: bool

    def kinds(self) -> set[str]:
        """Types of records."""
        return {str(r["t"]) for r in self.records}


def boot(args: list[str]) -> Said:
    """Run it for a while."""
    reader, records = RecordReader(), []
    with Qemu(args, lambda _: None, lambda data: records.extend(reader.feed(data))) as qemu:
        running = qemu.pump(SECONDS)
        if not running:
            qemu.wait()
        said = Said(records + reader.finish(), qemu.stderr(), not running)
    assert not reader.garbage, reader.garbage
    return said


def judge(said: Said) -> None:
    """L0 refused it in one line and ended, or started an L1 that does what it does; QEMU may refuse it, too."""
    assert "panic" not in said.kinds(), said
    refusals = [r for r in said.records if r["t"] == "error"]
    if refusals:
        assert len(refusals) == 1 and said.ended and "\n" not in refusals[0]["msg"], said
    elif "boot" not in said.kinds():
        assert said.ended and said.errors, said


def machine(mech: str, l1: str, tmp_path: Path) -> list[str]:
    """QEMU's arguments for a guest."""
    config = RunConfig(l1=l1, mech=mech, markers=False, witness=False)
    configuration.check(config)
    return qemu_command(config, resolve(config), tmp_path, None)


def cases(count: int) -> list[int]:
    """Numbers of damaged files; those beyond FEW take long."""
    return [
        pytest.param(n, marks=[pytest.mark.long] if n >= FEW else [])  # type: ignore[misc]
        for n in range(count)
    ]


@pytest.mark.parametrize("number", cases(MANY))
@pytest.mark.parametrize("name", HEADERS)
def test_l0_loads_anything(l0: Path, guests: Path, tmp_path: Path, name: str, number: int) -> None:
    """The same past the harness: L0's own loader. An ELF file gets that far under pv."""
    choose = random.Random(number)
    good = (guests / name).read_bytes()
    where = [
        (choose.randrange(HEADERS[name]), choose.randrange(256)) for _ in range(number % 3 + 1)
    ]
    if number % 4 == 3:
        where.append((len(good) + choose.randrange(len(good)), 0))
    made = tmp_path / name
    made.write_bytes(damaged(good, where))
    mech = "pv" if name.endswith("elf") else "nv2"
    args = machine(mech, str(guests / name), tmp_path)
    kernel = f"kernel={guests / name}"
    assert any(kernel in a for a in args), args
    judge(boot([a.replace(kernel, f"kernel={made}") for a in args]))


@pytest.fixture(scope="module")
def tree(l0: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The device tree that QEMU makes."""
    file = tmp_path_factory.mktemp("tree") / "virt.dtb"
    args = machine("nv2", "hello", file.parent)
    at = args.index("-machine") + 1
    args[at] += f",dumpdtb={file}"
    extra = ["-display", "none", "-serial", "null", "-serial", "null"]
    subprocess.run([*args, *extra], capture_output=True, timeout=60, check=False)
    return file.read_bytes()


def properties(fdt: "libfdt.Fdt") -> Iterator[tuple[int, str, bytes]]:
    """(node, name, value) of every property."""
    node, depth = 0, 0
    while depth >= 0:
        offset = fdt.first_property_offset(node, [libfdt.NOTFOUND])
        while offset >= 0:
            one = fdt.get_property_by_offset(offset)
            yield node, one.name, bytes(one)
            offset = fdt.next_property_offset(offset, [libfdt.NOTFOUND])
        node, depth = fdt.next_node(node, depth, [libfdt.NOTFOUND])
        if node < 0:
            return


@pytest.mark.parametrize("number", cases(MANY))
def test_l0_reads_any_tree(tree: bytes, l0: Path, tmp_path: Path, number: int) -> None:
    """A tree in which some properties are others, or are missing."""
    choose = random.Random(number)
    fdt = libfdt.Fdt(bytearray(tree))
    for _ in range(number % 4 + 1):
        node, name, value = choose.choice([p for p in properties(fdt) if p[1]])
        made = bytearray(value)
        if made and number % 3:
            made[choose.randrange(len(made))] = choose.choice([0, 1, 2, 0x40, 0x80, 0xFF])
            fdt.setprop(node, name, bytes(made))
        else:
            fdt.delprop(node, name)
    file = tmp_path / "damaged.dtb"
    file.write_bytes(fdt.as_bytearray())
    judge(boot([*machine("nv2", "hello", tmp_path), "-dtb", str(file)]))


def test_user_sees_a_refusal(vel2: Command, l0: Path, guests: Path, tmp_path: Path) -> None:
    """End to end: the line is the user's, the status 1."""
    file = tmp_path / "hello.bin"
    good = (guests / "hello.bin").read_bytes()
    for where, words in (
        ([(24, good[24] | 1)], "big-endian"),
        ([(60 << 20, 0), (56, 0)], "neither"),
        ([(23, 0xFF)], "damaged"),
    ):
        file.write_bytes(damaged(good, where))
        done = vel2("run", "--no-build", "--l1", str(file), "--timeout", "20")
        lines = [s for s in done.stderr.splitlines() if s.startswith("vel2: ")]
        assert done.returncode == 1 and len(lines) == 1 and words in lines[0], done.stderr
