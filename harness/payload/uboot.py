# SPDX-License-Identifier: GPL-2.0-only
"""Debian's own U-Boot as firmware at EL2, which then starts Debian's Linux/KVM with its L2.

U-Boot is position independent. It runs in RAM here, not in flash: an ELF file says where, and holds the
binary as it is. What is typed at its prompt starts Linux.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from . import linux
from .linux import LinuxPayload, Progress

PACKAGE = "u-boot-qemu"
BINARY = "usr/lib/u-boot/qemu_arm64/u-boot.bin"
#: Where U-Boot runs until it moves itself to the end of RAM. Its first stack ends here.
ADDRESS = 0x4020_0000
#: Where Linux and its initramfs are loaded.
KERNEL, INITRD = 0x4400_0000, 0x5000_0000
_PAGE = 4096


@dataclass(frozen=True)
class UBootPayload:
    """What a run needs. Paths are absolute."""

    uboot: Path  #: ELF file
    linux: LinuxPayload
    packages: tuple[str, ...]

    def commands(self, append: str) -> str:
        """What to type at the prompt."""
        size = self.linux.initrd.stat().st_size
        return (
            f'setenv bootargs "{append}"\r'
            f"booti {KERNEL:x} {INITRD:x}:{size:x} ${{fdtcontroladdr}}\r"
        )


def _wrap(data: bytes) -> bytes:
    """An executable ELF file for AArch64 that loads `data` at ADDRESS and enters it there."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, ADDRESS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 7, _PAGE, ADDRESS, ADDRESS, len(data), len(data), _PAGE)
    return (ident + header + segment).ljust(_PAGE, b"\0") + data


def build_uboot_payload(build_dir: Path, progress: Progress, refresh: bool = False) -> UBootPayload:
    """Build the payload below `build_dir`/payload, or return the one that is there.

    Nothing is fetched when the packages are there already. Raises PayloadError.
    """
    system = linux.build_linux_payload(build_dir, progress, refresh)
    with linux.payload_dir(build_dir, progress) as base:
        packages = linux.fetch(base, progress, refresh, "uboot-root", [PACKAGE], alone=True)
        out = base / "uboot.elf"
        wrapped = _wrap((base / "uboot-root" / BINARY).read_bytes())
        if not out.is_file() or out.read_bytes() != wrapped:
            out.write_bytes(wrapped)
        return UBootPayload(out, system, (*packages, *system.packages))
