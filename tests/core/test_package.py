"""The package as such: what importing it loads, and a package of which a part is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import acl_fast as af

PACKAGE = Path(af.__file__).parent
LOST = "_stream"


def python(*words: str, folder: Path = PACKAGE.parent) -> subprocess.CompletedProcess[str]:
    """Run an interpreter that finds the package in ``folder``."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_every_public_name_is_there() -> None:
    assert set(af.__all__) <= set(dir(af))
    for name in af.__all__:
        assert getattr(af, name) is getattr(af, name)
    scope: dict[str, object] = {}
    exec("from acl_fast import *", scope)
    assert set(af.__all__) <= set(scope)
    with pytest.raises(AttributeError, match="Devise"):
        af.Devise  # type: ignore[attr-defined]


def test_importing_loads_neither_modules_nor_a_backend() -> None:
    done = python(
        "-c",
        "import sys, acl_fast\n"
        "def loaded(): return [n for n in sys.modules if n.startswith('acl_fast.')]\n"
        "print(loaded())\n"
        "from acl_fast import Device\n"
        "print('Device' in vars(acl_fast), 'acl_fast._device' in loaded(), 'numpy' in sys.modules,"
        " 'libascendcl' in open('/proc/self/maps').read())",
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["['acl_fast._version']", "True True False False"]


@pytest.mark.parametrize("name", sorted(path.stem for path in PACKAGE.glob("*.pyi")))
def test_any_module_can_be_imported_first(name: str) -> None:
    done = python("-c", f"import acl_fast.{name}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def half_installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package without one compiled module."""
    folder = tmp_path_factory.mktemp("half")
    ignored = shutil.ignore_patterns("__pycache__", "lib64", f"{LOST}.*.so")
    shutil.copytree(PACKAGE, folder / "acl_fast", ignore=ignored)
    (folder / "acl_fast/softnpu/lib64").symlink_to(PACKAGE / "softnpu/lib64")
    if not (folder / "acl_fast/include").exists():  # a source tree has the headers elsewhere
        (folder / "acl_fast/include").symlink_to(af.get_include())
    return folder


def test_doctor_names_the_module_that_is_missing(half_installed: Path) -> None:
    done = python("-m", "acl_fast", "doctor", folder=half_installed)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    cause = done.stdout.split("First cause: ")[1]
    assert f"No module named 'acl_fast.{LOST}'" in cause
    assert "Mend it:     pip install --force-reinstall acl_fast" in cause


@pytest.mark.parametrize(
    "words", [("--help",), ("--version",), ("env", "--prefix", "tree"), ("atc", "--help")]
)
def test_commands_that_need_no_compiled_module(
    half_installed: Path, words: tuple[str, ...]
) -> None:
    done = python("-m", "acl_fast", *words, folder=half_installed)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
