# SPDX-License-Identifier: GPL-2.0-only
"""Write initramfs archives (cpio `newc`) without root, byte for byte the same for the same input; or the same files into a
directory, for a disk."""

from __future__ import annotations

import stat
from pathlib import Path, PurePosixPath
from typing import BinaryIO


class Cpio:
    """A `newc` archive under construction: parents are added, times and owners are zero."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._names: set[str] = set()
        self._inode = 0

    def directory(self, name: str) -> None:
        """Add a directory and its parents; nothing happens if it is there already."""
        if name.strip("/") and name.strip("/") not in self._names:
            self._entry(name, stat.S_IFDIR | 0o755, b"")

    def file(self, name: str, data: bytes, mode: int = 0o644) -> None:
        """Add a regular file."""
        self._entry(name, stat.S_IFREG | mode, data)

    def copy(self, name: str, source: Path) -> None:
        """Add a regular file, executable if `source` is."""
        executable = source.stat().st_mode & 0o111
        self.file(name, source.read_bytes(), 0o755 if executable else 0o644)

    def symlink(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name: str, major: int, minor: int) -> None:
        """Add a character device node."""
        self._entry(name, stat.S_IFCHR | 0o600, b"", (major, minor))

    def close(self) -> None:
        """End the archive; the stream stays open."""
        self._write("TRAILER!!!", 0, b"", (0, 0))

    def _entry(self, name: str, mode: int, data: bytes, device: tuple[int, int] = (0, 0)) -> None:
        name = name.strip("/")
        parent = str(PurePosixPath(name).parent)
        if parent != ".":
            self.directory(parent)
        if name in self._names:
            raise ValueError(f"{name} is in the archive already")
        self._names.add(name)
        self._inode += 1
        self._write(name, mode, data, device)

    def _write(self, name: str, mode: int, data: bytes, device: tuple[int, int]) -> None:
        links = 2 if stat.S_ISDIR(mode) else 1
        path = name.encode() + b"\0"
        # ino mode uid gid nlink mtime filesize dev(2) rdev(2) namesize check
        fields = (self._inode, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(path), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._stream.write(header + path + b"\0" * (-(len(header) + len(path)) % 4))
        self._stream.write(data + b"\0" * (-len(data) % 4))


class Tree:
    """What a Cpio has, as files below a directory. Device nodes are left to the kernel."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, name: str) -> Path:
        path = self._root / name.strip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def directory(self, name: str) -> None:
        """Make a directory and its parents."""
        self._path(name).mkdir(exist_ok=True)

    def file(self, name: str, data: bytes, mode: int = 0o644) -> None:
        """Write a file."""
        path = self._path(name)
        path.write_bytes(data)
        path.chmod(mode)

    def copy(self, name: str, source: Path) -> None:
        """Copy a file, executable if `source` is."""
        self.file(name, source.read_bytes(), 0o755 if source.stat().st_mode & 0o111 else 0o644)

    def symlink(self, name: str, target: str) -> None:
        """Make a symbolic link."""
        self._path(name).symlink_to(target)

    def character_device(self, name: str, major: int, minor: int) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing: all is written."""
