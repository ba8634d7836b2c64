"""Run the benchmarks: each case in a fresh interpreter, one after the other.

A case needs an interpreter of its own because a process has one backend, chosen at first use.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from benchmarks import report
from benchmarks.harness import Row, Settings
from benchmarks.native import ROOT

CASES = {
    "overhead": "what one aclmdlExecuteAsync costs from Python and Cython, on a no-op library",
    "inference": "YOLOv3-tiny and a one-operator model against OpenVINO's own C interface",
    "growth": "memory between the 1,000th and the 10,000th request on one stream",
    "threads": "8 threads, launch latency, and copies, against the same in C++",
    "vdec": "H.264 and H.265 video through aclvdec against the ffmpeg command",
    "decoders": "16 decoders at once against one, and what each takes in memory",
    "jpeg": "JPEGD and JPEGE of acldvpp against libjpeg-turbo's own interface",
    "pyacl": "plain functions of acl_fast.pyacl against a C extension, on a no-op library",
    "pyacl_steps": "steps 2, 4 and 5 of docs/pyacl.md on softnpu, with a real network",
    "vpc": "resize, letterbox and batches of acldvpp, exact, against cv2.resize",
    "vpc_fast": "the same with SOFTNPU_VPC=fast",
    "aipp": "AIPP from NV12 to planar floats against numpy and OpenCV",
    "imports": "what `import acl_fast` takes on top of numpy",
}


def case_module(name: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.{name}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--list", action="store_true", help="list the cases and stop")
    parser.add_argument("--only", action="append", choices=CASES, metavar="NAME", help="one case")
    parser.add_argument("--quick", action="store_true", help="a look, not a measurement")
    parser.add_argument("--record", action="store_true", help=f"also write {report.RECORD.name}")
    parser.add_argument("--worker", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.record and (options.only or options.quick):
        parser.error("--record keeps a whole run: leave --only and --quick out")
    return options


def work(name: str, settings: Settings, result: Path) -> None:
    """Inside the worker: measure one case and leave its rows in ``result``."""
    rows = case_module(name).measure(settings)
    result.write_text(json.dumps([row.as_dict() for row in rows]))


def start_worker(name: str, quick: bool) -> list[Row] | None:
    """Measure one case in a fresh interpreter; None when it failed (it has said why)."""
    print(f"{name}: {CASES[name]} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "rows.json"
        command = [sys.executable, "-m", "benchmarks", "--worker", name, "--result", str(result)]
        environment = {**os.environ, **case_module(name).environment()}
        done = subprocess.run(command + ["--quick"] * quick, cwd=ROOT, env=environment, check=False)
        if done.returncode != 0:
            print(f"{name}: failed with exit code {done.returncode}", file=sys.stderr)
            return None
        return [Row.from_dict(row) for row in json.loads(result.read_text())]


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of ``python -m benchmarks`` and ``acl-fast bench``."""
    options = parse(arguments)
    if options.list:
        print("\n".join(f"{name:10} {description}" for name, description in CASES.items()))
        return 0
    if options.worker:
        work(options.worker, Settings.short() if options.quick else Settings(), options.result)
        return 0
    facts = report.machine()
    finished = {name: start_worker(name, options.quick) for name in options.only or CASES}
    rows = [row for case_rows in finished.values() if case_rows for row in case_rows]
    if rows:
        print(report.table(rows))
        print(*report.write(rows, facts, options.record), sep="\n")
    return 0 if all(finished.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
