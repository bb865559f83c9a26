# SPDX-License-Identifier: GPL-2.0-only
"""Debian's own EDK2 as firmware at EL2, which then starts Debian's Linux/KVM with its L2.

EDK2 runs in place, in the first bank of flash, and keeps its variables in the second. The CPU does not start
there by itself, since it is L0 that the machine starts: an ELF file in RAM has the jump. What is typed at its
shell sets a variable, resets the machine, looks for it, and starts Linux from the disk.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import linux
from .errors import PayloadError
from .firmware import executable, jump
from .linux import LinuxPayload, Progress

PACKAGE = "qemu-efi-aarch64"
FIRMWARE = "usr/share/qemu-efi-aarch64/QEMU_EFI.fd"
#: Where the firmware lies, and in RAM the jump.
FLASH, ADDRESS = 0, 0x4020_0000
PROMPT = "Shell> "
_VARIABLE = "setvar vel2 -guid 766c3200-0000-4000-8000-000000000000"
#: What EDK2 says about the variable: its bytes.
KEPT = "6B 65 70 74"


@dataclass(frozen=True)
class Edk2Payload:
    """What a run needs. Paths are absolute."""

    entry: Path  #: ELF file
    firmware: Path  #: for FLASH
    disk: Path  #: raw, a FAT file system with Linux and its initramfs
    linux: LinuxPayload
    packages: tuple[str, ...]

    @staticmethod
    def types(append: str) -> list[tuple[str, str]]:
        """What to type at which beginning of a line."""
        skip = ("Press ESC in", "\x1b")
        value = KEPT.replace(" ", "")
        return [
            skip,
            (PROMPT, "date\r"),
            (PROMPT, f"{_VARIABLE} -bs -rt -nv ={value}\r"),
            (PROMPT, "reset\r"),
            skip,
            (PROMPT, f"{_VARIABLE}\r"),
            (PROMPT, f"fs0:\\Image initrd=\\initrd {append}\r"),
        ]


def _disk(path: Path, files: dict[str, Path]) -> None:
    """A FAT file system as a disk image of its own."""
    size = sum(file.stat().st_size for file in files.values())
    sectors = size * 5 // 4 // 512 & ~0xFF
    path.unlink(missing_ok=True)
    commands = [["mformat", "-i", str(path), "-C", "-F", "-T", str(sectors), "::"]]
    commands += [["mcopy", "-i", str(path), str(f), f"::/{name}"] for name, f in files.items()]
    for command in commands:
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=120)
        except FileNotFoundError as error:
            raise PayloadError(f"{command[0]} is missing (package mtools)") from error
        except subprocess.SubprocessError as error:
            raise PayloadError(f"cannot make {path.name}: {error}") from error


def build_edk2_payload(build_dir: Path, progress: Progress, refresh: bool = False) -> Edk2Payload:
    """Build the payload below `build_dir`/payload, or return the one that is there.

    Nothing is fetched when the packages are there already. Raises PayloadError.
    """
    system = linux.build_linux_payload(build_dir, progress, refresh)
    with linux.payload_dir(build_dir, progress) as base:
        packages = linux.fetch(base, progress, refresh, "edk2-root", [PACKAGE], alone=True)
        out = base / "edk2"
        payload = Edk2Payload(
            entry=out / "entry.elf",
            firmware=base / "edk2-root" / FIRMWARE,
            disk=out / "disk.img",
            linux=system,
            packages=(*packages, *system.packages),
        )
        stamp = system.kernel.parent / "stamp.json"
        key = linux.made_from(list(payload.packages), stamp.read_bytes())
        if linux.read_stamp(out / "stamp.json", key) is None or not payload.disk.is_file():
            out.mkdir(exist_ok=True)
            (out / "stamp.json").unlink(missing_ok=True)
            payload.entry.write_bytes(executable(jump(FLASH), ADDRESS))
            _disk(payload.disk, {"Image": system.kernel, "initrd": system.initrd})
            linux.write_stamp(out / "stamp.json", key, {"files": [payload.disk.name]})
        return payload
