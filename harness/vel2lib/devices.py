# SPDX-License-Identifier: GPL-2.0-only
"""PCIe devices for L1, all of them behind the machine's SMMUv3."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: What the machine needs so that L0 gives L1 its PCIe root.
MACHINE = ",iommu=smmuv3"
#: A virtio device whose DMA goes through the SMMU; without it QEMU lets it pass by.
_BEHIND = "iommu_platform=on,disable-legacy=on,romfile="


@dataclass(frozen=True)
class Devices:
    """What L1 gets; nothing of it by default."""

    disk: Path | None = None  # raw image, which L1 writes to
    net: bool = False  # a network that ends in QEMU
    console: Path | None = None  # gets what L1 writes to its virtio console
    read_only: bool = False  # the disk, which several machines may have then

    def __bool__(self) -> bool:
        return bool(self.disk or self.net or self.console)

    def arguments(self) -> list[str]:
        """QEMU's."""
        args: list[str] = []
        if self.disk:
            # The format is never guessed: what L1 writes could name another file.
            where = str(self.disk).replace(",", ",,")
            mode = ",readonly=on" if self.read_only else ""
            args += ["-drive", f"if=none,id=disk,format=raw,file={where}{mode}"]
            args += ["-device", f"virtio-blk-pci,drive=disk,{_BEHIND}"]
        if self.net:
            args += ["-netdev", "user,id=net,restrict=on"]
            args += ["-device", f"virtio-net-pci,netdev=net,{_BEHIND}"]
        if self.console:
            where = str(self.console).replace(",", ",,")
            args += ["-chardev", f"file,id=hvc,path={where}"]
            args += [
                "-device",
                f"virtio-serial-pci,{_BEHIND}",
                "-device",
                "virtconsole,chardev=hvc",
            ]
        return args
