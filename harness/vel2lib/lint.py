# SPDX-License-Identifier: GPL-2.0-only
"""`make lint`: formatting, layering, headers, types, shell. Each check returns its complaints."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from pathlib import Path

from . import cformat
from .config import BUILD, build
from .debian import ROOT
from .errors import EXIT_FAILED, EXIT_OK, Vel2Error

#: The rooms of L0: each may use only what stands left of it.
ROOMS = ("hyp/el2", "shadow", "nested", "hyp/host")
#: What may be needed from the right: (who, which symbols, why).
UPWARD = (
    (
        "*",
        "hyp_exit_handlers",
        "exit handlers by exception class: a const table, bound at link time",
    ),
    (
        "hyp/el2/sysreg-table.c",
        "access_*",
        "handlers by register: a const table, bound at link time",
    ),
    ("hyp/el2/entry.S", "hyp_call_table", "functions that kvm_call_hyp() may call: a const table"),
    ("hyp/el2/head.S", "host_main", "boot ends where the host begins"),
    ("hyp/el2/head.S", "host_secondary", "the same on every other CPU"),
    ("hyp/el2/head.S", "l0_early", "boot in C, before there is a host"),
    ("hyp/el2/head.S", "l0_no_el2", "boot in C, when the machine has no EL2"),
)
#: Symbols of L0 that nothing in it names: (which, why).
NAMELESS = (
    ("access_*", "handlers by register: the tables make their names"),
    ("strrchr", "libfdt's"),
    ("pauth_cpu_init", "with PAUTH=1"),
)
#: Directories that must not see L0 beyond its tables and abi.h.
OUTSIDE = ("guest-tests", "harness")
#: What no file of ours may hold: hosts of one network.
FOREIGN = re.compile(r"https?://(?:deb|security|ftp|snapshot)\.")
OWN_TEXT = (".c", ".h", ".S", ".def", ".py", ".md", ".toml", ".lds")

Check = Callable[[], list[str]]


def tracked(*patterns: str) -> list[Path]:
    """Files of the checkout that match, including those not committed yet."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = {ROOT / name for name in done.stdout.split("\0") if name}
    return sorted(p for p in found if p.is_file())


def shown(path: Path) -> str:
    """A path as messages name it."""
    return str(path.relative_to(ROOT))


def _run(command: list[str], **env: str) -> list[str]:
    """The output of a tool that failed; nothing when it did not."""
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **env},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"{command[0]}: {error}"]
    lines = (done.stdout + done.stderr).splitlines()
    return (lines or [f"{command[0]} failed"]) if done.returncode else []


def check_format() -> list[str]:
    """C files are formatted."""
    complaints = []
    for path in tracked("*.c", "*.h"):
        text = path.read_text()
        line = cformat.first_difference(text, cformat.formatted(text, ROOT))
        if line is not None:
            complaints.append(f"{shown(path)}:{line}: not as `make format` would have it")
    return complaints


def format_files() -> None:
    """Format the C and Python files in place."""
    for path in tracked("*.c", "*.h"):
        text = path.read_text()
        wanted = cformat.formatted(text, ROOT)
        if wanted != text:
            path.write_text(wanted)
            print(f"formatted {shown(path)}")
    _run(["black", "-q", "-l", "100", "harness"])


def room_of(path: str) -> int | None:
    """Index of the room that a source or object belongs to."""
    for index, room in enumerate(ROOMS):
        if path.startswith(room + "/"):
            return index
    return None


def allowed(name: str, symbol: str) -> bool:
    """Whether an object may need a symbol from a room right of its own."""
    return any(fnmatch(name, who) and fnmatch(symbol, which) for who, which, _ in UPWARD)


def layering(defined: dict[str, int], needed: Iterable[tuple[str, int, str]]) -> list[str]:
    """Complaints about symbols.

    defined: symbol -> room; needed: (object, its room, undefined symbol). Pure.
    """
    complaints = []
    for name, room, symbol in needed:
        home = defined.get(symbol)
        if home is not None and home > room and not allowed(name, symbol):
            complaints.append(
                f"{name}: {symbol} is defined in {ROOMS[home]}, right of {ROOMS[room]}"
            )
    return complaints


def unused(
    defined: dict[str, str], needed: set[str], words: Callable[[str], list[str]]
) -> list[str]:
    """Complaints about what only tests use, or nobody: it would be in the image for nothing.

    defined: global symbol -> its source; needed: by other objects; words: the identifiers of a source.
    """
    found = {source: Counter(words(source)) for source in sorted(set(defined.values()))}
    return [
        f"{source}: nothing in L0 uses {symbol}"
        for symbol, source in defined.items()
        if symbol not in needed
        and found[source][symbol] < 2
        and not any(fnmatch(symbol, which) for which, _ in NAMELESS)
    ]


def _symbols(room: int) -> list[tuple[str, str, str]]:
    """(object, type, symbol) of every global or undefined symbol in a room's objects.

    Objects of sources that are gone are not looked at.
    """
    objects = [
        p
        for p in sorted((BUILD / ROOMS[room]).glob("*.o"))
        if (ROOT / ROOMS[room] / p.name.removesuffix(".o")).exists()
    ]
    if not objects:
        return []
    done = subprocess.run(
        ["aarch64-linux-gnu-nm", "-A", "-g", *map(str, objects)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    rows = []
    for line in done.stdout.splitlines():
        name, rest = line.rsplit(":", 1)
        kind, symbol = rest.split()[-2:]
        rows.append((str(Path(name).relative_to(BUILD)).removesuffix(".o"), kind, symbol))
    return rows


def check_layering() -> list[str]:
    """No room uses what stands right of it; the harness and guests see only tables and abi.h; all is for something."""
    build(["l0"])
    defined: dict[str, int] = {}
    sources: dict[str, str] = {}
    needed: list[tuple[str, int, str]] = []
    for room in range(len(ROOMS)):
        for name, kind, symbol in _symbols(room):
            if kind == "U":
                needed.append((name, room, symbol))
            else:
                defined[symbol] = room
                sources[symbol] = name
    dead = unused(
        sources,
        {symbol for _, _, symbol in needed},
        lambda source: re.findall(r"\w+", (ROOT / source).read_text()),
    )
    return layering(defined, needed) + dead + _includes()


_INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)


def _includes() -> list[str]:
    complaints = []
    for path in tracked("*.c", "*.h", "*.S"):
        name = shown(path)
        room = room_of(name)
        outside = name.startswith(OUTSIDE) and "/unit/" not in name
        for include in _INCLUDE.findall(path.read_text()):
            target = room_of(re.sub(r"^(\.\./)+", "", include))
            if room is not None and target is not None and target > room:
                complaints.append(f"{name}: includes {include}, right of {ROOMS[room]}")
            if (
                outside
                and "hyp/" in include
                and not re.search(r"\.def$|(abi|sysreg-fields)\.h$", include)
            ):
                complaints.append(f"{name}: includes {include}; only tables and abi.h are for it")
    return complaints


def check_headers() -> list[str]:
    """Each header compiles alone, with gcc and with clang."""
    flags = subprocess.run(
        ["make", "-s", "print-flags"], cwd=ROOT, capture_output=True, text=True, timeout=60
    ).stdout.split()
    complaints = []
    for path in tracked("hyp/include/*.h", "guest-tests/include/*.h"):
        own = flags if "hyp" in path.parts else ["-std=gnu11", "-ffreestanding"]
        own = [f for f in own if f != "-nostdlib"]
        includes = ["-Iguest-tests/include"] if "guest-tests" in path.parts else []
        alone = ["-fsyntax-only", "-Wno-unused-function", "-x", "c", str(path), *includes]
        for compiler in ["aarch64-linux-gnu-gcc"], ["clang", "--target=aarch64-linux-gnu"]:
            said = _run([*compiler, *own, "-Wno-pragma-once-outside-header", *alone])
            errors = [s for s in said if "error" in s]
            if said:
                complaints.append((errors or said)[0].replace(str(ROOT) + "/", ""))
                break
    return complaints


def check_python() -> list[str]:
    """mypy --strict and black."""
    complaints = _run(
        [
            "mypy",
            "--config-file",
            "harness/pyproject.toml",
            "--strict",
            "--explicit-package-bases",
            "harness/vel2lib",
            "harness/payload",
            "harness/debugger",
        ]
        + [shown(p) for p in tracked("harness/tests/*.py")],
        MYPYPATH="harness:harness/tests",
    )
    return complaints + _run(["black", "--check", "-q", "-l", "100", "harness"])


def check_shell() -> list[str]:
    """shellcheck on everything that starts with a shell's name."""
    scripts = []
    for path in tracked():
        with path.open("rb") as stream:
            first = stream.readline(80)
        if re.match(rb"#!\s*/bin/(ba|da)?sh|#!/usr/bin/env (ba)?sh", first):
            scripts.append(shown(path))
    return _run(["shellcheck", *scripts]) if scripts else []


def check_text() -> list[str]:
    """Licence lines, no trailing blanks, nothing that only one machine knows."""
    complaints = []
    for path in tracked():
        name = shown(path)
        if path.suffix not in OWN_TEXT:
            continue
        text = path.read_text(errors="replace")
        if path.suffix not in (".md", ".toml") and "SPDX-License-Identifier" not in text[:300]:
            complaints.append(f"{name}:1: no SPDX-License-Identifier")
        for number, line in enumerate(text.splitlines(), 1):
            if line != line.rstrip():
                complaints.append(f"{name}:{number}: trailing white space")
            if FOREIGN.search(line) and path.name != "lint.py":
                complaints.append(f"{name}:{number}: a path or host of one machine")
    return complaints


CHECKS: dict[str, Check] = {
    "format": check_format,
    "layering": check_layering,
    "headers": check_headers,
    "python": check_python,
    "shell": check_shell,
    "text": check_text,
}


def main(argv: list[str]) -> int:
    """lint [--fix] [CHECK...]: run these checks, or all; print the complaints."""
    if argv == ["--fix"]:
        format_files()
        return EXIT_OK
    unknown = [name for name in argv if name not in CHECKS]
    if unknown:
        print(f"vel2: lint knows {', '.join(CHECKS)}; not {unknown[0]}", file=sys.stderr)
        return EXIT_FAILED
    total = 0
    for name in argv or CHECKS:
        try:
            complaints = CHECKS[name]()
        except Vel2Error as error:
            complaints = [str(error)]
        total += len(complaints)
        print(f"{name}: {len(complaints) or 'ok'}")
        for one in complaints:
            print(f"  {one}")
    return EXIT_FAILED if total else EXIT_OK
