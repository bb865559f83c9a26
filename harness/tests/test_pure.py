# SPDX-License-Identifier: GPL-2.0-only
"""The harness's pure parts: records, QEMU's log, images, placement, results."""

from __future__ import annotations

import gzip
import json
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vel2lib import cformat, lint, results, table, witness
from vel2lib.debian import ROOT
from vel2lib.errors import Vel2Error
from vel2lib.files import write_whole
from vel2lib.image import MIB, Image, load
from vel2lib.placement import DTB_SPACE, L1_BASE, RAM_BASE, dtb_address, place
from vel2lib.records import Record, RecordReader, parse_line
from vel2lib.regions import RegionName, region_names
from vel2lib.witness import MARKER_ESR

# ---------------------------------------------------------------- records


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_reader_survives_anything(pieces: list[bytes]) -> None:
    """Whatever bytes come, only objects with a string t come out."""
    reader = RecordReader()
    found = [r for piece in pieces for r in reader.feed(piece)] + reader.finish()
    assert all(isinstance(r["t"], str) for r in found)


@given(st.integers(min_value=1, max_value=30))
def test_reader_does_not_care_how_bytes_are_cut(size: int) -> None:
    """Records are the same whatever the pieces."""
    text = b'noise\r\n{"t":"boot","cpus":1}\r\n\xff\xfe{"t":"log","msg":"a\xc3\xa9"}\n{"t":"e'
    text += b'nd","why":"off"}'
    reader = RecordReader()
    found = [r for at in range(0, len(text), size) for r in reader.feed(text[at : at + size])]
    found += reader.finish()
    assert [r["t"] for r in found] == ["boot", "log", "end"]
    assert reader.garbage == ["noise"]


def test_record_after_a_cut_line() -> None:
    """A panic that starts on the line of a log message is still seen."""
    line = b'{"t":"log","level":"info","ms{"t":"panic","vcpu":1}'
    assert parse_line(line) == {"t": "panic", "vcpu": 1}
    assert parse_line(b'{"t":5}') is None
    assert parse_line(b'["t"]') is None


# ---------------------------------------------------------------- QEMU's log


def entry(
    esr: int, cpu: int = 0, source: int = 1, target: int = 2, name: str = "Hypervisor Call"
) -> str:
    """One exception as QEMU logs it."""
    return (
        f"Taking exception 11 [{name}] on CPU {cpu}\n...from EL{source} to EL{target}\n"
        f"...with ESR {esr >> 26:#x}/{esr:#x}\n...with SPSR 0x3c5\n...with ELR 0x40200080\n"
        f"...to EL2 PC 0x40200c00 PSTATE 0x23c9\n"
    )


def parse(text: str) -> list[witness.Region]:
    """The regions of a log's text."""
    return list(witness.regions(witness.exceptions(text.splitlines(keepends=True))))


MARK = entry(MARKER_ESR)


def test_log_counts_only_traps_between_markers() -> None:
    """Exceptions outside, to EL1 and from EL2 to itself are no traps of a region."""
    text = entry(0x5A000001) + MARK + entry(0x5A000001) + entry(0x56000000, target=1)
    text += entry(0x96000000, source=2) + entry(0x6232_0000, name="Undefined Instruction") + MARK
    assert [(r.traps, r.by_class) for r in parse(text)] == [(2, {"0x16": 1, "0x18": 1})]


def test_log_interrupt_with_a_stale_marker_syndrome() -> None:
    """An IRQ prints the syndrome of the exception before it; it is a trap, not a marker."""
    text = MARK + entry(MARKER_ESR, name="IRQ") + MARK
    assert [(r.traps, r.by_class) for r in parse(text)] == [(1, {"IRQ": 1})]


def test_log_of_two_cpus_interleaved() -> None:
    """Each CPU has its own open region; order is the order of their ends."""
    other = entry(MARKER_ESR, cpu=1)
    text = MARK + other + entry(1, cpu=1) + entry(1) + entry(1) + other + MARK
    assert [(r.cpu, r.traps) for r in parse(text)] == [(1, 1), (0, 2)]


def test_log_psci_and_cut_lines() -> None:
    """PSCI calls that QEMU handles are no exceptions; a log cut anywhere parses."""
    psci = "Taking exception 13 [Secure Monitor Call] on CPU 0\n...from EL1 to EL2\n"
    psci += "...with ESR 0x17/0x5e000000\n...handled as PSCI call\n"
    text = MARK + psci + entry(1) + MARK
    assert [r.traps for r in parse(text)] == [1]
    for cut in range(len(text)):
        parse(text[:cut])


def test_compare_names_each_difference() -> None:
    """Counts that differ, samples without a region and regions without a sample are mismatches."""
    samples: list[Record] = [{"region": 3, "traps": 2}, {"region": 4, "traps": 3}]
    log = [witness.Region(0, traps=2), witness.Region(0, traps=4), witness.Region(0, traps=9)]
    assert witness.compare(samples, log[:1]) == [witness.Mismatch(1, 4, 3, None)]
    wrong = witness.compare(samples, log)
    assert [(m.index, m.l0, m.log) for m in wrong] == [(1, 3, 4), (2, None, 9)]
    assert witness.by_region(samples, log) == [{"id": 3, "traps": 2}, {"id": 4, "traps": 4}]


# ---------------------------------------------------------------- images and where they go


def image_bytes(image_size: int = 0x2000, text_offset: int = 0, size: int = 0x1000) -> bytes:
    """A kernel that is only a header."""
    header = struct.pack("<IIQQQQQQ4sI", 0, 0, text_offset, image_size, 0xA, 0, 0, 0, b"ARM\x64", 0)
    return header.ljust(size, b"\0")


def test_image_plain_and_packed(tmp_path: Path) -> None:
    """An Image, the same under gzip, and inside an EFI zboot file."""
    plain, packed = image_bytes(), gzip.compress(image_bytes())
    zboot = struct.pack("<4s4sII8s4s", b"MZ\0\0", b"zimg", 64, len(packed), b"", b"gzip")
    for data in plain, packed, zboot.ljust(64, b"\0") + packed:
        path = tmp_path / "Image"
        path.write_bytes(data)
        image = load(path)
        assert (image.data, image.image_size) == (plain, 0x2000)
        assert image.converted == (data is not plain)


@pytest.mark.parametrize(
    "data, words",
    [
        (b"hello", "neither an arm64 Image nor"),
        (b"\x1f\x8bxxxxxxxx", "cannot decompress"),
        (b"\x7fELF" + bytes(60), "ELF file"),
        (image_bytes(image_size=1 << 60), "damaged"),
    ],
)
def test_image_refused_in_one_line(tmp_path: Path, data: bytes, words: str) -> None:
    """What is no kernel is refused by one line that says why."""
    path = tmp_path / "l1"
    path.write_bytes(data)
    with pytest.raises(Vel2Error, match=words) as error:
        load(path)
    assert "\n" not in str(error.value)


@given(
    st.integers(1, 64),
    st.integers(16, 2048),
    st.none() | st.integers(1, 512),
    st.sampled_from([0, 0x80000]),
)
def test_modules_never_overlap(kernel: int, mem: int, initrd: int | None, offset: int) -> None:
    """Whatever fits, modules lie in L1's RAM, apart from each other and from QEMU's device tree."""
    image = Image(Path("l1"), b"", offset, kernel * MIB)
    size = None if initrd is None else initrd * MIB
    try:
        where = place(image, size, mem)
    except Vel2Error as error:
        advice = int(str(error).rsplit(" ", 1)[1])
        assert advice > mem
        place(image, size, advice)
        return
    ram = mem * MIB + 6 * MIB
    dtb = dtb_address(ram)
    spans = [(where.kernel, kernel * MIB), (dtb, DTB_SPACE)]
    if where.initrd is not None and size is not None:
        spans.append((where.initrd, size))
    for at, length in spans:
        assert L1_BASE <= at and at + length <= RAM_BASE + ram or at == dtb
    spans.sort()
    assert all(a + la <= b for (a, la), (b, _) in zip(spans, spans[1:]))


# ---------------------------------------------------------------- results


def sample(region: int, level: str, traps: int, cost: int | None, ops: int = 1) -> Record:
    """A sample record."""
    return {
        "t": "sample",
        "region": region,
        "level": level,
        "ops": ops,
        "traps": traps,
        "by_reason": {"hvc": traps},
        "l0_instructions": cost,
    }


def test_samples_are_net_of_the_markers() -> None:
    """The empty region of the same level is subtracted, and what is unknown stays unknown."""
    names = {
        0: RegionName("empty", "vm"),
        1: RegionName("empty", "nested"),
        3: RegionName("hypercall", "nested"),
    }
    records = [
        sample(0, "L1", 0, 50),
        sample(1, "L2", 0, 90),
        sample(1, "L2", 0, 80),
        sample(3, "L2", 2, 680),
        sample(3, "L2", 4, 1280, ops=2),
    ]
    assert results.marker_overhead(records, names) == {"L1": 50, "L2": 80}
    last = results.group(records, names)[-1]
    assert (last.instructions, last.l0_instructions()) == ([600, 1200], 1800)
    assert last.by_reason == {"hvc": 6}
    last.add(sample(3, "L2", 2, None), 0)
    assert last.l0_instructions() is None


def test_region_table_is_read() -> None:
    """regions.def has the operations that bench promises."""
    ops = {(r.op, r.level) for r in region_names().values()}
    for op in ("hypercall", "mmio", "s2fault", "sysreg", "wfi", "virq", "veoi", "syscall"):
        assert (op, "nested") in ops
    assert ("empty", "vm") in ops and ("empty", "nested") in ops


def test_exits_are_summed_over_vcpus() -> None:
    """Two vCPUs' counters become one table."""
    row = {"handled": 1, "forwarded": 2, "reflected": 0, "instructions": None}
    records: list[Record] = [
        {"exits": {"L1": {"hvc": row}}, "sysregs": {"HCR_EL2": {"read": 1, "write": 2}}},
        {"exits": {"L1": {"hvc": {**row, "instructions": 5}}}, "sysregs": {}},
    ]
    assert results.exits(records)["L1"]["hvc"] == {
        "handled": 2,
        "forwarded": 4,
        "reflected": 0,
        "instructions": 5,
    }
    assert results.sysregs(records) == {"HCR_EL2": {"read": 1, "write": 2}}


def test_table_is_aligned() -> None:
    """Columns line up and the figures are readable."""
    text = table.draw("T", ["op", "n"], [["hypercall", table.number(1234567)], ["x", "2"]])
    assert text.splitlines()[4] == "hypercall  1,234,567"
    assert text.splitlines()[5] == "x                  2"
    assert (table.number(None), table.number(2.5)) == ("-", "2.50")


def test_written_json_is_whole(tmp_path: Path) -> None:
    """A result appears by rename."""
    results.write_json(tmp_path / "deep/r.json", {"schema": "x"})
    assert json.loads((tmp_path / "deep/r.json").read_text()) == {"schema": "x"}
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["r.json"]


def test_many_write_one_file(tmp_path: Path) -> None:
    """Runs at the same time that are told the same file: each succeeds, one of them is in it, whole."""
    texts = [str(number) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(len(texts)) as pool:
        done = [pool.submit(write_whole, tmp_path / "r", text) for text in texts * 20]
        assert all(one.exception() is None for one in done)
    assert (tmp_path / "r").read_text() in texts
    assert [p.name for p in tmp_path.iterdir()] == ["r"]


# ---------------------------------------------------------------- lint's own rules


def test_layering_sees_a_call_to_the_right() -> None:
    """A symbol from a room further right is a complaint; to the left and the tables are none."""
    defined = {"host_fn": 3, "el2_fn": 0, "hyp_exit_handlers": 2}
    needed = [("a.c", 0, "host_fn"), ("b.c", 3, "el2_fn"), ("c.c", 0, "hyp_exit_handlers")]
    assert lint.layering(defined, needed) == [
        "a.c: host_fn is defined in hyp/host, right of hyp/el2"
    ]


def test_unused_sees_what_nothing_names() -> None:
    """A function that no other object needs and its own file names once, where it is defined."""
    text = {"a.c": ["int", "used", "own", "own", "dead", "access_x"], "b.c": ["used"]}
    defined = {"used": "a.c", "own": "a.c", "dead": "a.c", "access_x": "a.c"}
    assert lint.unused(defined, {"used"}, text.__getitem__) == ["a.c: nothing in L0 uses dead"]


def test_format_keeps_alignment_and_sees_indentation() -> None:
    """Aligned columns stay, a wrong indentation does not."""
    good = "#define A\t\t1\n\nint f(int a)\n{\n\tint b\t= a;\t/* why */\n\n\treturn b;\n}\n"
    assert cformat.formatted(good, ROOT) == good
    bad = good.replace("\treturn b", "  return b")
    assert cformat.formatted(bad, ROOT) == good
    assert cformat.first_difference(bad, good) == 7
