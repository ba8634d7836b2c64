"""Numbers that overflow where they are added: refused, with nothing touched beyond the picture."""

from __future__ import annotations

import ctypes as C

import numpy as np
import pytest

from tests.dvpp.pictures import NV12, Picture, dvpp, random_nv12, ref, synchronize
from tests.softnpu_model import acl as base
from tests.softnpu_model.acl import AclError

base.RESULTS["acldvppGetHistRetCode"] = C.c_uint32
HUGE = [0xFFFFFFF0, 0xFFFFFF00, 0x80000000, 0x7FFFFFFE]


@pytest.mark.parametrize("value", HUGE)
@pytest.mark.parametrize("side", ["Top", "Bottom", "Left", "Right"])
def test_borders(channel: C.c_void_p, side: str, value: int) -> None:
    source, luma, chroma = random_nv12(320, 240, seed=1)
    # What wraps to the right sum in 32 bits is the trap.
    wrapped = (value + 240 + 10) & 0xFFFFFFFF
    height = wrapped if side in ("Top", "Bottom") and 6 <= wrapped <= 4096 else 250
    target = Picture(320, height // 2 * 2, NV12)
    border = C.c_void_p(dvpp.acldvppCreateBorderConfig())
    other = {"Top": "Bottom", "Bottom": "Top", "Left": "Right", "Right": "Left"}[side]
    getattr(dvpp, f"acldvppSetBorderConfig{side}")(border, C.c_uint32(value))
    getattr(dvpp, f"acldvppSetBorderConfig{other}")(border, 10)
    dvpp.acldvppVpcMakeBorderAsync(channel, ref(source), ref(target), border, None)
    with pytest.raises(AclError, match="do not give the target's size"):
        synchronize()
    assert target.get("RetCode") != 0
    for ours, theirs in zip(source.read(), (luma, chroma), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    dvpp.acldvppDestroyBorderConfig(border)
    source.free()
    target.free()


def test_histogram_of_a_bad_picture_says_so(channel: C.c_void_p) -> None:
    source, _, _ = random_nv12(64, 48, seed=1)
    hist = C.c_void_p(dvpp.acldvppCreateHist())
    dvpp.acldvppVpcCalcHistAsync(channel, ref(source), hist, None, None)
    synchronize()
    assert dvpp.acldvppGetHistRetCode(hist) == 0
    source.set("Size", 100)
    dvpp.acldvppVpcCalcHistAsync(channel, ref(source), hist, None, None)
    with pytest.raises(AclError, match="take 4608 bytes"):
        synchronize()
    assert dvpp.acldvppGetHistRetCode(hist) != 0
    dvpp.acldvppDestroyHist(hist)
    source.free()
