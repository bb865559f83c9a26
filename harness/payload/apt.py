# SPDX-License-Identifier: GPL-2.0-only
"""Fetch packages of a foreign architecture without touching the host's apt or dpkg.

Everything apt keeps (configuration, lists, archives, an empty dpkg status) lives below one private
directory. Only the mirrors' addresses, the keys that sign them and the Acquire settings (proxies)
come from the host, read at run time. No root is needed.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import PayloadError

Progress = Callable[[str], None]

#: Suites of the Debian archive; anything else in the host's sources is somebody else's archive.
_SUITES = frozenset(
    "bullseye bookworm trixie forky duke sid oldoldstable oldstable stable testing unstable".split()
)
_POCKETS = frozenset(["", "updates", "backports", "proposed-updates"])
_APT_TIMEOUT_S = 900


@dataclass(frozen=True)
class Source:
    """One archive of the host's apt sources."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str  # a path, an inline key (multi-line) or "" for apt's trusted keys


@dataclass(frozen=True)
class Archives:
    """Where the host gets Debian from: the main archive and, if it has one, the security one."""

    main: Source
    security: Source | None


def parse_one_line(text: str) -> Iterator[Source]:
    """Yield the `deb` entries of a one-line style sources file (sources.list(5))."""
    pattern = re.compile(
        r"^deb\s+(?:\[(?P<opts>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<c>.*)$"
    )
    for line in text.splitlines():
        match = pattern.match(line.split("#", 1)[0].strip())
        if not match:
            continue
        options = dict(o.split("=", 1) for o in (match["opts"] or "").split() if "=" in o)
        signed_by = options.get("signed-by", "")
        yield Source(match["uri"], match["suite"], tuple(match["c"].split()), signed_by)


def parse_deb822(text: str) -> Iterator[Source]:
    """Yield the enabled `deb` entries of a deb822 style sources file (sources.list(5))."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n[ \t]*\n", "\n".join(lines)):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1] in (" ", "\t"):
                fields[name] = fields.get(name, "") + "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        if "deb" not in fields.get("types", "").split():
            continue
        components = tuple(fields.get("components", "").split())
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, components, fields.get("signed-by", ""))


def host_sources(etc_apt: Path = Path("/etc/apt")) -> list[Source]:
    """Return every binary entry of the host's apt sources, in apt's own order."""
    found: list[Source] = []
    paths = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))]
    for path in paths:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".list":
            found.extend(parse_one_line(text))
        elif path.suffix == ".sources":
            found.extend(parse_deb822(text))
    return found


def _is_debian(source: Source, pocket_of_interest: str) -> bool:
    # Before bullseye the security suites were called CODENAME/updates.
    suite, _, pocket = source.suite.replace("/", "-").partition("-")
    if suite not in _SUITES or "main" not in source.components:
        return False
    if source.uri.startswith("cdrom:"):
        return False
    return pocket == "security" if pocket_of_interest == "security" else pocket in _POCKETS


def _confidence(source: Source) -> int:
    # A third party may call its suite `bookworm main` too: prefer what looks like Debian itself.
    path = source.uri.rstrip("/").rsplit("/", 1)[-1]
    return 2 * ("debian-archive-keyring" in source.signed_by) + path.startswith("debian")


def debian_archives(sources: list[Source]) -> Archives:
    """Choose the Debian archives among the host's sources. Raises PayloadError if there is none."""
    main = sorted((s for s in sources if _is_debian(s, "main")), key=_confidence, reverse=True)
    security = sorted(
        (s for s in sources if _is_debian(s, "security")), key=_confidence, reverse=True
    )
    if not main:
        raise PayloadError(
            "no Debian archive in /etc/apt/sources.list or /etc/apt/sources.list.d:"
            " add one (deb http://MIRROR/debian SUITE main)"
        )
    return Archives(main[0], security[0] if security else None)


def _stanza(source: Source, suites: str) -> str:
    text = f"Types: deb\nURIs: {source.uri}\nSuites: {suites}\nComponents: main\n"
    if source.signed_by.startswith("\n"):
        text += f"Signed-By:{source.signed_by}\n"
    elif source.signed_by:
        text += f"Signed-By: {source.signed_by}\n"
    return text


class PrivateApt:
    """apt with all its state below `root`, for one suite and one architecture."""

    def __init__(self, root: Path, suite: str, arch: str, progress: Progress) -> None:
        self._root = root.resolve()
        self._suite = suite
        self._arch = arch
        self._progress = progress
        self._env = {**os.environ, "LC_ALL": "C", "APT_CONFIG": str(self._root / "apt.conf")}

    def configure(self) -> None:
        """Write the private configuration. Idempotent. Raises PayloadError."""
        archives = debian_archives(host_sources())
        for name in ("lists/partial", "archives/partial", "sources.d", "empty.d", "log"):
            (self._root / name).mkdir(parents=True, exist_ok=True)
        (self._root / "status").touch()
        # Suites that have neither updates nor a security archive of their own.
        alone = self._suite == "sid" or self._suite.endswith("-backports")
        suites = self._suite if alone else f"{self._suite} {self._suite}-updates"
        sources = [_stanza(archives.main, suites)]
        if archives.security and not alone:
            sources.append(_stanza(archives.security, f"{self._suite}-security"))
        (self._root / "sources.d" / "debian.sources").write_text("\n".join(sources))
        (self._root / "apt.conf").write_text(self._config())

    def _config(self) -> str:
        # Only Acquire:: comes from the host: its hooks and its Dir:: settings must not run here.
        host = _run(["apt-config", "dump"], dict(os.environ, LC_ALL="C"), "read apt's settings")
        kept = [line for line in host.splitlines() if line.startswith("Acquire::")]
        root = self._root
        own = {
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::parts": f"{root}/empty.d",
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": f"{root}/sources.d",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": f"{root}/empty.d",
            "Dir::State": str(root),
            "Dir::State::Lists": f"{root}/lists",
            "Dir::State::status": f"{root}/status",
            "Dir::State::extended_states": f"{root}/extended_states",
            "Dir::Cache": str(root),
            "Dir::Cache::archives": f"{root}/archives",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Dir::Log": f"{root}/log",
            "APT::Architecture": self._arch,
            "APT::Architectures": self._arch,
            "APT::Install-Recommends": "false",
            "APT::Get::Assume-Yes": "true",
            "APT::Keep-Downloaded-Packages": "true",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
            "Acquire::Retries": "3",
        }
        lines = [f'{name} "{value}";' for name, value in own.items()]
        return "\n".join([*kept, "#clear APT::Architectures;", *lines, ""])

    def update(self) -> None:
        """Fetch the package lists. Raises PayloadError."""
        self._progress(f"package lists of {self._suite}/{self._arch}")
        command = ["apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update"]
        _run(command, self._env, "fetch Debian's package lists")

    def depends(self, package: str) -> list[str]:
        """Return the direct dependencies of `package`, without versions and alternatives."""
        command = ["apt-cache", "depends", "--important", package]
        text = _run(command, self._env, f"look up package {package}")
        return re.findall(r"^\s+Depends: ([^\s<>]+)$", text, flags=re.M)

    def closure(self, packages: list[str]) -> list[str]:
        """Return `packages` and all they depend on (the names apt would install), sorted."""
        command = ["apt-get", "-q", "-s", "install", *packages]
        text = _run(command, self._env, "resolve the packages' dependencies")
        return sorted(set(re.findall(r"^Inst (\S+) ", text, flags=re.M)))

    def download(self, packages: list[str]) -> list[Path]:
        """Download `packages` (exactly those) and return their .deb files, in the same order.

        Files already there are kept, partial ones continued.
        """
        archives = self._root / "archives"
        command = ["apt-get", "-q", "--print-uris", "download", *packages]
        text = _run(command, self._env, "look up the packages to download")
        # 'URI' FILE SIZE HASH, with the epoch's colon as %3a in FILE
        found = re.findall(r"^'[^']*' (([^_ ]+)_\S+) (\d+) ", text, flags=re.M)
        wanted = {package: (archives / name, int(size)) for name, package, size in found}
        missing = [p for p in packages if p not in wanted]
        if missing:
            raise PayloadError(f"{self._suite}/{self._arch} has no package {missing[0]}")
        todo = [p for p in packages if not _complete(*wanted[p])]
        if todo:
            self._download(todo, archives, sum(wanted[p][1] for p in todo))
        for path, size in wanted.values():
            if not _complete(path, size):
                raise PayloadError(f"download of {path.name} is incomplete: run again")
        return [wanted[p][0] for p in packages]

    def _download(self, packages: list[str], archives: Path, size: int) -> None:
        self._progress(f"downloading {len(packages)} packages, {size / 1e6:.0f} MB")
        command = ["apt-get", "-q", "download", *packages]
        done = 0
        process = subprocess.Popen(
            command,
            env=self._env,
            cwd=archives,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        tail: list[str] = []
        assert process.stdout is not None
        with process:
            for line in process.stdout:
                tail = [*tail[-20:], line.strip()]
                if line.startswith("Get:"):
                    done += 1
                    if done % 20 == 0 or done == len(packages):
                        self._progress(f"  {done} of {len(packages)} packages")
        if process.returncode:
            raise PayloadError(f"cannot download packages: {_reason(tail)}")


def _complete(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _reason(lines: list[str]) -> str:
    errors = [line for line in lines if line.startswith("E:")]
    return (errors or lines or ["no message"])[0].removeprefix("E: ")


def _run(command: list[str], env: dict[str, str], what: str) -> str:
    """Run `command` and return its output; PayloadError `cannot <what>: reason` on failure."""
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=_APT_TIMEOUT_S, check=False
        )
    except FileNotFoundError as error:
        raise PayloadError(
            f"cannot {what}: {command[0]} is missing (not a Debian host?)"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise PayloadError(
            f"cannot {what}: `{shlex.join(command[:4])}` took over {_APT_TIMEOUT_S} s; run again"
        ) from error
    if done.returncode:
        raise PayloadError(f"cannot {what}: {_reason(done.stderr.splitlines())}")
    return done.stdout
