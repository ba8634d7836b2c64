"""The tree of ``acl-fast env`` and the shell lines that lead to it, on a stand-in installation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from acl_fast import _env
from acl_fast._env.layout import owned

# Places in which public build files look for headers and libraries, below what they take as root.
HEADER_PLACES = [
    "include/acl/acl.h",
    "runtime/include/acl/acl.h",
    "acllib/include/acl/acl.h",
    "fwkacllib/include/acl/acl.h",
    "latest/runtime/include/acl/acl.h",
    "ascend-toolkit/latest/include/acl/acl.h",
    "ascend-toolkit/latest/./acllib/include/acl/acl.h",
    "x86_64-linux/include/acl/acl.h",
    "aarch64-linux/runtime/include/acl/acl.h",
    "arm64-linux_gcc7.3.0/acllib/include/acl/acl.h",
    "nnrt/latest/runtime/include/acl/acl.h",
]
LIBRARY_PLACES = [
    "lib64",
    "lib64/stub",
    "lib",
    "runtime/lib64",
    "runtime/lib64/stub",
    "acllib/lib64",
    "acllib/lib64/stub",
    "atc/lib64",
    "compiler/lib64",
    "devlib/lib64",
    "fwkacllib/lib64",
    "x86_64-linux_gcc7.3.0/runtime/lib64/stub",
    "nnrt/latest/runtime/lib64",
]


@pytest.fixture
def where(tmp_path):
    """An installation with real headers and empty libraries."""
    libraries = tmp_path / "installed" / "lib64"
    libraries.mkdir(parents=True)
    for name in ("libascendcl.so", "libsoftnpu.so", "libacl_dvpp.so"):
        (libraries / name).write_bytes(b"")
    include = Path(__file__).resolve().parents[2] / "include"
    package = Path(_env.__file__).resolve().parent.parent
    return _env.Installation(package, include, libraries, sys.executable, "1.2.3", tmp_path / "ov")


@pytest.fixture
def root(where, tmp_path):
    root = tmp_path / "tree"
    _env.materialise(root, _env.tree(where, root))
    return root


def in_shell(script: str, shell: str = "sh", **environment: str) -> str:
    base = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere"}
    result = subprocess.run(
        [shell, "-c", script], env={**base, **environment}, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


@pytest.mark.parametrize("place", HEADER_PLACES)
def test_headers(root, place):
    assert (root / place).is_file()


@pytest.mark.parametrize("place", LIBRARY_PLACES)
def test_libraries(root, where, place):
    for name in ("libascendcl.so", "libacl_rt.so", "libacl_mdl.so"):
        assert (root / place / name).resolve() == where.libraries / "libascendcl.so"
    assert (root / place / "libacl_dvpp.so").exists()


def test_libraries_that_are_only_named_satisfy_the_linker(root, tmp_path):
    source = tmp_path / "main.c"
    source.write_text("int main(void) { return 0; }\n")
    names = ["c_sec", "slog", "mmpa", "ascend_hal", "media_mini"]
    line = ["gcc", str(source), f"-L{root}/runtime/lib64/stub", *(f"-l{name}" for name in names)]
    subprocess.run([*line, "-o", str(tmp_path / "main")], check=True)
    # And the program needs none of them to start.
    subprocess.run([str(tmp_path / "main")], check=True)


def test_information_files(root):
    """The way scripts read them."""
    script = f"grep '^Version=' {root}/latest/runtime/version.info | cut -d= -f2"
    assert in_shell(script).strip() == "8.1.RC1"
    script = f"grep Install_Path {root}/ascend_cann_install.info | cut -d= -f2"
    base = Path(in_shell(script).strip())
    assert (base / "ascend-toolkit" / "latest").is_dir()
    assert (base / "ascend-toolkit" / "set_env.sh").is_file()


def test_second_time_nothing_is_written(root, where):
    assert _env.materialise(root, _env.tree(where, root)) == []


def test_damage_is_repaired(root, where):
    expected = {path: path.read_bytes() for path in root.rglob("*.info") if path.is_file()}
    (root / "lib64" / "libascendcl.so").unlink()
    (root / "bin" / "atc").chmod(0o644)
    (root / "version.info").write_text("Version=wrong\n")
    (root / "runtime" / "include").unlink()
    (root / "runtime" / "include").symlink_to("/nowhere")
    (root / "set_env.sh").unlink()
    (root / "set_env.sh").symlink_to("version.info")
    written = _env.materialise(root, _env.tree(where, root))
    assert sorted(written) == [
        "bin/atc",
        "lib64/libascendcl.so",
        "runtime/include",
        "set_env.sh",
        "version.info",
    ]
    assert {path: path.read_bytes() for path in expected} == expected
    assert os.access(root / "bin" / "atc", os.X_OK)


def test_links_of_another_version_go_and_foreign_files_stay(root, where):
    (where.libraries / "libacl_dvpp.so").unlink()
    (root / "lib64" / "libmine.so").write_bytes(b"mine")
    tree = _env.tree(where, root)
    _env.materialise(root, tree, owned=owned(tree))
    assert not (root / "lib64" / "libacl_dvpp.so").is_symlink()
    assert not (root / "lib64" / "stub" / "libacl_dvpp.so").is_symlink()
    assert (root / "lib64" / "libmine.so").read_bytes() == b"mine"


def test_a_folder_in_the_way_is_named_and_kept(where, tmp_path):
    root = tmp_path / "other"
    (root / "include" / "acl").mkdir(parents=True)
    (root / "include" / "acl" / "notes.txt").write_text("mine")
    with pytest.raises(_env.EnvError, match="include/acl"):
        _env.materialise(root, _env.tree(where, root))
    assert (root / "include" / "acl" / "notes.txt").read_text() == "mine"


def test_a_prefix_that_cannot_be_written(where, tmp_path):
    (tmp_path / "file").write_text("")
    root = tmp_path / "file" / "tree"
    with pytest.raises(_env.EnvError, match="--prefix"):
        _env.materialise(root, _env.tree(where, root))


def write_tree(arguments):
    where, root = arguments
    for _ in range(3):
        _env.materialise(root, _env.tree(where, root))
    return all(path.exists() for path in root.rglob("*"))


def test_several_at_once(where, tmp_path):
    root = tmp_path / "shared"
    with ProcessPoolExecutor(4) as pool:
        assert all(pool.map(write_tree, [(where, root)] * 8))
    assert _env.materialise(root, _env.tree(where, root)) == []
    assert not list(root.rglob(".acl-fast-*"))


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_shell_lines(where, root, shell):
    script = _env.as_shell(where, root) + "env"
    values = dict(line.split("=", 1) for line in in_shell(script, shell).splitlines())
    for name in ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME", "DDK_PATH", "INSTALL_DIR"):
        assert values[name] == str(root)
    assert values["install_path"] == str(root)
    assert values["NPU_HOST_LIB"] == f"{root}/runtime/lib64/stub"
    home, version, pattern = (values[n] for n in ("ASCEND_HOME", "ASCEND_VERSION", "ARCH_PATTERN"))
    assert Path(home, version, pattern, "acllib", "lib64", "libascendcl.so").exists()
    assert values["SOFTNPU_OPENVINO"] == str(where.engine)
    assert values["LD_LIBRARY_PATH"] == f"{root}/lib64"
    assert values["PATH"].startswith(f"{root}/bin:")
    assert values["PATH"].endswith(":/usr/bin:/bin")
    assert Path(values["THIRDPART_PATH"]).is_dir()
    assert Path(values["ASCEND_OPP_PATH"]).is_dir()


def test_evaluated_twice_changes_nothing(where, root):
    lines = _env.as_shell(where, root)
    assert in_shell(lines + "env | sort") == in_shell(lines + lines + "env | sort")


def test_what_the_user_has_set_is_kept(where, root):
    script = _env.as_shell(where, root) + 'echo "$THIRDPART_PATH|$LD_LIBRARY_PATH"'
    out = in_shell(script, THIRDPART_PATH="/mine", LD_LIBRARY_PATH="/a:/b")
    assert out.strip() == f"/mine|{root}/lib64:/a:/b"


def test_set_env_in_every_place(where, root):
    expected = in_shell(_env.as_shell(where, root) + "env | sort")
    for place in ("set_env.sh", "ascend-toolkit/set_env.sh", "nnrt/set_env.sh", "bin/setenv.bash"):
        assert in_shell(f". {root}/{place}; env | sort") == expected


def test_unset_variables_are_no_error_under_set_u(where, root):
    in_shell("set -eu\n" + _env.as_shell(where, root))


def test_names_with_blanks_and_quotes(where, tmp_path):
    root = tmp_path / "it's a place"
    _env.materialise(root, _env.tree(where, root))
    lines = _env.as_shell(where, root)
    assert in_shell(lines + 'printf %s "$DDK_PATH|$LD_LIBRARY_PATH"') == f"{root}|{root}/lib64"
    script = lines + lines + 'printf %s "$LD_LIBRARY_PATH"'
    assert in_shell(script) == f"{root}/lib64"


def test_json_says_what_the_shell_would_set(where, root, monkeypatch):
    for name in ("LD_LIBRARY_PATH", "PYTHONPATH", "ACL_FAST_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("THIRDPART_PATH", "/mine")
    document = json.loads(_env.as_json(where, root))
    assert document["prefix"] == str(root)
    out = in_shell(_env.as_shell(where, root) + "env", THIRDPART_PATH="/mine")
    values = dict(line.split("=", 1) for line in out.splitlines())
    assert {name: values[name] for name in document["variables"]} == document["variables"]


def test_each_installation_has_a_tree_of_its_own(where, monkeypatch, tmp_path):
    monkeypatch.delenv("ACL_FAST_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = _env.default_prefix(where)
    assert first.is_relative_to(tmp_path)
    assert first == _env.default_prefix(where)
    assert first != _env.default_prefix(replace(where, version="1.2.4"))
    assert first != _env.default_prefix(replace(where, python="/other/python"))
    monkeypatch.setenv("ACL_FAST_CACHE", str(tmp_path / "own"))
    assert _env.default_prefix(where).is_relative_to(tmp_path / "own")


def test_atc_of_the_tree_runs(root, tmp_path):
    """Also from a folder that holds a module of a name the converter imports."""
    (tmp_path / "onnx.py").write_text("raise SystemExit('the wrong onnx')\n")
    for name in ("bin/atc", "atc/bin/atc", "compiler/bin/atc"):
        result = subprocess.run(
            [
                root / name,
                "--model=none.onnx",
                "--framework=5",
                "--output=x",
                "--soc_version=Ascend310",
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert result.returncode == 1
        assert "none.onnx" in result.stdout
        assert result.stderr == ""


def test_npu_smi_of_the_tree_is_read_as_scripts_do(root):
    smi = f"{root}/bin/npu-smi"
    script = f"{smi} info | head -7 | tail -1 | awk '{{print $3}}'"
    assert in_shell(script).strip() == "310P3"
    assert in_shell(script, SOFTNPU_SOC="Ascend310B4").strip() == "310B4"
    assert "Total Count" in in_shell(f"{smi} info -l")
    count = f"{smi} info -l | grep 'Total Count' | awk -F: '{{print $2}}'"
    assert in_shell(count, SOFTNPU_DEVICES="3").strip() == "3"
    rows = in_shell(f"{smi} info -m", SOFTNPU_DEVICES="2").splitlines()
    assert rows[0].split() == ["NPU", "ID", "Chip", "ID", "Chip", "Logic", "ID", "Chip", "Name"]
    assert [row.split() for row in rows[1:]] == [
        ["0", "0", "0", "Ascend", "310P3"],
        ["1", "0", "1", "Ascend", "310P3"],
    ]
    assert "Ascend310P3" in in_shell(f"{smi} info -t board -i 0")
    for bad in ("info -t power -i 0", "info -t board -i 7", "set -t x", "info -x"):
        result = subprocess.run([smi, *bad.split()], capture_output=True, text=True)
        assert result.returncode == 1
        assert "npu-smi:" in result.stderr


def test_box_is_a_box(root):
    lines = in_shell(f"{root}/bin/npu-smi info", SOFTNPU_DEVICES="2").splitlines()
    assert len({len(line) for line in lines}) == 1
