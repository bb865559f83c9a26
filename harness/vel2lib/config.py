# SPDX-License-Identifier: GPL-2.0-only
"""What to run: the options of `vel2 run`, resolved to files."""

from __future__ import annotations

import os
import subprocess
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .debian import ROOT
from .devices import Devices
from .errors import Vel2Error
from .image import MIB, load
from .placement import L0_SIZE
from .qemu import COVERAGE, CPU, NV_CPUS, Domain, Module, quote

if TYPE_CHECKING:
    from payload.edk2 import Edk2Payload
    from payload.uboot import UBootPayload
    from payload.xen import XenPayload

BUILD = ROOT / "build"
GUESTS = BUILD / "guests"
L0_BIN = BUILD / "vel2.bin"
L0_ELF = BUILD / "vel2.elf"
#: make CHECK=1: L0 that checks itself.
CHECKED_L0_BIN = BUILD / "check/vel2.bin"
HOSTS = ("vhe", "nvhe")
MECHS = ("nv2", "nv")
#: Exits that L0 keeps for the report of a hang.
TRACE = 10
L1_MODES = ("vhe", "nvhe", "any")
#: L1s beside each other, at most.
MAX_L1S = 4
#: vel2s under L0, at most.
MAX_DEPTH = 3
#: L1s that are not ours, each with a function below.
LINUX = ("linux", "linux-6.12", "linux-sid", "linux-sid-16k")
#: The one whose KVM gives an L2 a virtual EL2 (one of 16K pages has no stage 2 of 4K for it).
NESTS = "linux-sid"
XEN = ("xen", "xen-dom0less")
FIRMWARE = ("u-boot", "edk2")
#: They write EL2's registers as they are without E2H (what EDK2 starts may turn it on).
NVHE = (*XEN, "edk2")
DEBIAN = (*LINUX, *XEN, *FIRMWARE)
#: A word for a Linux L1's init: which L2 it starts.
L2_WORD = "vel2.l2="
L2_BENCH = L2_WORD + "bench"


@dataclass
class RunConfig:
    """One run. None stands for a default that depends on L1 (resolve()) or on the CPU (`host`).

    mem is L1's RAM in MiB, timeout seconds of wall clock.
    """

    l1: str = "bundled"
    l1_initrd: Path | None = None
    l1_append: str = ""
    #: Further L1s, each `NAME [WORD...]`: what it is and its own words.
    beside: tuple[str, ...] = ()
    host: str | None = None
    mech: str = "nv2"
    #: With mech pv: trap (the default) or page.
    pv_flavour: str = ""
    # Default: vhe, any where L1 has no VHE. Two are an L1's own: Linux's protected, bundled's split.
    l1_mode: str = ""
    # With vel2 as L1, whose options l1_append has: how many vel2s there are under L0, and what the
    # last of them runs, in which mode.
    depth: int = 1
    l2: str = "bundled"
    l2_append: str = ""
    l2_mode: str = "vhe"
    #: Features of the virtual CPU to turn off (-x) or to insist on (+x), as vel2.features= has them.
    l1_features: str = ""
    #: Registers that trap by request, and that are counted as if they did not: vel2.trap=, vel2.notrap=.
    trap: str = ""
    no_trap: str = ""
    smp: int = 1
    vcpus: int | None = None  # default: smp
    mem: int | None = None
    cpu: str = CPU
    icount: bool | None = None
    timeout: float | None = None
    witness: bool | None = None
    count: bool = False  # by QEMU's plugin, too
    native: bool = False
    markers: bool | None = None
    checked: bool = False  # L0's checking build
    pauth: bool = False  # L0's build with pointer authentication and BTI of its own
    protect: bool = False  # L0's memory at EL2 is out of reach of its own nVHE host
    trace: int | None = None  # default: 10, for a hang; none where instructions are counted
    #: PCIe devices: a raw disk image, a network, a file for what the virtio console gets.
    disk: Path | None = None
    net: bool = False
    virtio_console: Path | None = None
    l0_append: str = ""
    qemu_args: tuple[str, ...] = ()
    qemu: str = "qemu-system-aarch64"

    def __post_init__(self) -> None:
        self.l1_mode = self.l1_mode or ("any" if self.l1 in (*NVHE, "vel2") else "vhe")
        if self.protect and not self.native:
            self.host = self.host or "nvhe"
        # vel2 offers no 52-bit addresses; with QEMU's a KVM of 16K pages does not get its guest to run.
        if self.native and self.l1 == "linux-sid-16k" and self.cpu == CPU:
            self.cpu += ",lpa2=off"

    def as_json(self) -> dict[str, Any]:
        """The configuration as results record it."""
        return {
            "l1": self.l1,
            "l1_initrd": str(self.l1_initrd) if self.l1_initrd else None,
            "l1_append": self.l1_append,
            **self._levels(),
            **({"beside": list(self.beside)} if self.beside else {}),
            "host": self.host,
            "mech": self.mech,
            **({"pv_flavour": self.pv_flavour} if self.pv_flavour else {}),
            "l1_mode": self.l1_mode,
            "l1_features": self.l1_features,
            **({"trap": self.trap, "no_trap": self.no_trap} if self.trap or self.no_trap else {}),
            "smp": self.smp,
            "vcpus": self.vcpus or self.smp,
            "mem": self.mem,
            "cpu": self.cpu,
            "icount": self.icount,
            **({"count": True} if self.count else {}),
            "timeout": self.timeout,
            "native": self.native,
            "checked": self.checked,
            **({"pauth": True} if self.pauth else {}),
            **({"protect": True} if self.protect else {}),
            "disk": str(self.disk) if self.disk else None,
            "net": self.net,
            "virtio_console": str(self.virtio_console) if self.virtio_console else None,
            "l0_append": self.l0_append,
            "qemu_args": list(self.qemu_args),
        }

    def _levels(self) -> dict[str, Any]:
        if self.l1 != "vel2":
            return {}
        return {
            "depth": self.depth,
            "l2": self.l2,
            "l2_append": self.l2_append,
            "l2_mode": self.l2_mode,
        }

    def devices(self, own_disk: Path | None = None) -> Devices:
        """The devices of the machine; L1's own disk is not written to."""
        return Devices(self.disk or own_disk, self.net, self.virtio_console, own_disk is not None)

    def others(self) -> "list[RunConfig]":
        """The further L1s, each as if it were alone."""
        found = []
        for one in self.beside:
            name, _, words = one.strip().partition(" ")
            found.append(replace(self, l1=name, l1_append=words, l1_initrd=None, beside=()))
        return found

    def guest(self) -> "RunConfig":
        """What the last vel2 runs, as if it were L0's L1; this configuration itself if that is L0."""
        if self.l1 != "vel2":
            return self
        return replace(self, l1=self.l2, l1_append=self.l2_append, l1_mode=self.l2_mode)


@dataclass
class Target:
    """The L1 of a run as files, and how its console shows how it fares."""

    kernel: Path | None
    initrd: Path | None = None
    append: str = ""
    #: What L1 is to start its own guests with.
    modules: list[Module] = field(default_factory=list)
    #: What is typed at L1's console when a line begins so; each once, in order.
    types: list[tuple[str, str]] = field(default_factory=list)
    #: vel2s under L0: `kernel` is the first, its guest's kernel and initrd are the last modules.
    depth: int = 0
    #: Console line -> phase that begins there.
    phases: dict[str, str] = field(default_factory=dict)
    #: Lines that the console must hold, in any order; what it means when one does not.
    needs: dict[str, str] = field(default_factory=dict)
    #: The guest prints ALL PASS at its end and FAIL lines before.
    verdict: bool = False
    #: How it ends when all is well: system_off or reset.
    ends: str = "system_off"
    #: How often it resets the machine before. What L0 counted is of its last life.
    resets: int = 0
    #: The kernel is an ELF file that says itself where it runs.
    firmware: bool = False
    #: A disk of its own, which it only reads.
    disk: Path | None = None
    #: What its machine has besides.
    qemu_args: tuple[str, ...] = ()
    #: The L1s beside it.
    others: "list[Target]" = field(default_factory=list)
    #: Files with symbols of each level.
    symbols: dict[str, list[Path]] = field(default_factory=dict)
    measured: bool = False  # markers are in it: icount and the witness are on by default
    timeout: float = 60
    mem: int = 1024


def l0_bin(config: RunConfig) -> Path:
    """The image of L0 that a run boots: while coverage is measured, always the one that it is measured of."""
    if COVERAGE in os.environ:
        return L0_BIN
    checked = CHECKED_L0_BIN if config.checked else L0_BIN
    return checked.parent / "pauth/vel2.bin" if config.pauth else checked


def l0_target(config: RunConfig) -> list[str]:
    """What make is told to build it."""
    return ["CHECK=1"] * config.checked + ["PAUTH=1"] * config.pauth + ["l0"]


def l0_elf(config: RunConfig) -> Path:
    """The same with its symbols."""
    return l0_bin(config).with_suffix(".elf")


def _is_ours(name: str) -> bool:
    return name in {*DEBIAN, "none", "vel2", *guest_table()} or (GUESTS / f"{name}.bin").exists()


def _check_levels(config: RunConfig) -> None:
    if config.native:
        raise Vel2Error("--l1 vel2 --native: that is vel2 as L0, --l1 NAME without --native")
    if not 1 <= config.depth <= MAX_DEPTH:
        raise Vel2Error(f"--depth {config.depth}: 1 to {MAX_DEPTH} vel2s under L0")
    if config.l2 in ("vel2", "none", *FIRMWARE, *XEN):
        raise Vel2Error(f"--l2 {config.l2}: a kernel for vel2 to run (vel2 in vel2 is --depth 2)")
    if config.l1_initrd is not None:
        raise Vel2Error("--l1-initrd: vel2 as L1 has none")
    check(config.guest())


def _check_others(config: RunConfig) -> None:
    if config.native:
        raise Vel2Error("--beside: a native L1 is alone on its machine")
    if len(config.beside) >= MAX_L1S:
        raise Vel2Error(f"--beside: {MAX_L1S} L1s at most, with the first one")
    if config.witness or config.count:
        raise Vel2Error("--witness, --count: do not tell the regions of several L1s apart")
    if config.mem is not None and config.mem % 2:
        raise Vel2Error(f"--mem {config.mem}: with several L1s a multiple of 2")
    alone = {"vel2", "none", *FIRMWARE}
    for one in (config, *config.others()):
        if one.l1 in alone:
            raise Vel2Error(f"--beside: {one.l1} runs alone")
    for one in config.others():
        check(one)


def _check_nested(config: RunConfig) -> None:
    if config.l1 != NESTS:
        raise Vel2Error(f"--l1-mode nested: a mode of {NESTS}, not of {config.l1}")
    if config.mech != "nv2" and not config.native:
        raise Vel2Error(
            "--l1-mode nested: needs FEAT_NV2, which L1 is offered under --mech nv2 only"
        )


def registers(text: str) -> str:
    """A list of registers as L0 takes it: @FILE in it stands for the names in that file, where # begins a
    comment. Vel2Error when a file cannot be read."""
    found: list[str] = []
    for item in text.split(","):
        if not item.startswith("@"):
            found.append(item)
            continue
        try:
            lines = Path(item[1:]).read_text().splitlines()
        except OSError as error:
            raise Vel2Error(f"{item}: {error.strerror}") from error
        words = " ".join(line.partition("#")[0] for line in lines).replace(",", " ").split()
        found += words
    return ",".join(filter(None, found))


def check(config: RunConfig) -> None:
    """Vel2Error for what can be known to be wrong before anything is built or started."""
    if not 1 <= config.smp <= 8:
        raise Vel2Error(f"--smp {config.smp}: vel2 has 1 to 8 CPUs")
    if config.vcpus is not None and not 1 <= config.vcpus <= 8:
        raise Vel2Error(f"--vcpus {config.vcpus}: an L1 has 1 to 8 CPUs")
    if config.vcpus is not None and config.native:
        raise Vel2Error("--vcpus: a native L1 has the machine's CPUs (--smp)")
    if config.l1_features and config.native:
        raise Vel2Error("--l1-features: a native L1 has the machine's CPU (--cpu)")
    if (config.trap or config.no_trap) and config.native:
        raise Vel2Error("--trap, --no-trap: a native L1 has no L0")
    if config.protect and (config.native or config.host == "vhe"):
        raise Vel2Error("--protect: it keeps L0's host at EL1 off EL2's memory: --host nvhe")
    if config.mem is not None and not 16 <= config.mem <= 65536:
        raise Vel2Error(f"--mem {config.mem}: L1's RAM in MiB, 16 to 65536")
    if config.timeout is not None and config.timeout <= 0:
        raise Vel2Error(f"--timeout {config.timeout:g}: seconds, more than 0")
    if config.trace is not None and not 0 <= config.trace <= 256:
        raise Vel2Error(f"--trace {config.trace}: L0 keeps up to 256 exits of each vCPU")
    if config.beside:
        _check_others(config)
    if config.l1 == "vel2":
        _check_levels(config)
    if config.l1 in NVHE and config.l1_mode not in ("nvhe", "any"):
        raise Vel2Error(f"--l1-mode {config.l1_mode}: {config.l1} is nVHE only")
    if config.l1_mode == "split" and config.l1 != "bundled":
        raise Vel2Error(f"--l1-mode split: a mode of bundled, not of {config.l1}")
    if config.l1_mode == "protected" and not config.l1.startswith("linux"):
        raise Vel2Error(f"--l1-mode protected: a mode of Linux, not of {config.l1}")
    if config.l1_mode == "nested":
        _check_nested(config)
    # Without an L1, L0 only tests itself, which it does on any CPU.
    needs_nv = not config.native and config.l1 != "none" and config.mech != "pv"
    if needs_nv and config.cpu.split(",")[0] not in NV_CPUS:
        raise Vel2Error(
            f"--mech {config.mech}: {config.cpu.split(',')[0]} has no FEAT_NV; "
            f"--cpu {', '.join(sorted(NV_CPUS))} have it, --mech pv needs none"
        )
    if config.pv_flavour and (config.mech != "pv" or config.native):
        raise Vel2Error(f"--pv-flavour {config.pv_flavour}: is for --mech pv")
    if config.pv_flavour == "page" and config.l1_mode == "any":
        raise Vel2Error("--pv-flavour page: one of --l1-mode vhe, nvhe and split, not any")
    if config.mech == "pv" and not config.native and config.l1 in (*DEBIAN, "vel2"):
        raise Vel2Error(
            f"--mech pv: {config.l1} rewrites its own code, what L0 has rewritten in it would be lost"
        )
    if not _is_ours(config.l1):
        if not Path(config.l1).is_file():
            names = ", ".join(sorted({*DEBIAN, "vel2", *guest_table()}))
            raise Vel2Error(f"--l1 {config.l1}: neither a file nor one of {names}")
        load(Path(config.l1))
    if config.disk is not None and not config.disk.is_file():
        raise Vel2Error(f"--disk {config.disk}: no such file")
    if config.disk is not None and config.l1 == "edk2":
        raise Vel2Error("--disk: EDK2 boots from a disk of its own")
    if config.l1_initrd is not None and not config.l1_initrd.is_file():
        raise Vel2Error(f"--l1-initrd {config.l1_initrd}: no such file")


def cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0))


def build(targets: list[str]) -> None:
    """make these targets; Vel2Error with make's first error when that fails.

    One build at a time: tests and runs of the same checkout would otherwise write the same objects.
    """
    BUILD.mkdir(exist_ok=True)
    jobs = f"-j{cpus()}"
    # make puts its own options into the environment, which would make this one a part of it.
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    try:
        done = subprocess.run(
            ["flock", str(BUILD / ".lock"), "make", "-s", jobs, *targets],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Vel2Error(f"make {' '.join(targets)}: {error}") from error
    if done.returncode:
        lines = [s for s in done.stderr.splitlines() if "rror" in s] or done.stderr.splitlines()
        raise Vel2Error(f"make {' '.join(targets)}: {lines[0] if lines else 'failed'}")


def guest_table() -> dict[str, dict[str, Any]]:
    """The rows of guest-tests/guests.toml by name."""
    with (ROOT / "guest-tests/guests.toml").open("rb") as stream:
        rows = tomllib.load(stream).get("guest", [])
    return {str(row["name"]): row for row in rows}


def _words(*parts: str) -> str:
    return " ".join(p for p in parts if p)


def _bare_metal(name: str, row: dict[str, Any], config: RunConfig) -> Target:
    image = GUESTS / f"{row.get('image', name)}.bin"
    if not image.exists():
        raise Vel2Error(f"L1 {name}: {image.relative_to(ROOT)} was not built")
    mode = {"any": "", "split": "mode=nvhe split=1"}.get(config.l1_mode, f"mode={config.l1_mode}")
    elf, bundled = image.with_suffix(".elf"), name == "bundled"
    return Target(
        kernel=image,
        # The first word of a name counts: a user's --l1-append goes before the table's.
        append=_words(mode, config.l1_append, "" if bundled else str(row.get("append", ""))),
        verdict=True,
        ends=str(row.get("ends", "system_off")),
        resets=int(row.get("resets", 0)),
        symbols={"L1": [elf], "L2": [elf, *sorted(GUESTS.glob("*l2*.elf"))]},
        measured=bundled,
        timeout=60,
        mem=int(row.get("mem", 1024 if bundled else 256)),
    )


#: What Linux is told to run its hypervisor in these modes; it is VHE where the CPU allows that.
_KVM_MODES = {
    "nvhe": "kvm-arm.mode=nvhe",
    "protected": "kvm-arm.mode=protected",
    "nested": f"kvm-arm.mode=nested vel2.el2 {L2_WORD}bundled",
}


#: What L1's CPU allows, where that mode is an L1's own.
_L0_MODES = {"protected": "any", "nested": "vhe", "split": "nvhe"}


def l0_mode(l1_mode: str) -> str:
    """vel2.l1_mode= for an L1 in this mode."""
    return _L0_MODES.get(l1_mode, l1_mode)


class L2(NamedTuple):
    """What a Linux L1 runs, and how the console shows how it fares."""

    phases: dict[str, str]  #: as Target's
    needs: dict[str, str]  #: as Target's
    symbols: Path | None = None  #: None: those of L1's kernel


_BENCH_LINE = "vel2: l2-bench"
_L2S = {
    "linux": L2(
        {"vel2: l2-userspace": "l2-userspace"},
        {
            "vel2: l2-userspace": "L2 did not run, or not to its user space",
            "vel2: l2-done": "L2 did not run to its end",
        },
    ),
    "bench": L2(
        {_BENCH_LINE: "l2-bench"},
        {_BENCH_LINE: "L2 did not run", "vel2: l2-done": "L2 did not run to its end"},
        GUESTS / "nested-bench.elf",
    ),
    "bundled": L2(
        {f"bundled L1 at EL2, {mode}, 16 iterations": "l2-bundled" for mode in ("vhe", "nvhe")},
        {
            "L2 end": "L2 did not run at a virtual EL2, or L3 not to its end",
            "ALL PASS": "L2 did not run to its end",
        },
        GUESTS / "bundled.elf",
    ),
    # A Linux with an L2 of its own, where this one is L0 (see compare.py).
    "l1": L2(
        {
            "vel2: inner-userspace": "inner-userspace",
            "vel2: l2-userspace": "l2-userspace",
            _BENCH_LINE: "l2-bench",
        },
        {
            "vel2: inner-userspace": "the Linux in it did not reach its user space",
            "vel2: l2-done": "its L2 did not run to its end",
        },
    ),
}


def l2_of(words: list[str]) -> L2:
    """Which L2 these words make L1's init start. Vel2Error when it knows none of that name."""
    name = next(
        (w.removeprefix(L2_WORD) for w in reversed(words) if w.startswith(L2_WORD)), "linux"
    )
    if name not in _L2S:
        raise Vel2Error(f"{L2_WORD}{name}: there are {', '.join(_L2S)}")
    return _L2S[name]


def _progress(text: str) -> None:
    print(f"vel2: {text}", flush=True)


def _linux(config: RunConfig) -> Target:
    from payload.errors import PayloadError
    from payload.linux import build_linux_payload

    try:
        payload = build_linux_payload(BUILD, _progress, kernel=config.l1)
    except PayloadError as error:
        raise Vel2Error(f"L1 {config.l1}: {error}") from error
    mode = _KVM_MODES.get(config.l1_mode, "")
    words = config.l1_append.split()
    l2 = l2_of([*mode.split(), *words])
    # What this L1 tells its L2 of and then does not let it use: an L2 that takes it dies natively, too.
    broken = config.l1_mode == "protected" and config.l1 == "linux-6.12"
    l2_append = "vel2.l2_append=arm64.nopauth+arm64.nomops" if broken else ""
    target = Target(
        kernel=payload.kernel,
        initrd=payload.initrd,
        append=_words(payload.append, mode, l2_append),
        phases={"vel2: l1-userspace": "l1-userspace", **l2.phases},
        needs={
            "vel2: l1-userspace": "L1 did not reach its user space",
            **l2.needs,
            "vel2: l2-exit=0": "L2's VMM failed",
        },
        symbols={"L1": [payload.symbols], "L2": [l2.symbols or payload.symbols]},
        timeout=300,
        mem=1024,
    )
    if any(word.startswith("rdinit=") for word in words):  # not our init: nothing of it is said
        target.phases, target.needs = {}, {}
    return target


def _firmware(
    config: RunConfig, payload: "Edk2Payload | UBootPayload", entry: Path, kept: str
) -> Target:
    """Firmware that resets once, to show that it kept a variable, and then starts the Linux of --l1 linux."""
    target = _linux(replace(config, l1="linux"))
    target.types = payload.types(_words(target.append, config.l1_append))
    target.resets = 1
    target.needs = {kept: "the firmware did not keep its variable over a reset", **target.needs}
    target.kernel, target.initrd, target.append = entry, None, ""
    target.firmware = True
    return target


def _uboot(config: RunConfig) -> Target:
    from payload.errors import PayloadError
    from payload.uboot import INITRD, KEPT, KERNEL, build_uboot_payload

    try:
        payload = build_uboot_payload(BUILD, _progress)
    except PayloadError as error:
        raise Vel2Error(f"L1 u-boot: {error}") from error
    target = _firmware(config, payload, payload.uboot, KEPT)
    target.modules = [
        Module("kernel", payload.linux.kernel, address=KERNEL),
        Module("initrd", payload.linux.initrd, address=INITRD),
    ]
    return target


def _edk2(config: RunConfig) -> Target:
    from payload.edk2 import FLASH, KEPT, build_edk2_payload
    from payload.errors import PayloadError

    try:
        payload = build_edk2_payload(BUILD, _progress)
    except PayloadError as error:
        raise Vel2Error(f"L1 edk2: {error}") from error
    target = _firmware(config, payload, payload.entry, KEPT)
    # EDK2 passes ACPI tables on if fw_cfg has some. L1 has no fw_cfg: natively they must not come either.
    flash = f"loader,file={quote(str(payload.firmware))},addr={FLASH:#x},force-raw=on"
    target.qemu_args = ("-machine", "acpi=off", "-device", flash)
    target.disk = payload.disk
    return target


#: Xen's own guests beside dom0, and for how long dom0 waits for them before the machine ends.
_DOMUS = (Domain("domU1", 1, 128), Domain("domU2", 2, 128))
_DOM0_WAITS = 30


def _domu_modules(payload: "XenPayload") -> list[Module]:
    modules = []
    for domain in _DOMUS:
        append = _words(payload.domu_append, f"vel2.domain={domain.name}")
        modules.append(Module("kernel", payload.kernel, append, domain))
        modules.append(Module("initrd", payload.initrd, "", domain))
    return modules


def _xen(config: RunConfig) -> Target:
    from payload.errors import PayloadError
    from payload.xen import build_xen_payload

    try:
        payload = build_xen_payload(BUILD, _progress)
    except PayloadError as error:
        raise Vel2Error(f"L1 xen: {error}") from error
    domus = config.l1 == "xen-dom0less"
    dom0_append = _words(payload.dom0_append, f"vel2.wait={_DOM0_WAITS}" if domus else "")
    modules = [Module("kernel", payload.kernel, dom0_append), Module("initrd", payload.initrd)]
    # Xen shows what a domU prints with its number before.
    done = {f"(XEN) DOM{i}: vel2: {d.name}-done": d.name for i, d in enumerate(_DOMUS, start=1)}
    return Target(
        kernel=payload.xen,
        append=payload.append,
        modules=modules + (_domu_modules(payload) if domus else []),
        phases={"vel2: dom0-userspace": "dom0-userspace", "vel2: dom0-done": "dom0-done"},
        needs={
            "vel2: dom0-userspace": "dom0 did not reach its user space",
            "vel2: dom0-done": "dom0 did not run to its end",
            **({s: f"{name} did not run to its end" for s, name in done.items()} if domus else {}),
            "(XEN) Hardware Dom0 halted: halting machine": "Xen did not end the machine",
        },
        symbols={"L2": [payload.symbols]},
        timeout=120,
        mem=1024,
    )


def _with_defaults(append: str, words: dict[str, str]) -> str:
    """Options of a vel2, `append` first: these words are for what it does not say."""
    given = {word.partition("=")[0] for word in append.split()}
    return _words(append, *(f"{k}={v}" for k, v in words.items() if k not in given))


def _vel2(config: RunConfig) -> Target:
    """vel2 under vel2 (under vel2): what the last of them runs decides all but the levels' own files."""
    target = _target(config.guest())
    if target.kernel is None:
        raise Vel2Error(f"--l2 {config.l2}: no kernel for vel2 to run")
    modules = []
    for level in range(config.depth):
        last = level == config.depth - 1
        words = {
            "vel2.l1_mode": l0_mode(config.l2_mode) if last else "any",
            "vel2.smp": str(config.vcpus or config.smp),
            "vel2.uart1": "off" if last else "on",
        }
        modules.append(Module("kernel", l0_bin(config), _with_defaults(config.l1_append, words)))
    modules.append(Module("kernel", target.kernel, target.append))
    if target.initrd:
        modules.append(Module("initrd", target.initrd))
    guest = target.symbols.get("L1", []) + target.symbols.get("L2", [])
    target.kernel, target.append, target.initrd = l0_bin(config), modules[0].append, None
    target.modules, target.depth = modules[1:], config.depth
    elf = l0_elf(config)
    target.symbols = {"L1": [elf], "L2": [*guest, elf]}
    target.mem += config.depth * L0_SIZE // MIB
    target.timeout *= 1 + config.depth
    return target


def _target(config: RunConfig) -> Target:
    table = guest_table()
    if config.l1 == "vel2":
        return _vel2(config)
    if config.l1 in XEN:
        target = _xen(config)
    elif config.l1 == "u-boot":
        return _uboot(config)
    elif config.l1 == "edk2":
        return _edk2(config)
    elif config.l1 in DEBIAN:
        target = _linux(config)
    elif config.l1 == "none":
        target = Target(None)
    elif config.l1 in table or (GUESTS / f"{config.l1}.bin").exists():
        target = _bare_metal(config.l1, table.get(config.l1, {}), config)
    else:
        target = Target(Path(config.l1))
    if config.l1_initrd:
        target.initrd = config.l1_initrd
    if not target.verdict:
        target.append = _words(target.append, config.l1_append)
    return target


def resolve(config: RunConfig) -> Target:
    """The files of config.l1: `linux`, `none`, a guest by name, or a path. Sets config's defaults."""
    target = _target(config)
    target.others = [_target(one) for one in config.others()]
    every = [target, *target.others]
    measured = target.measured and not config.native and not target.others
    # Each has as much memory as the largest needs.
    config.mem = max(t.mem for t in every) if config.mem is None else config.mem
    config.timeout = sum(t.timeout for t in every) if config.timeout is None else config.timeout
    config.icount = measured if config.icount is None else config.icount
    # L0 counts the instructions of each exit, or those of marked regions alone.
    config.markers = target.verdict if config.markers is None else config.markers
    config.witness = measured if config.witness is None else config.witness
    if config.trace is None:
        config.trace = 0 if config.icount else TRACE
    return target
