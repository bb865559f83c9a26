# SPDX-License-Identifier: GPL-2.0-only
"""Guests that Xen starts by itself (dom0less): QEMU's device tree with a node for each.

QEMU's guest-loader knows modules, but no domains. So QEMU is asked for the tree that it would make, and
gets it back with the domains' nodes. L0 passes them on to L1 as it does with other modules.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import libfdt

from .errors import Vel2Error
from .qemu import MACHINE, Domain, Module

_KINDS = {"kernel": "multiboot,kernel", "initrd": "multiboot,ramdisk"}
_ROOM = 16384  # bytes that the nodes may need
_TIMEOUT_S = 60


def _dump(args: Sequence[str], ports: int, path: Path) -> bytearray:
    """The device tree of the machine that these arguments describe, which say nothing of its serial ports."""
    wanted = [f"{MACHINE},dumpdtb={path}" if arg == MACHINE else arg for arg in args]
    wanted += ["-serial", "null"] * ports
    try:
        subprocess.run(wanted, capture_output=True, timeout=_TIMEOUT_S, check=False)
        return bytearray(path.read_bytes())
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Vel2Error(f"{args[0]}: cannot dump its device tree: {error}") from error
    finally:
        path.unlink(missing_ok=True)


def _add_domain(fdt: libfdt.Fdt, domain: Domain) -> None:
    node = fdt.add_subnode(fdt.path_offset("/chosen"), domain.name)
    fdt.setprop_str(node, "compatible", "xen,domain")
    fdt.setprop_u32(node, "#address-cells", 2)
    fdt.setprop_u32(node, "#size-cells", 2)
    fdt.setprop_u64(node, "memory", domain.mem << 10)  # KiB
    fdt.setprop_u32(node, "cpus", domain.cpus)
    fdt.setprop(node, "vpl011", b"")


def _add_module(fdt: libfdt.Fdt, module: Module, address: int) -> None:
    assert module.domain is not None
    parent = fdt.path_offset(f"/chosen/{module.domain.name}")
    node = fdt.add_subnode(parent, f"module@{address:x}")
    kinds = f"{_KINDS[module.kind]}\0multiboot,module\0"
    size = module.path.stat().st_size
    fdt.setprop(node, "compatible", kinds.encode())
    fdt.setprop(node, "reg", address.to_bytes(8, "big") + size.to_bytes(8, "big"))
    if module.kind == "kernel":
        fdt.setprop_str(node, "bootargs", module.append)


def with_domains(
    args: list[str], modules: Sequence[tuple[Module, int]], ports: int, scratch: Path
) -> list[str]:
    """QEMU's arguments `args` with a device tree that has the modules' domains.

    Modules come with the addresses (PA) that they have there already; `ports` is how many serial ports
    the machine will have: a tree with one more would send L1 to a device that is not there.
    """
    of_domains = [(module, address) for module, address in modules if module.domain]
    if not of_domains:
        return args
    fdt = libfdt.Fdt(_dump(args, ports, scratch / "dumped.dtb"))
    fdt.resize(fdt.totalsize() + _ROOM)
    # Nodes are added at the front; dict: each domain once, in order.
    for domain in reversed(dict.fromkeys(m.domain for m, _ in of_domains if m.domain)):
        _add_domain(fdt, domain)
    for module, address in of_domains:
        _add_module(fdt, module, address)
    path = scratch / "machine.dtb"
    fdt.pack()  # QEMU makes room for as much again, and Xen takes no tree above 2 MiB
    path.write_bytes(fdt.as_bytearray()[: fdt.totalsize()])
    return [*args, "-dtb", str(path)]
