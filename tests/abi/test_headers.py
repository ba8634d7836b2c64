"""The headers: each compiles alone, and all of them have the layout that api/ records."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
HEADERS = sorted(
    str(path.relative_to(INCLUDE)) for path in INCLUDE.rglob("*.h") if path.name != "acl_dvpp.h"
)
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]
LANGUAGES = {"c99": ["gcc", "-x", "c", "-std=c99"], "c++17": ["g++", "-x", "c++", "-std=c++17"]}

sys.path.insert(0, str(ROOT / "tools"))
from _apigen.api import Api  # noqa: E402


def compile_text(language: str, text: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """Compile a program given as text and return the finished process."""
    return subprocess.run(
        [*LANGUAGES[language], *flags, "-"], input=text, text=True, capture_output=True
    )


@pytest.fixture(scope="module")
def api() -> Api:
    return Api()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("header", HEADERS)
def test_compiles_alone(header: str, language: str) -> None:
    result = compile_text(language, f'#include "{header}"\n', f"-I{INCLUDE}", *STRICT)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("define", [[], ["-DENABLE_DVPP_INTERFACE"]])
def test_dvpp_compiles_alone(language: str, define: list[str]) -> None:
    text = '#include "acl/ops/acl_dvpp.h"\n'
    result = compile_text(language, text, f"-I{INCLUDE}", *STRICT, *define)
    assert result.returncode == 0, result.stderr


def test_dvpp_is_guarded() -> None:
    text = '#include "acl/ops/acl_dvpp.h"\nacldvppPicDesc *desc;\n'
    assert compile_text("c99", text, f"-I{INCLUDE}", "-fsyntax-only").returncode != 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_short_include_names(language: str) -> None:
    text = (
        '#include "acl.h"\n#include "acl_op_compiler.h"\n#include "ops/acl_dvpp.h"\n'
        '#include "dvpp/hi_dvpp.h"\n#include "hi_mpi_sys.h"\n'
    )
    folders = [f"-I{INCLUDE}/acl", f"-I{INCLUDE}/acl/dvpp"]
    result = compile_text(language, text, *folders, *STRICT, "-DENABLE_DVPP_INTERFACE")
    assert result.returncode == 0, result.stderr


def test_deprecated_functions_do_not_break_strict_builds() -> None:
    text = '#include "acl/acl.h"\nvoid *p(void) { return (void *)aclrtQueryEvent; }\n'
    result = compile_text("c99", text, f"-I{INCLUDE}", "-Wall", "-Werror", "-fsyntax-only")
    assert result.returncode == 0, result.stderr


def test_log_macro_passes_position_and_arguments() -> None:
    text = (
        '#include "acl/acl.h"\nvoid f(void) { ACL_APP_LOG(ACL_INFO, "plain");'
        ' ACL_APP_LOG(ACL_ERROR, "%d", 1); }\n'
    )
    result = compile_text("c99", text, f"-I{INCLUDE}", *STRICT)
    assert result.returncode == 0, result.stderr


def test_each_function_is_declared_in_the_header_of_its_row(api: Api) -> None:
    for header in {function.header for function in api.functions}:
        text = re.sub(r"/\*.*?\*/", "", (INCLUDE / "acl" / header).read_text(), flags=re.DOTALL)
        text = re.sub(r"typedef[^;{]*;|#.*", "", text)
        declared = set(re.findall(r"\b((?:acl|hi_)\w+)\([^;{}]*\);", text))
        assert declared == {f.name for f in api.functions if f.header == header}, header


def test_counts_of_the_interface(api: Api) -> None:
    names = [function.name for function in api.functions]
    assert len(names) == len(set(names)) == 638 + 12 + 149  # 12 are newer than 8.1
    assert sum(name.startswith("hi_") for name in names) == 149
    assert sum(function.required for function in api.functions) == 392


def layout(include: Path) -> subprocess.CompletedProcess[str]:
    """Compile the generated assertions against the headers of a folder."""
    return subprocess.run(
        ["g++", "-std=c++17", "-fsyntax-only", f"-I{include}", ROOT / "tests/abi/layout_gen.cpp"],
        text=True,
        capture_output=True,
    )


def test_layout() -> None:
    result = layout(INCLUDE)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("header", "old", "new"),
    [
        ("acl_mdl.h", "size_t dimCount;", "uint32_t dimCount;"),
        ("acl_rt.h", "ACL_MEMCPY_HOST_TO_DEVICE = 1", "ACL_MEMCPY_HOST_TO_DEVICE = 7"),
        ("acl_base.h", "ACL_ERROR_INVALID_PARAM = 100000", "ACL_ERROR_INVALID_PARAM = 1"),
        ("acl_rt.h", "aclrtFree(void *devPtr)", "aclrtFree(const void *devPtr)"),
        ("dvpp/hi_media_common.h", "hi_u32 width;", "hi_u64 width;"),
    ],
)
def test_layout_notices_a_change(tmp_path: Path, header: str, old: str, new: str) -> None:
    include = tmp_path / "include"
    shutil.copytree(INCLUDE, include)
    path = include / "acl" / header
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    result = layout(include)
    assert result.returncode != 0
    assert "static assertion failed" in result.stderr
