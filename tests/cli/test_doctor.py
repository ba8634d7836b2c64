"""``acl-fast doctor`` on installations that are broken in the ways real ones are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from acl_fast._cli._doctor import cann, settings, soft
from acl_fast._cli._doctor.findings import FAIL, NOTE, OK, WARN, Findings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def system(tmp_path):
    """An empty file system to look for CANN in."""
    root = tmp_path / "system"
    (root / "dev").mkdir(parents=True)
    return root


@pytest.fixture
def toolkit(system):
    """Folder of a CANN toolkit, with an information file and nothing else."""
    root = system / "usr/local/Ascend/ascend-toolkit/latest"
    (root / "lib64").mkdir(parents=True)
    (root / "runtime").mkdir()
    (root / "runtime" / "version.info").write_text("Version=8.1.RC1\n")
    (root.parent / "set_env.sh").write_text("")
    return root


def library(target: Path, source: str = "", *options: object) -> Path:
    """Compile a shared library."""
    target.parent.mkdir(parents=True, exist_ok=True)
    line = ["gcc", "-shared", "-fPIC", "-w", "-x", "c", "-", "-o", str(target), *map(str, options)]
    subprocess.run(line, input=source, text=True, check=True)
    return target


def complete_library(target: Path, devices: int) -> Path:
    """A library with every required function of the core, which sees so many devices."""
    rows = (ROOT / "api" / "functions.toml").read_text()
    names = re.findall(r'^(\w+) = .*library = "ascendcl",.*required = true', rows, re.M)
    assert "aclInit" in names
    lines = [f"int {name}(void) {{ return 0; }}" for name in names if "DeviceCount" not in name]
    lines.append(f"int aclrtGetDeviceCount(unsigned *count) {{ *count = {devices}; return 0; }}")
    return library(target, "\n".join(lines))


def driver(system: Path) -> None:
    """A driver as far as files show it."""
    for name in ("davinci0", "davinci_manager", "devmm_svm", "hisi_hdc"):
        (system / "dev" / name).write_text("")
    folder = system / "usr/local/Ascend/driver"
    folder.mkdir(parents=True)
    (folder / "version.info").write_text("Version=24.1\n")


def examine(system: Path, **environment: str) -> Findings:
    findings = Findings()
    cann.check(findings, environment, system)
    return findings


def test_no_cann_is_no_failure(system):
    findings = examine(system)
    assert [item.state for item in findings.items] == [NOTE]
    assert findings.cause is None


def test_half_installed(system, toolkit):
    cause = examine(system).cause
    assert "half installed" in cause.text
    assert "libascendcl.so is missing" in cause.text
    assert str(toolkit) in cause.text
    assert "8.1.RC1" in cause.text
    assert ".run --install" in cause.mend


def test_link_to_nowhere(system, toolkit):
    (toolkit / cann.CORE).symlink_to("libascendcl.so.1")
    assert "link to nowhere" in examine(system).cause.text


def test_removed_toolkit_whose_link_is_left(system):
    base = system / "usr/local/Ascend/ascend-toolkit"
    base.mkdir(parents=True)
    (base / "latest").symlink_to("8.1.RC1")
    cause = examine(system).cause
    assert "latest" in cause.text
    assert "link to nowhere" in cause.text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"<html>not found</html>", "not an ELF file"),
        (b"\x7fELF\x02\x01\x01" + bytes(11) + b"\xf3\x00", "another machine"),
    ],
)
def test_core_that_is_no_library(system, toolkit, data, words):
    (toolkit / cann.CORE).write_bytes(data)
    cause = examine(system).cause
    assert words in cause.text
    assert "libascendcl.so" in cause.text


def test_library_of_another_machine_is_said_to_be_one(tmp_path):
    path = library(tmp_path / "lib.so")
    assert cann.elf_problem(path) == ""
    data = bytearray(path.read_bytes())
    data[18:20] = (0xB7 if os.uname().machine == "x86_64" else 0x3E).to_bytes(2, "little")
    path.write_bytes(data)
    assert "is built for" in cann.elf_problem(path)


def test_dependency_that_is_elsewhere(system, toolkit):
    """The library is there, its folder is not on the loader's path: one export mends it."""
    other = toolkit / "lib64" / "plugin"
    library(other / "libge_common.so")
    library(toolkit / cann.CORE, "", "-Wl,--no-as-needed", f"-L{other}", "-lge_common")
    cause = examine(system).cause
    assert "does not load" in cause.text
    assert "libge_common.so" in cause.text
    assert cause.mend == f"export LD_LIBRARY_PATH={other}:$LD_LIBRARY_PATH"


def test_driver_library_that_is_missing(system, toolkit, tmp_path):
    library(tmp_path / "gone" / "libascend_hal.so")
    library(toolkit / cann.CORE, "", "-Wl,--no-as-needed", f"-L{tmp_path}/gone", "-lascend_hal")
    cause = examine(system).cause
    assert "libascend_hal.so" in cause.text
    assert "driver" in cause.mend


def test_driver_and_toolkit_that_do_not_fit(system, toolkit):
    library(toolkit / cann.CORE, "void halNew(void); void aclInit(void) { halNew(); }")
    cause = examine(system).cause
    assert "undefined symbol: halNew" in cause.text
    assert "do not fit" in cause.mend


def test_library_that_crashes_when_loaded(system, toolkit):
    crash = "__attribute__((constructor)) static void c(void) { __builtin_trap(); }"
    library(toolkit / cann.CORE, crash)
    cause = examine(system).cause
    assert "died of SIG" in cause.text


def test_library_without_required_functions(system, toolkit):
    pytest.importorskip("acl_fast._table", exc_type=ImportError)
    library(toolkit / cann.CORE, "int aclInit(void) { return 0; }")
    cause = examine(system).cause
    assert "aclrtSetDevice" in cause.text or "lacks the required" in cause.text
    assert str(toolkit) in cause.text


def test_whole_cann_without_a_driver(system, toolkit):
    complete_library(toolkit / cann.CORE, 0)
    findings = examine(system)
    assert findings.items[0].state == OK, findings.items
    assert findings.cause.area == "driver"
    assert "no driver is installed" in findings.cause.text


def test_container_without_device_files(system, toolkit):
    complete_library(toolkit / cann.CORE, 1)
    driver(system)
    (system / "dev" / "davinci0").unlink()
    (system / "dev" / "hisi_hdc").unlink()
    cause = examine(system).cause
    assert "davinci0" in cause.text
    assert "hisi_hdc" in cause.text
    assert "devmm_svm" not in cause.text
    assert "docker run --device=/dev/davinci0" in cause.mend


def test_device_files_of_another_group(system, toolkit, monkeypatch):
    complete_library(toolkit / cann.CORE, 1)
    driver(system)
    monkeypatch.setattr(cann.os, "access", lambda path, mode: Path(path).name != "davinci0")
    cause = examine(system).cause
    assert "davinci0" in cause.text
    assert "HwHiAiUser" in cause.mend


def test_sound_cann(system, toolkit):
    complete_library(toolkit / cann.CORE, 1)
    driver(system)
    findings = examine(system)
    assert findings.cause is None
    [script] = [item.mend for item in findings.items if "variables are not set" in item.text]
    assert script == f"source {toolkit.parent}/set_env.sh"
    assert any("driver 24.1" in item.text for item in findings.items)


def test_first_cause_is_kept(system, toolkit):
    """What fails later because of it does not hide it."""
    (toolkit / cann.CORE).write_bytes(b"")
    findings = examine(system)
    assert sum(item.state == FAIL for item in findings.items) > 1
    assert findings.cause is findings.items[0]
    text = "\n".join(findings.lines())
    assert text.index("First cause: CANN") > text.index("driver")
    assert findings.document()["first_cause"]["text"] == findings.cause.text


def test_a_broken_cann_is_no_failure_for_who_wants_softnpu(system, toolkit):
    findings = examine(system, ACL_FAST_BACKEND="softnpu")
    assert findings.cause is None
    assert findings.items[0].state == WARN


def test_python_packages_of_the_toolkit(system, toolkit, monkeypatch):
    driver(system)
    monkeypatch.setattr(cann, "find_spec", lambda name: None if name == "attr" else name)
    [finding] = [item for item in examine(system).items if "Python packages" in item.text]
    assert finding.mend == "pip install attrs"


def test_own_tree_is_not_taken_for_cann(system, toolkit):
    (toolkit / "version.info").write_text("Version=8.1.RC1\nproducer=softnpu 1\n")
    findings = examine(system)
    assert findings.cause is None
    assert "softnpu tree" in findings.items[0].text


@pytest.mark.parametrize("value", ["ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"])
def test_places_named_by_variables_and_files(system, tmp_path, value):
    place = tmp_path / "opt" / "cann"
    (place / "lib64").mkdir(parents=True)
    assert value in examine(system, **{value: str(place)}).cause.text
    info = system / cann.INSTALL_INFO
    info.parent.mkdir(parents=True)
    info.write_text(f"Install_Type=full\nInstall_Path={tmp_path}/opt\n")
    (tmp_path / "opt" / "latest").symlink_to("cann")
    assert str(info) in examine(system).cause.text


# ---- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACL_FAST_BACKEND", "npu"),
        ("SOFTNPU_MODE", "remote"),
        ("SOFTNPU_DEVICES", "0"),
        ("SOFTNPU_THREADS", "many"),
        ("ACL_FAST_LIBRARY", "/nowhere/libascendcl.so"),
        ("SOFTNPU_OPENVINO", "/nowhere"),
        ("ASCEND_HOME_PATH", "/nowhere"),
    ],
)
def test_settings_that_mean_nothing(name, value):
    findings = Findings()
    settings.check(findings, {name: value})
    assert f"{name}={value}" in findings.cause.text
    assert f"unset {name}" in findings.cause.mend


def test_sound_settings():
    findings = Findings()
    settings.check(findings, {"SOFTNPU_MODE": "discrete", "SOFTNPU_DEVICES": "2"})
    assert [item.state for item in findings.items] == [OK]
    assert "SOFTNPU_MODE=discrete" in findings.items[0].text


# ---- softnpu ----------------------------------------------------------------------------------


def test_softnpu_not_built(tmp_path):
    findings = Findings()
    soft.check(findings, needed=True, where=tmp_path)
    assert "not built" in findings.cause.text
    assert "build_ext" in findings.cause.mend


def test_softnpu_is_a_spare_where_cann_works(tmp_path):
    findings = Findings()
    soft.check(findings, needed=False, where=tmp_path)
    assert findings.cause is None


def test_softnpu_half_installed(tmp_path):
    for name in soft.LIBRARIES[:3]:
        library(tmp_path / name)
    (tmp_path / "libascendcl.so").write_bytes(b"damaged")
    findings = Findings()
    soft.check(findings, needed=True, where=tmp_path)
    assert "half installed" in findings.cause.text
    assert soft.LIBRARIES[-1] in findings.cause.text
    assert any("libascendcl.so does not load" in item.text for item in findings.items)


def test_engine_missing(monkeypatch):
    monkeypatch.setattr(soft, "find_engine", lambda: None)
    findings = Findings()
    soft.check_engine(findings, FAIL)
    assert "OpenVINO is not installed" in findings.cause.text
    assert "pip install" in findings.cause.mend


def test_engine_incomplete(monkeypatch, tmp_path):
    monkeypatch.setenv("SOFTNPU_OPENVINO", str(tmp_path))
    (tmp_path / "libopenvino.so.2641").write_bytes(b"")
    findings = Findings()
    soft.check_engine(findings, FAIL)
    assert "libopenvino_c.so" in findings.cause.text
    assert "SOFTNPU_OPENVINO" in findings.cause.text


# ---- the command ------------------------------------------------------------------------------


def doctor(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ASCEND_", "ACL_FAST_"))
    }
    line = [sys.executable, "-m", "acl_fast", "doctor", *words]
    return subprocess.run(line, capture_output=True, text=True, env={**plain, **environment})


def test_command_on_this_machine():
    result = doctor("--json", ACL_FAST_BACKEND="softnpu")
    document = json.loads(result.stdout)
    assert document["ok"], document["first_cause"]
    assert result.returncode == 0
    tests = [item["text"] for item in document["findings"] if item["area"] == "self test"]
    assert [text.split(":")[0] for text in tests] == [
        "load the backend",
        "open device 0",
        "allocate 1 MiB, copy there and back",
        "run a model",
    ]


def test_command_with_a_wrong_setting():
    result = doctor("--no-selftest", ACL_FAST_LIBRARY="/nowhere/libascendcl.so")
    assert result.returncode == 1
    assert "First cause: settings: ACL_FAST_LIBRARY=/nowhere/libascendcl.so" in result.stdout
    assert "Mend it:     unset ACL_FAST_LIBRARY" in result.stdout


def test_command_lists_every_place(tmp_path):
    (tmp_path / "lib64").mkdir()
    result = doctor("--no-selftest", ASCEND_HOME_PATH=str(tmp_path), HOME=str(tmp_path))
    assert result.returncode == 1
    places = result.stdout.split("places tried")[1]
    for folder in (tmp_path, "/usr/local/Ascend/ascend-toolkit/latest", tmp_path / "Ascend"):
        assert str(folder) in places


def test_engine_failure_reaches_the_self_test(tmp_path):
    """The folder exists but holds no engine: the check before the self test names it."""
    result = doctor(ACL_FAST_BACKEND="softnpu", SOFTNPU_OPENVINO=str(tmp_path))
    assert result.returncode == 1
    assert "lacks libopenvino_c.so" in result.stdout.split("First cause")[1]
