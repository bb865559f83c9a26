# SPDX-License-Identifier: GPL-2.0-only
"""The parts of payload/ that need no network: apt's sources, archives, library closure."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from payload.apt import Source, debian_archives, host_sources, parse_deb822, parse_one_line
from payload.cpio import Cpio
from payload.elf import library_closure
from payload.errors import PayloadError
from payload.firmware import executable, jump
from payload.kallsyms import read_kallsyms, write_symbol_elf

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def test_one_line_sources() -> None:
    text = """
# deb http://commented.example/debian trixie main
deb http://mirror.example/debian trixie main contrib # comment
deb [arch=amd64 signed-by=/k.gpg] https://vendor.example/apt stable main
deb-src http://mirror.example/debian trixie main
"""
    assert list(parse_one_line(text)) == [
        Source("http://mirror.example/debian", "trixie", ("main", "contrib"), ""),
        Source("https://vendor.example/apt", "stable", ("main",), "/k.gpg"),
    ]


def test_deb822_sources() -> None:
    text = f"""# a comment
Types: deb deb-src
URIs: http://a.example/debian
  http://b.example/debian
Suites: trixie trixie-updates
# inside a stanza
Components: main
Signed-By: {KEYRING}

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main

Types: deb
URIs: http://inline.example/debian
Suites: trixie
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
"""
    found = list(parse_deb822(text))
    assert [(s.uri[7], s.suite) for s in found] == [
        ("a", "trixie"),
        ("a", "trixie-updates"),
        ("b", "trixie"),
        ("b", "trixie-updates"),
        ("i", "trixie"),
    ]
    assert found[0].signed_by == KEYRING
    assert found[4].signed_by == "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc"


def test_debian_is_told_from_other_archives() -> None:
    main = Source("http://mirror.example/debian", "trixie", ("main",), KEYRING)
    security = Source("http://mirror.example/debian-security", "trixie-security", ("main",), "")
    others = [
        Source("http://x.example/node", "nodistro", ("main",), ""),
        Source("http://x.example/apt", "bookworm", ("main",), "/x.gpg"),
        Source("http://x.example/pg", "bookworm-pgdg", ("main",), ""),
        Source("cdrom:[Debian]/", "bookworm", ("main",), KEYRING),
        Source("http://x.example/debian", "trixie", ("stable",), KEYRING),
    ]
    archives = debian_archives([*others, main, security])
    assert (archives.main, archives.security) == (main, security)
    assert debian_archives([main]).security is None
    with pytest.raises(PayloadError, match="no Debian archive"):
        debian_archives(others[:1])


def test_host_sources_reads_both_formats(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://a.example/debian sid main\n")
    (tmp_path / "sources.list.d/b.sources").write_text(
        "Types: deb\nURIs: http://b.example\nSuites: sid\nComponents: main\n"
    )
    (tmp_path / "sources.list.d/c.list.save").write_text("deb http://c.example sid main\n")
    assert [s.uri for s in host_sources(tmp_path)] == [
        "http://a.example/debian",
        "http://b.example",
    ]


def _archive(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    archive = Cpio(stream)
    for name, data in files.items():
        archive.file(name, data)
    archive.symlink("bin/sh", "busybox")
    archive.character_device("dev/console", 5, 1)
    archive.close()
    return stream.getvalue()


def _entries(data: bytes) -> dict[str, tuple[int, bytes]]:
    """Read a newc archive independently of Cpio: name -> (mode, contents)."""
    found: dict[str, tuple[int, bytes]] = {}
    at = 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = data[at + 110 : at + 110 + name_size - 1].decode()
        begin = (at + 110 + name_size + 3) & ~3
        if name == "TRAILER!!!":
            return found
        found[name] = (mode, data[begin : begin + size])
        at = (begin + size + 3) & ~3


def test_cpio() -> None:
    data = _archive({"a/b/c": b"12345", "d": b""})
    assert _entries(data) == {
        "a": (0o040755, b""),
        "a/b": (0o040755, b""),
        "a/b/c": (0o100644, b"12345"),
        "d": (0o100644, b""),
        "bin": (0o040755, b""),
        "bin/sh": (0o120777, b"busybox"),
        "dev": (0o040755, b""),
        "dev/console": (0o020600, b""),
    }
    assert data == _archive({"a/b/c": b"12345", "d": b""})
    with pytest.raises(ValueError):
        _archive({"bin/sh": b""})


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs a compiler for the build machine")
def test_library_closure(tmp_path: Path) -> None:
    lib = tmp_path / "usr/lib"
    lib.mkdir(parents=True)
    common = ["gcc", "-shared", "-fPIC", "-nostdlib", "-x", "c", "/dev/null"]

    def build(*arguments: str) -> None:
        subprocess.run([*common, *arguments], check=True, timeout=60)

    build("-Wl,-soname,libb.so.1", "-o", str(lib / "libb.so.1.0"))
    (lib / "libb.so.1").symlink_to("/usr/lib/libb.so.1.0")  # absolute: means below the root
    build("-Wl,-soname,liba.so.1", "-o", str(lib / "liba.so.1"), "-Wl,--no-as-needed",
          "-x", "none", str(lib / "libb.so.1.0"))  # fmt: skip
    build("-o", str(tmp_path / "program"), "-Wl,--no-as-needed", "-x", "none",
          str(lib / "liba.so.1"), f"-Wl,-rpath-link,{lib}")  # fmt: skip
    assert library_closure(tmp_path, "/program", ("/lib", "/usr/lib")) == {
        "/program": tmp_path / "program",
        "/usr/lib/liba.so.1": lib / "liba.so.1",
        "/usr/lib/libb.so.1": lib / "libb.so.1.0",
    }
    # An interpreter in /lib, from a package that relies on /lib being a link into /usr.
    build("-o", str(lib / "ld.so.1"))
    subprocess.run(["gcc", "-pie", "-nostdlib", "-Wl,-e,0,-I/lib/ld.so.1", "-Wl,--no-as-needed",
                    f"-Wl,-rpath-link,{lib}", str(lib / "liba.so.1"), "-o", str(tmp_path / "pie")],
                   check=True, timeout=60)  # fmt: skip
    assert library_closure(tmp_path, "/pie", ("/usr/lib",))["/lib/ld.so.1"] == lib / "ld.so.1"
    (lib / "libb.so.1.0").unlink()
    with pytest.raises(PayloadError, match="liba.so.1 needs libb.so.1, which no package holds"):
        library_closure(tmp_path, "/program", ("/lib", "/usr/lib"))


def _kernel(symbols: list[tuple[int, str]], base: int) -> bytes:
    """An Image with kallsyms tables at an odd place, one token a character, base left to RELA."""

    def aligned(data: bytes) -> bytes:
        return data + bytes(-len(data) % 8)

    tokens = [bytes([c]) if chr(c).isalnum() or c == ord("_") else b"" for c in range(256)]
    names, markers = b"", []
    for number, (_, name) in enumerate(symbols):
        if number % 256 == 0:
            markers.append(len(names))
        names += bytes([len(name)]) + name.encode()
    starts = [sum(len(t) + 1 for t in tokens[:i]) for i in range(256)]
    decoy = b"".join(struct.pack("<H", c) for c in range(48, 60))
    image = aligned(b"head" * 100 + decoy)
    image += aligned(b"".join(struct.pack("<I", offset) for offset, _ in symbols))
    base_at = len(image)
    image += bytes(8) + struct.pack("<Q", len(symbols)) + aligned(names)
    image += aligned(struct.pack(f"<{len(markers)}I", *markers))
    image += aligned(b"\xa5" * 3 * len(symbols))
    image += aligned(b"".join(t + b"\0" for t in tokens)) + struct.pack("<256H", *starts)
    return image + struct.pack("<QQQ", 0xFFFF800008000000 + base_at, 0x403, base)


def test_kallsyms(tmp_path: Path) -> None:
    base = 0xFFFF800008010000
    wanted = [(16 * i, f"{'Tt'[i % 2]}function_{i}") for i in range(1500)]
    found = read_kallsyms(_kernel(wanted, base))
    assert found == [(base + offset, name[0], name[1:]) for offset, name in wanted]
    with pytest.raises(PayloadError, match="no kallsyms"):
        read_kallsyms(bytes(4096))
    path = tmp_path / "symbols.elf"
    write_symbol_elf(found, path)
    with path.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        assert [(s["st_value"], s.name) for s in table.iter_symbols()][1:] == [
            (address, name) for address, _, name in found
        ]


def test_firmware() -> None:
    code = jump(0x1234_5678)
    assert code == struct.pack("<III", 0xD28ACF09, 0xF2A24689, 0xD61F0120)  # movz, movk, br
    elf = ELFFile(io.BytesIO(executable(code, 0x4020_0000)))
    (segment,) = elf.iter_segments()
    assert elf["e_entry"] == segment["p_paddr"] == 0x4020_0000 and elf["e_machine"] == "EM_AARCH64"
    assert segment.data() == code and segment["p_memsz"] == len(code)
