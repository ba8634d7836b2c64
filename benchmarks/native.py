"""Compile the C, C++ and Cython counterparts, each once per content, into build/bench."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
BUILD = ROOT / "build" / "bench"
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")

# What setup.py gives the Cython modules: a counterpart is compiled no better and no worse.
FLAGS = ["-O2", "-fvisibility=hidden", "-fPIC", "-shared", "-Wall", "-DENABLE_DVPP_INTERFACE"]


def run(command: Sequence[str]) -> None:
    """Run a compiler; its own messages explain a failure best."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")


def digest(sources: Sequence[Path], command: Sequence[str]) -> str:
    """A name for exactly this build: sources, headers they may include, and command."""
    headers = [*(ROOT / "include").rglob("*.h"), *(ROOT / "pyx").rglob("*.pxd")]
    state = hashlib.sha256("\0".join([sys.version, *command]).encode())
    for path in [*sources, *sorted(headers)]:
        state.update(path.read_bytes())
    return state.hexdigest()[:16]


def build(
    name: str, sources: Sequence[Path], flags: Sequence[str] = (), suffix: str = ".so"
) -> Path:
    """Compile ``sources`` into one shared object and return its path."""
    cplusplus = any(source.suffix == ".cpp" for source in sources)
    compiler = "c++" if cplusplus else "cc"
    standard = "-std=c++17" if cplusplus else "-std=gnu11"
    command = [compiler, standard, *FLAGS, f"-I{ROOT / 'include'}", *map(str, sources), *flags]
    target = BUILD / digest(sources, command) / (name + suffix)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(f".{os.getpid()}")
        run([*command, "-o", str(partial)])
        partial.rename(target)
    return target


def cython(source: Path) -> Path:
    """Translate a .pyx that cimports acl_fast; the C file comes to lie in build/bench."""
    command = [sys.executable, "-m", "cython", "-3", "-I", str(ROOT / "pyx")]
    target = BUILD / digest([source], command) / (source.stem + ".c")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        run([*command, str(source), "-o", str(target)])
    return target


def extension(name: str, source: Path, flags: Sequence[str] = ()) -> ModuleType:
    """Build and import the extension module ``name``."""
    include = f"-I{sysconfig.get_path('include')}"
    c_source = cython(source) if source.suffix == ".pyx" else source
    path = build(name, [c_source], [include, f"-I{HERE / 'native'}", *flags], SUFFIX)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
