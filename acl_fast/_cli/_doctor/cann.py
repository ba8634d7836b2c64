"""CANN: is it there, is it whole, does it load, does it see a device."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from . import probe, settings
from .findings import FAIL, NOTE, OK, WARN, Findings

AREA = "CANN"
DRIVER = "driver"
CORE = "lib64/libascendcl.so"
PRODUCTS = ("ascend-toolkit/latest", "nnrt/latest", "nnae/latest", "latest")
INSTALL_INFO = "etc/Ascend/ascend_cann_install.info"

# What the operator compiler of the toolkit imports: (module, package).
TOOLKIT_PYTHON = (
    ("numpy", "numpy"),
    ("decorator", "decorator"),
    ("attr", "attrs"),
    ("sympy", "sympy"),
    ("psutil", "psutil"),
)
DEVICE_FILES = ("davinci_manager", "devmm_svm", "hisi_hdc")
MACHINES = {0x3E: "x86_64", 0xB7: "aarch64"}

REINSTALL = (
    "install it again: ./Ascend-cann-toolkit_<version>_linux-"
    + platform.machine()
    + ".run --install"
)
INSTALL_DRIVER = "install the driver: ./Ascend-hdk-<chip>-npu-driver_<version>.run --full"
ENTER_CONTAINER = (
    "docker run --device=/dev/davinci0 --device=/dev/davinci_manager --device=/dev/devmm_svm "
    "--device=/dev/hisi_hdc -v /usr/local/Ascend/driver:/usr/local/Ascend/driver ..."
)


def roots(environment: Mapping[str, str], system: Path) -> dict[Path, str]:
    """Folders that may hold a CANN, with what led there."""
    found: dict[Path, str] = {}
    for name in settings.ROOTS:
        if value := environment.get(name):
            found.setdefault(Path(value), name)
    bases = {system / "usr/local/Ascend": "default place"}
    if home := environment.get("HOME"):
        bases[Path(home) / "Ascend"] = "home folder"
    info = system / INSTALL_INFO
    if info.is_file():
        match = re.search(r"^Install_Path(?:_Param)?=(.+)$", info.read_text(errors="replace"), re.M)
        if match:
            bases[Path(match[1].strip())] = str(info)
    for base, reason in bases.items():
        for product in PRODUCTS:
            found.setdefault(base / product, reason)
    distinct: dict[Path, str] = {}
    for path, reason in found.items():
        seen = {other.resolve() for other in distinct}
        if (path.is_dir() or path.is_symlink()) and path.resolve() not in seen:
            distinct[path] = reason
    return distinct


def is_softnpu(root: Path) -> bool:
    """Whether a root is a tree of ``acl-fast env``."""
    info = root / "version.info"
    return info.is_file() and "producer=softnpu" in info.read_text(errors="replace")


def check(
    findings: Findings,
    environment: Mapping[str, str] = os.environ,
    system: Path = Path("/"),
) -> bool:
    """Check every CANN found; return whether there is one at all."""
    bad = WARN if settings.wants_softnpu(environment) else FAIL
    real = []
    for root, reason in roots(environment, system).items():
        if is_softnpu(root):
            findings.add(AREA, NOTE, f"{root} ({reason}) is a softnpu tree made by acl-fast env")
            continue
        real.append(root)
        _check_root(findings, root, reason, bad, environment)
    if real:
        _check_driver(findings, bad, system)
        _check_python(findings)
    elif not (system / "usr/local/Ascend/driver").exists():
        findings.add(AREA, NOTE, "not installed; acl_fast uses softnpu")
    else:
        findings.add(
            AREA,
            bad,
            f"{system / 'usr/local/Ascend/driver'} is there, but no CANN toolkit or nnrt",
            REINSTALL.replace("install it again", "install it"),
        )
        _check_driver(findings, bad, system)
    return bool(real)


def _check_root(
    findings: Findings, root: Path, reason: str, bad: str, environment: Mapping[str, str]
) -> None:
    if not root.is_dir():
        findings.add(AREA, bad, f"{root} ({reason}) is a link to nowhere", REINSTALL)
        return
    core = root / CORE
    version = _version(root)
    name = f"{root} ({reason}){', version ' + version if version else ''}"
    if not core.exists():
        what = "is a link to nowhere" if core.is_symlink() else "is missing"
        findings.add(AREA, bad, f"{name} is half installed: {CORE} {what}", REINSTALL)
        return
    if problem := elf_problem(core):
        findings.add(AREA, bad, f"{core}: {problem}", REINSTALL)
        return
    complaint = probe.load_libraries([core]).get(core, "")
    if complaint:
        findings.add(AREA, bad, f"{core} does not load: {complaint}", mend_load(complaint, root))
        return
    _check_symbols(findings, core, name, bad)
    if "ASCEND_HOME_PATH" not in environment and "ASCEND_TOOLKIT_HOME" not in environment:
        script = root.parent / "set_env.sh"
        if script.is_file():
            findings.add(AREA, NOTE, "its variables are not set in this shell", f"source {script}")


def _check_symbols(findings: Findings, core: Path, name: str, bad: str) -> None:
    result = probe.load_backend(ACL_FAST_LIBRARY=str(core), ACL_FAST_BACKEND="cann")
    if "import" in result:
        findings.add(AREA, NOTE, f"{name} loads; its functions were not checked")
    elif cause := result.get("cause"):
        findings.add(
            AREA,
            bad,
            cause,
            "packages of different versions are mixed, or CANN is older than 20.2: " + REINSTALL,
        )
    else:
        findings.add(AREA, OK, f"{name}: loads, all required functions are there")


def _version(root: Path) -> str:
    for name in ("version.info", "runtime/version.info", "version.cfg"):
        path = root / name
        if path.is_file():
            match = re.search(r"^Version=(.+)$", path.read_text(errors="replace"), re.M)
            if match:
                return match[1].strip()
    return ""


def elf_problem(path: Path) -> str:
    """Why a file is no shared library for this machine; "" if it is one."""
    try:
        with path.open("rb") as file:
            head = file.read(20)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not head:
        return "is empty"
    if head[:4] != b"\x7fELF" or len(head) < 20:
        return "is no library (not an ELF file)"
    machine = MACHINES.get(int.from_bytes(head[18:20], "little"), "another machine")
    if machine != platform.machine():
        return f"is built for {machine}, this machine is {platform.machine()}"
    return ""


def mend_load(complaint: str, root: Path, driver: Path = Path("/usr/local/Ascend/driver")) -> str:
    """The line that mends what the loader complains about."""
    match = re.search(r"(\S+\.so[\w.]*): cannot open shared object file", complaint)
    if match:
        name = match[1].rsplit("/", 1)[-1]
        for base in (root, driver):
            for path in sorted(base.rglob(name)) if base.is_dir() else ():
                return f"export LD_LIBRARY_PATH={path.parent}:$LD_LIBRARY_PATH"
        if name in ("libascend_hal.so", "libdrvdsmi_host.so", "libc_sec.so"):
            return INSTALL_DRIVER
        return REINSTALL
    match = re.search(r"version [`'](GLIBC\w*_[\d.]+)' not found", complaint)
    if match:
        return f"this system's C library lacks {match[1]}: use a system that CANN supports"
    if "undefined symbol" in complaint:
        return "toolkit and driver do not fit each other: install the driver of the same release"
    return REINSTALL


def _check_driver(findings: Findings, bad: str, system: Path) -> None:
    devices = system / "dev"
    chips = sorted(devices.glob("davinci[0-9]*"))
    needed = [devices / name for name in DEVICE_FILES]
    missing = [str(path) for path in needed if not path.exists()]
    folder = system / "usr/local/Ascend/driver"
    if not folder.is_dir() and not chips:
        findings.add(DRIVER, bad, f"{folder} is missing: no driver is installed", INSTALL_DRIVER)
        return
    if not chips or missing:
        lacking = ([] if chips else [str(devices / "davinci0")]) + missing
        findings.add(
            DRIVER,
            bad,
            f"no device files {', '.join(lacking)}",
            f"on the machine: {INSTALL_DRIVER}; in a container: {ENTER_CONTAINER}",
        )
        return
    closed = [str(path) for path in (*chips, *needed) if not os.access(path, os.R_OK | os.W_OK)]
    if closed:
        findings.add(
            DRIVER,
            bad,
            f"this user may not open {', '.join(closed)}",
            "sudo usermod -aG HwHiAiUser $USER, then log in again",
        )
        return
    version = _version(folder)
    findings.add(DRIVER, OK, f"{len(chips)} device files, driver {version or 'of unknown version'}")


def _check_python(findings: Findings) -> None:
    missing = [package for module, package in TOOLKIT_PYTHON if find_spec(module) is None]
    if missing:
        findings.add(
            AREA,
            WARN,
            f"CANN's own atc and operator compiler need the Python packages {', '.join(missing)}",
            f"pip install {' '.join(missing)}",
        )
