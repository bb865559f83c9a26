# SPDX-License-Identifier: GPL-2.0-only
"""Where L1's modules go in memory.

L0 owns the first 6 MiB of RAM; the RAM of each L1 follows, and the L1 sees it where real RAM starts. QEMU
puts its device tree at RAM/2, at most 128 MiB into RAM, and no module may overlap that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import Vel2Error
from .image import MIB, Image

RAM_BASE = 0x4000_0000
L0_SIZE = 6 * MIB
L1_BASE = RAM_BASE + L0_SIZE  # PA of L1's first byte of RAM
#: vel2 starts this far into its RAM, at every level (QEMU's loader and L0's have that from its header).
VEL2_OFFSET = 0x8_0000
KERNEL_ALIGN = 2 * MIB
#: L1's kernel starts this far into its RAM, as QEMU's own loader has it.
KERNEL_OFFSET = 2 * MIB
#: The file of firmware that is loaded by its segments, after QEMU's device tree.
FIRMWARE = RAM_BASE + 192 * MIB
#: QEMU's device tree: up to 1 MiB of it, rounded up generously.
DTB_SPACE = 4 * MIB
#: Left free at the end of L1's RAM for the device tree that L0 writes for L1.
L1_DTB_SPACE = 2 * MIB


def align(value: int, step: int) -> int:
    """Round up to a multiple of step."""
    return (value + step - 1) // step * step


@dataclass(frozen=True)
class Placement:
    """Physical addresses; initrd is None when there is none, modules are further ones for L1."""

    kernel: int
    initrd: int | None
    modules: tuple[int, ...] = ()


def dtb_address(ram: int) -> int:
    """PA at which QEMU places the device tree of a machine with `ram` bytes."""
    return RAM_BASE + min(ram // 2, 128 * MIB)


def place(
    image: Image,
    initrd_size: int | None,
    mem: int,
    modules: Sequence[int] = (),
    native: bool = False,
    depth: int = 0,
    number: int = 0,
    of: int = 1,
) -> Placement:
    """Addresses for an L1 with `mem` MiB of RAM and modules of these sizes; Vel2Error when it does not fit.

    A kernel may not cross QEMU's device tree; the rest goes before it while it fits, else after.
    `native` is without L0: L1's RAM is all there is. With `depth` vel2s under L0, `image` is what the
    last of them runs, and `mem` is still L1's RAM: each of them takes L0_SIZE of it. `number` is which
    one this is `of` several L1s, each with `mem` MiB.
    """
    base = RAM_BASE if native else L1_BASE + depth * L0_SIZE + number * mem * MIB
    end = base + mem * MIB - depth * L0_SIZE - (1 + depth) * L1_DTB_SPACE
    dtb = dtb_address((0 if native else L0_SIZE) + of * mem * MIB)
    kernel = base + KERNEL_OFFSET + image.text_offset
    kernel_end = kernel + image.image_size
    if dtb + DTB_SPACE <= kernel or dtb >= end:  # in another L1's memory
        dtb = end
    if kernel_end > dtb or kernel_end > end:
        raise Vel2Error(
            f"L1 {image.path.name} needs {image.image_size / MIB:.1f} MiB and does not fit into "
            f"{mem} MiB beside the device tree: --mem {_needed(image, initrd_size, modules, depth)}"
        )
    low, high = align(kernel_end, KERNEL_ALIGN), dtb + DTB_SPACE
    sizes = [*([] if initrd_size is None else [initrd_size]), *modules]
    places = []
    for number, size in enumerate(sizes):
        if low + size <= dtb:
            places.append(low)
            low = align(low + size, KERNEL_ALIGN)
        elif high + size <= end:
            places.append(high)
            high = align(high + size, KERNEL_ALIGN)
        else:
            what = "a module" if number or initrd_size is None else "the initrd"
            raise Vel2Error(
                f"{what} needs {size / MIB:.1f} MiB and does not fit into {mem} MiB beside "
                f"L1 {image.path.name}: --mem {_needed(image, initrd_size, modules, depth)}"
            )
    if initrd_size is None:
        return Placement(kernel, None, tuple(places))
    return Placement(kernel, places[0], tuple(places[1:]))


def place_firmware(modules: Sequence[int], native: bool) -> Placement:
    """Firmware as an ELF file, away from where it runs, and modules at these IPAs."""
    return Placement(FIRMWARE, None, tuple(a + (0 if native else L0_SIZE) for a in modules))


def place_vel2s(depth: int) -> list[int]:
    """PAs of the vel2s under L0, the first of which is L1."""
    return [L1_BASE + level * L0_SIZE + VEL2_OFFSET for level in range(depth)]


def _needed(image: Image, initrd_size: int | None, modules: Sequence[int], depth: int) -> int:
    """MiB of L1 RAM, to a multiple of 64, that would do."""
    kernel = (1 + depth) * L0_SIZE + KERNEL_OFFSET + image.text_offset + image.image_size
    need = 2 * kernel
    sizes = [*([] if initrd_size is None else [initrd_size]), *modules]
    if sizes:
        rest = sum(align(size, KERNEL_ALIGN) for size in sizes)
        need = max(need, 128 * MIB + DTB_SPACE + rest + (1 + depth) * L1_DTB_SPACE)
    return align(need, 64 * MIB) // MIB
