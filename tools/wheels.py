"""Build a wheel with every CPython of the supported range that this machine has, and try each.

Each wheel is installed into a fresh environment away from the checkout, where
``tests/wheel/smoke.py`` runs a model and a foreign Cython package is built against it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "wheels"
MINORS = (10, 11, 12, 13)


def candidates(minor: int) -> Iterator[Path]:
    """Yield where a CPython 3.<minor> may be."""
    if sys.version_info[:2] == (3, minor):
        yield Path(sys.executable)
    if found := shutil.which(f"python3.{minor}"):
        yield Path(found)
    # pyenv and its like keep all versions side by side.
    yield from sorted(Path(sys.base_prefix).parent.glob(f"3.{minor}.*/bin/python"))
    yield from sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"))


def find_python(minor: int) -> Path | None:
    """Return a working interpreter of that minor version, or None."""
    question = "import sys, venv; print(sys.version_info[1])"
    for path in candidates(minor):
        answer = subprocess.run([path, "-c", question], capture_output=True, text=True)
        if answer.returncode == 0 and answer.stdout.strip() == str(minor):
            return path
    return None


def extras(*names: str) -> list[str]:
    """Return the pinned requirements of some extras."""
    command = [sys.executable, str(ROOT / "tools" / "requirements.py"), ",".join(names)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return output.splitlines()


def call(*command: str | Path, cwd: Path = ROOT) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([str(part) for part in command], check=True, cwd=cwd, env=environment)


def build_and_try(python: Path, minor: int) -> None:
    """Build the wheel of one interpreter and run the smoke test on it."""
    place = WORK / f"3.{minor}"
    shutil.rmtree(place, ignore_errors=True)
    call(python, "-m", "venv", place / "env")
    own = place / "env" / "bin" / "python"
    pip: list[str | Path] = [own, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    builders = re.compile("cython|setuptools|wheel")
    build_requirements = [name for name in extras("test") if builders.match(name)]
    call(*pip, *build_requirements, *extras("softnpu"))
    call(own, "setup.py", "-q", "bdist_wheel", "-d", place)
    (wheel,) = place.glob("*.whl")
    call(*pip, "--no-deps", wheel)
    call(own, ROOT / "tests" / "wheel" / "smoke.py", cwd=place)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minors", nargs="*", type=int, help="e.g. 10 for CPython 3.10")
    parser.add_argument("--list", action="store_true", help="print the minors found and stop")
    arguments = parser.parse_args()
    found = {minor: python for minor in MINORS if (python := find_python(minor))}
    if arguments.list:
        print(*found)
        return 0
    for minor in arguments.minors or found:
        if minor not in found:
            parser.error(f"no CPython 3.{minor} on this machine")
        build_and_try(found[minor], minor)
        print(f"CPython 3.{minor} works ({found[minor]})", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
