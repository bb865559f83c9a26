# SPDX-License-Identifier: GPL-2.0-only
"""L1's PCIe devices: behind the SMMU, or not there at all."""

from __future__ import annotations

from pathlib import Path

from test_guests import explain, run
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


def test_no_pcie_without_smmu(l0: Path) -> None:
    """Devices that no SMMU holds are not L1's: what it looks for is not there, and L0 says why."""
    args = ("-device", "virtio-net-pci,romfile=")
    config = RunConfig(l1="pci", qemu_args=args, timeout=20)
    result = execute(config, resolve(config))
    assert result.status != 0
    assert any("no PCIe for L1" in str(r["msg"]) for r in result.logs), result.logs
