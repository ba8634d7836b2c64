"""The architecture rules of docs/design.md, as tests."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
LONGEST_FILE = 600
LONGEST_FUNCTION = 60

# What softnpu may include besides its own headers and the C++ standard library.
SOFTNPU_MAY_INCLUDE = re.compile(
    r"(acl/|acl_fast/softnpu\.h$|nlohmann/json\.hpp$|zlib\.h$|sys/|dlfcn\.h$|pthread\.h$|unistd\.h$"
    r"|time\.h$|fcntl\.h$|poll\.h$|sched\.h$|signal\.h$|errno\.h$|linux/|immintrin\.h$|x86intrin\.h$"
    r"|arm_neon\.h$|setjmp\.h$|cxxabi\.h$)"
)
# Each media engine is the only one to know its libraries.
ENGINES_MAY_INCLUDE = {
    "softnpu/image/": re.compile(r"(jpeglib\.h$|jerror\.h$|png\.h$)"),
    "softnpu/scale/": re.compile(r"(libyuv\.h$|libyuv/|libswscale/|libavutil/)"),
    "softnpu/video/": re.compile(r"(libyuv\.h$|libyuv/|libavcodec/|libswscale/|libavutil/)"),
}


def project_files(*patterns: str) -> list[Path]:
    """Return the project's own files that match, generated ones left out."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout.split()
    paths = [ROOT / name for name in names if (ROOT / name).exists()]
    return [path for path in paths if not is_generated(path)]


def is_generated(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as text:
        return "enerated by tools/apigen.py" in text.readline()


def includes(path: Path) -> list[str]:
    return INCLUDE.findall(path.read_text())


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def may_include(path: Path, name: str) -> bool:
    """Whether a file of softnpu may include a header that is not its own."""
    own = [allowed for folder, allowed in ENGINES_MAY_INCLUDE.items() if folder in str(path)]
    return any(allowed.match(name) for allowed in (SOFTNPU_MAY_INCLUDE, *own))


def test_softnpu_includes_only_the_abi_the_standard_library_and_its_engines() -> None:
    wrong = [
        f"{relative(path)}: {name}"
        for path in project_files("softnpu/*.cpp", "softnpu/*.hpp", "softnpu/*.h")
        for name in includes(path)
        if not name.startswith("softnpu/")
        and not (path.parent / name).exists()
        and "." in name
        and not may_include(path, name)
    ]
    assert not wrong


@pytest.mark.parametrize("folder", ["src", "softnpu", "include"])
def test_native_code_never_names_python(folder: str) -> None:
    wrong = [
        relative(path) for path in project_files(f"{folder}/*") if "Python.h" in includes(path)
    ]
    assert not wrong


def test_cython_reaches_the_device_only_through_the_table() -> None:
    pattern = re.compile(r'cdef extern from "(acl/|dlfcn)')
    wrong = [
        relative(path)
        for path in project_files("pyx/*.pyx", "pyx/*.pxd")
        if pattern.search(path.read_text()) and path.stem not in {"abi", "_table"}
    ]
    assert not wrong


def test_python_code_of_the_package_never_calls_c() -> None:
    wrong = [
        relative(path)
        for path in project_files("acl_fast/*.py")
        if re.search(r"^\s*(import|from) (ctypes|cffi)\b", path.read_text(), re.M)
    ]
    assert not wrong


def test_every_compiled_module_has_a_stub() -> None:
    missing = [
        path.stem
        for path in (ROOT / "pyx" / "acl_fast").glob("*.pyx")
        if not (ROOT / "acl_fast" / f"{path.stem}.pyi").exists()
    ]
    assert not missing


def test_files_stay_readable() -> None:
    patterns = [
        "acl_fast/*.py",
        "pyx/*.pyx",
        "softnpu/*.cpp",
        "softnpu/*.hpp",
        "src/*",
        "tools/*.py",
    ]
    lengths = {path: len(path.read_text().splitlines()) for path in project_files(*patterns)}
    long = {relative(path): lines for path, lines in lengths.items() if lines > LONGEST_FILE}
    assert not long


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            has_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            begin = first.end_lineno if has_text and first.end_lineno else node.lineno
            yield node.name, (node.end_lineno or begin) - begin


def test_functions_stay_readable() -> None:
    long = {
        f"{relative(path)}:{name}": lines
        for path in project_files("acl_fast/*.py", "tools/*.py")
        for name, lines in functions(path)
        if lines > LONGEST_FUNCTION
    }
    assert not long


def test_readme_lists_every_environment_variable() -> None:
    patterns = [
        "acl_fast/*.py",
        "pyx/*.pyx",
        "softnpu/*.cpp",
        "softnpu/*.hpp",
        "src/*.cpp",
        "setup.py",
    ]
    used = {
        name
        for path in project_files(*patterns)
        for name in re.findall(r'"((?:ACL_FAST|SOFTNPU)_[A-Z0-9_]+)"', path.read_text())
    }
    known = set(re.findall(r"`((?:ACL_FAST|SOFTNPU)_[A-Z0-9_]+)", (ROOT / "README.md").read_text()))
    # A build-time macro of setup.py and CMake, not something a user sets.
    assert used - known - {"ACL_FAST_CPP_TESTS"} == set()
