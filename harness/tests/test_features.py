# SPDX-License-Identifier: GPL-2.0-only
"""vel2.features=: what is turned off reads 0 in the ID registers and is UNDEF where a hypervisor can do
that; what cannot be had is one clear line; README.md's table is the one that hyp/features.def makes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conftest import Command
from vel2lib import features
from vel2lib.config import RunConfig, resolve
from vel2lib.debian import ROOT
from vel2lib.run import Result, execute

TABLE = features.load()
#: What QEMU's `max` has and L0 offers under nv2, but for what is a limit of another one.
ALL = sorted(TABLE.features)
_ID = re.compile(r"ID (\w+) ([0-9a-f]{16})$")
#: As the guest spells them.
REGISTERS = {
    "S3_0_C0_C6_2": "ID_AA64ISAR2_EL1",
    "S3_0_C0_C7_2": "ID_AA64MMFR2_EL1",
}


def run(words: str, l1: str = "features", mode: str = "vhe", mech: str = "nv2") -> Result:
    """One guest with these features."""
    config = RunConfig(
        l1=l1, l1_mode=mode, mech=mech, l1_append="show=yes", l1_features=words, timeout=60
    )
    return execute(config, resolve(config))


def id_registers(result: Result) -> dict[str, int]:
    """The values that the guest saw."""
    found = filter(None, map(_ID.match, (s.strip() for s in result.lines())))
    return {REGISTERS.get(m[1], m[1].upper()): int(m[2], 16) for m in found}


@pytest.mark.parametrize("mech", ["nv2", "nv"])
@pytest.mark.parametrize("mode", ["vhe", "nvhe"])
def test_all_off(l0: Path, mode: str, mech: str) -> None:
    """Everything off at once: no field is left, no instruction works that can be stopped."""
    result = run(",".join(f"-{name}" for name in ALL), mode=mode, mech=mech)
    assert result.status == 0, result.outcome
    values = id_registers(result)
    assert len(values) == 8
    for row in TABLE.fields:
        if row.feature != "BASE" and row.register in values:
            assert not values[row.register] >> row.shift & 15, row
    for limit in TABLE.limits:
        if limit.register in values:
            assert values[limit.register] >> limit.shift & 15 <= int(limit.max), limit


@pytest.mark.parametrize("mech", ["nv2", "nv"])
def test_one_off(l0: Path, mech: str) -> None:
    """A feature of each register alone takes nothing else with it."""
    before, after = id_registers(run("", mech=mech)), id_registers(
        run("-pauth,-tlbirange,-dpb2,-pan2,-specres", mech=mech)
    )
    changed = {
        ("ID_AA64ISAR1_EL1", 0): 1,  # DPB
        ("ID_AA64ISAR1_EL1", 4): 0,
        ("ID_AA64ISAR1_EL1", 8): 0,
        ("ID_AA64ISAR1_EL1", 24): 0,
        ("ID_AA64ISAR1_EL1", 28): 0,
        ("ID_AA64ISAR1_EL1", 40): 0,
        ("ID_AA64ISAR2_EL1", 8): 0,
        ("ID_AA64ISAR2_EL1", 12): 0,
        ("ID_AA64ISAR2_EL1", 24): 0,
        ("ID_AA64ISAR0_EL1", 56): 1,  # TLB
        ("ID_AA64MMFR1_EL1", 20): 1,  # PAN
    }
    for register, value in before.items():
        for shift in range(0, 64, 4):
            want = changed.get((register, shift), value >> shift & 15)
            assert after[register] >> shift & 15 == want, (register, shift)


@pytest.mark.parametrize("l1", ["optional", "a32", "hello", "eret"])
@pytest.mark.parametrize("mech", ["nv2", "nv"])
def test_others_without(l0: Path, l1: str, mech: str) -> None:
    """Guests that ask the ID registers pass with less of a CPU."""
    result = run("-a32,-pauth,-fgt,-nv,-evt", l1=l1, mech=mech)
    assert result.status == 0, result.outcome


def test_on_again(l0: Path) -> None:
    """The last word on a feature counts, and what is there may be asked for."""
    values = id_registers(run("-pauth,+pauth,+tlbirange,-tlbirange"))
    isar1, isar0 = values["ID_AA64ISAR1_EL1"], values["ID_AA64ISAR0_EL1"]
    assert isar1 >> 4 & 0xFF and isar0 >> 56 & 15 == 1


@pytest.mark.parametrize(
    "words, mech, what",
    [
        ("+sme", "nv2", "bad feature '+sme'"),
        ("pauth", "nv2", "bad feature 'pauth'"),
        ("-", "nv2", "bad feature '-'"),
        ("-pauth,", "nv2", "bad feature ''"),
        ("+nv2", "nv", "vel2.features=+nv2: cannot be offered"),
    ],
)
def test_refused(l0: Path, vel2: Command, words: str, mech: str, what: str) -> None:
    """One line, which names what there is."""
    done = vel2("run", "--no-build", "--l1", "hello", "--mech", mech, "--l1-features", words)
    lines = [s for s in done.stderr.splitlines() if s.startswith("vel2: ")]
    assert len(lines) == 1 and what in lines[0], done.stderr
    assert all(f" {name}" in lines[0] for name in ALL), lines[0]
    assert done.returncode == 1


def test_sve_with_nv_alone(l0: Path, vel2: Command) -> None:
    """An L1 that may be nVHE cannot have SVE there; asking for it chooses the CPU."""
    args = ["run", "--no-build", "--l1", "hello", "--mech", "nv", "--l1-features", "+sve"]
    assert vel2(*args).returncode == 0
    done = vel2(*args, "--l1-mode", "nvhe")
    assert done.returncode == 1 and "+sve: cannot be offered" in done.stderr, done.stderr


def test_native(vel2: Command) -> None:
    """A native L1 has no L0 to hide anything from it."""
    done = vel2("run", "--no-build", "--l1", "hello", "--native", "--l1-features", "-pauth")
    assert done.returncode == 1 and "--l1-features" in done.stderr


def test_readme() -> None:
    """README.md has the table that `make features` prints."""
    assert features.as_markdown(TABLE) in (ROOT / "README.md").read_text()


def test_every_feature_has_a_word() -> None:
    """What a row of the register table may need is offered by a name, or listed as hidden or offered."""
    header = (ROOT / "hyp/include/sysreg-defs.h").read_text()
    start = header.index("#define FEATURES(F)")
    names = re.findall(r"F\((\w+)\)", header[start : header.index("#define F(name)")])
    text = features.as_markdown(TABLE).upper().replace("FEAT_", "")
    other = {
        "ALWAYS",
        "NEVER",
        "AA32EL0",
        "AA32EL1",
        "SEL2",
        "GICNMI",
        "ECV2",
        "NV2",
        "MTE2",
        "E2H0",
    }
    known = {name.upper() for name in ALL} | other | {"PMU"}
    assert not [n for n in names if n not in known and n not in text]
