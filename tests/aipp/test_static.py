"""Static AIPP on the device, against the published formula in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import acl_fast as af
from tests.aipp import aipp_model
from tests.aipp.aipp_model import FORMATS, Config
from tests.aipp.conftest import Compile

JPEG_TO_RGB = [256, 0, 359, 256, -88, -183, 256, 454, 0]
RGB_TO_YUV = [66, 129, 25, -38, -74, 112, 112, -94, -18]


def run(device: af.Device, path: object, pictures: np.ndarray) -> tuple[np.ndarray, af.Model]:
    model = device.load_model(str(path))
    request = model.create_request()
    request.inputs[0].upload(pictures)
    request.run()
    return request.outputs[0].download(), model


def random_pictures(config: Config, batch: int, seed: int) -> np.ndarray:
    shape = (batch, *config.picture_shape())
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def assert_agrees(ours: np.ndarray, config: Config, pictures: np.ndarray, nhwc: bool) -> None:
    """Equal to within one rounding step of the tensor's type."""
    for result, picture in zip(ours, pictures, strict=True):
        expected = aipp_model.run(config, picture)
        if nhwc:
            expected = expected.transpose(1, 2, 0)
        step = np.abs(np.spacing(expected.astype(ours.dtype))).astype(np.float64)
        # The differences are rounded too, relative to the larger numbers they are made of.
        step = np.maximum(step, 256 * np.finfo(np.float32).eps)
        scale = np.maximum(1, np.abs(np.array(config.reciprocal)).max())
        assert (np.abs(result.astype(np.float64) - expected) <= step * scale).all()


CASES = [
    Config("YUV420SP_U8", 64, 48, matrix=JPEG_TO_RGB, reciprocal=[1 / 255] * 4),
    Config("YUV420SP_U8", 64, 48, crop=(16, 8, 32, 24), matrix=JPEG_TO_RGB, rbuv=True),
    Config("YUV420SP_U8", 30, 20, matrix=[298, 0, 409, 298, -100, -208, 298, 516, 0],
           input_bias=[16, 128, 128], padding=(1, 2, 3, 4), padding_value=-0.5),
    Config("RGB888_U8", 50, 37, mean=[104, 117, 123, 0], reciprocal=[0.0171, 0.0175, 0.0174, 1]),
    Config("RGB888_U8", 33, 21, rbuv=True, minimum=[123.675, 116.28, 103.53, 0]),
    Config("RGB888_U8", 33, 21, matrix=RGB_TO_YUV, output_bias=[16, 128, 128]),
    Config("XRGB8888_U8", 40, 20, ax=True, crop=(3, 5, 17, 11)),
    Config("XRGB8888_U8", 40, 20, rbuv=True),
    Config("YUV400_U8", 41, 19, mean=[128, 0, 0, 0], reciprocal=[0.0078125, 1, 1, 1]),
]  # fmt: skip


@pytest.mark.parametrize("nhwc", [False, True], ids=["NCHW", "NHWC"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("config", CASES, ids=lambda config: config.input_format)
def test_formula(
    device: af.Device, compiled: Compile, config: Config, dtype: str, nhwc: bool
) -> None:
    pictures = random_pictures(config, 2, seed=1)
    path = compiled(config, batch=2, nhwc=nhwc, dtype=dtype)
    ours, model = run(device, path, pictures)
    assert tuple(model.inputs[0].shape) == pictures.shape
    assert model.inputs[0].dtype == np.uint8
    assert model.inputs[0].format == "NHWC"
    assert_agrees(ours, config, pictures, nhwc)


@st.composite
def configs(draw: st.DrawFn) -> Config:
    kind = draw(st.sampled_from(FORMATS))
    even = 2 if kind == "YUV420SP_U8" else 1
    width, height = (even * draw(st.integers(4, 60 // even)) for _ in range(2))
    config = Config(kind, width, height)
    if draw(st.booleans()):
        x, y = (even * draw(st.integers(0, (side - 4) // even)) for side in (width, height))
        config.crop = (
            x,
            y,
            even * draw(st.integers(1, (width - x) // even)),
            even * draw(st.integers(1, (height - y) // even)),
        )
    if draw(st.booleans()):
        config.padding = tuple(draw(st.integers(0, 32)) for _ in range(4))  # type: ignore[assignment]
        config.padding_value = draw(st.integers(-100, 100)) / 4
    if kind != "YUV400_U8" and draw(st.booleans()):
        config.matrix = draw(st.lists(st.integers(-600, 600), min_size=9, max_size=9))
    config.input_bias = draw(st.lists(st.integers(0, 255), min_size=3, max_size=3))
    config.output_bias = draw(st.lists(st.integers(0, 255), min_size=3, max_size=3))
    config.rbuv, config.ax = draw(st.booleans()), draw(st.booleans())
    config.mean = draw(st.lists(st.integers(0, 255), min_size=4, max_size=4))
    config.minimum = draw(
        st.lists(st.integers(0, 1020).map(lambda v: v / 4), min_size=4, max_size=4)
    )
    config.reciprocal = draw(
        st.lists(st.integers(-512, 512).map(lambda v: v / 256), min_size=4, max_size=4)
    )
    return config


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(config=configs())
def test_any_configuration(device: af.Device, compiled: Compile, config: Config) -> None:
    pictures = random_pictures(config, 1, seed=2)
    ours, _ = run(device, compiled(config), pictures)
    assert_agrees(ours, config, pictures, nhwc=False)


def test_nothing_is_copied(device: af.Device, compiled: Compile) -> None:
    config = CASES[0]
    model = device.load_model(str(compiled(config)))
    request = model.create_request()
    request.inputs[0].upload(random_pictures(config, 1, seed=3))
    before = af.softnpu.counters()
    request.run()
    after = af.softnpu.counters()
    moved = {name for name in after if name.startswith("bytes_") and after[name] != before[name]}
    assert not moved
    assert after["images_processed"] == before["images_processed"] + 1
    assert math.prod(model.inputs[0].shape) == 64 * 48 * 3 // 2
