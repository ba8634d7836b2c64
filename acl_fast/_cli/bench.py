"""acl-fast bench: the benchmarks of a source checkout.

They compile counterparts in C, C++ and Cython against the sources, so a wheel does not bring them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def main(argv: list[str]) -> int:
    """Run ``python -m benchmarks`` of the checkout that this package is used from."""
    if not (CHECKOUT / "benchmarks" / "__main__.py").exists():
        print(
            f"acl-fast bench: {CHECKOUT} is no source checkout of acl_fast, and the benchmarks are "
            "not part of an installed package.\n"
            "Clone the project and type ./run.sh bench there.",
            file=sys.stderr,
        )
        return 1
    return subprocess.run([sys.executable, "-m", "benchmarks", *argv], cwd=CHECKOUT).returncode
