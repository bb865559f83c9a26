# SPDX-License-Identifier: GPL-2.0-only
"""L0 with pointer authentication and BTI of its own (make PAUTH=1): what they catch, and that guests keep their keys."""

from __future__ import annotations

import pytest

from test_guests import explain, prints_the_same, selection
from test_l0 import boot
from vel2lib.config import HOSTS, build
from vel2lib.results import bench_rows

#: Guests that `make test` runs, the others are for `make test-long`: all five keys, ERETAA, what L0 hands on, several
#: vCPUs, hostile ones.
QUICK = frozenset({"pauth", "eret", "migrate", "hostile", "bundled"})
#: ESR_EL2.EC.
BTI, FPAC, IABT = 0x0D, 0x1C, 0x21

pytestmark = pytest.mark.usefixtures("pauth_l0")


def exception_class(test: str, host: str) -> int:
    """Of the panic that a self test of the hardened build ends in."""
    result = boot(f"vel2.test={test}", l1="hello", host=host, checked=True, pauth=True)
    assert result.status == 2, explain(result)
    (panic,) = result.panics
    return int(panic["esr"], 16) >> 26


@pytest.mark.parametrize("host", HOSTS)
def test_return_address(host: str) -> None:
    """One that was changed on the stack is not followed, but a panic. A plain build goes there."""
    assert exception_class("return-address", host) in (FPAC, IABT)
    plain = boot("vel2.test=return-address", l1="hello", host=host)
    assert plain.status == 1 and "was followed" in plain.outcome, explain(plain)


@pytest.mark.parametrize("host", HOSTS)
def test_landing_pad(host: str) -> None:
    """A call to what is no landing pad is a panic. A plain build calls it."""
    assert exception_class("landing-pad", host) == BTI
    plain = boot("vel2.test=landing-pad", l1="hello", host=host)
    assert plain.status == 0, explain(plain)


@pytest.mark.parametrize("cpu", ["cortex-a57", "cortex-a76", "neoverse-v1"])
def test_other_cpus(cpu: str) -> None:
    """A CPU without it, or without BTI alone, runs the same image."""
    result = boot("vel2.test=percpu", cpu=cpu, checked=True, pauth=True, smp=2)
    assert result.status == 0, explain(result)


@pytest.mark.long
def test_cost() -> None:
    """README.md says what a nested hypercall costs with it."""
    build(["PAUTH=1", "l0"])
    result = boot(
        l1="bundled",
        l1_append="iters=20 warm=4",
        host="vhe",
        pauth=True,
        icount=True,
        markers=True,
        trace=0,
    )
    assert result.status == 0, explain(result)
    rows = {(r["op"], r["level"]): r for r in bench_rows(result)}
    assert rows["hypercall", "nested"]["l0_instructions"]["median"] <= 750


@pytest.mark.parametrize("name, mode, host, mech", selection(QUICK, HOSTS))
def test_guests(name: str, mode: str, host: str, mech: str) -> None:
    """Each guest prints what it prints on real EL2, its own keys and landing pads included."""
    prints_the_same(name, mode, host, mech, checked=True, pauth=True)
