"""Dynamic AIPP from Python: Request.set_aipp()."""

from __future__ import annotations

from pathlib import Path

import pytest

import acl_fast as af
from acl_fast import media
from acl_fast._atc.shapes import parse_input_shape
from tests.aipp.aipp_model import Config
from tests.aipp.test_dynamic import LARGEST, compiled
from tests.aipp.test_static import JPEG_TO_RGB, assert_agrees, random_pictures


def params_of(config: Config) -> af.AippParams:
    return af.AippParams(
        input_format=config.input_format,  # type: ignore[arg-type]
        width=config.width,
        height=config.height,
        crop=config.crop,
        resize=config.resize,
        padding=config.padding,
        matrix=config.matrix,
        input_bias=config.input_bias,
        output_bias=config.output_bias,
        rbuv_swap=config.rbuv,
        ax_swap=config.ax,
        mean=config.mean,
        minimum=config.minimum,
        reciprocal=config.reciprocal[:3],
    )


NV12 = Config("YUV420SP_U8", 48, 32, crop=(8, 4, 30, 24), padding=(1, 1, 0, 0), matrix=JPEG_TO_RGB,
              reciprocal=[1 / 256, 1 / 128, 0.5, 1])  # fmt: skip
RGB = Config("RGB888_U8", 40, 30, crop=(1, 2, 32, 24), mean=[1, 2, 3, 0])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("params"))


def test_pictures_of_any_kind(device: af.Device, path: Path) -> None:
    with device.load_model(str(path)) as model:
        assert len(model.inputs) == 1
        assert model.inputs[0].nbytes == LARGEST
        request = model.create_request()
        with pytest.raises(ValueError, match="set_aipp"):
            request.run()
        stream = device.create_stream()
        for config in (NV12, RGB):
            pictures = random_pictures(config, 1, seed=7)
            request.set_aipp(0, params_of(config))
            assert request.inputs[0].shape == pictures.shape
            request.inputs[0].upload(pictures)
            request.run()
            assert_agrees(request.outputs[0].download(), config, pictures, nhwc=False)
            request.run_async(stream)
            stream.synchronize()
            assert_agrees(request.outputs[0].download(), config, pictures, nhwc=False)


def test_memory_of_just_one_picture(device: af.Device, path: Path) -> None:
    pictures = random_pictures(RGB, 1, seed=8)
    with device.load_model(str(path)) as model:
        memory = device.empty(pictures.shape, "uint8")
        memory.upload(pictures)
        request = model.create_request([memory])
        request.set_aipp("x", params_of(RGB))
        request.run()
        assert_agrees(request.outputs[0].download(), RGB, pictures, nhwc=False)
        with pytest.raises(ValueError, match="at most"):
            request.set_input(0, device.empty(LARGEST + 1, "uint8"))
        with pytest.raises(TypeError, match="uint8"):
            request.set_input(0, device.empty(16, "float32"))


def test_a_picture_is_read_where_it_lies(device: af.Device, path: Path) -> None:
    pixels = random_pictures(Config("YUV420SP_U8", 40, 26), 1, seed=10)[0, :, :, 0]
    image = media.Image.from_numpy(device, pixels)
    width, height = image.strides  # padding included
    config = Config("YUV420SP_U8", width, height, crop=(8, 2, 32, 24), matrix=JPEG_TO_RGB)
    plain = Config("YUV420SP_U8", 40, 26, crop=(8, 2, 32, 24), matrix=JPEG_TO_RGB)
    with device.load_model(str(path)) as model:
        request = model.create_request()
        request.set_input(0, image)
        request.set_aipp(0, params_of(config))
        before = af.softnpu.counters()
        request.run()
        after = af.softnpu.counters()
        assert not [n for n in after if n.startswith("bytes_") and after[n] != before[n]]
        assert_agrees(request.outputs[0].download(), plain, pixels[None, :, :, None], nhwc=False)
    image.close()


def test_batch_gears(device: af.Device, tmp_path: Path) -> None:
    model_path = compiled(
        tmp_path, input_shape=parse_input_shape("x:-1,3,24,32"), gear=("batch", "1,2")
    )
    second = Config("RGB888_U8", 40, 30, crop=(3, 4, 32, 24), minimum=[0.5] * 4)
    pictures = random_pictures(RGB, 2, seed=9)
    with device.load_model(str(model_path)) as model:
        assert model.outputs[0].shape == (2, 3, 24, 32)  # of the largest gear
        request = model.create_request()
        request.set_aipp(0, [params_of(RGB), params_of(second)])
        for batch in (2, 1):
            request.set_batch(batch)
            assert request.inputs[0].shape == (batch, 30, 40, 3)
            request.inputs[0].upload(pictures[:batch])
            request.run()
            ours = request.outputs[0].download()
            assert len(ours) == batch
            assert_agrees(ours[:1], RGB, pictures[:1], nhwc=False)
            assert_agrees(ours[1:2], second, pictures[1:batch], nhwc=False)
        with pytest.raises(ValueError, match="up to 2 images"):
            request.set_aipp(0, [params_of(RGB)])
        with pytest.raises(ValueError, match="same format"):
            request.set_aipp(0, [params_of(RGB), params_of(NV12)])


def test_misuse(device: af.Device, path: Path, tmp_path: Path) -> None:
    live = {name: n for name, n in af.softnpu.counters().items() if name == "live_configs"}
    with device.load_model(str(path)) as model:
        request = model.create_request()
        wrong = Config("RGB888_U8", 40, 30)
        with pytest.raises(af.AclError, match="32x24"):
            request.set_aipp(0, params_of(wrong))
        with pytest.raises(TypeError, match="AippParams"):
            request.set_aipp(0, [None])  # type: ignore[list-item]
        with pytest.raises(KeyError):
            request.set_aipp("none", params_of(RGB))
    static = compiled(tmp_path, Config("RGB888_U8", 32, 24).text())
    with device.load_model(str(static)) as model, pytest.raises(ValueError, match="no dynamic"):
        model.create_request().set_aipp(0, params_of(RGB))
    with pytest.raises(ValueError, match="want one of"):
        af.AippParams(input_format="NV12", width=2, height=2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="want 9"):
        af.AippParams(input_format="RGB888_U8", width=2, height=2, matrix=[1])
    after = af.softnpu.counters()
    assert all(after[name] == count for name, count in live.items())
