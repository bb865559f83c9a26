# SPDX-License-Identifier: GPL-2.0-only
"""What firmware needs to be started the way a kernel is: an ELF file around it, or before it."""

from __future__ import annotations

import struct

_PAGE = 4096
_MOVZ_X9, _MOVK_X9_16, _BR_X9 = 0xD2800009, 0xF2A00009, 0xD61F0120


def executable(data: bytes, address: int) -> bytes:
    """An ELF file for AArch64 that loads `data` at `address` and enters it there."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, address, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 7, _PAGE, address, address, len(data), len(data), _PAGE)
    return (ident + header + segment).ljust(_PAGE, b"\0") + data


def jump(to: int) -> bytes:
    """Instructions that go to `to`, below 4 GiB."""
    low, high = to & 0xFFFF, to >> 16
    return struct.pack("<III", _MOVZ_X9 | low << 5, _MOVK_X9_16 | high << 5, _BR_X9)
