"""Tests of a process with SOFTNPU_AIPP_RESIZE=1, which test_resize.py starts."""

from __future__ import annotations

import ctypes as C
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import acl_fast as af
from tests.aipp import aipp_model
from tests.aipp.aipp_model import FORMATS, Config
from tests.aipp.conftest import Compile, passing_on
from tests.aipp.dynamic_params import Params
from tests.aipp.test_dynamic import compiled as compiled_dynamic
from tests.aipp.test_inputs import compiled as compiled_file
from tests.aipp.test_params import params_of
from tests.aipp.test_static import JPEG_TO_RGB, RGB_TO_YUV, random_pictures, run
from tests.softnpu_model.acl import AclError, Model, Run, acl

# Half a step of a byte, and weights of both axes in 1/2048.
ROUNDING = 0.5 + 2 * 255 / 4096


def assert_resized(ours: np.ndarray, config: Config, pictures: np.ndarray) -> None:
    """Compare (n, c, h, w) with the formula: within the one rounding to bytes."""
    for result, picture in zip(ours, pictures, strict=True):
        expected = aipp_model.run(config, picture)
        scale = np.abs(np.array(config.reciprocal[: len(expected)]))[:, None, None]
        slack = 256 * scale * np.finfo(result.dtype).eps + 1e-4
        assert (np.abs(result - expected) <= ROUNDING * scale + slack).all()


CASES = [
    Config("YUV420SP_U8", 64, 48, resize=(33, 31), matrix=JPEG_TO_RGB, reciprocal=[1 / 256] * 4),
    Config("YUV420SP_U8", 64, 48, crop=(16, 8, 32, 24), resize=(77, 64), matrix=JPEG_TO_RGB,
           rbuv=True, padding=(1, 2, 3, 4), padding_value=-0.5),
    Config("RGB888_U8", 50, 37, resize=(50, 37), mean=[104, 117, 123, 0]),
    Config("RGB888_U8", 333, 257, resize=(21, 17), matrix=RGB_TO_YUV, output_bias=[16, 128, 128]),
    Config("XRGB8888_U8", 40, 20, ax=True, crop=(3, 4, 17, 16), resize=(272, 256)),
    Config("YUV400_U8", 41, 19, resize=(16, 40), mean=[128, 0, 0, 0]),
]  # fmt: skip


@pytest.mark.parametrize("config", CASES, ids=lambda config: config.input_format)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_formula(device: af.Device, compiled: Compile, config: Config, dtype: str) -> None:
    pictures = random_pictures(config, 2, seed=1)
    nhwc = dtype == "float16"
    ours, model = run(device, compiled(config, batch=2, nhwc=nhwc, dtype=dtype), pictures)
    assert tuple(model.inputs[0].shape) == pictures.shape
    assert_resized(ours.transpose(0, 3, 1, 2) if nhwc else ours, config, pictures)


def test_info(device: af.Device, compiled: Compile) -> None:
    del device
    config = CASES[1]
    room = (C.c_int32 * 75000)()  # aclAippInfo; a switch is a byte, and its padding is 0
    acl.aclrtSetDevice(0)
    with Model(compiled(config)) as model:
        acl.aclmdlGetFirstAippInfo(model.id, 0, room)
        assert model.input_size(0) == 64 * 48 * 3 // 2
    acl.aclrtResetDevice(0)
    assert config.crop
    assert config.resize
    assert config.padding
    assert list(room[:3]) == [1, 64, 48]
    assert list(room[3:8]) == [1, *config.crop]
    assert list(room[8:11]) == [1, *config.resize]
    assert list(room[11:16]) == [1, *config.padding]


@st.composite
def configs(draw: st.DrawFn) -> Config:
    kind = draw(st.sampled_from(FORMATS))
    even = 2 if kind == "YUV420SP_U8" else 1
    width, height = (even * draw(st.integers(16 // even, 90 // even)) for _ in range(2))
    config = Config(kind, width, height)
    if draw(st.booleans()):
        x, y = (even * draw(st.integers(0, (side - 16) // even)) for side in (width, height))
        config.crop = (
            x,
            y,
            even * draw(st.integers(16 // even, (width - x) // even)),
            even * draw(st.integers(16 // even, (height - y) // even)),
        )
    before = config.crop[2:] if config.crop else (width, height)
    config.resize = tuple(  # type: ignore[assignment]
        draw(st.integers(max(16, -(-side // 16)), min(200, 16 * side))) for side in before
    )
    if draw(st.booleans()):
        config.padding = tuple(draw(st.integers(0, 32)) for _ in range(4))  # type: ignore[assignment]
    if kind != "YUV400_U8" and draw(st.booleans()):
        config.matrix = draw(st.lists(st.integers(-600, 600), min_size=9, max_size=9))
    config.rbuv, config.ax = draw(st.booleans()), draw(st.booleans())
    config.mean = draw(st.lists(st.integers(0, 255), min_size=4, max_size=4))
    config.reciprocal = draw(
        st.lists(st.integers(-512, 512).map(lambda v: v / 256), min_size=4, max_size=4)
    )
    return config


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(config=configs())
def test_any_geometry(device: af.Device, compiled: Compile, config: Config) -> None:
    pictures = random_pictures(config, 1, seed=2)
    ours, _ = run(device, compiled(config), pictures)
    assert_resized(ours, config, pictures)


def test_tables_of_many_geometries(device: af.Device, tmp_path: Path) -> None:
    """A new table takes the place of an old one, but not of the other that is in use."""
    path = passing_on(tmp_path / "network.onnx", [1, 3, 24, 32], "float32")
    om = compiled_file(path, "aipp_op { aipp_mode: dynamic max_src_image_size: 20000 }")
    sizes = [(64, 40), (66, 42), (68, 44), (64, 46), (66, 48), (64, 50), (70, 40), (64, 52)]
    with device.load_model(om) as model:
        request = model.create_request()
        for width, height in sizes * 2:
            config = Config("RGB888_U8", width, height, resize=(32, 24))
            pictures = random_pictures(config, 1, seed=width + height)
            request.set_aipp(0, params_of(config))
            request.inputs[0].upload(pictures)
            request.run()
            assert_resized(request.outputs[0].download(), config, pictures)


def test_opencv_agrees(device: af.Device, compiled: Compile) -> None:
    cv2 = pytest.importorskip("cv2")
    config = Config("RGB888_U8", 150, 101, resize=(67, 240))
    pictures = random_pictures(config, 1, seed=3)
    ours, _ = run(device, compiled(config), pictures)
    theirs = cv2.resize(pictures[0].astype(np.float32), config.resize)
    difference = np.abs(ours[0].transpose(1, 2, 0) - theirs)
    assert difference.max() <= ROUNDING + 0.01
    assert difference.mean() < 0.27  # of a rounding to whole numbers: 0.25


def test_network_of_bytes(device: af.Device, tmp_path: Path) -> None:
    config = Config("RGB888_U8", 40, 30, crop=(0, 2, 32, 24), resize=(20, 16), padding=(1, 0, 0, 2))
    path = passing_on(tmp_path / "network.onnx", [1, 3, 18, 21], "uint8")
    pictures = random_pictures(config, 1, seed=4)
    om = compiled_file(path, config.text())
    ours, _ = run(device, om, pictures)
    assert ours.dtype == np.uint8
    assert_resized(ours.astype(np.float32), config, pictures)


def test_each_image_has_its_own(device: af.Device, tmp_path: Path) -> None:
    path = passing_on(tmp_path / "network.onnx", [2, 3, 24, 32], "float32")
    om = compiled_file(path, "aipp_op { aipp_mode: dynamic max_src_image_size: 100000 }")
    first = Config("RGB888_U8", 70, 50, crop=(2, 3, 40, 33), resize=(30, 23), padding=(1, 1, 1, 0))
    second = Config("RGB888_U8", 70, 50, resize=(32, 24), mean=[9] * 4)
    third = Config("RGB888_U8", 70, 50, crop=(2, 3, 32, 24))
    pictures = random_pictures(first, 2, seed=5)
    with device.load_model(om) as model:
        request = model.create_request()
        request.inputs[0].upload(np.zeros(100000, np.uint8))
        for pair in ((first, second), (third, first)):
            request.set_aipp(0, [params_of(config) for config in pair])
            request.inputs[0].upload(pictures)
            request.run()
            ours = request.outputs[0].download()
            for i, config in enumerate(pair):
                assert_resized(ours[i : i + 1], config, pictures[i : i + 1])


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ((15, 32), (32, 32)),
        ((32, 4097), (32, 300)),
        ((32, 32), (15, 32)),
        ((1920, 32), (1921, 32)),
        ((300, 32), (32, 4097)),
        ((32, 32), (513, 32)),
        ((600, 32), (37, 32)),
        ((32, 600), (32, 37)),
        ((32, 32), (32, 513)),
    ],
)
def test_ranges(source: tuple[int, int], result: tuple[int, int]) -> None:
    with Params(Config("RGB888_U8", 64, 48)) as params:
        code = acl.code.aclmdlSetAIPPScfParams
        assert code(params.handle, 1, *source, *result, 0) == 100000
        assert code(params.handle, 1, 16, 16, 256, 16, 0) == 0
        assert code(params.handle, 1, 16, 16, 256, 16, 1) == 100000
        assert code(params.handle, 2, 16, 16, 256, 16, 0) == 100000
        assert code(params.handle, 0, *source, *result, 0) == 0


def test_must_fit(device: af.Device, tmp_path: Path) -> None:
    del device
    acl.aclrtSetDevice(0)
    with Model(compiled_dynamic(tmp_path)) as model, Run(model) as run_:
        for config, source, words in (
            (Config("RGB888_U8", 64, 48), (60, 48), "scfInputSize is 60x48"),
            (Config("RGB888_U8", 64, 48, crop=(0, 0, 32, 24)), (64, 48), "32x24 reach"),
            (Config("RGB888_U8", 64, 48), (64, 48), "is 40x24"),
        ):
            with Params(config) as params:
                acl.aclmdlSetAIPPScfParams(params.handle, 1, *source, 40, 24, 0)
                with pytest.raises(AclError, match=words) as caught:
                    acl.aclmdlSetInputAIPP(model.id, run_.input.handle, 1, params.handle)
                assert caught.value.code == 100000
    acl.aclrtResetDevice(0)
