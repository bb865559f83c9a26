# SPDX-License-Identifier: GPL-2.0-only
"""The machine is the oracle: each bare-metal L1 on QEMU's real EL2 first, at vEL2 after.

What it prints must be the same, under every host, mechanism and L1 mode.
"""

from __future__ import annotations

import functools
import itertools
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest

from vel2lib import table
from vel2lib.config import HOSTS, MECHS, RunConfig, guest_table, resolve
from vel2lib.debian import ROOT
from vel2lib.qemu import CPU, SVE_CPU
from vel2lib.run import Result, execute

GUESTS = guest_table()
#: Features of QEMU's `max` that a row may need.
CPU_HAS = frozenset({"vhe", "nv", "nv2", "fgt", "ecv", "pauth", "mte", "a32", "e2h0"})
#: Guests that `make test` runs under pv; the others are for `make test-long`.
PV_QUICK = {
    "pv": {"bundled", "exceptions", "eret", "hcr", "mmu", "tlbi"},
    "pv-page": {"bundled", "served"},
}
#: Seconds; a run that may take longer asks for more than pytest gives each test.
LONG_TIMEOUT = 100
_ROW = re.compile(r"^SYSREG\((\w+),.*?LOC\([^)]*\),\s*\w+,\s*\w+,\s*(0x[0-9a-f]+|NOVNCR)", re.M)


def modes(row: dict[str, Any]) -> list[str]:
    """L1 modes in which a guest runs."""
    return list(row.get("modes", ["vhe", "nvhe"]))


def page_registers() -> set[str]:
    """Registers that NV2 keeps in the VNCR page."""
    rows = _ROW.findall((ROOT / "hyp/sysregs.def").read_text())
    return {name for name, offset in rows if offset != "NOVNCR"}


def run(name: str, mode: str, **more: Any) -> Result:
    """One run of a guest of the table."""
    row = GUESTS[name]
    append = str(row.get("append", ""))
    if more.get("mech") == "pv-page":
        more |= {"mech": "pv", "pv_flavour": "page"}
    smp = int(row.get("smp", 1))
    # A mechanism for other CPUs brings its own.
    if row.get("sve") and more.get("cpu", CPU) == CPU:
        more["cpu"] = SVE_CPU
    config = RunConfig(l1=name, l1_mode=mode, l1_append=append, smp=smp, **more)
    if not row.get("disk"):
        return _execute(config, row)
    with tempfile.NamedTemporaryFile() as image:
        # Each word says where it is, so that every sector is another one.
        image.write(b"".join(word.to_bytes(4, "little") for word in range(16384)))
        image.flush()
        config.disk = Path(image.name)
        return _execute(config, row)


def _execute(config: RunConfig, row: dict[str, Any]) -> Result:
    smp = int(row.get("smp", 1))
    if not config.native:
        config.smp, config.vcpus = int(row.get("cpus", smp)), smp
    if config.native and not row.get("its", True):
        config.qemu_args = (*config.qemu_args, "-machine", "its=off")
    config.timeout = float(row.get("timeout", 20))
    return execute(config, resolve(config))


def cpu_for(name: str, mode: str, host: str, mech: str) -> str:
    """The CPU of a run: pv's has no FEAT_NV, and only the VHE that host and L1 need."""
    row = GUESTS[name]
    if not mech.startswith("pv") or not row.get("old", True) or set(row.get("needs", [])) - {"vhe"}:
        return CPU
    return "cortex-a76" if "vhe" in (mode, host) else "cortex-a57"


@functools.lru_cache(maxsize=None)
def native(name: str, mode: str, cpu: str = CPU) -> tuple[str, ...]:
    """What a guest prints on QEMU's own EL2."""
    result = run(name, mode, native=True, cpu=cpu)
    assert result.status == 0, explain(result)
    return tuple(result.lines())


def explain(result: Result) -> str:
    """What a run that failed has to say."""
    return "\n".join([result.outcome, *table.explain(result), *result.lines()[-40:]])


def comparable(
    lines: tuple[str, ...], native_lines: tuple[str, ...], row: dict[str, Any], mech: str
) -> list[str]:
    """The lines as they are compared with the native ones.

    nv2 and pv's page have one exception: a register in the page keeps every bit that was written. So where a
    "REG" line of such a register reads bits that the native one has fixed (the same, whatever was
    written), those bits are taken from the native line; all others must be equal.
    """
    if mech not in ("nv2", "pv-page") or row.get("nv2", "same") != "page":
        return list(lines)
    page = page_registers()
    native_of = {s.rsplit(" wrote ", 1)[0]: s for s in native_lines if s.startswith("REG ")}

    def masked(line: str) -> str:
        name = line.rsplit(" wrote ", 1)[0]
        if name not in native_of or not page & set(name.upper().split()[1:2]):
            return line
        here, there = (
            [int(v, 16) for v in re.findall(r"read ([0-9a-f]{16})", s)]
            for s in (line, native_of[name])
        )
        if len(here) != 3 or len(there) != 3:
            return line
        free = there[0] & ~there[1]
        values = iter(f"read {h & free | t & ~free:016x}" for h, t in zip(here, there))
        return re.sub(r"read [0-9a-f]{16}", lambda _: next(values), line)

    return [masked(s) for s in lines]


def mechs(row: dict[str, Any]) -> tuple[str, ...]:
    """Mechanisms under which a guest runs."""
    found = tuple(row.get("mechs", (*MECHS, "pv")))
    return (*found, "pv-page") if "pv" in found and row.get("page", True) else found


def marks(name: str, mech: str, variant: str) -> list[Any]:
    """What pytest is to know of a guest under a mechanism, with a host and in a mode."""
    row, found = GUESTS[name], []
    if "known" in row:
        found.append(pytest.mark.xfail(reason=row["known"], strict=True))
    if name not in PV_QUICK.get(mech, {name}) or variant not in row.get("quick", [variant]):
        found.append(pytest.mark.long)
    if row.get("timeout", 0) > LONG_TIMEOUT:
        found.append(pytest.mark.timeout(2 * int(row["timeout"])))
    return found


def natives() -> list[Any]:
    """Guest x mode."""
    return [
        pytest.param(n, m, id=f"{n}-{m}", marks=[pytest.mark.long] * (row.get("quick") == []))
        for n, row in GUESTS.items()
        for m in modes(row)
    ]


def nested() -> list[Any]:
    """Guest x mode x host x mechanism. A known difference must be one: it fails when it is gone."""
    found = []
    for n, row in GUESTS.items():
        for m, host, mech in itertools.product(modes(row), row.get("hosts", HOSTS), mechs(row)):
            if not without_oracle(n, m, host, mech):
                variant = f"host_{host}-{mech}-l1_{m}"
                known = marks(n, mech, variant)
                found.append(pytest.param(n, m, host, mech, id=f"{n}-{variant}", marks=known))
    return found


def without_oracle(name: str, mode: str, host: str, mech: str) -> bool:
    """Whether L1's CPU lacks what the machine's has and the guest prints: FEAT_VHE, under flavour page."""
    hidden = GUESTS[name].get("vh") and (mech, mode) == ("pv-page", "nvhe")
    return bool(hidden) and cpu_for(name, mode, host, mech) != "cortex-a57"


def selection(quick: frozenset[str], hosts: tuple[str, ...]) -> list[Any]:
    """As nested(), for a build or an option: `make test` takes these guests, in one mode under nv2."""
    found = []
    for one in nested():
        name, mode, host, mech = one.values
        if host in hosts:
            late = name not in quick or (mode, mech) != (modes(GUESTS[name])[0], "nv2")
            found.append(
                pytest.param(*one.values, id=one.id, marks=[*one.marks, *[pytest.mark.long] * late])
            )
    return found


def skip_unless_offered(name: str) -> None:
    """Skip a guest that needs what this CPU has not."""
    lacking = set(GUESTS[name].get("needs", [])) - CPU_HAS
    if lacking:
        pytest.skip(f"this CPU has no {', '.join(sorted(lacking))}")


@pytest.mark.parametrize("name, mode", natives())
def test_on_real_el2(guests: Path, name: str, mode: str) -> None:
    """The guest passes on the machine itself, or it is no oracle."""
    skip_unless_offered(name)
    assert "ALL PASS" in native(name, mode)


@pytest.mark.parametrize("name, mode, host, mech", nested())
def test_at_virtual_el2(checked_l0: Path, name: str, mode: str, host: str, mech: str) -> None:
    """The guest prints at vEL2 what it prints on real EL2, L0's counts are QEMU's, and L0 finds itself right."""
    prints_the_same(name, mode, host, mech, checked=True)


@pytest.mark.parametrize("name", ["bundled", "migrate"])
@pytest.mark.parametrize("mode", ["vhe", "nvhe"])
def test_without_ecv(checked_l0: Path, name: str, mode: str) -> None:
    """FEAT_NV2 without FEAT_ECV: an nVHE L1's timers are in its VNCR page, where no CPU looks."""
    prints_the_same(name, mode, "vhe", "nv2", cpu="neoverse-v1", checked=True)


def prints_the_same(name: str, mode: str, host: str, mech: str, cpu: str = "", **more: Any) -> None:
    """Run a guest natively and at vEL2, and compare."""
    skip_unless_offered(name)
    row, fast = GUESTS[name], mech == "nv2" and mode == "vhe"
    cpu = cpu or cpu_for(name, mode, host, mech)
    expected = native(name, mode, cpu)
    # The ring of last exits, which helps to explain a failure, keeps L0 from its fast paths.
    result = run(
        name,
        mode,
        host=host,
        mech=mech,
        cpu=cpu,
        witness=not row.get("heavy"),
        trace=0 if fast else 10,
        **more,
    )
    lines = comparable(tuple(result.lines()), expected, row, mech)
    assert lines == list(expected), explain(result)
    assert result.status == 0, explain(result)


def test_flash_in_a_file(l0: Path, tmp_path: Path) -> None:
    """What one machine writes to its second bank of flash, the next one finds."""
    file = tmp_path / "flash"
    with file.open("wb") as stream:
        stream.truncate(64 << 20)
    args = ("-drive", f"if=pflash,unit=1,format=raw,file={file}")
    first = run("flash-reset", "vhe", qemu_args=args)
    assert first.status == 0, explain(first)
    assert first.resets == 1 and "reset" in first.lines(), explain(first)
    second = run("flash-reset", "vhe", qemu_args=args)
    assert "found after the reset" in second.lines() and second.resets == 0, explain(second)
