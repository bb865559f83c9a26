# SPDX-License-Identifier: GPL-2.0-only
"""Which shared libraries a foreign program needs: what ldd(1) says, without running anything."""

from __future__ import annotations

from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from .errors import PayloadError


def _needs(path: Path) -> tuple[str, list[str], list[str]]:
    """Return (interpreter or "", DT_NEEDED names, DT_RUNPATH directories) of an ELF file."""
    interpreter, names, runpath = "", [], []
    with path.open("rb") as stream:
        try:
            for segment in ELFFile(stream).iter_segments():
                kind = segment["p_type"]
                if kind == "PT_INTERP":
                    interpreter = segment.get_interp_name()
                elif kind == "PT_DYNAMIC":
                    for tag in segment.iter_tags():
                        if tag.entry.d_tag == "DT_NEEDED":
                            names.append(tag.needed)
                        elif tag.entry.d_tag == "DT_RUNPATH":
                            runpath.extend(tag.runpath.split(":"))
        except ELFError as error:
            raise PayloadError(f"{path.name} is no ELF file: {error}") from error
    return interpreter, names, runpath


def _inside(root: Path, name: str) -> Path | None:
    """Return the file that the absolute `name` means below `root`, or None.

    Absolute symlinks are followed below `root` too, as they would be once that is the root.
    """
    path = root / name.lstrip("/")
    for _ in range(16):
        if not path.is_symlink():
            return path if path.is_file() else None
        target = path.readlink()
        path = root / str(target).lstrip("/") if target.is_absolute() else path.parent / target
    return None


def library_closure(root: Path, program: str, search: tuple[str, ...]) -> dict[str, Path]:
    """Map each file that `program` needs at run time to where its contents lie below `root`.

    Keys are absolute path names as the dynamic linker will look for them: the program, its
    interpreter, and each library by its soname in the directory of `search` (or RUNPATH) that has
    it. Raises PayloadError when a library is missing.
    """
    first = _inside(root, program)
    if first is None:
        raise PayloadError(f"{program} is not in the packages")
    found: dict[str, Path] = {program: first}
    todo = [program]
    while todo:
        user = todo.pop()
        interpreter, names, runpath = _needs(found[user])
        if interpreter and interpreter not in found:
            # Packages of Debian 13 and later hold it in /usr, and rely on /lib being a link to there.
            where = _inside(root, interpreter) or _inside(root, f"/usr{interpreter}")
            if where is None:
                raise PayloadError(f"{user} needs {interpreter}, which no package holds")
            found[interpreter] = where
        have = {Path(name).name for name in found}
        origin = str(Path(user).parent)
        places = [place.replace("$ORIGIN", origin) for place in runpath] + list(search)
        for name in names:
            if name in have:
                continue
            for place in places:
                where = _inside(root, f"{place}/{name}")
                if where is not None:
                    found[f"{place}/{name}"] = where
                    todo.append(f"{place}/{name}")
                    break
            else:
                raise PayloadError(f"{user} needs {name}, which no package holds")
    return found
