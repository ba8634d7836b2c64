"""Build a wheel with every CPython of the supported range that this machine has, and try each.

Each wheel is installed into a fresh environment away from the checkout, where
``tests/wheel/smoke.py`` runs a model and a foreign Cython package is built against it. With
``--quick`` all but the running CPython's are compiled unoptimised: what differs between versions
is whether the code compiles and works, and optimising takes most of the time.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "wheels"
MINORS = (10, 11, 12, 13)
ONE_BUILD = threading.Lock()


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


def call(
    *command: str | Path, cwd: Path = ROOT, extra: Mapping[str, str] = MappingProxyType({})
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = [str(part) for part in command]
    subprocess.run(words, check=True, cwd=cwd, env={**environment, **extra})


def build_and_try(python: Path, minor: int, quick: bool) -> None:
    """Build the wheel of one interpreter and run the smoke test on it."""
    place = WORK / f"3.{minor}"
    shutil.rmtree(place, ignore_errors=True)
    call(python, "-m", "venv", place / "env")
    own = place / "env" / "bin" / "python"
    pip: list[str | Path] = [own, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    # Most of what OpenVINO brings is never imported here.
    pip.append("--no-compile")
    builders = re.compile("cython|setuptools|wheel")
    build_requirements = [name for name in extras("test") if builders.match(name)]
    call(*pip, *build_requirements, *extras("softnpu"))
    # The same Cython makes the same C: that its files are newer must not have all of it made again.
    for included in place.glob("env/lib/*/site-packages/Cython/Includes/**/*.pxd"):
        os.utime(included, (0, 0))
    optimised = not quick or sys.version_info[:2] == (3, minor)
    base, switches = ("build", {}) if optimised else ("build/quick", {"ACL_FAST_QUICK": "1"})
    # The C++ half and the generated C are the same for all versions: their folders are shared.
    with ONE_BUILD:
        call(own, "setup.py", "-q", "build", "-b", base, "bdist_wheel", "-d", place, extra=switches)
    (wheel,) = place.glob("*.whl")
    call(*pip, "--no-deps", wheel)
    call(own, ROOT / "tests" / "wheel" / "smoke.py", cwd=place)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minors", nargs="*", type=int, help="e.g. 10 for CPython 3.10")
    parser.add_argument("--list", action="store_true", help="print the minors found and stop")
    parser.add_argument("--quick", action="store_true", help="optimise the running CPython's only")
    arguments = parser.parse_args()
    found = {minor: python for minor in MINORS if (python := find_python(minor))}
    if arguments.list:
        print(*found)
        return 0
    minors = arguments.minors or list(found)
    if absent := set(minors) - set(found):
        parser.error(f"no CPython 3.{min(absent)} on this machine")
    # While one is compiled, another is installed or tried.
    with ThreadPoolExecutor(2) as pool:
        attempts = {
            minor: pool.submit(build_and_try, found[minor], minor, arguments.quick)
            for minor in minors
        }
    failed = 0
    for minor, attempt in attempts.items():
        error = attempt.exception()
        failed += error is not None
        print(f"CPython 3.{minor} ({found[minor]}):", error or "works", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
