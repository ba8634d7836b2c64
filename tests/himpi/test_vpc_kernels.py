"""Operations that only some chips have."""

from __future__ import annotations

import ctypes as C
import os
import subprocess
import sys

from tests.himpi import himpi as hi
from tests.softnpu_model.acl import ROOT

NAMES = ["flip", "rotate", "blur", "gaussian_blur", "filter2d", "median_blur", "dilate", "erode"]


def test_on_310b() -> None:
    """Their tests, in a process that plays another chip."""
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/himpi/kernels_on_310b.py"],
        cwd=ROOT,
        env=os.environ | {"SOFTNPU_SOC": "Ascend310B4"},
        text=True,
        capture_output=True,
        timeout=100,
    )
    assert result.returncode == 0, result.stdout[-4000:]


def test_310p_has_none() -> None:
    room = C.create_string_buffer(1024)
    with hi.channel() as chn:
        for name in NAMES:
            assert hi.run(chn, f"hi_mpi_vpc_{name}", room) == hi.UNSUPPORTED
