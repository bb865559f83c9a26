# SPDX-License-Identifier: GPL-2.0-only
"""Addresses to names, from the symbol tables of the ELF files of each level."""

from __future__ import annotations

import bisect
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

#: A PC further than this behind the last symbol has no name.
MAX_OFFSET = 1 << 16


class Symbols:
    """The functions and labels of one ELF file."""

    def __init__(self, path: Path):
        self._addresses: list[int] = []
        self._names: list[str] = []
        found: dict[int, str] = {}
        with path.open("rb") as stream:
            table = ELFFile(stream).get_section_by_name(".symtab")
            if isinstance(table, SymbolTableSection):
                for symbol in table.iter_symbols():
                    kind, name = symbol["st_info"]["type"], symbol.name
                    if kind not in ("STT_FUNC", "STT_NOTYPE") or symbol["st_shndx"] == "SHN_UNDEF":
                        continue
                    if not name or name.startswith("$"):
                        continue
                    # A function is a better name than a label at the same address.
                    if kind == "STT_FUNC" or symbol["st_value"] not in found:
                        found[symbol["st_value"]] = name
        for address in sorted(found):
            self._addresses.append(address)
            self._names.append(found[address])

    def name(self, address: int) -> str | None:
        """`function+0x10`, None when the address belongs to no symbol."""
        index = bisect.bisect_right(self._addresses, address) - 1
        if index < 0 or address - self._addresses[index] > MAX_OFFSET:
            return None
        offset = address - self._addresses[index]
        return self._names[index] + (f"+{offset:#x}" if offset else "")


class Symbolizer:
    """Names of addresses by level ("L0", "L1", "L2"); a level may have several files, or none."""

    def __init__(self, files: dict[str, list[Path]]):
        self._files = files
        self._loaded: dict[Path, Symbols | None] = {}

    def _symbols(self, path: Path) -> Symbols | None:
        if path not in self._loaded:
            try:
                self._loaded[path] = Symbols(path)
            except (
                Exception
            ):  # a damaged file may make pyelftools raise anything: then there are no names
                self._loaded[path] = None
        return self._loaded[path]

    def name(self, level: str, address: int) -> str | None:
        """The name of an address at a level, None when no file of the level knows it."""
        for path in self._files.get(level, []):
            symbols = self._symbols(path)
            name = symbols.name(address) if symbols else None
            if name:
                return name
        return None

    def text(self, level: str, address: int) -> str:
        """The address with its name, if it has one."""
        name = self.name(level, address)
        return f"{address:#x} ({name})" if name else f"{address:#x}"
