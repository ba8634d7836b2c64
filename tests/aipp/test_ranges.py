"""Dynamic AIPP in front of a network whose shape has a range: the settings say which it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import acl_fast as af
from acl_fast._atc.shapes import parse_input_shape
from tests.aipp.aipp_model import Config
from tests.aipp.dynamic_params import Params
from tests.aipp.test_dynamic import LARGEST, compiled
from tests.aipp.test_params import params_of
from tests.aipp.test_static import JPEG_TO_RGB, assert_agrees, random_pictures
from tests.softnpu_model.acl import AclError, Model, Run, acl

RANGES = "x:1~3,3,20~40,16~48"
SMALL = Config("RGB888_U8", 20, 24, mean=[1, 2, 3, 0])
LARGE = Config("YUV420SP_U8", 44, 36, padding=(1, 3, 2, 2), matrix=JPEG_TO_RGB)
CROPPED = Config("RGB888_U8", 40, 30, crop=(5, 3, 31, 22), rbuv=True)
SHIFTED = Config("RGB888_U8", 40, 30, crop=(9, 8, 30, 22), padding=(0, 1, 0, 0), rbuv=True)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranges")
    return compiled(folder, input_shape=parse_input_shape(RANGES))


def test_sizes_change_from_run_to_run(device: af.Device, path: Path) -> None:
    with device.load_model(str(path)) as model:
        assert len(model.inputs) == 1
        assert model.inputs[0].nbytes == LARGEST
        request = model.create_request()
        with pytest.raises(ValueError, match="set_aipp"):
            request.run()
        for batch in ([SMALL], [LARGE], [CROPPED, SHIFTED], [SMALL] * 3, [LARGE]):
            pictures = random_pictures(batch[0], len(batch), seed=len(batch))
            settings = [params_of(config) for config in batch]
            request.set_aipp(0, settings if len(batch) > 1 else settings[0])
            assert request.inputs[0].shape == pictures.shape
            request.inputs[0].upload(pictures)
            request.run()
            ours = request.outputs[0].download()
            assert ours.shape == (len(batch), 3, *batch[0].result_size()[::-1])
            for i, config in enumerate(batch):
                assert_agrees(ours[i : i + 1], config, pictures[i : i + 1], nhwc=False)
        with pytest.raises(ValueError, match="up to 3 images"):
            request.set_aipp(0, [params_of(SMALL)] * 4)


def test_on_a_stream(device: af.Device, path: Path) -> None:
    with device.load_model(str(path)) as model:
        stream = device.create_stream()
        request = model.create_request()
        request.set_output(0, device.empty((1, 3, 40, 48), "float32"))
        for config in (LARGE, SMALL):
            pictures = random_pictures(config, 1, seed=4)
            request.set_aipp("x", params_of(config))
            request.inputs[0].upload(pictures)
            request.run_async(stream)
            stream.synchronize()
            width, height = config.result_size()
            ours = request.outputs[0].buffer.download().ravel()[: 3 * height * width]
            assert_agrees(ours.reshape(1, 3, height, width), config, pictures, nhwc=False)


@pytest.mark.parametrize(
    ("configs", "words"),
    [
        ([Config("RGB888_U8", 49, 24)], "width of 16..48"),
        ([Config("RGB888_U8", 20, 19)], "height of 20..40"),
        ([CROPPED, Config("RGB888_U8", 40, 30, rbuv=True)], "equally large"),
        ([SMALL] * 4, "at most 3"),
        ([Config("XRGB8888_U8", 128, 96, crop=(0, 0, 32, 24))], "max_src_image_size"),
        ([Config("YUV400_U8", 32, 24)], "1 channels"),
    ],
)
def test_outside(device: af.Device, path: Path, configs: list[Config], words: str) -> None:
    del device
    acl.aclrtSetDevice(0)
    with Model(path) as model, Run(model) as run, Params(*configs) as params:
        assert model.input_size(1) == 64 + 3 * 96
        with pytest.raises(AclError, match=words) as caught:
            acl.aclmdlSetInputAIPP(model.id, run.input.handle, 1, params.handle)
        assert caught.value.code == 100000
        run.inputs[1].write(np.zeros(64 + 3 * 96, np.uint8))
        with pytest.raises(AclError, match="aclmdlSetInputAIPP") as caught:
            run.execute()
        assert caught.value.code == 145014
    acl.aclrtResetDevice(0)


def test_any_size_of_one_image(device: af.Device, tmp_path: Path) -> None:
    om = compiled(tmp_path, input_shape=parse_input_shape("x:1,3,-1,-1"))
    with device.load_model(str(om)) as model:
        request = model.create_request()
        for config in (SMALL, LARGE):
            pictures = random_pictures(config, 1, seed=6)
            request.set_aipp(0, params_of(config))
            request.inputs[0].upload(pictures)
            request.run()
            assert_agrees(request.outputs[0].download(), config, pictures, nhwc=False)
