# SPDX-License-Identifier: GPL-2.0-only
"""Debian's own Xen as L1, with Debian's Linux as its dom0.

Xen takes dom0's kernel and initramfs as boot modules; no binary is modified. What they print:

    (XEN) ...                                     Xen
    vel2: dom0-userspace                          dom0's init runs
    vel2: dom0-done                               its work is done, it powers off
    (XEN) Hardware Dom0 halted: halting machine   Xen ends the machine
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import linux
from .cpio import Cpio
from .errors import PayloadError
from .linux import Progress

PACKAGE = "xen-hypervisor-4.17-arm64"
APPLETS = (
    "sh",
    "mount",
    "uname",
    "cut",
    "true",
    "awk",
    "sleep",
    "stty",
    "poweroff",
    "grep",
    "dmesg",
    "sed",
)
#: Without sync_console the last lines before the power goes may be lost.
XEN_APPEND = "console=dtuart dtuart=/pl011@9000000 dom0_mem=256M sync_console"
DOM0_APPEND = linux.L1_APPEND.replace("console=ttyAMA0", "console=hvc0")


@dataclass(frozen=True)
class XenPayload:
    """What a run needs. Paths are absolute."""

    xen: Path  #: arm64 `Image`
    kernel: Path  #: dom0's
    initrd: Path  #: dom0's
    symbols: Path  #: of dom0's kernel
    append: str  #: command line for Xen; more words may follow it
    dom0_append: str
    domu_append: str  #: for a guest without dom0's help (dom0less)
    packages: tuple[str, ...]  #: file names of the Debian packages used


def build_xen_payload(build_dir: Path, progress: Progress, refresh: bool = False) -> XenPayload:
    """Build the payload below `build_dir`/payload, or return the one that is there.

    Nothing is fetched when the packages are there already. Raises PayloadError.
    """
    dom0 = linux.build_linux_payload(build_dir, progress, refresh)
    with linux.payload_dir(build_dir, progress) as base:
        packages = linux.fetch(base, progress, refresh, "xen-root", [PACKAGE], alone=True)
        images = sorted((base / "xen-root/boot").glob("xen-*-arm64"))
        if len(images) != 1:
            raise PayloadError(f"{PACKAGE}: expected one /boot/xen-VERSION-arm64")
        out = base / "xen"
        payload = XenPayload(
            xen=images[0],
            kernel=dom0.kernel,
            initrd=out / "initrd.cpio",
            symbols=dom0.symbols,
            append=XEN_APPEND,
            dom0_append=DOM0_APPEND,
            domu_append=linux.L1_APPEND,
            packages=(*packages, *dom0.packages),
        )
        key = linux.made_from(list(payload.packages))
        if linux.read_stamp(out / "stamp.json", key) is None or not payload.initrd.is_file():
            out.mkdir(exist_ok=True)
            (out / "stamp.json").unlink(missing_ok=True)
            with payload.initrd.open("wb") as stream:
                archive = Cpio(stream)
                init = (Path(__file__).resolve().parent / "dom0-init").read_text()
                linux.add_system(archive, base / "root", init, APPLETS)
                archive.close()
            linux.write_stamp(out / "stamp.json", key, {"files": [payload.initrd.name]})
        return payload
