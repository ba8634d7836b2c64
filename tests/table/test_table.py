"""What the slots do: lazily loaded, forwarded, missing, traced."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

OPTIONAL = "aclmdlExecuteAsyncV2"
LOGGER = """
void aclAppLog(int level, const char *func, const char *file, unsigned line, const char *format,
               ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("%d %s %s %u ", level, func, file, line);
    vprintf(format, arguments);
    puts("");
    va_end(arguments);
}
"""
INITIALISED = """
__attribute__((constructor)) static void loaded(void) { puts("library loaded"); fflush(stdout); }
"""


def test_first_call_loads(driver, library) -> None:
    path = library(source=INITIALISED)
    lines = driver("info", "call=aclrtMalloc", "info", ACL_FAST_LIBRARY=str(path))
    after = f"info cann|{path}|named by ACL_FAST_LIBRARY|"
    assert lines == ["info |||", "library loaded", "code 0", after]


def test_first_call_from_many_threads_loads_once(driver, library) -> None:
    path = library(source=INITIALISED)
    lines = driver("race", ACL_FAST_LIBRARY=str(path))
    assert lines.count("library loaded") == 1
    assert lines.count("code 0") == 8


def test_missing_optional_function(driver, library) -> None:
    path = library(without=(OPTIONAL,))
    lines = driver(
        "load", f"has={OPTIONAL}", f"call={OPTIONAL}", "missing", "missing", "has=aclrtMalloc",
        ACL_FAST_LIBRARY=str(path),
    )  # fmt: skip
    assert lines[:3] == ["load 0", "has 0", "code 200006"]
    assert re.fullmatch(
        rf"missing {OPTIONAL}: not in {re.escape(str(path))}; it came with CANN [\w./]+", lines[3]
    )
    assert lines[4:] == ["missing -", "has 1"]


@pytest.mark.parametrize(
    ("function", "failure"),
    [
        ("aclmdlGetTensorRealName", "text null"),
        ("aclGetDataBufferSizeV2", "size 0"),
        ("acltdtGetDataTypeFromItem", "type -1"),
        ("acldvppMalloc", "code 200006"),
    ],
)
def test_missing_function_fails_by_its_return_type(driver, library, function, failure) -> None:
    path = library(without=(function,))
    lines = driver(f"call={function}", "missing", ACL_FAST_LIBRARY=str(path))
    assert lines[0] == failure
    assert lines[1].startswith(f"missing {function}: ")


def test_missing_library_is_named(driver, library) -> None:
    path = library()
    lines = driver("call=acldvppMalloc", "missing", "log", ACL_FAST_LIBRARY=str(path))
    assert lines[1].startswith(
        f"missing acldvppMalloc: libacl_dvpp.so was not found or was refused beside {path}"
    )
    assert f"{path.parent}/libacl_dvpp.so: no such file" in lines


def test_library_beside_the_core_is_opened_when_first_needed(driver, library) -> None:
    path = library()
    library(name="acl_dvpp", source=INITIALISED)
    assert "library loaded" not in driver("load", ACL_FAST_LIBRARY=str(path))
    lines = driver("call=acldvppMalloc", ACL_FAST_LIBRARY=str(path))
    assert lines == ["library loaded", "code 0"]


def test_library_beside_the_core_without_required_functions_is_refused(driver, library) -> None:
    path = library()
    dvpp = library(name="acl_dvpp", without=("acldvppFree",))
    lines = driver("call=acldvppMalloc", "log", ACL_FAST_LIBRARY=str(path))
    assert lines[0] == "code 200006"
    assert f"{dvpp}: refused: it lacks the required acldvppFree" in lines


def test_softnpu_stub_is_not_had(driver, library) -> None:
    """softnpu exports every name; `has` tells which of them do something."""
    source = """
    #include <string.h>
    int softnpu_is_stub(const char *name) { return strcmp(name, "aclmdlExecuteAsyncV2") == 0; }
    """
    path = library(softnpu=True, source=source)
    lines = driver(f"has={OPTIONAL}", "has=aclrtMalloc", ACL_FAST_LIBRARY=str(path))
    assert lines == ["has 0", "has 1"]


def test_has_unknown_name(driver, library) -> None:
    path = library()
    assert driver("has=aclrtMaloc", ACL_FAST_LIBRARY=str(path)) == ["has -1"]


def test_variadic_function_keeps_its_arguments_when_loaded_lazily(driver, library) -> None:
    path = library(source=LOGGER)
    lines = driver("call=aclAppLog", "call=aclAppLog", ACL_FAST_LIBRARY=str(path))
    assert lines == ["1 f file.c 7 answer is 42", "logged"] * 2


LINE = re.compile(
    r"\[(?P<thread>\d+)\] (?P<name>\w+)\((?P<arguments>.*)\) -> (?P<result>\S+) (?P<us>[\d.]+) us"
)


def test_trace_layer(driver, library, tmp_path: Path) -> None:
    path = library(without=(OPTIONAL,))
    stderr = tmp_path / "stderr"
    environment = {"ACL_FAST_LIBRARY": str(path), "ACL_FAST_LAYERS": "trace"}
    lines = driver(
        "call=aclrtMalloc", f"call={OPTIONAL}", "call=aclmdlGetTensorRealName", "info",
        stderr=stderr, **environment,
    )  # fmt: skip
    assert lines[-1].endswith("|trace")
    rows = [LINE.fullmatch(line) for line in stderr.read_text().splitlines()]
    assert [row and (row["name"], row["result"]) for row in rows] == [
        ("aclrtMalloc", "ACL_SUCCESS"),
        (OPTIONAL, "ACL_ERROR_FEATURE_UNSUPPORTED"),
        ("aclmdlGetTensorRealName", "0x0"),
    ]
    assert rows[0]
    assert re.fullmatch(r"devPtr=0x[0-9a-f]+, size=64, policy=0", rows[0]["arguments"])


def test_trace_to_a_file_from_many_threads(driver, library, tmp_path: Path) -> None:
    path = library()
    trace, stderr = tmp_path / "trace.txt", tmp_path / "stderr"
    driver(
        "race",
        stderr=stderr,
        ACL_FAST_LIBRARY=str(path),
        ACL_FAST_LAYERS="trace",
        ACL_FAST_TRACE=str(trace),
    )
    assert stderr.read_text() == ""
    rows = [LINE.fullmatch(line) for line in trace.read_text().splitlines()]
    assert len(rows) == 8
    assert all(rows)
    assert len({row["thread"] for row in rows if row}) == 8


def test_trace_to_an_impossible_file_says_so(driver, library, tmp_path: Path) -> None:
    path = library()
    stderr = tmp_path / "stderr"
    driver(
        "call=aclrtMalloc",
        stderr=stderr,
        ACL_FAST_LIBRARY=str(path),
        ACL_FAST_LAYERS="trace",
        ACL_FAST_TRACE=f"{tmp_path}/none/trace.txt",
    )
    assert "No such file or directory" in stderr.read_text()
    assert "aclrtMalloc" in stderr.read_text()
