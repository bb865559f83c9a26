# SPDX-License-Identifier: GPL-2.0-only
"""Debian's own Linux/KVM as L1, with Debian's QEMU as its VMM and the same kernel as L2.

`build_linux_payload()` fetches Debian's arm64 packages through a private apt (the kernel and the VMM
from the suites that KERNELS names), and packs a kernel `Image` and one uncompressed initramfs: busybox,
qemu-system-aarch64 with the libraries it needs, and inside it L2's kernel and initramfs and the
programs of ours that may run as L2 (OURS). No binary is modified. What the guests print:

    vel2: l1-userspace      L1's init runs
    vel2: l2-bench          the benchmark runs as L2 (vel2.l2=bench on L1's command line)
    ALL PASS                the bundled guest ran as L2 with an L3 (vel2.l2=bundled)
    kvm [1]: ...            what L1's KVM said when it came up (VHE mode, GICv3, ...)
    vel2: l2-userspace      L2's init runs
    vel2: l2-done           L2's work is done, it powers off
    vel2: l2-exit=STATUS    the VMM's exit status; L1 then powers off

Runs as a command too: `python3 -m harness.payload.linux BUILD_DIR`.
"""

from __future__ import annotations

import argparse
import fcntl
import gzip
import hashlib
import io
import json
import lzma
import shutil
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .apt import PrivateApt
from .cpio import Cpio, Tree
from .elf import library_closure
from .errors import PayloadError
from .kallsyms import read_kallsyms, write_symbol_elf

SUITE = "bookworm"
ARCH = "arm64"


class Kernel(NamedTuple):
    """A Linux L1 of Debian's: the newest kernel of a suite."""

    suite: str
    metapackage: str = "linux-image-arm64"
    vmm_suite: str = SUITE  #: its QEMU's; bookworm's has no virtual EL2 for its guests


KERNELS = {
    "linux": Kernel(SUITE),
    "linux-6.12": Kernel(f"{SUITE}-backports"),
    "linux-sid": Kernel("sid", vmm_suite="sid"),
    "linux-sid-16k": Kernel("sid", "linux-image-arm64-16k", "sid"),
}
BUSYBOX_PACKAGE, VMM_PACKAGE = "busybox-static", "qemu-system-arm"
BUSYBOX = "/bin/busybox"
#: L2s of ours, made by `make guests`: name in the initramfs -> file below the build directory.
OURS = {"bench": "guests/nested-bench.bin", "bundled": "guests/bundled.bin", "vmm": "guests/vmm"}
VMM = "/usr/bin/qemu-system-aarch64"
#: What the guests' scripts call; each is a link to busybox.
L1_APPLETS = (
    *("sh", "mount", "uname", "nproc", "cut", "dmesg", "sed", "tr", "poweroff"),
    *("cat", "grep", "insmod", "umount", "md5sum", "ifconfig", "ping", "stty", "sleep"),
)
L2_APPLETS = (*L1_APPLETS, "true", "awk")
ROOT_APPLETS = ("sh", "mount", "umount", "insmod", "switch_root")
#: Drivers of virtio devices on PCIe, and a file system: which a kernel has of them, in the order in which they load.
MODULES = (
    *("virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk"),
    *("failover", "net_failover", "virtio_net", "virtio_console"),
    *("crc16", "crc32c_generic", "mbcache", "jbd2", "ext4"),
)
#: The dynamic linker's own order.
LIBRARY_DIRS = (
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/lib",
    "/usr/lib",
)
#: For speed: no self-tests of ciphers, no security modules, no second clearing of pages. Without
#: KASLR a PC in a trace means the same in every run. A panic ends the machine, not hangs it.
L1_APPEND = "console=ttyAMA0 quiet panic=-1 nokaslr cryptomgr.notests lsm= audit=0 init_on_alloc=0"
L2_APPEND = L1_APPEND

#: Where kernels since 5.19 are linked.
_KERNEL_START = 0xFFFF800080000000
_HERE = Path(__file__).resolve().parent
_IMAGE_MAGIC_OFFSET, _IMAGE_MAGIC = 0x38, b"ARM\x64"
_TIMEOUT_S = 300

Progress = Callable[[str], None]


@dataclass(frozen=True)
class LinuxPayload:
    """What a run needs. Paths are absolute."""

    kernel: Path  #: arm64 `Image`
    initrd: Path  #: uncompressed cpio
    slim: Path  #: the same without Debian's VMM: ours (vmm.c) starts L2
    symbols: Path  #: ELF file of the kernel's symbols, for both guests (they boot with nokaslr)
    append: str  #: command line for L1; more words may follow it
    release: str  #: uname -r of both guests
    packages: tuple[str, ...]  #: file names of the Debian packages used


def build_linux_payload(
    build_dir: Path, progress: Progress = print, refresh: bool = False, kernel: str = "linux"
) -> LinuxPayload:
    """Build the payload below `build_dir`/payload, or return the one that is there.

    `kernel` is one of KERNELS. Nothing is fetched when the packages are there already, unless `refresh` asks for newer ones.
    Safe to call from several processes at once. Raises PayloadError.
    """
    with payload_dir(build_dir, progress) as base:
        packages = fetch_programs(base, progress, refresh, SUITE)
        suite = KERNELS[kernel].vmm_suite
        if suite != SUITE:
            packages += fetch_programs(base, progress, refresh, suite)
        packages += fetch_kernel(base, progress, refresh, kernel)
        return _images(base, kernel, packages, progress)


def add_l1(slim: Path, guest: LinuxPayload, append: str, to: Path) -> None:
    """Write `to`: the slim initramfs of a Linux that is L0, with a Linux L1 (`guest`, slim too) for its `vel2.l2=l1`, told
    `append`."""
    with to.open("wb") as stream:
        with slim.open("rb") as first:
            shutil.copyfileobj(first, stream)
        archive = Cpio(stream)
        archive.file("l1/Image", guest.kernel.read_bytes())
        archive.file("l1/initrd.cpio", guest.slim.read_bytes())
        archive.file("l1/append", f"{guest.append} {append}\n".encode())
        archive.close()


@contextmanager
def payload_dir(build_dir: Path, progress: Progress) -> Iterator[Path]:
    """The directory of all payloads, held against other processes while they are built."""
    base = build_dir.resolve() / "payload"
    base.mkdir(parents=True, exist_ok=True)
    path = base / "lock"
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another build of the payload")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield base


def read_stamp(path: Path, key: str) -> dict[str, list[str]] | None:
    """Return what the stamp says, or None if there is none for `key`."""
    try:
        stamp = json.loads(path.read_text())
        return dict(stamp["outputs"]) if stamp["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_stamp(path: Path, key: str, outputs: dict[str, list[str]]) -> None:
    # By rename, so that an interrupted build leaves either the old stamp or the new one.
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"key": key, "outputs": outputs}, indent=1))
    temporary.replace(path)


def root_of(base: Path, suite: str) -> Path:
    """Where the programs of `suite` lie unpacked."""
    return base / ("root" if suite == SUITE else f"root-{suite}")


def fetch_programs(base: Path, progress: Progress, refresh: bool, suite: str) -> list[str]:
    """Unpack the VMM of `suite`, and of SUITE what else the guests run; return the packages' file names."""
    packages = [BUSYBOX_PACKAGE, VMM_PACKAGE] if suite == SUITE else [VMM_PACKAGE]
    return fetch(base, progress, refresh, root_of(base, suite).name, packages, False, suite)


def fetch(
    base: Path,
    progress: Progress,
    refresh: bool,
    name: str,
    packages: list[str],
    alone: bool,
    suite: str = SUITE,
    arch: str = ARCH,
) -> list[str]:
    """Unpack `packages` of `suite`, `alone` or with all they depend on, into `base`/`name`.

    Returns the names of their files.
    """
    done = _unpacked(base, refresh, name, key := " ".join([suite, arch, *packages]))
    if done is None:
        apt = _apt(base, suite, progress, arch)
        debs = apt.download(packages if alone else apt.closure(packages))
        progress(f"unpacking {len(debs)} packages")
        with _replaced(base / name) as scratch:
            for deb in debs:
                _run(["dpkg-deb", "-x", str(deb), str(scratch)], f"unpack {deb.name}")
        done = [deb.name for deb in debs]
        write_stamp(base / f"{name}.json", key, {"packages": done})
    return done


def fetch_kernel(base: Path, progress: Progress, refresh: bool, kernel: str) -> list[str]:
    """Unpack /boot of a kernel of KERNELS into `base`/`kernel`-boot; return its package's file name."""
    suite, metapackage, _ = KERNELS[kernel]
    name = f"{kernel}-boot"
    done = _unpacked(base, refresh, name, key := " ".join([suite, ARCH, metapackage, *MODULES]))
    if done is None:
        apt = _apt(base, suite, progress)
        found = [p for p in apt.depends(metapackage) if p.startswith("linux-image-")]
        if len(found) != 1:
            raise PayloadError(f"{metapackage} depends on more than one kernel: {found}")
        # Since 2026 the kernel itself is in a package of its own.
        found = [p for p in apt.depends(found[0]) if p.startswith("linux-binary-")] or found
        debs = apt.download(found)
        with _replaced(base / name) as scratch:
            _unpack_boot(debs[0], scratch)
        done = [deb.name for deb in debs]
        write_stamp(base / f"{name}.json", key, {"packages": done})
    return done


def _unpacked(base: Path, refresh: bool, name: str, key: str) -> list[str] | None:
    """The packages that are in `base`/`name` already; None if they must be fetched."""
    done = read_stamp(base / f"{name}.json", key)
    return done["packages"] if done and not refresh and (base / name).is_dir() else None


def _apt(base: Path, suite: str, progress: Progress, arch: str = ARCH) -> PrivateApt:
    name = "apt" if suite == SUITE else f"apt-{suite}"
    path = base / (name if arch == ARCH else f"{name}-{arch}")
    apt = PrivateApt(path, suite, arch, progress)
    apt.configure()
    apt.update()
    return apt


@contextmanager
def _replaced(directory: Path) -> Iterator[Path]:
    """An empty directory that takes the place of `directory` once it is full."""
    temporary = directory.with_name(directory.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    yield temporary
    directory.with_name(directory.name + ".json").unlink(missing_ok=True)
    shutil.rmtree(directory, ignore_errors=True)
    temporary.rename(directory)


def _boot_name(path: str) -> str | None:
    """What a file of the kernel package is called in /boot; None for those that are not needed.

    Newer packages have the kernel as /usr/lib/modules/RELEASE/vmlinuz. Modules stand beside it.
    """
    parts = Path(path).parts
    if parts[-1:] and parts[-1].partition(".ko")[0] in MODULES:
        return parts[-1]
    if parts[:1] == ("boot",):
        return parts[-1]
    return f"vmlinuz-{parts[-2]}" if parts[-1:] == ("vmlinuz",) else None


def _unpack_boot(deb: Path, into: Path) -> None:
    """Unpack what belongs into /boot, and MODULES; all modules would be ten times the size."""
    data = _run(["dpkg-deb", "--fsys-tarfile", str(deb)], f"unpack {deb.name}")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            name = _boot_name(member.name) if member.isfile() else None
            if name is not None:
                stream = archive.extractfile(member)
                assert stream is not None
                (into / name).write_bytes(stream.read())


def made_from(packages: list[str], ours: bytes = b"") -> str:
    """A key that changes with the packages, with the code that makes a payload from them, and with
    `ours`, which goes into it too."""
    digest = hashlib.sha256("\n".join(packages).encode() + ours)
    for source in sorted([*_HERE.glob("*.py"), *_HERE.glob("*-init")]):
        digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()


def _images(base: Path, name: str, packages: list[str], progress: Progress) -> LinuxPayload:
    """Make the kernel Image and the initramfs from `base`/root, if anything changed."""
    out = base / name
    ours = {l2: base.parent / path for l2, path in OURS.items()}
    for path in ours.values():
        if not path.is_file():
            raise PayloadError(f"{path.name} was not built: make guests")
    key = made_from(packages, b"".join(path.read_bytes() for path in ours.values()))
    vmlinuz = _only(base / f"{name}-boot", "vmlinuz-*")
    release = vmlinuz.name.removeprefix("vmlinuz-")
    payload = LinuxPayload(
        kernel=out / "Image",
        initrd=out / "l1-initrd.cpio",
        slim=out / "l1-slim.cpio",
        symbols=out / "symbols.elf",
        append=L1_APPEND,
        release=release,
        packages=tuple(packages),
    )
    files = (payload.kernel, payload.initrd, payload.slim, payload.symbols)
    if read_stamp(out / "stamp.json", key) is not None and all(f.is_file() for f in files):
        return payload
    out.mkdir(exist_ok=True)
    (out / "stamp.json").unlink(missing_ok=True)
    kernel = _image(vmlinuz)
    payload.kernel.write_bytes(kernel)
    write_symbol_elf(_symbols(kernel, progress), payload.symbols)
    for path in (payload.initrd, payload.slim):
        with path.open("wb") as stream:
            _l1_initramfs(Cpio(stream), base, name, kernel, ours, path is payload.slim)
    size = payload.initrd.stat().st_size
    progress(f"Linux {release} as L1 and L2: initramfs of {size / 1e6:.0f} MB")
    write_stamp(out / "stamp.json", key, {"files": [f.name for f in files]})
    return payload


def write_root(
    build_dir: Path, directory: Path, progress: Progress = print, kernel: str = "linux"
) -> bytes:
    """L1's whole system as files below `directory`, for a disk (ext4, virtio); returns the initramfs, which has
    the drivers for it and goes on from there. The payload was built before. Raises PayloadError.
    """
    with payload_dir(build_dir, progress) as base:
        boot, stream = base / f"{kernel}-boot", io.BytesIO()
        ours = {l2: base.parent / path for l2, path in OURS.items()}
        image = _image(_only(boot, "vmlinuz-*"))
        _l1_initramfs(Tree(directory), base, kernel, image, ours)
        archive = Cpio(stream)
        init = (_HERE / "root-init").read_text()
        add_system(archive, root_of(base, SUITE), init, ROOT_APPLETS)
        _add_modules(archive, boot)
        archive.close()
        return stream.getvalue()


def _only(directory: Path, pattern: str) -> Path:
    found = sorted(directory.glob(pattern))
    if len(found) != 1:
        raise PayloadError(f"expected one {pattern} in the kernel package, found {len(found)}")
    return found[0]


def _image(path: Path) -> bytes:
    """Return the arm64 Image in `path`, decompressed if it is gzip. Raises PayloadError."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise PayloadError(f"{path.name} is damaged: {error}") from error
    if data[_IMAGE_MAGIC_OFFSET : _IMAGE_MAGIC_OFFSET + 4] != _IMAGE_MAGIC:
        raise PayloadError(f"{path.name} is not an arm64 Image")
    return data


def _symbols(kernel: bytes, progress: Progress) -> list[tuple[int, str, str]]:
    """The kernel's symbols; of one whose tables are not as we know them, where it begins."""
    try:
        return read_kallsyms(kernel)
    except PayloadError as error:
        progress(f"no names in traces: {error}")
        return [(_KERNEL_START, "T", "_text")]


def add_system(archive: Cpio | Tree, root: Path, init: str, applets: tuple[str, ...]) -> None:
    """Add busybox, what init needs, and init itself."""
    archive.directory("proc")
    archive.directory("dev")
    archive.directory("sys")
    archive.directory("disk")
    # The kernel opens it for init's standard files before anything is mounted.
    archive.character_device("dev/console", 5, 1)
    archive.copy(BUSYBOX, root / BUSYBOX.lstrip("/"))
    for applet in applets:
        archive.symlink(f"bin/{applet}", "busybox")
    archive.file("init", init.encode(), 0o755)


def _add_modules(archive: Cpio | Tree, boot: Path) -> None:
    """Add those of MODULES that this kernel has, and a list of them."""
    archive.directory("modules")
    names = []
    for name in MODULES:
        for path in boot.glob(f"{name}.ko*"):
            data = path.read_bytes()
            archive.file(
                f"modules/{name}.ko", lzma.decompress(data) if path.suffix == ".xz" else data
            )
            names.append(name)
    archive.file("modules/order", " ".join(names).encode() + b"\n")


def _modules_archive(boot: Path) -> bytes:
    """What goes behind L2's initramfs if it has devices."""
    stream = io.BytesIO()
    archive = Cpio(stream)
    _add_modules(archive, boot)
    archive.close()
    return stream.getvalue()


def _l2_initramfs(root: Path) -> bytes:
    stream = io.BytesIO()
    archive = Cpio(stream)
    add_system(archive, root, (_HERE / "l2-init").read_text(), L2_APPLETS)
    archive.close()
    return stream.getvalue()


def _l1_initramfs(
    archive: Cpio | Tree,
    base: Path,
    name: str,
    kernel: bytes,
    ours: dict[str, Path],
    slim: bool = False,
) -> None:
    root, programs = root_of(base, SUITE), root_of(base, KERNELS[name].vmm_suite)
    boot = base / f"{name}-boot"
    init = (_HERE / "l1-init").read_text().replace("@L2_APPEND@", L2_APPEND)
    add_system(archive, root, init, L1_APPLETS)
    if not slim:
        for target, path in sorted(library_closure(programs, VMM, LIBRARY_DIRS).items()):
            archive.copy(target, path)
    _add_modules(archive, boot)
    archive.file("l2/Image", kernel)
    archive.file("l2/initrd.cpio", _l2_initramfs(root))
    archive.file("l2/modules.cpio", _modules_archive(boot))
    for l2, path in ours.items():
        archive.file(f"l2/{l2}", path.read_bytes(), 0o755)
    archive.close()


def _run(command: list[str], what: str) -> bytes:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except FileNotFoundError as error:
        raise PayloadError(f"cannot {what}: {command[0]} is missing") from error
    except subprocess.TimeoutExpired as error:
        raise PayloadError(f"cannot {what}: took over {_TIMEOUT_S} s") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise PayloadError(f"cannot {what}: {lines[-1]}")
    return done.stdout


def main(arguments: list[str] | None = None) -> int:
    """Build the payload and print where it is."""
    parser = argparse.ArgumentParser(
        description="Build the Linux/KVM payload (L1, its VMM and L2) from Debian's packages.",
        epilog="example: python3 -m harness.payload.linux build",
    )
    parser.add_argument("build_dir", type=Path, help="build directory (payload/ is made in it)")
    parser.add_argument("--kernel", choices=sorted(KERNELS), default="linux")
    parser.add_argument("--refresh", action="store_true", help="look for newer packages")
    options = parser.parse_args(arguments)
    try:
        payload = build_linux_payload(
            options.build_dir, refresh=options.refresh, kernel=options.kernel
        )
    except PayloadError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"kernel {payload.kernel}\ninitrd {payload.initrd}\nappend {payload.append}")
    print(f"symbols {payload.symbols}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
