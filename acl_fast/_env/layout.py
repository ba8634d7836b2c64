"""What the tree holds: the folders, names and files that CANN programs' builds look for."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from acl_fast._version import __version__

from . import texts
from .tree import EnvError, File, Folder, Link, Tree

# The C interface that softnpu follows, as CANN numbers its releases.
CANN_VERSION = "8.1.RC1"

# Newer CANN splits libascendcl; a program may link either.
SPLIT_NAMES = ("libacl_rt.so", "libacl_mdl.so")

# Libraries that build files name although programs take nothing from them. A linker script
# satisfies -l without a file to load at run time.
EMPTY_LIBRARIES = ("c_sec", "slog", "alog", "mmpa", "ascend_hal", "media_mini", "platform")

# Sub-packages of old and new installations. All offer the same headers and libraries.
COMPONENTS = ("runtime", "acllib", "fwkacllib", "atc", "compiler", "devlib", "toolkit")
ARCHITECTURES = ("x86_64", "aarch64", "arm64")
PRODUCTS = ("ascend-toolkit", "nnae", "nnrt")


@dataclass(frozen=True)
class Installation:
    """Where this acl_fast is.

    Attributes
    ----------
    package : Path
        Folder of the ``acl_fast`` package.
    headers : Path
        Folder that holds ``acl/acl.h``.
    libraries : Path
        Folder that holds softnpu's ``libascendcl.so``.
    python : str
        Interpreter that the tree's commands run.
    version : str
        Version of acl_fast.
    engine : Path or None
        Folder with OpenVINO's libraries.
    """

    package: Path
    headers: Path
    libraries: Path
    python: str
    version: str
    engine: Path | None


def find_engine() -> Path | None:
    """Folder of OpenVINO's libraries: ``SOFTNPU_OPENVINO``, else the installed package's."""
    if own := os.environ.get("SOFTNPU_OPENVINO"):
        return Path(own)
    spec = importlib.util.find_spec("openvino")
    for place in spec.submodule_search_locations or () if spec else ():
        if (Path(place) / "libs").is_dir():
            return Path(place) / "libs"
    return None


def installation() -> Installation:
    """Find this acl_fast.

    Raises
    ------
    EnvError
        It was installed without headers or without softnpu.
    """
    package = Path(__file__).resolve().parent.parent
    headers = next(
        (
            folder
            for folder in (package / "include", package.parent / "include")
            if (folder / "acl" / "acl.h").is_file()
        ),
        None,
    )
    if headers is None:
        raise EnvError(f"no headers beside {package}. Install acl_fast again: pip install .")
    libraries = package / "softnpu" / "lib64"
    if not (libraries / "libascendcl.so").exists():
        raise EnvError(
            f"softnpu is not built: {libraries}/libascendcl.so is missing. In the source tree: "
            "python setup.py build_ext --inplace; else install acl_fast again without "
            "ACL_FAST_BUILD_SOFTNPU=0."
        )
    return Installation(package, headers, libraries, sys.executable, __version__, find_engine())


def default_prefix(where: Installation) -> Path:
    """Folder in the user's cache, one for each version, place and interpreter."""
    key = hashlib.sha256(f"{where.package}\0{where.python}".encode()).hexdigest()[:12]
    if own := os.environ.get("ACL_FAST_CACHE"):
        base = Path(own).expanduser().resolve()
    else:
        cache = os.environ.get("XDG_CACHE_HOME", "")
        base = (Path(cache) if os.path.isabs(cache) else Path.home() / ".cache") / "acl_fast"
    return base / "env" / f"{where.version}-{key}"


def tree(where: Installation, root: Path) -> Tree:
    """All entries of the tree at ``root``."""
    entries: dict[str, File | Link | Folder] = {}
    _add_interface(entries, where)
    _add_components(entries)
    _add_commands(entries, where)
    _add_information(entries, where, root)
    _add_python(entries, where)
    return entries


def owned(tree_: Tree) -> list[str]:
    """Folders whose stray links are leftovers of another version."""
    return [name for name in ("lib64", "lib64/stub") if any(k.startswith(name) for k in tree_)]


def _add_interface(entries: dict[str, File | Link | Folder], where: Installation) -> None:
    """Headers and libraries."""
    for folder in sorted(path for path in where.headers.iterdir() if path.is_dir()):
        entries[f"include/{folder.name}"] = Link(str(folder))
    names = sorted(path.name for path in where.libraries.iterdir() if ".so" in path.name)
    for name in names:
        entries[f"lib64/{name}"] = Link(str(where.libraries / name))
    for name in SPLIT_NAMES:
        if name not in names:
            entries[f"lib64/{name}"] = Link("libascendcl.so")
    for name in EMPTY_LIBRARIES:
        entries[f"lib64/lib{name}.so"] = File(texts.EMPTY_LIBRARY)
    for key in [key for key in entries if key.startswith("lib64/")]:
        name = key.removeprefix("lib64/")
        entries[f"lib64/stub/{name}"] = Link(f"../{name}")


def _add_components(entries: dict[str, File | Link | Folder]) -> None:
    """The same under the names of sub-packages, architectures and products."""
    for component in COMPONENTS:
        for name in ("include", "lib64"):
            entries[f"{component}/{name}"] = Link(f"../{name}")
        entries[f"{component}/version.info"] = Link("../version.info")
    for architecture in ARCHITECTURES:
        for suffix in ("", "_gcc7.3.0"):
            entries[f"{architecture}-linux{suffix}"] = Link(".")
    entries["lib"] = Link("lib64")
    entries["latest"] = Link(".")
    for product in PRODUCTS:
        entries[f"{product}/latest"] = Link("..")
        entries[f"{product}/set_env.sh"] = Link("../set_env.sh")
    for name in ("opp", "thirdpart/include", "thirdpart/lib"):
        entries[name] = Folder()


def _add_commands(entries: dict[str, File | Link | Folder], where: Installation) -> None:
    parent = str(where.package.parent)
    for name, load in (
        ("atc", "from acl_fast._cli.atc import main"),
        ("acl-fast", "from acl_fast._cli import main"),
        ("npu-smi", "from acl_fast._env.npu_smi import main"),
    ):
        entries[f"bin/{name}"] = File(texts.command(where.python, parent, load), executable=True)
    for folder in ("atc", "compiler"):
        entries[f"{folder}/bin/atc"] = Link("../../bin/atc")


def _add_information(
    entries: dict[str, File | Link | Folder], where: Installation, root: Path
) -> None:
    from .shell import set_env

    entries["set_env.sh"] = File(set_env(where, root))
    entries["bin/setenv.bash"] = Link("../set_env.sh")
    entries["version.info"] = File(texts.version_info(CANN_VERSION, where.version))
    entries["version.cfg"] = File(texts.version_cfg(CANN_VERSION))
    entries["opp/version.info"] = Link("../version.info")
    entries["ascend_toolkit_install.info"] = File(
        texts.install_info(CANN_VERSION, platform.machine(), root)
    )
    entries["ascend_cann_install.info"] = File(texts.cann_install_info(root))


def _add_python(entries: dict[str, File | Link | Folder], where: Installation) -> None:
    """``import acl`` for pyACL programs, from the package's parent or from its own folder."""
    if not (where.package / "pyacl").is_dir() and not (where.package / "pyacl.py").exists():
        return
    for base in ("python/site-packages", "pyACL/python/site-packages"):
        entries[f"{base}/acl/__init__.py"] = File(texts.PYTHON_ACL)
    entries["pyACL/python/site-packages/acl/acl.py"] = File(texts.PYTHON_ACL)
