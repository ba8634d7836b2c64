"""Which library is chosen, which is refused, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

OPTIONAL = "aclmdlExecuteAsyncV2"
REQUIRED = ("aclrtMalloc", "aclmdlExecute")


def test_no_library_at_all(driver, tmp_path: Path) -> None:
    nowhere = f"softnpu={tmp_path}/nowhere"
    lines = driver(nowhere, "load", "info", "error", "call=aclrtMalloc", "missing", "log")
    assert lines[:3] == [
        "load 1",
        "info |||",
        "error libascendcl.so: not found in any of the places tried",
    ]
    assert lines[3] == "code 200006"
    assert lines[4] == (
        "missing aclrtMalloc: no AscendCL library could be loaded: "
        "libascendcl.so: not found in any of the places tried"
    )
    log = "\n".join(lines[5:])
    assert f"{tmp_path}/nowhere/libascendcl.so: no such file" in log
    assert "/usr/local/Ascend/ascend-toolkit/latest/lib64/libascendcl.so: no such file" in log
    assert "by the loader's own search: " in log


def test_named_library(driver, library) -> None:
    path = library()
    lines = driver("load", "info", ACL_FAST_LIBRARY=str(path))
    assert lines == ["load 0", f"info cann|{path}|named by ACL_FAST_LIBRARY|"]


def test_named_library_that_is_not_there(driver, tmp_path: Path) -> None:
    path = tmp_path / "none.so"
    lines = driver("load", "error", ACL_FAST_LIBRARY=str(path))
    assert lines == [
        "load 1",
        f"error {path}: ACL_FAST_LIBRARY names it, but there is no such file",
    ]


@pytest.mark.parametrize("content", [b"", b"this is a text\n" * 100, b"\x7fELF" + bytes(100)])
def test_path_that_is_not_a_library(driver, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "libascendcl.so"
    path.write_bytes(content)
    lines = driver("load", "error", "call=aclrtMalloc", ACL_FAST_LIBRARY=str(path))
    assert lines[0] == "load 1"
    assert lines[1].startswith(f"error {path}: ")
    assert lines[2] == "code 200006"


def test_named_folder(driver, tmp_path: Path) -> None:
    lines = driver("load", "error", ACL_FAST_LIBRARY=str(tmp_path))
    assert lines[0] == "load 1"
    assert lines[1].startswith(f"error {tmp_path}: cannot read file data")


def test_library_without_required_functions_is_refused(driver, library) -> None:
    path = library(without=REQUIRED)
    lines = driver("load", "error", "info", ACL_FAST_LIBRARY=str(path))
    assert lines[0] == "load 1"
    assert lines[1].startswith(f"error {path}: refused: it lacks the required ")
    assert all(name in lines[1] for name in REQUIRED)
    assert lines[2] == "info |||"


def test_failure_may_be_followed_by_success(driver, library, tmp_path: Path) -> None:
    path = library()
    lines = driver(
        f"library={tmp_path}/none.so",
        "load",
        f"library={path}",
        "load",
        "call=aclrtMalloc",
        "error",
    )
    assert lines == ["load 1", "load 0", "code 0", "error "]


def test_auto_takes_cann_that_sees_a_device(driver, library, tmp_path: Path) -> None:
    path = library(devices=2)
    library("soft", softnpu=True)
    lines = driver(f"softnpu={tmp_path}/soft", "load", "info", ASCEND_HOME_PATH=f"{tmp_path}/cann")
    assert lines == ["load 0", f"info cann|{path}|CANN sees 2 devices|"]


def test_auto_takes_softnpu_when_cann_sees_no_device(driver, library, tmp_path: Path) -> None:
    cann = library(devices=0)
    soft = library("soft", softnpu=True)
    lines = driver(
        f"softnpu={tmp_path}/soft", "load", "info", "log", ASCEND_HOME_PATH=f"{tmp_path}/cann"
    )
    assert lines[:2] == ["load 0", f"info softnpu|{soft}|no CANN that sees a device was found|"]
    assert f"{cann}: loads, but sees no device" in lines


def test_softnpu_is_never_taken_for_cann(driver, library, tmp_path: Path) -> None:
    """`acl-fast env` points CANN's variables at softnpu; asking for CANN must not give softnpu."""
    path = library(softnpu=True)
    environment = {"ASCEND_HOME_PATH": f"{tmp_path}/cann", "ACL_FAST_BACKEND": "cann"}
    lines = driver("load", "log", **environment)
    assert lines[0] == "load 1"
    assert f"{path}: is softnpu, not CANN" in lines


def test_backend_cann_needs_no_device(driver, library, tmp_path: Path) -> None:
    path = library(devices=0)
    environment = {"ASCEND_TOOLKIT_HOME": f"{tmp_path}/cann", "ACL_FAST_BACKEND": "cann"}
    assert driver("load", "info", **environment) == ["load 0", f"info cann|{path}|CANN found|"]


def test_backend_softnpu_ignores_cann(driver, library, tmp_path: Path) -> None:
    library()
    path = library("soft", softnpu=True)
    environment = {"ASCEND_HOME_PATH": f"{tmp_path}/cann", "ACL_FAST_BACKEND": "softnpu"}
    lines = driver(f"softnpu={tmp_path}/soft", "load", "info", **environment)
    assert lines == ["load 0", f"info softnpu|{path}|chosen by ACL_FAST_BACKEND|"]


def test_library_search_path_of_the_loader(driver, library, tmp_path: Path) -> None:
    path = library()
    lines = driver("load", "info", LD_LIBRARY_PATH=str(path.parent))
    assert lines == ["load 0", f"info cann|{path}|CANN sees 1 device|"]


def test_library_that_the_process_already_has(driver, library, tmp_path: Path) -> None:
    path = library()
    lines = driver("load", "info", LD_PRELOAD=str(path))
    assert lines == ["load 0", f"info cann|{path}|CANN sees 1 device|"]


def test_broken_cann_is_the_first_cause(driver, tmp_path: Path) -> None:
    """A half-installed CANN, and no softnpu either: the dynamic loader's words are kept."""
    path = tmp_path / "cann" / "lib64" / "libascendcl.so"
    path.parent.mkdir(parents=True)
    path.write_text("broken")
    lines = driver(f"softnpu={tmp_path}/none", "load", "error", ASCEND_HOME_PATH=f"{tmp_path}/cann")
    assert lines == ["load 1", f"error {path}: file too short"]


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("ACL_FAST_BACKEND", "gpu", "must be auto, cann or softnpu"),
        ("ACL_FAST_LAYERS", "trace,nosuch", "known layers are trace"),
    ],
)
def test_unknown_setting(driver, library, name: str, value: str, hint: str) -> None:
    path = library()
    lines = driver("load", "error", "info", **{name: value, "ACL_FAST_LIBRARY": str(path)})
    assert lines[0] == "load 2"
    assert hint in lines[1]
    assert lines[2] == "info |||"


def test_split_core_is_one_library(driver, library, api, tmp_path: Path) -> None:
    """A core whose runtime functions live in libacl_rt.so beside it."""
    runtime = tuple(f.name for f in api.functions if f.name.startswith("aclrt"))
    path = library(without=runtime)
    rt = path.with_name("libacl_rt.so")
    library("whole").rename(rt)
    # libascendcl.so itself still has aclrtGetDeviceCount in this build; the rest comes from rt.
    lines = driver("load", "call=aclrtMalloc", "has=aclrtMalloc", ACL_FAST_LIBRARY=str(path))
    assert lines == ["load 0", "code 0", "has 1"]
