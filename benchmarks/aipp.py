"""AIPP from an NV12 picture to planar floats against numpy and against OpenCV.

One thread on both sides. numpy computes AIPP's own formula; OpenCV converts the colours its way
(cvtColor) and normalises with blobFromImage.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import backend, native, vpc
from benchmarks.harness import Contestant, Row, Settings, Target, contest, flatten

SIZES = [(1920, 1080), (416, 416)]
MATRIX = (298, 0, 409, 298, -100, -208, 298, 516, 0)  # BT.601, narrow range, to RGB
BIAS = (16, 128, 128)
MEAN, RECIPROCAL = 127, 1 / 128
NUMPY, OPENCV = "numpy", "cv2.cvtColor + blobFromImage"


def environment() -> dict[str, str]:
    return {**backend.environment(), "SOFTNPU_THREADS": "1"}


def direct(library: Path) -> ModuleType:
    """Build the C++ program on softnpu's engines."""
    import pybind11

    engines = library.with_name("libsoftnpu.so")
    flags = [f"-I{pybind11.get_include()}", f"-I{native.ROOT}", str(engines)]
    flags += [f"-Wl,-rpath,{library.parent}"]
    return native.extension("aipp_direct", native.HERE / "native/aipp_direct.cpp", flags)


def formula(picture: Any, size: tuple[int, int]) -> Any:
    """AIPP's published formula on whole arrays."""
    import numpy as np

    luma, chroma = vpc.planes(picture, size)
    yuv = np.stack([luma, *chroma.repeat(2, 0).repeat(2, 1).transpose(2, 0, 1)]).astype(np.int32)
    yuv -= np.array(BIAS, np.int32)[:, None, None]
    matrix = np.array(MATRIX, np.int32).reshape(3, 3)
    rgb = np.stack([row[0] * yuv[0] + row[1] * yuv[1] + row[2] * yuv[2] for row in matrix]) >> 8
    return (np.clip(rgb, 0, 255).astype(np.float32) - MEAN) * np.float32(RECIPROCAL)


def opencv(picture: Any, size: tuple[int, int]) -> Any:
    import cv2

    width, height = size
    frame = cv2.cvtColor(picture.reshape(height * 3 // 2, width), cv2.COLOR_YUV2RGB_NV12)
    return cv2.dnn.blobFromImage(frame, RECIPROCAL, mean=(MEAN, MEAN, MEAN))


def timed(work: Callable[[Any, tuple[int, int]], Any], picture: Any, size: tuple[int, int]) -> Any:
    def run(n: int) -> float:
        start = time.perf_counter()
        for _ in range(n):
            work(picture, size)
        return time.perf_counter() - start

    return run


def compare(module: ModuleType, size: tuple[int, int], settings: Settings) -> list[Row]:
    import numpy as np

    picture = np.frombuffer(vpc.picture(size), np.uint8)
    result = np.empty((3, size[1], size[0]), np.float32)
    kernel = module.Nv12(*size, MATRIX, BIAS, MEAN, RECIPROCAL)
    kernel.run(1, picture, result)
    np.testing.assert_allclose(result, formula(picture, size), atol=1e-6)
    off = np.abs(result - opencv(picture, size)[0]).mean() / RECIPROCAL
    assert off < 3, f"OpenCV's picture is another: {off:.1f} on average"

    def run(n: int) -> float:
        taken: float = kernel.run(n, picture, result)
        return taken

    contestants = [
        Contestant(NUMPY, timed(formula, picture, size)),
        Contestant(OPENCV, timed(opencv, picture, size)),
        Contestant("AIPP", run, Target(1 / 3), NUMPY),
        Contestant("the same against OpenCV", run, Target(1 / 1.5), OPENCV),
    ]
    name = f"NV12 {size[0]}x{size[1]} to planar float"
    return contest(name, "ms", contestants, settings.fewer(5 if size[0] > 1000 else 1))


def measure(settings: Settings) -> list[Row]:
    import cv2

    import acl_fast as af

    cv2.setNumThreads(1)
    device = af.Device(0)
    module = direct(Path(str(af.info()["library"])))
    rows = flatten([compare(module, size, settings) for size in SIZES])
    del device
    return rows
