"""Another package cimports acl_fast, compiles against it, and runs models without the GIL."""

from __future__ import annotations

import importlib.util
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import acl_fast as af
from acl_fast import media
from tests.vdec import codec

from . import models

SOURCE = Path(__file__).parents[1] / "cython_downstream"


@pytest.fixture(scope="module")
def downstream(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    folder = tmp_path_factory.mktemp("downstream")
    for name in ("setup.py", "downstream.pyx"):
        shutil.copy(SOURCE / name, folder)
    # The package that is tested, wherever it is; never the sources it was built from.
    path = str(Path(af.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--inplace"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (library,) = folder.glob("downstream*.so")
    spec = importlib.util.spec_from_file_location("downstream", library)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_c_interface(downstream: ModuleType, device: af.Device) -> None:
    assert downstream.c_interface(device) == 0


def test_nogil_block(
    downstream: ModuleType, device: af.Device, stream: af.Stream, unified: bool
) -> None:
    with device.load_model(models.scale((8,), 2.0)) as model:
        if unified:
            assert downstream.run_in_nogil_block(model, stream, 10) == 2 * 8 * sum(range(10))
        else:
            with pytest.raises(BufferError, match="not readable by the host"):
                downstream.run_in_nogil_block(model, stream, 10)


def test_pipeline_of_two_models(downstream: ModuleType, device: af.Device) -> None:
    with (
        device.load_model(models.scale((8,), 2.0)) as double,
        device.load_model(models.scale((8,), 5.0)) as five,
    ):
        middle = device.empty((8,))
        first = double.create_request(outputs=[middle])
        second = five.create_request(inputs=[middle])
        first.inputs[0].upload(np.arange(8, dtype=np.float32))
        with device.create_stream() as one, device.create_stream() as two:
            for _ in range(20):
                downstream.pipeline(first, second, one, two, device.create_event())
        np.testing.assert_array_equal(second.outputs[0].download(), 10 * np.arange(8))


def test_typed_memoryview(downstream: ModuleType, device: af.Device) -> None:
    buffer = device.empty((3, 5), kind="host")
    buffer.upload(np.ones((3, 5), np.float32))
    assert downstream.matrix_sum(buffer) == 15
    buffer.close()
    with pytest.raises(ValueError, match="dimensions"):
        downstream.matrix_sum(device.empty((3,), kind="host"))
    with pytest.raises(ValueError, match=r"dtype|type"):
        downstream.matrix_sum(device.empty((3, 5), "int32", kind="host"))


def test_pictures_and_video(downstream: ModuleType, device: af.Device, unified: bool) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (96, 100), dtype=np.uint8)
    image = media.Image.from_numpy(device, pixels, "nv12")
    if unified:
        assert downstream.luma_sum(image) == pixels[:64].sum()
    video = codec.bikes(6)
    size = {"width": video.width, "height": video.height}
    with (
        media.VideoDecoder(device, **size) as decoder,
        media.Vpc(device) as vpc,
        media.PicturePool(device, 320, 136, count=2, exhausted="grow") as pool,
        media.VideoEncoder(device, 320, 136) as encoder,
    ):
        nbytes, count = downstream.transcode(decoder, vpc, pool, encoder, video.packets)
    assert count == 6
    assert nbytes > 1000
    pillow = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    pillow.fromarray(np.full((240, 320, 3), 90, np.uint8)).save(file, "JPEG")
    with (
        media.JpegDecoder(device) as still,
        media.Vpc(device) as vpc,
        media.JpegEncoder(device) as back,
    ):
        small = downstream.thumbnail(still, vpc, back, file.getvalue())
    decoded = np.asarray(pillow.open(io.BytesIO(small)))
    assert decoded.shape == (120, 160, 3)
    assert np.abs(decoded.astype(int) - 90).max() < 4
