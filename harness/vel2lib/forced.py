# SPDX-License-Identifier: GPL-2.0-only
"""Why an exit comes to L0 at all: the rule of the architecture, or the control of L0's, that forces each trap.

Registers by their rows of hyp/sysregs.def, other reasons by a table. Rules and pseudocode: Arm ARM (DDI 0487).
"""

from __future__ import annotations

from collections.abc import Iterable

from .tables import Alias, load, traps

#: By the name of hyp/exits.def. `sysreg` has a cause for each register.
REASONS = {
    "eret": "HCR_EL2.NV: vEL2's ERET, AArch64.CheckForERetTrap()",
    "hvc": "an HVC of EL1 is EL2's: AArch64.CallHypervisor()",
    "smc": "HCR_EL2.TSC: AArch64.CheckForSMCUndefOrTrap()",
    "wfx": "HCR_EL2.TWI or TWE: who waits gives its CPU to others",
    "dabt": "stage 2 has no such page, or no RAM there: AArch64.S2Translate()",
    "iabt": "stage 2 has no such page: AArch64.S2Translate()",
    "vncr_abort": "R_CSRPQ's access to VNCR_EL2's page of L1's guest, which is not mapped",
    "irq": "HCR_EL2.IMO: physical interrupts are L0's, AArch64.TakePhysicalIRQException()",
    "fiq": "HCR_EL2.FMO: physical interrupts are L0's",
    "fp": "CPTR_EL2: the first use since another had the registers, AArch64.CheckFPAdvSIMDTrap()",
    "sve": "CPTR_EL2: the first use since another had the registers, CheckSVEEnabled()",
    "pauth": "HCR_EL2.API as L1 has it",
    "tlbi": "HCR_EL2.NV: TLBIs of EL2 (I_TZTZL); HCR_EL2.TTLB while another vCPU may hold what is invalid",
    "at": "HCR_EL2.NV: AT of EL2 (I_TZTZL); HCR_EL2.AT as long as a shadow answers",
    "softstep": "MDCR_EL2.TDE, as L1 has it",
}


def register(name: str, mech: str) -> str:
    """Why an access by this name traps under a mechanism. Nothing is known of a name without a row."""
    tables = load()
    row = tables.registers.get(name) or tables.aliases.get(name)
    if row is None:
        return "no row of hyp/sysregs.def"
    own = tables.registers[row.target] if isinstance(row, Alias) else row
    if mech == "pv" and row.op1 in (4, 5):
        return "L0's loader made an HVC of it"
    if isinstance(row, Alias) and own.group == "TIMER" and mech == "nv2":
        return "CNTHCTL_EL2.EL1NVPCT, EL1NVVCT: in R_CSRPQ's page ISTATUS would be stale"
    if not traps(tables, row, mech, e2h=True):
        return "what --trap names, by FEAT_FGT"
    if row.op1 in (4, 5):
        return "HCR_EL2.NV (I_TZTZL)" + (", not in R_CSRPQ's page" if mech == "nv2" else "")
    if (row.op0, row.op1, row.crn) == (3, 0, 0):
        return "HCR_EL2.TID3: what CPU this is, the level above says"
    if own.handler == "icc_sgi":
        return "HCR_EL2.IMO: an SGI is for CPUs, and vCPUs move"
    return f"a control of L0's or L1's: pseudocode of {own.rule}"


def causes(reasons: Iterable[str], registers: Iterable[str], mech: str) -> dict[str, list[str]]:
    """Of exit reasons and of registers that trapped: cause -> whom it explains, in the order given."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(r for r in reasons if r != "sysreg"):
        found.setdefault(REASONS.get(name, "see hyp/exits.def"), []).append(name)
    for name in dict.fromkeys(registers):
        found.setdefault(register(name, mech), []).append(name)
    return found
