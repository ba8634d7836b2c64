"""SOFTNPU_VPC=fast, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_fast_is_bilinear_and_stays_inside() -> None:
    environment = {**os.environ, "SOFTNPU_VPC": "fast"}
    command = [sys.executable, "-m", "tests.dvpp.fast_worker"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
