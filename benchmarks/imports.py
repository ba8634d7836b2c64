"""What ``import acl_fast`` takes on top of numpy, each time in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.harness import UNITS, Row, Settings, Spread

PROGRAM = """
from time import perf_counter as now
start = now(); import numpy; middle = now(); import acl_fast; end = now()
print(middle - start, end - middle)
"""


def environment() -> dict[str, str]:
    """Nothing special: the backend is found at first use, not at import."""
    return {}


def measure(settings: Settings) -> list[Row]:
    command = [sys.executable, "-c", PROGRAM]
    # Neither package is to be compiled at each import.
    cached = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    samples = []
    for _ in range(settings.fewer(8).rounds + 1):
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=cached)
        samples.append([float(text) * UNITS["ms"] for text in done.stdout.split()])
    del samples[0]  # fills the file cache
    numpy, own = ([sample[column] for sample in samples] for column in (0, 1))
    ratio = Spread.of([b / a for a, b in zip(numpy, own, strict=True)])
    return [
        Row("import", "numpy", "ms", Spread.of(numpy), samples=numpy),
        Row(
            "import", "acl_fast after numpy", "ms", Spread.of(own), "numpy", "x", ratio, samples=own
        ),
    ]
