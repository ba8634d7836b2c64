"""Build of the Cython modules and, through CMake, of softnpu.

Static metadata is in pyproject.toml. Switches, all read from the environment:

=========================  ==================================================================
ACL_FAST_BUILD_SOFTNPU=0   leave softnpu out (a machine that has CANN and wants nothing else)
ACL_FAST_SANITIZE=...      ``address,undefined`` or ``thread``: instrument both halves
ACL_FAST_ANNOTATE=1        write Cython's annotated HTML beside the generated C
ACL_FAST_QUICK=1           compile the Cython modules in a quarter of the time, unoptimised
=========================  ==================================================================
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PYX = ROOT / "pyx" / "acl_fast"
JOBS = int(os.environ.get("ACL_FAST_JOBS", os.cpu_count() or 1))
SANITIZE = os.environ.get("ACL_FAST_SANITIZE", "")
QUICK = bool(os.environ.get("ACL_FAST_QUICK"))

DIRECTIVES = {
    "language_level": 3,
    "binding": True,
    "embedsignature": True,
    "embedsignature.format": "python",
    # An attribute of None raises instead of crashing; costs a compare.
    "nonecheck": True,
}

# Modules that link C++ of ours besides their own Cython output.
EXTRA_SOURCES = {
    "_table": ["src/table/*.cpp", "src/layers/*.cpp"],
}

# The forwarding module is thousands of one-line functions: optimising it further buys nothing.
EXTRA_FLAGS = {"abi": ["-O1"]}


# Commands that compile; all others (metadata, sdist) must not need Cython output.
COMPILING = {"build", "build_ext", "bdist_wheel", "develop", "install", "editable_wheel"}


def extension(source: Path) -> Extension:
    """Describe the extension module of one .pyx file."""
    name = source.stem
    sources = [str(source.relative_to(ROOT))]
    for pattern in EXTRA_SOURCES.get(name, []):
        sources += sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(pattern))
    speed = ["-O0", "-g0"] if QUICK else ["-g1", *EXTRA_FLAGS.get(name, ["-O2"])]
    flags = ["-fvisibility=hidden", *speed]
    link = []
    if SANITIZE:
        flags += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]
        link += [f"-fsanitize={SANITIZE}"]
    cplusplus = name in EXTRA_SOURCES or "distutils: language = c++" in source.read_text()[:400]
    if cplusplus:
        flags.append("-std=c++17")
    return Extension(
        f"acl_fast.{name}",
        sources,
        # The layout of the function table is in these: all modules must agree on it.
        depends=["include/acl_fast/table_gen.h", "src/table/functions_gen.inc"],
        include_dirs=["include", "src"],
        language="c++" if cplusplus else "c",
        define_macros=[("ENABLE_DVPP_INTERFACE", "1")],
        extra_compile_args=flags,
        extra_link_args=link,
        libraries=["dl", "pthread"],
    )


def run_cmake() -> Path:
    """Build softnpu and return the folder of its libraries; Ninja makes a second call cheap."""
    build = ROOT / "build" / ("softnpu" + ("-" + SANITIZE.replace(",", "-") if SANITIZE else ""))
    output = build / "lib64"
    configure = ["cmake", "-S", str(ROOT), "-B", str(build), "-G", "Ninja"]
    configure += [f"-DSOFTNPU_OUTPUT_DIR={output}", f"-DSOFTNPU_SANITIZE={SANITIZE}"]
    if "ACL_FAST_CPP_TESTS" in os.environ:
        configure.append(f"-DACL_FAST_CPP_TESTS={os.environ['ACL_FAST_CPP_TESTS']}")
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", str(build)], check=True)
    return output


def replace_file(source: Path, target: Path) -> None:
    """Copy by rename: a process that has the old library mapped must not see it change."""
    if target.exists() and target.stat().st_mtime_ns == source.stat().st_mtime_ns:
        return
    scratch = target.with_name(target.name + ".new")
    shutil.copy2(source, scratch)
    scratch.replace(target)


class BuildExt(build_ext):
    """Build the Cython modules, then softnpu."""

    def finalize_options(self) -> None:
        super().finalize_options()
        if not self.parallel:
            self.parallel = JOBS

    def run(self) -> None:
        super().run()
        if os.environ.get("ACL_FAST_BUILD_SOFTNPU", "1") == "0":
            return
        in_place = self.inplace or getattr(self, "editable_mode", False)
        base = ROOT if in_place else Path(self.build_lib).resolve()
        try:
            libraries = run_cmake()
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(
                f"softnpu could not be built: {error}\n"
                "It needs g++ (C++17), nlohmann-json3-dev and zlib1g-dev; "
                "ACL_FAST_BUILD_SOFTNPU=0 builds acl_fast without it."
            )
        target = base / "acl_fast" / "softnpu" / "lib64"
        target.mkdir(parents=True, exist_ok=True)
        for library in libraries.glob("*.so*"):
            # The links that give newer CANN's names are laid by `acl-fast env`: wheels have none.
            if not library.is_symlink():
                replace_file(library, target / library.name)


class BuildPy(build_py):
    """Ship the .pxd files and the headers, so that other Cython code can cimport acl_fast."""

    def run(self) -> None:
        super().run()
        if getattr(self, "editable_mode", False):
            return
        target = Path(self.build_lib) / "acl_fast"
        for pxd in PYX.rglob("*.pxd"):
            self.copy_file(str(pxd), str(target / pxd.relative_to(PYX)))
        shutil.copytree(ROOT / "include", target / "include", dirs_exist_ok=True)


def modules() -> list[Any]:
    """Cythonize every source of pyx/acl_fast, but only for commands that compile."""
    if not COMPILING.intersection(sys.argv):
        return []
    extensions: list[Any] = cythonize(
        [extension(path) for path in sorted(PYX.rglob("*.pyx"))],
        include_path=[str(ROOT / "pyx")],
        build_dir="build/cython",
        compiler_directives=DIRECTIVES,
        annotate=bool(os.environ.get("ACL_FAST_ANNOTATE")),
        nthreads=JOBS,
    )
    return extensions


if __name__ == "__main__":
    setup(ext_modules=modules(), cmdclass={"build_ext": BuildExt, "build_py": BuildPy})
