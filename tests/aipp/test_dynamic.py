"""Dynamic AIPP as C programs use it, against the published formula in numpy."""

from __future__ import annotations

import ctypes as C
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_fast as af
from acl_fast._atc import aipp
from acl_fast._atc.convert import Request, convert
from acl_fast._atc.errors import AtcError
from acl_fast._atc.shapes import parse_input_shape
from tests.aipp.aipp_model import Config
from tests.aipp.conftest import passing_on
from tests.aipp.dynamic_params import NAME, Params
from tests.aipp.test_static import JPEG_TO_RGB, RGB_TO_YUV, assert_agrees, random_pictures
from tests.softnpu_model.acl import AclError, Model, Run, acl, counters

LARGEST = 64 * 48 * 4 * 2
DYNAMIC = f"aipp_op {{ aipp_mode: dynamic max_src_image_size: {LARGEST} }}"
# Numbers of 11 bits: parameters travel as halves.
CASES = [
    Config("YUV420SP_U8", 32, 24, matrix=JPEG_TO_RGB, reciprocal=[1 / 256] * 4),
    Config("YUV420SP_U8", 64, 48, crop=(16, 8, 32, 24), matrix=JPEG_TO_RGB, rbuv=True),
    Config("YUV420SP_U8", 28, 22, padding=(1, 3, 2, 0)),
    Config("RGB888_U8", 40, 30, crop=(5, 3, 31, 22), padding=(0, 1, 1, 1), rbuv=True,
           mean=[104, 117, 123, 0], reciprocal=[0.0625, 0.03125, -1, 1]),
    Config("RGB888_U8", 32, 24, matrix=RGB_TO_YUV, output_bias=[16, 128, 128],
           minimum=[123.5, 116.25, 103.5, 0]),
    Config("XRGB8888_U8", 32, 24, ax=True),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_left(device: af.Device) -> Iterator[None]:
    acl.aclrtSetDevice(0)
    before = {name: n for name, n in counters().items() if name.startswith("live_")}
    yield
    assert {name: n for name, n in counters().items() if name.startswith("live_")} == before
    acl.aclrtResetDevice(0)


def compiled(folder: Path, text: str = DYNAMIC, dtype: str = "float32", **more: Any) -> Path:
    path = passing_on(folder / "network.onnx", ["n", 3, "h", "w"], dtype)
    more.setdefault("input_shape", parse_input_shape("x:1,3,24,32"))
    return convert(Request(path, folder / "network", aipp=aipp.parse(text), **more)).path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("dynamic"))


def aipp_index(model: Model) -> int:
    index = C.c_size_t()
    acl.aclmdlGetInputIndexByName(model.desc, NAME, C.byref(index))
    return index.value


def test_inputs(path: Path) -> None:
    size, kind, attached = C.c_size_t(), C.c_int(), C.c_size_t()
    acl.aclmdlGetAippDataSize(3, C.byref(size))
    assert size.value == 64 + 3 * 96
    with Model(path) as model:
        assert (model.inputs, aipp_index(model)) == (2, 1)
        assert model.input_size(0) == LARGEST
        assert model.input_size(1) == 64 + 96
        for index, expected in enumerate([2, 3]):
            acl.aclmdlGetAippType(model.id, index, C.byref(kind), C.byref(attached))
            assert kind.value == expected
            assert attached.value == (1 if index == 0 else 2**64 - 1)


def test_formula(path: Path) -> None:
    with Model(path) as model, Run(model) as run:
        for number, config in enumerate(CASES):
            pictures = random_pictures(config, 1, seed=number)
            with Params(config) as params:
                if number % 2:
                    acl.aclmdlSetInputAIPP(model.id, run.input.handle, 1, params.handle)
                else:
                    acl.aclmdlSetAIPPByInputIndex(model.id, run.input.handle, 0, params.handle)
            run.inputs[0].write(pictures)
            run.execute()
            assert_agrees(run.read(), config, pictures, nhwc=False)


def test_each_image_has_its_own(tmp_path: Path) -> None:
    model_path = compiled(
        tmp_path,
        dtype="float16",
        input_shape=parse_input_shape("x:-1,3,24,32"),
        gear=("batch", "1,2"),
    )
    first = Config("RGB888_U8", 40, 30, crop=(2, 3, 32, 24), reciprocal=[0.5] * 4)
    second = Config("RGB888_U8", 40, 30, crop=(8, 6, 30, 24), padding=(2, 0, 0, 0), mean=[9] * 4)
    pictures = random_pictures(first, 2, seed=5)
    with Model(model_path) as model, Run(model) as run, Params(first, second) as params:
        assert (aipp_index(model), model.gear_index()) == (1, 2)
        run.inputs[0].write(pictures)
        acl.aclmdlSetInputAIPP(model.id, run.input.handle, 1, params.handle)
        for batch in (2, 1):
            acl.aclmdlSetDynamicBatchSize(model.id, run.input.handle, 2, batch)
            run.execute()
            ours = run.read(shape=(batch, 3, 24, 32))
            for image, config in zip(range(batch), (first, second), strict=False):
                assert_agrees(ours[image : image + 1], config, pictures[image : image + 1], False)


def test_image_size_gears(tmp_path: Path) -> None:
    model_path = compiled(
        tmp_path, input_shape=parse_input_shape("x:1,3,-1,-1"), gear=("image", "24,32;48,64")
    )
    with Model(model_path) as model, Run(model) as run:
        for width, height in ((64, 48), (32, 24)):
            config = Config("YUV420SP_U8", width, height, matrix=JPEG_TO_RGB)
            pictures = random_pictures(config, 1, seed=6)
            acl.aclmdlSetDynamicHWSize(model.id, run.input.handle, 2, height, width)
            with Params(config) as params:
                acl.aclmdlSetInputAIPP(model.id, run.input.handle, 1, params.handle)
            run.inputs[0].write(pictures)
            run.execute()
            assert_agrees(run.read(shape=(1, 3, height, width)), config, pictures, nhwc=False)
        cropped = Config("RGB888_U8", 40, 30, crop=(0, 0, 32, 24))
        acl.aclmdlSetDynamicHWSize(model.id, run.input.handle, 2, 48, 64)
        with Params(cropped) as params, pytest.raises(AclError, match="32x24") as caught:
            acl.aclmdlSetInputAIPP(model.id, run.input.handle, 1, params.handle)
        assert caught.value.code == 100000


def test_misuse_of_setters() -> None:
    code = acl.code
    assert acl.aclmdlCreateAIPP(0) is None
    assert code.aclmdlGetAippDataSize(1, None) == 100000
    assert code.aclmdlDestroyAIPP(None) == 100000
    assert code.aclmdlSetAIPPInputFormat(None, 1) == 100000
    with Params(CASES[0]) as params:
        handle = params.handle
        number = C.c_float(0)
        wrong = [
            code.aclmdlSetAIPPInputFormat(handle, 0),
            code.aclmdlSetAIPPInputFormat(handle, 5),
            code.aclmdlSetAIPPCscParams(handle, 2, *[0] * 15),
            code.aclmdlSetAIPPRbuvSwapSwitch(handle, 2),
            code.aclmdlSetAIPPAxSwapSwitch(handle, -1),
            code.aclmdlSetAIPPSrcImageSize(handle, 0, 24),
            code.aclmdlSetAIPPSrcImageSize(handle, 31, 24),
            code.aclmdlSetAIPPSrcImageSize(handle, 32, 4098),
            code.aclmdlSetAIPPCropParams(handle, 1, 1, 0, 2, 2, 0),
            code.aclmdlSetAIPPCropParams(handle, 1, 0, 0, 0, 2, 0),
            code.aclmdlSetAIPPCropParams(handle, 0, 0, 0, 0, 0, 1),
            code.aclmdlSetAIPPPaddingParams(handle, 1, 0, 0, 33, 0, 0),
            code.aclmdlSetAIPPDtcPixelMean(handle, 256, 0, 0, 0, 0),
            code.aclmdlSetAIPPDtcPixelMean(handle, 0, 0, 0, 0, 1),
            code.aclmdlSetAIPPDtcPixelMin(handle, number, number, number, C.c_float(256), 0),
            code.aclmdlSetAIPPPixelVarReci(handle, number, number, C.c_float(70000), number, 0),
            code.aclmdlSetAIPPPixelVarReci(
                handle, C.c_float(float("nan")), number, number, number, 0
            ),
            code.aclmdlSetAIPPScfParams(handle, 1, 8, 32, 32, 32, 0),
        ]
        assert wrong == [100000] * len(wrong)
        refused = 0 if os.environ.get("SOFTNPU_AIPP_RESIZE") == "1" else 200006
        assert code.aclmdlSetAIPPScfParams(handle, 1, 32, 32, 64, 64, 0) == refused
        assert code.aclmdlSetAIPPScfParams(handle, 0, 0, 0, 0, 0, 0) == 0
    assert code.aclmdlSetAIPPInputFormat(handle, 1) == 100000
    assert code.aclmdlDestroyAIPP(handle) == 100000


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (Config("RGB888_U8", 40, 30), "wants 32x24"),
        (Config("RGB888_U8", 40, 30, crop=(10, 0, 32, 24)), "leaves the picture"),
        (Config("YUV400_U8", 32, 24), "1 channels"),
        (Config("RGB888_U8", 128, 96, crop=(0, 0, 32, 24)), "max_src_image_size"),
    ],
)
def test_parameters_must_fit_the_model(path: Path, config: Config, words: str) -> None:
    with Model(path) as model, Run(model) as run, Params(config) as params:
        with pytest.raises(AclError, match=words) as caught:
            acl.aclmdlSetInputAIPP(model.id, run.input.handle, 1, params.handle)
        assert caught.value.code == 100000


def test_misuse_of_the_model(path: Path) -> None:
    code = acl.code
    with Model(path) as model, Run(model) as run, Params(CASES[0]) as params:
        run.inputs[1].write(np.zeros(160, np.uint8))
        with pytest.raises(AclError, match="aclmdlSetInputAIPP") as caught:
            run.execute()
        assert caught.value.code == 145014
        inputs, handle = run.input.handle, params.handle
        assert code.aclmdlSetInputAIPP(model.id, inputs, 0, handle) == 100000
        assert code.aclmdlSetInputAIPP(model.id, inputs, 2, handle) == 100000
        assert code.aclmdlSetInputAIPP(model.id, inputs, 1, None) == 100000
        assert code.aclmdlSetInputAIPP(model.id, None, 1, handle) == 100000
        assert code.aclmdlSetInputAIPP(model.id + 100, inputs, 1, handle) == 145003
        assert code.aclmdlSetAIPPByInputIndex(model.id, inputs, 1, handle) == 500001
        with Params(CASES[0], CASES[0]) as two:
            assert code.aclmdlSetInputAIPP(model.id, inputs, 1, two.handle) == 100000
        acl.aclUpdateDataBuffer(run.input.buffers[1], run.inputs[1].address, 100)
        assert code.aclmdlSetInputAIPP(model.id, inputs, 1, handle) == 145012
        acl.aclUpdateDataBuffer(run.input.buffers[1], None, 160)
        assert code.aclmdlSetInputAIPP(model.id, inputs, 1, handle) == 145011
        acl.aclUpdateDataBuffer(run.input.buffers[1], run.inputs[1].address, 160)
        acl.aclmdlSetInputAIPP(model.id, inputs, 1, handle)
        # A buffer of just one picture is enough; a smaller one is not.
        nbytes = 32 * 24 * 3 // 2
        acl.aclUpdateDataBuffer(run.input.buffers[0], run.inputs[0].address, nbytes)
        run.execute()
        acl.aclUpdateDataBuffer(run.input.buffers[0], run.inputs[0].address, nbytes - 1)
        with pytest.raises(AclError, match="32x24"):
            run.execute()


def test_models_without_dynamic_aipp(tmp_path: Path) -> None:
    static = compiled(tmp_path, Config("RGB888_U8", 32, 24).text())
    plain = passing_on(tmp_path / "plain.onnx", [1, 3, 24, 32], "float32")
    for model_path, expected in ((static, 145016), (plain, 145015)):
        with Model(model_path) as model, Run(model) as run, Params(CASES[0]) as params:
            assert acl.code.aclmdlSetInputAIPP(model.id, run.input.handle, 0, params.handle) == (
                expected
            )


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        (DYNAMIC, {"fp16_inputs": ("x",)}, "input_fp16_nodes"),
        (
            DYNAMIC,
            {"input_shape": parse_input_shape("x:1,3,-1,32"), "gear": ("dims", "24;48")},
            "dynamic_dims",
        ),
        (DYNAMIC, {"input_shape": parse_input_shape("x:-1,3,24,32")}, "any number of images"),
    ],
)
def test_refused_by_atc(tmp_path: Path, text: str, more: dict[str, Any], words: str) -> None:
    with pytest.raises(AtcError, match=words) as caught:
        compiled(tmp_path, text, **more)
    assert caught.value.code == "E10052"
