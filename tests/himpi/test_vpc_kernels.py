"""Operations that only some chips have."""

from __future__ import annotations

import ctypes as C
import os
import subprocess
import sys

from tests.himpi import himpi as hi
from tests.softnpu_model.acl import ROOT

NAMES = ["flip", "rotate", "blur", "gaussian_blur", "filter2d", "median_blur", "dilate", "erode"]
NAMES += ["draw_cover", "draw_line", "draw_mosaic", "draw_osd"]
FILES = ["kernels_on_310b", "draw_on_310b", "warp_on_310b", "fuzz_on_310b"]


def play(soc: str, *arguments: str) -> None:
    """Tests in a process that plays another chip."""
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=ROOT,
        env=os.environ | {"SOFTNPU_SOC": soc},
        text=True,
        capture_output=True,
        timeout=100,
    )
    assert result.returncode == 0, result.stdout[-4000:]


def test_on_310b() -> None:
    play("Ascend310B4", *(f"tests/himpi/{name}.py" for name in FILES))


def test_on_a2() -> None:
    """It warps like the 310B, but always wants a workspace."""
    play("Ascend910B1", "tests/himpi/warp_on_310b.py", "-k", "workspace or misused or opencv")


def test_310p_has_none() -> None:
    room = C.create_string_buffer(1024)
    with hi.channel() as chn:
        for name in NAMES:
            assert hi.run(chn, f"hi_mpi_vpc_{name}", room) == hi.UNSUPPORTED
        for name in ("warp_affine", "lut_remap"):
            assert hi.run(chn, f"hi_mpi_vpc_{name}", room, room) == hi.UNSUPPORTED
        assert hi.code("hi_mpi_vpc_set_chn_workspace", chn, room, 1) == hi.UNSUPPORTED
    assert hi.code("hi_mpi_vpc_get_affine_transform", room, room) == hi.UNSUPPORTED
    assert hi.code("hi_mpi_vpc_get_lut_mem_size", 64, 64, room) == hi.UNSUPPORTED


REFUSED = {
    "set_chn_opt_attr": 2, "roundview_stitching": 4,
    "set_roundview_stitching_param": 2, "get_roundview_stitching_param": 2,
}  # fmt: skip


def test_no_chip_has_these() -> None:
    """As the documentation says of every card."""
    room = C.create_string_buffer(256)
    for name, count in REFUSED.items():
        arguments = (3, room, room, 0)[:count]
        assert hi.code(f"hi_mpi_vpc_{name}", *arguments) == hi.UNSUPPORTED
