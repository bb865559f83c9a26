# SPDX-License-Identifier: GPL-2.0-only
"""hyp/*.def as data: rows of registers, instructions and exits, and the reference page made of them.

The compiler's preprocessor expands what the tables expand themselves; the rows' own macros stay as they
stand and are parsed here. Run as a program it prints the reference page or JSON:

    python3 -m vel2lib.tables [--json]
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Forward:
    """One condition under which L1 wants a trap: all bits of `field` of `control` set (clear)."""

    control: str
    field: str
    set: bool
    direction: str
    when: str

    def __str__(self) -> str:
        text = f"{self.control}.{self.field}{'' if self.set else '=0'} {self.direction}"
        return text if self.when == "ANY" else f"{text} ({self.when})"


@dataclass(frozen=True)
class Encoded:
    """What has a name and an encoding of MRS, MSR or SYS."""

    name: str
    op0: int
    op1: int
    crn: int
    crm: int
    op2: int

    @property
    def enc(self) -> int:
        """op0[15:14] op1[13:11] CRn[10:7] CRm[6:3] op2[2:0], as hyp/include/sysreg-defs.h has it."""
        return encoding(self.op0, self.op1, self.crn, self.crm, self.op2)


@dataclass(frozen=True)
class Register(Encoded):
    """One row SYSREG. `loc`: where the value is in bank VEL1, VEL2_E2H, VEL2_NVHE (M, H, X)."""

    loc: tuple[str, str, str]
    peer: str | None
    fmt: str
    vncr: int | None
    redir: str
    reset: str
    group: str
    pgroup: str
    feat: str
    handler: str
    fwd: tuple[Forward, ...]
    rule: str


@dataclass(frozen=True)
class Alias(Encoded):
    """One row SYSALIAS: another name of `target`, at EL2 with E2H=1."""

    target: str
    via: str


@dataclass(frozen=True)
class Instruction(Encoded):
    """One row SYSINSN."""

    kind: str
    feat: str
    handler: str
    fwd: tuple[Forward, ...]
    rule: str


@dataclass(frozen=True)
class Exit:
    """One row EXIT; `ec` is None where ESR_EL2.EC alone does not say it."""

    ident: str
    name: str
    ec: int | None


@dataclass(frozen=True)
class Tables:
    """All tables, by name."""

    registers: dict[str, Register]
    aliases: dict[str, Alias]
    instructions: dict[str, Instruction]
    exits: dict[str, Exit]

    @functools.cached_property
    def by_encoding(self) -> dict[int, Register | Alias | Instruction]:
        """Row of an encoding."""
        rows: list[Register | Alias | Instruction] = [*self.registers.values()]
        rows += [*self.aliases.values(), *self.instructions.values()]
        return {row.enc: row for row in rows}


def encoding(op0: int, op1: int, crn: int, crm: int, op2: int) -> int:
    """The number under which the tables, ESR decoders and counters know an access."""
    return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2


def spelled(enc: int) -> str:
    """S<op0>_<op1>_C<n>_C<m>_<op2>."""
    return f"S{enc >> 14}_{enc >> 11 & 7}_C{enc >> 7 & 15}_C{enc >> 3 & 15}_{enc & 7}"


def from_esr(esr: int) -> int:
    """Encoding of an exception with EC 0x18."""
    return encoding(esr >> 20 & 3, esr >> 14 & 7, esr >> 10 & 15, esr >> 1 & 15, esr >> 17 & 7)


# ---------------------------------------------------------------------------- reading


def _preprocessed(path: Path, *included: Path) -> str:
    first = [arg for header in included for arg in ("-include", str(header))]
    done = subprocess.run(
        ["cpp", "-P", "-undef", "-nostdinc", *first, str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout


def _calls(text: str, macro: str) -> Iterator[list[str]]:
    """Arguments of each `macro(...)`, split at the commas of its own level."""
    for match in re.finditer(rf"\b{macro}\(", text):
        args, depth, start, quoted = [], 0, match.end(), False
        for pos in range(match.end(), len(text)):
            char = text[pos]
            if char == '"':
                quoted = not quoted
            elif quoted:
                continue
            elif char == "(":
                depth += 1
            elif char == ")" and depth:
                depth -= 1
            elif char == "," and not depth or char == ")":
                args.append(" ".join(text[start:pos].split()))
                start = pos + 1
                if char == ")":
                    break
        yield args


def _encoding_columns(args: list[str]) -> tuple[int, int, int, int, int]:
    op0, op1, crn, crm, op2 = (int(arg) for arg in args)
    return op0, op1, crn, crm, op2


def _forwards(text: str) -> tuple[Forward, ...]:
    return tuple(Forward(c, f, pol == "SET", d, w) for c, f, pol, d, w in _calls(text, "T"))


def _register(a: list[str]) -> Register:
    v1, e2h, nvhe = next(_calls(a[6], "LOC"))
    return Register(
        a[0],
        *_encoding_columns(a[1:6]),
        (v1, e2h, nvhe),
        None if a[7] == "NOPEER" else a[7],
        a[8],
        None if a[9] == "NOVNCR" else int(a[9], 0),
        a[10],
        a[11],
        a[12],
        a[13],
        a[14],
        a[15],
        _forwards(a[16]),
        a[17].strip('"'),
    )


def _instruction(a: list[str]) -> Instruction:
    return Instruction(
        a[0], *_encoding_columns(a[1:6]), a[6], a[7], a[8], _forwards(a[9]), a[10].strip('"')
    )


@functools.lru_cache(maxsize=None)
def load(root: Path = ROOT) -> Tables:
    """Read hyp/*.def. A row with a wrong number of columns is a ValueError."""
    regs = _preprocessed(root / "hyp/sysregs.def")
    insns = _preprocessed(root / "hyp/sysinsns.def")
    exits = _preprocessed(root / "hyp/exits.def")
    return Tables(
        {a[0]: _register(a) for a in _calls(regs, "SYSREG")},
        {
            a[0]: Alias(a[0], *_encoding_columns(a[1:6]), a[6], a[7])
            for a in _calls(regs, "SYSALIAS")
        },
        {a[0]: _instruction(a) for a in _calls(insns, "SYSINSN")},
        {
            a[0]: Exit(a[0], a[1].strip('"'), None if a[2] == "NOEC" else int(a[2], 0))
            for a in _calls(exits, "EXIT")
        },
    )


@functools.lru_cache(maxsize=None)
def fixed_bits(root: Path = ROOT) -> dict[str, int]:
    """Register -> bits that hyp/sysfields.def has as RES0 or RES1 without some feature."""
    text = _preprocessed(root / "hyp/sysfields.def", root / "hyp/include/sysreg-fields.h")
    found: dict[str, int] = {}
    for name, _, mask, _ in _calls(text, "SYSFIELD"):
        # integers, shifts and operators of C, which mean the same here
        bits = eval(re.sub(r"(?<=[0-9a-f])U?L+\b", "", mask), {"__builtins__": {}})
        found[name] = found.get(name, 0) | bits & (1 << 64) - 1
    return found


# ---------------------------------------------------------------------------- what a row promises


def traps(tables: Tables, row: Register | Alias, mech: str, e2h: bool) -> bool:
    """Whether an access at vEL2 by this name reaches L0 with EC 0x18, where the CPU has the register.

    For names of EL2 (op1 4 and 5): all trap under NV (I_TZTZL) but for those that NV2 redirects.
    """
    if mech != "nv2":
        return True
    if isinstance(row, Alias):
        target = tables.registers[row.target]
        # FEAT_ECV (EL1NVPCT, EL1NVVCT) traps the timers' _EL02 names, so that ISTATUS is true.
        return target.group == "TIMER" or not (target.redir == "NV1" and e2h)
    return row.redir not in ("ALWAYS", "TOREG")


# ---------------------------------------------------------------------------- the reference page


def as_json(tables: Tables) -> str:
    """Everything, for other tools."""
    return json.dumps(
        {
            kind: [dataclasses.asdict(row) for row in getattr(tables, kind).values()]
            for kind in ("registers", "aliases", "instructions", "exits")
        },
        indent=1,
    )


def markdown(head: list[str], rows: list[list[str]]) -> list[str]:
    """A table as lines of Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def as_markdown(tables: Tables) -> str:
    """The reference page: one line a register."""
    names: dict[str, list[str]] = {}
    for alias in tables.aliases.values():
        names.setdefault(alias.target, []).append(alias.name)
    lines = ["# System registers", "", "Generated from hyp/sysregs.def.", ""]
    lines += markdown(
        [
            "register",
            "encoding",
            "also",
            "vEL1 E2H nVHE",
            "peer",
            "page",
            "redirected",
            "needs",
            "to L1 if",
        ],
        [
            [
                r.name,
                spelled(r.enc),
                " ".join(names.get(r.name, [])),
                " ".join(r.loc),
                f"{r.peer} {r.fmt}" if r.peer else "",
                "" if r.vncr is None else f"{r.vncr:#05x}",
                "" if r.redir == "NEVER" else r.redir,
                "" if r.feat == "ALWAYS" else r.feat,
                "; ".join(map(str, r.fwd)),
            ]
            for r in tables.registers.values()
        ],
    )
    lines += ["", "# System instructions", "", "Generated from hyp/sysinsns.def.", ""]
    lines += markdown(
        ["instruction", "encoding", "class", "needs", "to L1 if"],
        [
            [
                i.name,
                spelled(i.enc),
                i.kind,
                "" if i.feat == "ALWAYS" else i.feat,
                "; ".join(map(str, i.fwd)),
            ]
            for i in tables.instructions.values()
        ],
    )
    lines += ["", "# Exits", "", "Generated from hyp/exits.def.", ""]
    lines += markdown(
        ["exit", "ESR_EL2.EC"],
        [[e.name, "" if e.ec is None else f"{e.ec:#04x}"] for e in tables.exits.values()],
    )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="the tables of hyp/*.def as a page or as JSON")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    sys.stdout.write(as_json(load()) if args.json else as_markdown(load()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
