# SPDX-License-Identifier: GPL-2.0-only
"""Debian's own U-Boot as firmware at EL2, which then starts Debian's Linux/KVM with its L2.

U-Boot is position independent. It runs in RAM here, not in flash: an ELF file says where, and holds the
binary as it is. What is typed at its prompt saves a variable to flash, resets the machine, looks for it, and
starts Linux.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import linux
from .firmware import executable
from .linux import LinuxPayload, Progress

PACKAGE = "u-boot-qemu"
BINARY = "usr/lib/u-boot/qemu_arm64/u-boot.bin"
#: Where U-Boot runs until it moves itself to the end of RAM. Its first stack ends here.
ADDRESS = 0x4020_0000
#: Where Linux and its initramfs are loaded.
KERNEL, INITRD = 0x4400_0000, 0x5000_0000
PROMPT = "=> "
#: A variable that U-Boot saves to flash, and what it says about it after a reset.
KEPT = "vel2=kept"


@dataclass(frozen=True)
class UBootPayload:
    """What a run needs. Paths are absolute."""

    uboot: Path  #: ELF file
    linux: LinuxPayload
    packages: tuple[str, ...]

    def types(self, append: str) -> list[tuple[str, str]]:
        """What to type at which beginning of a line."""
        size = self.linux.initrd.stat().st_size
        stop = ("Hit any key to stop autoboot", "\r")
        name, value = KEPT.split("=")
        return [
            stop,
            (PROMPT, f"setenv {name} {value}; saveenv; reset\r"),
            stop,
            (PROMPT, f"printenv {name}\r"),
            (
                PROMPT,
                f'setenv bootargs "{append}"\r'
                f"booti {KERNEL:x} {INITRD:x}:{size:x} ${{fdtcontroladdr}}\r",
            ),
        ]


def build_uboot_payload(build_dir: Path, progress: Progress, refresh: bool = False) -> UBootPayload:
    """Build the payload below `build_dir`/payload, or return the one that is there.

    Nothing is fetched when the packages are there already. Raises PayloadError.
    """
    system = linux.build_linux_payload(build_dir, progress, refresh)
    with linux.payload_dir(build_dir, progress) as base:
        packages = linux.fetch(base, progress, refresh, "uboot-root", [PACKAGE], alone=True)
        out = base / "uboot.elf"
        wrapped = executable((base / "uboot-root" / BINARY).read_bytes(), ADDRESS)
        if not out.is_file() or out.read_bytes() != wrapped:
            out.write_bytes(wrapped)
        return UBootPayload(out, system, (*packages, *system.packages))
