# SPDX-License-Identifier: GPL-2.0-only
"""The pure parts of L0, compiled for the build machine under sanitizers: unit tests, and the fuzzer's corpora."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from conftest import Command
from vel2lib import hostfuzz
from vel2lib.debian import ROOT
from vel2lib.errors import Vel2Error
from vel2lib.units import FUZZ, SANITIZED, UNIT, compile_unit, programs

UNITS = programs(UNIT)
TARGETS = hostfuzz.targets()
#: Inputs of each target in `make test-long`.
LONG_RUNS = 100_000


@pytest.mark.parametrize("unit", UNITS, ids=[p.stem for p in UNITS])
def test_unit(unit: Path, tmp_path: Path) -> None:
    """Builds without a warning, runs without a finding."""
    program = tmp_path / unit.stem
    compile_unit(unit, program, "gcc", SANITIZED)
    done = subprocess.run(
        [str(program)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]


@pytest.mark.parametrize("name", TARGETS)
def test_corpus(name: str, tmp_path: Path) -> None:
    """What the fuzzer has found so far is well, every input of it."""
    assert hostfuzz.replay(name, TARGETS[name], tmp_path) > 10


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_fuzz(name: str) -> None:
    """Coverage-guided: nothing is found that was not found before."""
    found = hostfuzz.fuzz(name, TARGETS[name], LONG_RUNS, seed=1)
    print(found.line())
    assert found.failure is None and found.runs >= LONG_RUNS


FAULTY = """// SPDX-License-Identifier: GPL-2.0-only
/* unit: harness/tests/unit/unit.c -idirafter hyp/include */
#include "fuzz.h"
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, data + size };
	CHECK(take(&in, 1) != 'v' || take(&in, 1) != 'e' || take(&in, 1) != 'l');
	return 0;
}
"""


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A target that fails for some inputs alone, with a corpus of one that does not."""
    source = tmp_path / "faulty.c"
    source.write_text(FAULTY.replace('"fuzz.h"', f'"{FUZZ}/fuzz.h"'))
    monkeypatch.setattr(hostfuzz, "CORPUS", tmp_path)
    monkeypatch.setattr(hostfuzz, "WORK", tmp_path / "work")
    (tmp_path / "faulty.txt").write_text("# stays\n7661\n76\n")
    return source


def test_finds(faulty: Path, tmp_path: Path) -> None:
    """The fuzzer finds what only three certain bytes reach, twice the same; its file is a reproducer."""
    found = [hostfuzz.fuzz("faulty", faulty, 200_000, seed=3) for _ in range(2)]
    assert found[0].failure and "take(&in, 1) != 'v'" in found[0].failure
    assert found[0] == found[1]
    data = re.search(r"\((\w+)\)$", found[0].failure)
    assert data and bytes.fromhex(data.group(1)).startswith(b"vel")
    assert hostfuzz.replay("faulty", faulty, tmp_path) == 3
    hostfuzz.keep("faulty", [bytes.fromhex(data.group(1)), b"v"])
    assert (tmp_path / "faulty.txt").read_text().startswith("# stays\n7661\n76\n")
    with pytest.raises(Vel2Error, match="faulty: .*take"):
        hostfuzz.replay("faulty", faulty, tmp_path)


def test_command(vel2: Command) -> None:
    """Inputs and failures in the last line; an unknown target is named."""
    done = vel2("fuzz-host", "options", "--runs", "500", "--seed", "2")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[\d,]+ inputs tried, 0 failures", done.stdout.splitlines()[-1])
    done = vel2("fuzz-host", "nosuch")
    assert done.returncode == 1 and done.stderr.startswith("vel2: nosuch is no target: ")


def test_no_libfuzzer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without clang, the line says what to install."""
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Vel2Error, match="apt-get install clang"):
        hostfuzz.build("options", TARGETS["options"])
