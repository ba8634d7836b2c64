"""A program that uses the table from C, and small libraries for it to find."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent

sys.path.insert(0, str(ROOT / "tools"))
from _apigen.api import Api  # noqa: E402

Driver = Callable[..., list[str]]
Library = Callable[..., Path]


@pytest.fixture(scope="session")
def api() -> Api:
    return Api()


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The driver, linked with the table as an embedder links it."""
    folder = tmp_path_factory.mktemp("driver")
    flags = ["-O0", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include", f"-I{ROOT}/src", "-c"]
    sources = sorted([*(ROOT / "src/table").glob("*.cpp"), *(ROOT / "src/layers").glob("*.cpp")])
    for source in [*sources, HERE / "driver.c"]:
        compiler = ["gcc", "-std=gnu99"] if source.suffix == ".c" else ["g++", "-std=c++17"]
        output = folder / f"{source.stem}.o"
        subprocess.run([*compiler, *flags, source, "-o", output], check=True)
    objects = sorted(folder.glob("*.o"))
    subprocess.run(["g++", *objects, "-ldl", "-lpthread", "-o", folder / "driver"], check=True)
    return folder / "driver"


@pytest.fixture
def driver(program: Path, tmp_path: Path) -> Driver:
    """Run steps in a fresh process with nothing of this machine's settings; lines of its output."""

    def run(*steps: str, stderr: Path | None = None, **environment: str) -> list[str]:
        own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), **environment}
        result = subprocess.run(
            [program, *steps], env=own, text=True, capture_output=True, timeout=60
        )
        assert result.returncode == 0, result.stderr
        if stderr is not None:
            stderr.write_text(result.stderr)
        return result.stdout.splitlines()

    return run


@pytest.fixture
def library(api: Api, tmp_path: Path) -> Library:
    """Compile a library with the functions of one library of the interface; they do nothing."""

    def build(
        folder: str = "cann/lib64",
        name: str = "ascendcl",
        without: tuple[str, ...] = (),
        devices: int = 1,
        softnpu: bool = False,
        source: str = "",
    ) -> Path:
        names = [f.name for f in api.functions if f.library == name and f.name not in without]
        written = [n for n in names if f" {n}(" not in source and n != "aclrtGetDeviceCount"]
        text = "".join(f"long {n}(void) {{ return 0; }}\n" for n in written)
        if name == "ascendcl":
            text += (
                f"int aclrtGetDeviceCount(unsigned *count) {{ *count = {devices}; return 0; }}\n"
            )
        if softnpu:
            text += 'const char *softnpuVersion(void) { return "test"; }\n'
        path = tmp_path / folder / f"lib{name}.so"
        path.parent.mkdir(parents=True, exist_ok=True)
        unit = path.with_suffix(".c")
        unit.write_text("#include <stdarg.h>\n#include <stdio.h>\n" + text + source)
        command = ["gcc", "-w", "-shared", "-fPIC", f"-Wl,-soname,{path.name}", unit, "-o", path]
        subprocess.run(command, check=True)
        return path

    return build
