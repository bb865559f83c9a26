# SPDX-License-Identifier: GPL-2.0-only
"""L1's PCIe devices: behind the SMMU, or not there at all."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from payload import linux

from test_guests import GUESTS, explain, run
from vel2lib import config as configuration
from vel2lib.config import RunConfig, resolve
from vel2lib.run import execute


def test_refused_dma_is_told(l0: Path) -> None:
    """Every access of the guest's disk that is not L1's memory is a line of L0's, and no other one is."""
    result = run("pci", "vhe")
    assert result.status == 0, explain(result)
    told = [str(r["msg"]) for r in result.logs if r["level"] != "info"]
    # RAM ends at 0x50000000; the guest aims at one page twice and, by a message, at another.
    assert [s.partition(" refused: ")[0] for s in told] == [
        "DMA write of PCI 00:01.0 at 0x50001000",
        "DMA read of PCI 00:01.0 at 0x50001000",
        "DMA write of PCI 00:01.0 at 0x50003000",
    ], told


def test_refused_dma_does_not_keep_l0_busy(l0: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a device aims at nothing, L0 says it a bounded number of times, and takes no more interrupts for it."""
    irqs = []
    for times in (60, 240):
        monkeypatch.setitem(GUESTS["pci"], "append", f"ram_mib=256 storm={times}")
        result = run("pci", "vhe")
        assert result.status == 0, explain(result)
        told = [str(r["msg"]) for r in result.logs if r["level"] != "info"]
        assert len(told) == 33 and "left out" in told[-1], told
        irqs.append(sum(c["exits"]["L1"]["irq"]["handled"] for c in result.counters))
    # Two interrupts of the disk's own from one of these to the next, and next to nothing else.
    assert irqs[1] - irqs[0] < 2 * 180 + 20, irqs


def test_no_pcie_without_smmu(l0: Path) -> None:
    """Devices that no SMMU holds are not L1's: what it looks for is not there, and L0 says why."""
    args = ("-device", "virtio-net-pci,romfile=")
    config = RunConfig(l1="pci", qemu_args=args, timeout=20)
    result = execute(config, resolve(config))
    assert result.status != 0
    assert any("no PCIe for L1" in str(r["msg"]) for r in result.logs), result.logs


#: A device on a bus of its own.
_BRIDGE = ("-device", "pcie-root-port,id=bus1,chassis=1")


@pytest.mark.parametrize("where, name", [((), "00:02.0"), (_BRIDGE, "01:00.0")])
def test_device_beside_the_smmu(l0: Path, where: tuple[str, ...], name: str) -> None:
    """A virtio device that would reach L0's memory is refused, wherever it is; behind the SMMU it is not."""
    bus = ",bus=bus1" if where else ""
    for option, status in (("off", 1), ("on", 0)):
        args = (*where, "-device", f"virtio-rng-pci{bus},disable-legacy=on,iommu_platform={option}")
        config = RunConfig(l1="hello", net=True, timeout=20, qemu_args=args)
        result = execute(config, resolve(config))
        assert result.status == status, explain(result)
        assert (
            status == 0 or f"{name} (virtio) passes by the SMMU" in result.outcome
        ), result.outcome


def _image(directory: Path, into: Path, size: int) -> None:
    """An ext4 file system of `size` MiB with what is in `directory`."""
    command = ["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", str(directory), str(into), f"{size}M"]
    subprocess.run(command, check=True, timeout=60)


def _file(image: Path, name: str, into: Path) -> bytes:
    """A file of an ext4 image; empty if it is not there."""
    command = ["/usr/sbin/debugfs", "-R", f"dump {name} {into}", str(image)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return into.read_bytes() if into.exists() else b""


def _disks(scratch: Path) -> tuple[Path, bytes]:
    """A disk for L1 with a disk for L2 on it, and what the file `data` of both holds."""
    data = bytes((i * i >> 4) & 0xFF for i in range(1 << 20))
    for level, size in (("l2", 8), ("l1", 32)):
        files = scratch / level
        files.mkdir()
        (files / "data").write_bytes(data)
        if level == "l1":
            (scratch / "l2.img").rename(files / "l2.img")
        _image(files, scratch / f"{level}.img", size)
    return scratch / "l1.img", data


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "mode, smp, native", [("vhe", 1, True), ("vhe", 1, False), ("nvhe", 2, False)]
)
def test_linux_and_its_guest_have_disks(
    l0: Path, tmp_path: Path, mode: str, smp: int, native: bool
) -> None:
    """L1 mounts a disk, and its L2 one that L1's VMM serves from a file there; both write, which arrives.
    L1's network answers and its console writes."""
    disk, data = _disks(tmp_path)
    console = tmp_path / "hvc.txt"
    config = RunConfig(l1="linux", l1_mode=mode, smp=smp, native=native, disk=disk, net=True)
    config.virtio_console, config.timeout = console, 120
    result = execute(config, resolve(config))
    assert result.status == 0, explain(result)
    said = [s for s in result.lines() if s.startswith("vel2: l")]
    for line in ("l1-disk unmounted", "l1-net answers"):
        assert f"vel2: {line}" in said, explain(result)
    sums = [s.partition("-disk ")[2] for s in said if s.endswith("  -")]
    assert sums == [f"{hashlib.md5(data).hexdigest()}  -"] * 2, explain(result)
    assert console.read_text().strip() == "vel2: l1-console"
    assert _file(disk, "from-l1", tmp_path / "from-l1") == data
    _file(disk, "l2.img", tmp_path / "l2-after.img")
    assert _file(tmp_path / "l2-after.img", "from-l2", tmp_path / "from-l2") == data
    assert not [r for r in result.logs if r["level"] != "info"], result.logs


@pytest.mark.long
@pytest.mark.timeout(600)
def test_linux_from_its_disk(l0: Path, tmp_path: Path) -> None:
    """L1's root file system, with its VMM and all of L2, is on the virtio disk."""
    config = RunConfig(l1="linux", disk=tmp_path / "root.img", timeout=120)
    config.l1_initrd = tmp_path / "initrd.cpio"
    resolve(replace(config, l1_initrd=None))
    (tmp_path / "root").mkdir()
    config.l1_initrd.write_bytes(linux.write_root(configuration.BUILD, tmp_path / "root"))
    _image(tmp_path / "root", tmp_path / "root.img", 256)
    result = execute(config, resolve(config))
    assert result.status == 0, explain(result)
    assert "vel2: l1-root mounted" in result.lines(), explain(result)
    assert config.l1_initrd.stat().st_size < 8 << 20
