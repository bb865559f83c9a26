# SPDX-License-Identifier: GPL-2.0-only
"""arm64 kernels as L1: the Image format, what is compressed into one, and ELF files that contain one."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from .errors import Vel2Error

MIB = 1 << 20
HEADER_SIZE = 64
MAGIC = b"ARM\x64"
MAGIC_OFFSET = 56
#: A flat image larger than this is no kernel (and an ELF with such a hole is refused).
MAX_IMAGE = 512 * MIB


@dataclass(frozen=True)
class Image:
    """An arm64 kernel in Linux's Image format, as it must lie in memory.

    text_offset and image_size are bytes; image_size includes the bss and is never below the file's.
    """

    path: Path
    data: bytes
    text_offset: int
    image_size: int
    elf: Path | None = None  # symbols, when known
    converted: bool = False  # `data` is not what the file holds


def _header(path: Path, data: bytes, elf: Path | None, converted: bool) -> Image:
    text_offset, image_size = struct.unpack_from("<QQ", data, 8)
    if image_size > MAX_IMAGE or text_offset > MAX_IMAGE:
        raise Vel2Error(f"{path}: its Image header is damaged (size {image_size:#x})")
    return Image(path, data, text_offset, max(image_size, len(data)), elf, converted)


def _is_image(data: bytes) -> bool:
    return len(data) >= HEADER_SIZE and data[MAGIC_OFFSET : MAGIC_OFFSET + 4] == MAGIC


def _unzip(path: Path, data: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data, MAX_IMAGE)
    except zlib.error as error:
        raise Vel2Error(f"{path}: cannot decompress it ({error})") from error


def flatten(path: Path) -> bytes:
    """The bytes of an ELF file's segments by physical address, without the trailing bss.

    Vel2Error when it is not for AArch64, has no segments, or they lie too far apart.
    """
    try:
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            if elf["e_machine"] != "EM_AARCH64" or elf.elfclass != 64:
                raise Vel2Error(f"{path}: this ELF file is not for AArch64")
            loads = [
                (s["p_paddr"], s.data()) for s in elf.iter_segments("PT_LOAD") if s["p_filesz"] > 0
            ]
    except Vel2Error:
        raise
    except Exception as error:  # pyelftools seeks, divides and decodes by what the file says
        why = " ".join(str(error).split()) or type(error).__name__
        raise Vel2Error(f"{path}: a damaged ELF file ({why})") from error
    if not loads:
        raise Vel2Error(f"{path}: this ELF file has nothing to load")
    base = min(at for at, _ in loads)
    size = max(at + len(data) for at, data in loads) - base
    if size > MAX_IMAGE:
        raise Vel2Error(f"{path}: its segments span {size // MIB} MiB; give its Image file instead")
    flat = bytearray(size)
    for at, data in loads:
        flat[at - base : at - base + len(data)] = data
    return bytes(flat)


def load(path: Path) -> Image:
    """Read an L1: an Image (plain, gzip or EFI zboot) or an ELF whose segments make one.

    Vel2Error says what it is instead.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Vel2Error(f"L1 {path}: {error.strerror}") from error
    beside = path.with_suffix(".elf")
    elf = beside if beside.exists() else None
    if data[:4] == b"\x7fELF":
        data, elf = flatten(path), path
        if not _is_image(data):
            raise Vel2Error(
                f"{path}: an ELF file that does not start with an arm64 Image header; "
                "give the flat Image (objcopy -O binary)"
            )
        return _header(path, data, elf, True)
    packed = data
    if data[:2] == b"\x1f\x8b":
        data = _unzip(path, data)
    elif data[:2] == b"MZ" and data[4:8] == b"zimg":
        at, size = struct.unpack_from("<II", data, 8)
        if data[24:28] != b"gzip":
            raise Vel2Error(f"{path}: an EFI zboot image that is not gzip; give the Image inside")
        data = _unzip(path, data[at : at + size])
    if not _is_image(data):
        raise Vel2Error(f"{path}: neither an arm64 Image nor an AArch64 ELF file")
    return _header(path, data, elf, data is not packed)
