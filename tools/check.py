"""Everything that must hold before a change lands, in stages: ``./run.sh test [STAGE ...]``.

Prints one line per stage and closes with ``N passed, N failed``, summed over all test runners.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
JOBS = str(os.cpu_count() or 1)
SOURCES = ["acl_fast", "tests", "tools", "benchmarks", "examples", "setup.py"]


@dataclass
class Tally:
    """What the runners of one stage counted, and the output of those that failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list[str] = field(default_factory=list)


def run(tally: Tally, *command: str, env: Mapping[str, str] | None = None) -> bool:
    """Run a command that counts as one test; show its output only when it fails."""
    result = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if result.returncode == 0:
        tally.passed += 1
        return True
    tally.failed += 1
    print(f"$ {' '.join(command)}\n{result.stdout}", flush=True)
    return False


def pytest(tally: Tally, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    """Run pytest with its output shown as it comes, and add its counts."""
    # A worker per core; a file's tests stay together, for they share models and clips. pytest-xdist
    # waits for ever when it restarts a crashed worker of such a run.
    workers = ["-n", JOBS, "--dist", "loadfile", "--max-worker-restart=0"]
    process = subprocess.Popen(
        [PYTHON, "-m", "pytest", "-q", *workers, *arguments],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    last = ""
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        if re.search(r"\d+ (passed|failed|error|skipped)", line):
            last = line
    code = process.wait()
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", last)}
    tally.passed += counts.get("passed", 0)
    tally.skipped += counts.get("skipped", 0)
    tally.failed += counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
    if code != 0 and not (counts.get("failed") or counts.get("error") or counts.get("errors")):
        tally.failed += 1
        tally.notes.append(f"pytest ended with code {code}")


def engine_folder() -> str:
    """Return where libopenvino_c.so is: build folders are no neighbours of site-packages."""
    spec = importlib.util.find_spec("openvino")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "libs")


def ctest(tally: Tally, build: Path) -> None:
    """Run the C++ tests of one build folder and add their counts."""
    result = subprocess.run(
        ["ctest", "--test-dir", str(build), "--output-on-failure", "-j", JOBS, "--timeout", "180"],
        cwd=ROOT,
        env={**os.environ, "SOFTNPU_OPENVINO": engine_folder()},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    total = re.search(r"(\d+) tests? failed out of (\d+)", result.stdout)
    if total is None:
        tally.failed += 1
        print(result.stdout)
        return
    failed, count = int(total.group(1)), int(total.group(2))
    tally.failed += failed
    tally.passed += count - failed
    if failed:
        print(result.stdout)


def git_files(*patterns: str) -> list[str]:
    """Return the files of the project, tracked or new, that match."""
    output = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout.split()
    return [name for name in output if (ROOT / name).exists()]


def tool(name: str) -> str:
    """Return the path of a command that a package put beside the interpreter."""
    return str(Path(PYTHON).parent / name)


def lint(tally: Tally) -> None:
    """Style of every language, and that generated files are current."""
    existing = [name for name in SOURCES if (ROOT / name).exists()]
    run(tally, PYTHON, "tools/apigen.py", "--check")
    run(tally, PYTHON, "-m", "ruff", "check", *existing)
    run(tally, PYTHON, "-m", "ruff", "format", "--check", *existing)
    rendered = ("/abi.pyx", "/abi.pxd", "_gen.pyx")
    cython = [name for name in git_files("*.pyx", "*.pxd") if not name.endswith(rendered)]
    run(tally, tool("cython-lint"), *cython)
    native = [name for name in git_files("*.c", "*.cpp", "*.h", "*.hpp") if "_gen." not in name]
    run(tally, tool("clang-format"), "--dry-run", "--Werror", *native)


def types(tally: Tally) -> None:
    """The stubs are right about the compiled modules, and the Python code about the stubs."""
    run(tally, PYTHON, "-m", "mypy")
    compiled = sorted(
        path.stem for path in (ROOT / "acl_fast").glob("*.pyi") if path.stem != "__init__"
    )
    run(
        tally,
        PYTHON,
        "-m",
        "mypy.stubtest",
        "--concise",
        "--ignore-missing-stub",
        "--allowlist",
        "tools/stubtest.allow",
        *(f"acl_fast.{name}" for name in compiled),
    )


def cpp(tally: Tally) -> None:
    """The C++ tests of softnpu."""
    ctest(tally, ROOT / "build" / "softnpu")


def unified(tally: Tally) -> None:
    """The Python tests on a device that shares memory with the host."""
    pytest(tally, env={"SOFTNPU_MODE": "unified"})


def discrete(tally: Tally) -> None:
    """The Python tests on a device whose memory the host cannot read."""
    # The other folders need no device, or run each of their programs in both modes themselves.
    names = "core softnpu_model badinput media vdec venc dvpp dvpp_image himpi aipp chain op pyacl"
    names += " demo/test_detector.py demo/test_overlay.py demo/test_pictures.py"
    folders = names.split()
    # Rates over hundreds of frames are libx264's and libx265's work, whatever memory they are in.
    words = [*(f"tests/{name}" for name in folders), "-k", "not bit_rate"]
    pytest(tally, *words, env={"SOFTNPU_MODE": "discrete"})


def sanitize(tally: Tally) -> None:
    """The C++ tests under ASan+UBSan and under TSan."""
    for kinds in ("address,undefined", "thread"):
        build = ROOT / "build" / ("sanitize-" + kinds.replace(",", "-"))
        configure = ["cmake", "-S", ".", "-B", str(build), "-G", "Ninja", "-DACL_FAST_CPP_TESTS=ON"]
        configure += [f"-DSOFTNPU_SANITIZE={kinds}", f"-DSOFTNPU_OUTPUT_DIR={build / 'lib64'}"]
        if run(tally, *configure) and run(tally, "cmake", "--build", str(build), "-j", JOBS):
            ctest(tally, build)


def wheels(tally: Tally) -> None:
    """A wheel for every CPython found, each smoke-tested in an environment of its own."""
    listing = [PYTHON, str(ROOT / "tools" / "wheels.py"), "--list"]
    found = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split()
    run(tally, PYTHON, "tools/wheels.py", "--quick", *found)
    tally.notes.append("CPython " + ", ".join(f"3.{minor}" for minor in found))


STAGES: dict[str, Callable[[Tally], None]] = {
    "lint": lint,
    "types": types,
    "cpp": cpp,
    "unified": unified,
    "discrete": discrete,
    "sanitize": sanitize,
    "wheels": wheels,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run.sh test", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=", ".join(STAGES))
    parser.add_argument("--list", action="store_true", help="name the stages and stop")
    arguments = parser.parse_args()
    if arguments.list:
        for name, stage in STAGES.items():
            print(f"{name:10} {stage.__doc__}")
        return 0
    unknown = set(arguments.stages) - set(STAGES)
    if unknown:
        parser.error(f"no stage named {', '.join(sorted(unknown))}; there are {', '.join(STAGES)}")

    total = Tally()
    lines = []
    for name in arguments.stages or STAGES:
        print(f"== {name}", flush=True)
        begun, tally = time.monotonic(), Tally()
        STAGES[name](tally)
        seconds = time.monotonic() - begun
        lines.append(
            f"{name:10} {tally.passed:5} passed {tally.failed:4} failed {tally.skipped:4} skipped"
            f" {seconds:7.1f} s  {'; '.join(tally.notes)}"
        )
        total.passed += tally.passed
        total.failed += tally.failed
        total.skipped += tally.skipped
    print("\n" + "\n".join(lines))
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
