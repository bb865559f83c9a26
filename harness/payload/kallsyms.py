# SPDX-License-Identifier: GPL-2.0-only
"""The symbols of a distribution's kernel, from the kallsyms tables inside its own Image.

Debian ships no System.map and its debug package is larger than all else together. The kernel carries
its symbols for /proc/kallsyms, names compressed by a table of 256 tokens; this module finds those
tables by their content and writes an ELF file that holds the symbols and nothing else.

Layout known here (before Linux 6.4), each table aligned to 8 bytes: u32 offsets[n], u64 relative_base,
u32 n, names, u32 markers[(n + 255) / 256], perhaps a table of the names' order, token_table,
u16 token_index[256].
"""

from __future__ import annotations

import struct
from pathlib import Path

from .errors import PayloadError

#: Tokens for the characters 0 to 9 stand in a row, each a token of its own.
_DIGITS = b"".join(b"%d\0" % digit for digit in range(10))
#: Where the Image is linked (KIMAGE_VADDR, 48-bit VA).
_KIMAGE_VADDR = 0xFFFF800008000000
_R_RELATIVE = 0x403
_MAX_TOKEN = 64
_MAX_TABLES = 16 << 20


class _Tables:
    """Where the tables of one Image lie."""

    def __init__(self, image: bytes) -> None:
        self._image = image
        table, self.tokens = self._find_tokens()
        self.names, self.count = self._find_names(table)
        self.offsets, self.base = self._find_offsets()

    def _u32(self, at: int) -> int:
        return int(struct.unpack_from("<I", self._image, at)[0])

    def _find_tokens(self) -> tuple[int, list[bytes]]:
        # Character sets have the digits in a row too: only the real table is followed by its index.
        digits = self._image.find(_DIGITS)
        while digits >= 0:
            second = (
                digits  # where the second token begins; what stands before the first is no text
            )
            for _ in range(ord("0") - 1):
                second = self._image.rfind(b"\0", 0, second - 1) + 1
            for at in range((second - 1) & ~7, second - _MAX_TOKEN, -8):
                tokens = self._image[at : at + 256 * _MAX_TOKEN].split(b"\0", 256)[:256]
                if len(tokens) < 256:
                    break
                starts = [0]
                for token in tokens:
                    starts.append(starts[-1] + len(token) + 1)
                index = (at + starts.pop() + 7) & ~7
                if starts[-1] < 1 << 16 and self._has_index(index, starts):
                    return at, tokens
            digits = self._image.find(_DIGITS, digits + 1)
        raise PayloadError("the kernel Image has no kallsyms token table")

    def _has_index(self, at: int, starts: list[int]) -> bool:
        return self._image[at : at + 512] == struct.pack("<256H", *starts)

    def _find_names(self, table: int) -> tuple[int, int]:
        # n (padded to 8) stands before the names; they are the right ones if the markers after them
        # agree. A table of 3 n bytes may stand between markers and tokens.
        for at in range(table - 8, max(table - _MAX_TABLES, 16), -8):
            count = self._u32(at)
            if not 1024 <= count <= (table - at) // 3 or self._u32(at + 4):
                continue
            third = self._skip(at + 8, 512)
            second = self._skip(at + 8, 256)
            end = self._skip(third, count - 512) + 7 & ~7
            markers = (0, second - at - 8, third - at - 8)
            if end < table and struct.unpack_from("<3I", self._image, end) == markers:
                return at + 8, count
        raise PayloadError("the kernel Image has no kallsyms names where expected")

    def _skip(self, at: int, names: int) -> int:
        for _ in range(names):
            if at >= len(self._image):
                break
            at += 1 + self._image[at]
        return at

    def _find_offsets(self) -> tuple[int, int]:
        base_at = self.names - 16
        base = int(struct.unpack_from("<Q", self._image, base_at)[0])
        if not base:  # left to the kernel's own relocation: its value is the RELA entry's addend
            entry = self._image.find(struct.pack("<QQ", _KIMAGE_VADDR + base_at, _R_RELATIVE))
            if entry < 0:
                raise PayloadError("the kernel Image's kallsyms have no base address")
            base = int(struct.unpack_from("<Q", self._image, entry + 16)[0])
        # Between the offsets and the base may be four bytes of padding.
        at = (base_at - 4 * self.count) & ~7
        if self._u32(at) > self._u32(at + 4):
            raise PayloadError("the kernel Image has no kallsyms offsets where expected")
        return at, base


def read_kallsyms(image: bytes) -> list[tuple[int, str, str]]:
    """Return (address, nm(1) type, name) of every symbol in an arm64 Image, by address.

    Addresses are as linked: right for a kernel booted with `nokaslr`. Raises PayloadError.
    """
    try:
        tables = _Tables(image)
        offsets = struct.unpack_from(f"<{tables.count}I", image, tables.offsets)
        symbols = []
        at = tables.names
        for offset in offsets:
            length = image[at]
            text = b"".join(tables.tokens[i] for i in image[at + 1 : at + 1 + length]).decode()
            symbols.append((tables.base + offset, text[0], text[1:]))
            at += 1 + length
    except (struct.error, IndexError, ValueError) as error:
        raise PayloadError(f"the kernel Image's kallsyms cannot be read: {error}") from error
    return sorted(symbols)


def write_symbol_elf(symbols: list[tuple[int, str, str]], path: Path) -> None:
    """Write an arm64 ELF file of one empty .text section and these symbols, for gdb and others."""
    first, last = symbols[0][0], symbols[-1][0]
    names = bytearray(b"\0")
    table = bytearray(24)
    for address, kind, name in symbols:
        binding = 0 if kind.islower() else 1
        function = 2 if kind in "tTwW" else 1
        table += struct.pack("<IBBHQQ", len(names), binding << 4 | function, 0, 1, address, 0)
        names += name.encode() + b"\0"
    section_names = b"\0.text\0.symtab\0.strtab\0.shstrtab\0"
    table_at = 64
    names_at = table_at + len(table)
    section_names_at = names_at + len(names)
    headers_at = (section_names_at + len(section_names) + 7) & ~7
    headers = [
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        # NOBITS, ALLOC | EXECINSTR
        (1, 8, 6, first, 64, last - first + 4, 0, 0, 4, 0),
        # SYMTAB: names in section 3, the first global symbol is unsorted, so say 1
        (7, 2, 0, 0, table_at, len(table), 3, 1, 8, 24),
        (15, 3, 0, 0, names_at, len(names), 0, 0, 1, 0),
        (23, 3, 0, 0, section_names_at, len(section_names), 0, 0, 1, 0),
    ]
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    # EXEC, AARCH64
    header = struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, 0, 0, headers_at, 0, 64, 0, 0, 64, 5, 4)
    with path.open("wb") as stream:
        stream.write(ident + header + table + names + section_names)
        stream.write(bytes(headers_at - stream.tell()))
        for fields in headers:
            stream.write(struct.pack("<IIQQQQIIQQ", *fields))
