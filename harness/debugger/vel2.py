# SPDX-License-Identifier: GPL-2.0-only
"""Commands for gdb that show what L0 knows of each level: `help vel2`.

Runs inside gdb-multiarch (harness/vel2 gdb loads it), attached to QEMU's gdb stub. L0's data is read by
physical address, which L0's own addresses are, so the commands work whatever level the CPU is in.
Structures are those of hyp/include/kvm_host.h and s2.h, by their debug information.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gdb

BANKS = ("NONE", "VEL1", "VEL2_E2H", "VEL2_NVHE")
LEVELS = ("host", "L1", "L2")
OUTCOMES = ("handled", "forwarded", "reflected", "served")
LOC_M, LOC_H, LOC_X = 0, 1, 2
EL_OF_CPSR = 2  # CurrentEL's place in PSTATE
PAGE_SHIFT, INDEX_BITS = 12, 9
ADDRESS_BITS = ((1 << 48) - 1) & ~0xFFF


@contextmanager
def physical() -> Iterator[None]:
    """Memory accesses go to physical addresses meanwhile."""
    gdb.execute("maintenance packet Qqemu.PhyMemMode:1", to_string=True)
    try:
        yield
    finally:
        gdb.execute("maintenance packet Qqemu.PhyMemMode:0", to_string=True)


def value(expression: str) -> Any:
    """A gdb.Value; gdb.error becomes a line for the user."""
    try:
        return gdb.parse_and_eval(expression)
    except gdb.error as error:
        raise gdb.GdbError(f"{expression}: {error} (are L0's symbols loaded?)") from error


def vcpus() -> list[Any]:
    """struct kvm_vcpu of each vCPU of each L1, in their order; empty before L0 has made them."""
    machines = [value("vms")[i] for i in range(int(value("nr_vms")))]
    return [m["vcpus"][i].dereference() for m in machines for i in range(int(m["nr_vcpus"]))]


def vcpu(number: int) -> Any:
    """One vCPU."""
    found = vcpus()
    if not 0 <= number < len(found):
        raise gdb.GdbError(f"vCPU {number}: there are {len(found)}")
    return found[number]


def symbol(address: int) -> str:
    """` <name+offset>` as gdb knows it, or nothing."""
    text = gdb.execute(f"info symbol {address:#x}", to_string=True).strip()
    return "" if text.startswith("No symbol") else f" <{text.split(' in section')[0]}>"


def name_of(names: tuple[str, ...], index: Any) -> str:
    """A name by its number."""
    number = int(index)
    return names[number] if 0 <= number < len(names) else str(number)


def exit_name(reason: int) -> str:
    """The name of an exit reason, from L0's own table."""
    return str(value("exit_names")[reason].string())


def numbers(argument: str, defaults: list[int]) -> list[int]:
    """Integer arguments of a command."""
    given = [int(gdb.parse_and_eval(word)) for word in gdb.string_to_argv(argument)]
    return given + defaults[len(given) :]


class Vel2(gdb.Command):  # type: ignore[misc]
    """What L0 knows of each level. vel2 vcpus | regs | s2 | exits | where."""

    def __init__(self) -> None:
        super().__init__("vel2", gdb.COMMAND_DATA, gdb.COMPLETE_COMMAND, True)


class Vcpus(gdb.Command):  # type: ignore[misc]
    """Each vCPU: level of its last exit, bank loaded, PC and PSTATE as the guest has them."""

    def __init__(self) -> None:
        super().__init__("vel2 vcpus", gdb.COMMAND_DATA)

    def invoke(self, _argument: str, _tty: bool) -> None:
        """Print a line a vCPU."""
        with physical():
            for number, one in enumerate(vcpus()):
                arch = one["arch"]
                regs = arch["ctxt"]["regs"]
                pc = int(regs["pc"])
                level = name_of(LEVELS, arch["exit_level"])
                print(
                    f"vcpu {number}: cpu {int(one['cpu'])}, last exit from {level} "
                    f"({exit_name(int(arch['exit_reason']))}), bank {name_of(BANKS, arch['loaded_bank'])}, "
                    f"pc {pc:#x}{symbol(pc)}, pstate {int(regs['pstate']):#x}, "
                    f"hcr_el2 {int(arch['hcr_el2']):#x}"
                )


def hardware(name: str) -> int | None:
    """A system register of the CPU that gdb looks at, None when QEMU does not offer it."""
    for candidate in (name, name.removesuffix("_EL1")):
        try:
            return int(gdb.parse_and_eval(f"${candidate}")) & ((1 << 64) - 1)
        except (gdb.error, ValueError, TypeError):
            continue
    return None


def current(one: Any, desc: Any, by_index: dict[int, str]) -> tuple[int, str]:
    """A register's current value and where it was found."""
    arch = one["arch"]
    bank = int(arch["loaded_bank"])
    place = int(desc["loc"][bank - 1]) if bank else LOC_M
    own = desc["name"].string()
    peer = by_index.get(int(desc["peer"]), own)
    if place != LOC_M:
        name = own if place == LOC_H else peer
        live = hardware(name)
        if live is not None:
            return live, f"CPU's {name}"
    index = int(desc["idx"])
    return int(arch["ctxt"]["sys_regs"][index]), "memory"


class Regs(gdb.Command):  # type: ignore[misc]
    """vel2 regs [PATTERN [VCPU]]: virtual registers by name (default *_EL2), and where each lives now.

    Registers that the CPU holds are read from the CPU that gdb looks at: choose it with `thread`.
    """

    def __init__(self) -> None:
        super().__init__("vel2 regs", gdb.COMMAND_DATA)

    def invoke(self, argument: str, _tty: bool) -> None:
        """Print a line a register."""
        words = gdb.string_to_argv(argument) + ["*_EL2", "0"][len(gdb.string_to_argv(argument)) :]
        pattern, number = words[0].upper(), int(words[1])
        table = value("sysreg_descs")
        low, high = table.type.range()
        with physical():
            one = vcpu(number)
            rows = [table[i] for i in range(low, high + 1)]
            plain = [d for i, d in enumerate(rows) if int(d["base"]) == i]
            by_index = {int(d["idx"]): d["name"].string() for d in plain}
            for desc in plain:
                name = desc["name"].string()
                if fnmatch.fnmatchcase(name, pattern):
                    number, where = current(one, desc, by_index)
                    print(f"{name:<18} {number:#018x}  {where}")


def read64(address: int) -> int:
    """Eight bytes of physical memory."""
    data = gdb.selected_inferior().read_memory(address, 8).tobytes()
    return int.from_bytes(data, "little")


def walk(table: Any, address: int) -> Iterator[tuple[int, int, int]]:
    """(level, address of the descriptor, descriptor) on the way to a stage-2 leaf; 4K granule."""
    base = int(table["root"])
    for level in range(int(table["start_level"]), 4):
        shift = PAGE_SHIFT + INDEX_BITS * (3 - level)
        bits = INDEX_BITS + (int(table["root_order"]) if level == int(table["start_level"]) else 0)
        at = base + 8 * ((address >> shift) & ((1 << bits) - 1))
        desc = read64(at)
        yield level, at, desc
        if desc & 3 != 3 or level == 3:
            return
        base = desc & ADDRESS_BITS


class Stage2(gdb.Command):  # type: ignore[misc]
    """vel2 s2 ADDRESS [VCPU]: the walk of an address through the stage 2 that the vCPU runs on.

    At vEL2 that is L1's own (IPA -> PA), for L2 the shadow (L2 IPA -> PA).
    """

    def __init__(self) -> None:
        super().__init__("vel2 s2", gdb.COMMAND_DATA)

    def invoke(self, argument: str, _tty: bool) -> None:
        """Print a line a level, and where the address goes."""
        address, number = numbers(argument, [0, 0])
        with physical():
            one = vcpu(number)
            mmu = one["arch"]["hw_mmu"].dereference()
            kind = "shadow" if mmu["nested_stage2_enabled"] else "canonical"
            print(f"{kind}, vttbr {int(mmu['hw_vttbr']):#x}, vtcr {int(mmu['hw_vtcr']):#x}")
            table = mmu["table"]
            if not int(table["root"]):
                table = one["kvm"]["mmu"]["table"]
            level, desc = -1, 0
            for level, at, desc in walk(table, address):
                print(f"level {level}: [{at:#x}] = {desc:#018x}")
            if not desc & 1 or (level == 3 and desc & 3 != 3):
                print(f"{address:#x} is not mapped")
                return
            size = 1 << (PAGE_SHIFT + INDEX_BITS * (3 - level))
            target = (desc & ADDRESS_BITS & ~(size - 1)) | (address & (size - 1))
            access = ("r" if desc & 1 << 6 else "-") + ("w" if desc & 1 << 7 else "-")
            execute = {0: "x", 1: "x at EL0", 2: "no x", 3: "x at EL1"}[desc >> 53 & 3]
            print(f"{address:#x} -> PA {target:#x}, {size >> 10} KiB leaf, {access}, {execute}")


class Exits(gdb.Command):  # type: ignore[misc]
    """vel2 exits [N [VCPU]]: the last N exits (default 10) of a vCPU, the latest last."""

    def __init__(self) -> None:
        super().__init__("vel2 exits", gdb.COMMAND_DATA)

    def invoke(self, argument: str, _tty: bool) -> None:
        """Print a line an exit."""
        count, number = numbers(argument, [10, 0])
        with physical():
            stats = vcpu(number)["arch"]["stats"]
            ring = stats["trace"]
            size = ring.type.range()[1] + 1
            end = int(stats["trace_seq"])
            for seq in range(max(0, end - min(count, size)), end):
                row = ring[seq % size]
                pc = int(row["pc"])
                print(
                    f"{seq}: {name_of(LEVELS, row['level'])} {exit_name(int(row['reason']))} "
                    f"{name_of(OUTCOMES, row['outcome'])}, pc {pc:#x}{symbol(pc)}, "
                    f"esr {int(row['esr']):#x}, far {int(row['far']):#x}"
                )


class Where(gdb.Command):  # type: ignore[misc]
    """vel2 where: the real exception level of this CPU, and the bank of the vCPU loaded on it."""

    def __init__(self) -> None:
        super().__init__("vel2 where", gdb.COMMAND_DATA)

    def invoke(self, _argument: str, _tty: bool) -> None:
        """Print a line."""
        cpsr, pc = int(value("$cpsr")), int(value("$pc")) & ((1 << 64) - 1)
        thread = gdb.selected_thread()
        cpu = thread.num - 1 if thread else 0
        text = f"cpu {cpu}: real EL{cpsr >> EL_OF_CPSR & 3}, pc {pc:#x}{symbol(pc)}"
        with physical():
            for one in vcpus():
                if int(one["cpu"]) == cpu:
                    bank = name_of(BANKS, one["arch"]["loaded_bank"])
                    text += f", vcpu {int(one['vcpu_id'])}, bank {bank}"
        print(text)


for command in (Vel2, Vcpus, Regs, Stage2, Exits, Where):
    command()
