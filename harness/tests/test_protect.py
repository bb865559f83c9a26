# SPDX-License-Identifier: GPL-2.0-only
"""L0 against its own mistakes: W^X everywhere, and EL2's memory out of reach of an nVHE host (vel2.protect=on)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from test_guests import explain, prints_the_same, selection
from test_l0 import boot
from vel2lib.config import L0_BIN

#: Guests that `make test` runs under vel2.protect=on, the others are for `make test-long`: devices and interrupts that
#: the host emulates, what is deferred, several CPUs, hostile ones.
QUICK = frozenset({"gic", "timers", "smp", "psci", "hostile", "user", "pci", "flash", "migrate"})
#: ESR_ELx.EC, and a permission fault at any level.
IABT, DABT, PERMISSION = 0x21, 0x25, 0b0011


def syndrome(panic: dict[str, Any], key: str = "esr") -> tuple[int, int]:
    """EC, and the kind of fault."""
    esr = int(panic[key], 16)
    return esr >> 26, esr >> 2 & 0xF


def test_panic(test: str, **more: Any) -> dict[str, Any]:
    """The record of a self test that must not get away with it."""
    result = boot(f"vel2.test={test}", l1="hello", **more)
    assert result.status == 2, explain(result)
    (panic,) = result.panics
    return panic


test_panic.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.usefixtures("l0")
@pytest.mark.parametrize("host", ["vhe", "nvhe"])
@pytest.mark.parametrize("test, fault", [("write-text", DABT), ("exec-data", IABT)])
def test_write_xor_execute(host: str, test: str, fault: int) -> None:
    """Nothing of L0's is both: at EL2 and, where that is EL1, in its host."""
    assert syndrome(test_panic(test, host=host)) == (fault, PERMISSION)
    panic = test_panic(f"host-{test}", host=host)
    if host == "vhe":
        assert syndrome(panic) == (fault, PERMISSION)
    else:
        assert syndrome(panic, "host_esr") == (fault, PERMISSION) and "at EL1" in panic["msg"]


@pytest.mark.usefixtures("l0")
def test_host_writes_to_el2() -> None:
    """A store of the host's to EL2's data: a panic that names the address; without protection nobody sees it."""
    assert boot("vel2.test=host-write", l1="hello", host="nvhe").status == 0
    panic = test_panic("host-write", protect=True)
    assert int(panic["esr"], 16) >> 26 == DABT - 1 and panic["vcpu"] is None, panic
    assert panic["far"] in panic["msg"] and "no access" in panic["msg"]


def reach(**more: Any) -> tuple[bool, list[tuple[int, int, bool]]]:
    """Whether the host may give EL2's memory to L1; what of L0's it may read, and whether it may write there."""
    result = boot("vel2.test=host-reach", host="nvhe", **more)
    assert result.status == 0, explain(result)
    (test,) = result.tests
    found = [(int(p["from"], 16), int(p["to"], 16), bool(p["write"])) for p in test["pieces"]]
    return bool(test["gives"]), found


@pytest.mark.parametrize("smp", [1, 4])
def test_what_the_host_reaches(l0: Path, smp: int) -> None:
    """Nothing of EL2's sections, stacks, tables and per-CPU variables; some of it to read alone. By L0's own symbols."""
    with L0_BIN.with_suffix(".elf").open("rb") as stream:
        elf = ELFFile(stream)
        sections = {s.name: (s["sh_addr"], s["sh_size"]) for s in elf.iter_sections()}
        table = elf.get_section_by_name(".symtab")
        symbol = {s.name: (s["st_value"], s["st_size"]) for s in table.iter_symbols()}
    gives, pieces = reach(protect=True, smp=smp)
    assert not gives

    def touches(start: int, size: int, write: bool = False) -> bool:
        return any(
            p < start + max(size, 1) and start < q and (w or not write) for p, q, w in pieces
        )

    for name in (".head.text", ".text", ".altinstr_replacement", ".rodata", ".data", ".bss"):
        assert not touches(*sections[name]), name
    areas, template = symbol["__per_cpu_areas"][0], symbol["__per_cpu_start"][0]
    stride = symbol["__per_cpu_end"][0] - template
    for cpu in range(smp):
        base = areas + cpu * stride - template
        for name in ("hyp_stack", "panic_stack", "kvm_host_cpu_state", "last_vcpu", "host_hvcs"):
            assert not touches(symbol[name][0] + base, symbol[name][1]), name
        assert touches(symbol["cpu_number"][0] + base, 4)
        assert not touches(symbol["cpu_number"][0] + base, 4, write=True)
        assert touches(symbol["host_stack"][0] + base + 4096, 16384, write=True)
    for name in ("opts", "__stack_chk_guard", "hyp_pmu"):
        assert touches(*symbol[name]) and not touches(*symbol[name], write=True), name
    # The tables of stage 1 are read by the host's own walks; L1's stage 2 is in the first page.
    ro = symbol["__host_ro_bss_start"][0]
    assert touches(ro, 4096) and not touches(ro, symbol["__host_ro_bss_end"][0] - ro, write=True)
    assert not touches(symbol["vms"][0], 4096, write=True)
    assert touches(symbol["vms"][0] + 4096, 4096, write=True)
    # Of the pool, from which EL2 takes the shadow tables, only the vCPUs at its front.
    pool = symbol["__pool_start"][0]
    assert max(q for _, q, _ in pieces) <= pool + smp * 0x11000 < symbol["__pool_end"][0]
    # Register files of a vCPU, which the hardware is loaded from: to read.
    assert not touches(pool + 4096, 4096, write=True) and touches(pool + 4096, 4096)
    assert touches(pool, 4096, write=True)


@pytest.mark.usefixtures("l0")
def test_without_protection() -> None:
    """The host may write to all data of EL2's, as it did before: what the test above sees is protection."""
    gives, pieces = reach()
    assert gives and sum(q - p for p, q, w in pieces if w) > 4 << 20


@pytest.mark.parametrize("name, mode, host, mech", selection(QUICK, ("nvhe",)))
def test_guests_under_protection(
    checked_l0: Path, name: str, mode: str, host: str, mech: str
) -> None:
    """Each guest prints what it prints on real EL2, while L0's host is kept off EL2's memory."""
    prints_the_same(name, mode, host, mech, checked=True, protect=True)


@pytest.mark.usefixtures("l0")
def test_protection_of_nested_l0() -> None:
    """A vel2 at vEL2 protects itself from its host there: that host's stage 2 is one of L0's shadows."""
    result = boot(
        l1="vel2",
        host="vhe",
        l1_mode="nvhe",
        l1_append="vel2.host=nvhe vel2.protect=on",
        markers=True,
        timeout=60,
    )
    assert result.status == 0, explain(result)
