# SPDX-License-Identifier: GPL-2.0-only
"""The constants of guest-tests/include/fuzz-abi.h, and the encodings of the instructions in programs."""

from __future__ import annotations

import re
from pathlib import Path

_HEADER = Path(__file__).resolve().parents[2] / "guest-tests/include/fuzz-abi.h"
_DEFINE = re.compile(r"^#define (FUZZ_\w+)\s+(0x[0-9a-f]+|\d+)", re.M)

ABI: dict[str, int] = {name: int(value, 0) for name, value in _DEFINE.findall(_HEADER.read_text())}

ISB = 0xD5033FDF
DSB_SY = 0xD5033F9F
ERET = 0xD69F03E0
ERETAA = 0xD69F0BFF
PACIA_SP = 0xDAC103E0  # PACIA X<n>, SP
DAIFCLR = 0xD503_40FF  # MSR DAIFClr, #<imm << 8>
WFI = 0xD503207F
WFE = 0xD503205F
NOP = 0xD503201F
RET = 0xD65F03C0


def mov(rd: int, value: int) -> list[int]:
    """Any 64-bit value into Xrd, with as few instructions as MOVZ and MOVK need."""
    halves = [(i, value >> 16 * i & 0xFFFF) for i in range(4)]
    used = [(i, half) for i, half in halves if half] or [(0, 0)]
    words = [0xD2800000 | used[0][0] << 21 | used[0][1] << 5 | rd]
    return words + [0xF2800000 | i << 21 | half << 5 | rd for i, half in used[1:]]


def _sys(enc: int, rt: int) -> int:
    op0, op1, crn, crm, op2 = enc >> 14, enc >> 11 & 7, enc >> 7 & 15, enc >> 3 & 15, enc & 7
    return 0xD5000000 | op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5 | rt


def msr(enc: int, rt: int) -> int:
    """MSR <enc>, Xrt; for op0 = 1 SYS."""
    return _sys(enc, rt)


def mrs(enc: int, rt: int) -> int:
    """MRS Xrt, <enc>."""
    return _sys(enc, rt) | 1 << 21


def hvc(imm: int) -> int:
    """HVC #imm."""
    return 0xD4000002 | imm << 5


def svc(imm: int) -> int:
    """SVC #imm."""
    return 0xD4000001 | imm << 5


def smc(imm: int) -> int:
    """SMC #imm."""
    return 0xD4000003 | imm << 5


def brk(imm: int) -> int:
    """BRK #imm."""
    return 0xD4200000 | imm << 5


def ldr(rt: int, rn: int) -> int:
    """LDR Xrt, [Xrn]."""
    return 0xF9400000 | rn << 5 | rt


def str_(rt: int, rn: int) -> int:
    """STR Xrt, [Xrn]."""
    return 0xF9000000 | rn << 5 | rt


def log_pair(rt: int, rt2: int) -> int:
    """STP Xrt, Xrt2, [X28], #16."""
    return 0xA8810000 | rt2 << 10 | 28 << 5 | rt


def blr(rn: int) -> int:
    """BLR Xrn."""
    return 0xD63F0000 | rn << 5


def br(rn: int) -> int:
    """BR Xrn."""
    return 0xD61F0000 | rn << 5


def b(offset: int) -> int:
    """B to this many bytes from here."""
    return 0x14000000 | offset >> 2 & 0x3FF_FFFF
