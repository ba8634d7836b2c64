"""Programs in the usual shapes of public ones, run unmodified, and what they compute."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from acl_fast._atc import aipp
from acl_fast._atc.convert import Request, convert
from acl_fast._atc.shapes import parse_input_shape
from acl_fast._demo import assets
from tests.aipp import aipp_model
from tests.aipp.aipp_model import Config
from tests.aipp.conftest import passing_on
from tests.core import models
from tests.demo import reference
from tests.dvpp import card_model
from tests.vdec import codec
from tests.venc.venc import decode, psnr

PROGRAMS = Path(__file__).with_name("programs")
JPEG_TO_RGB = [256, 0, 359, 256, -88, -183, 256, 454, 0]


def run(name: str, *arguments: object, **variables: str) -> str:
    """Run one program as its users would; nothing may be left on standard error."""
    command = [sys.executable, "-m", "acl_fast.pyacl", str(PROGRAMS / f"{name}.py")]
    done = subprocess.run(
        command + [str(argument) for argument in arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **variables},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run.errors = done.stderr  # type: ignore[attr-defined]
    return done.stdout


def errors() -> str:
    return str(run.errors)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def add_om(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("add")
    path = folder / "add.onnx"
    path.write_bytes(models.add((4, 256)))
    return convert(Request(path, folder / "add")).path


def packed_stream(folder: Path, stream: codec.Stream) -> Path:
    path = folder / "packets.npz"
    arrays: dict[str, Any] = {
        f"p{n}": np.frombuffer(data, np.uint8) for n, data in enumerate(stream.packets)
    }
    sizes = {"width": stream.width, "height": stream.height, "hevc": stream.hevc}
    np.savez(path, **arrays, **sizes, count=len(stream.packets))
    return path


def scaled(frame: np.ndarray, height: int, size: tuple[int, int]) -> np.ndarray:
    """What the picture engine makes of an NV12 frame."""
    chroma = frame[height:].reshape(height // 2, -1, 2)
    luma, uv = card_model.resize_nv12(frame[:height], chroma, size)
    return np.concatenate([luma, uv.reshape(size[1] // 2, -1)])


def decoded(path: Path, size: tuple[int, int]) -> np.ndarray:
    """What the picture engines make of a JPEG file: NV12 of that width and height."""
    # libjpeg's own YCbCr at full resolution; chroma is halved by averaging.
    picture = Image.open(path)
    picture.draft("YCbCr", picture.size)
    ycc = np.asarray(picture).astype(np.float64)
    rows, columns = ycc.shape[:2]
    chroma = ycc[..., 1:].reshape(rows // 2, 2, columns // 2, 2, 2).mean((1, 3))
    packed = np.concatenate([ycc[..., 0], chroma.reshape(rows // 2, columns)])
    return scaled(np.rint(packed).astype(np.uint8), rows, size)


def test_memory_of_every_kind() -> None:
    assert run("memory") == "25 True\n"
    assert errors() == ""


def test_classification(tmp_path: Path) -> None:
    """JPEGD -> VPC -> AIPP -> model against Pillow, the filter's model and AIPP's formula."""
    width, height = 224, 160
    config = Config("YUV420SP_U8", width, height, matrix=JPEG_TO_RGB, reciprocal=[1 / 255] * 4)
    network = passing_on(tmp_path / "network.onnx", [1, 3, height, width], "float32")
    om = convert(Request(network, tmp_path / "network", aipp=aipp.parse(config.text()))).path
    files = []
    frames = list(reference.frames(assets.fetch("bikes.mp4"), 62))
    for number in (0, 60):
        files.append(tmp_path / f"{number}.jpg")
        frames[number].to_image().save(files[-1], quality=90, subsampling=2)
    run("classify", om, width, height, tmp_path / "out.npz", *files)
    assert errors() == ""
    found = np.load(tmp_path / "out.npz")
    for number, path in enumerate(files):
        packed = decoded(path, (width, height))
        expected = aipp_model.run(config, packed[..., None])
        error = np.abs(found[f"result_{number}_0"][0] - expected) * 255
        assert error.mean() < 1.0
        assert np.percentile(error, 99) < 6


@pytest.mark.parametrize("hevc", [False, True], ids=["h264", "h265"])
def test_video(tmp_path: Path, hevc: bool) -> None:
    stream = codec.encoded("-x265-params", "bframes=2") if hevc else codec.bikes(24)
    path = packed_stream(tmp_path, stream)
    run("video", path, tmp_path / "out.npz")
    # What a callback raises is told and breaks nothing.
    assert errors().count("RuntimeError: a callback that fails") == 1
    found = np.load(tmp_path / "out.npz")
    assert found["order"].tolist() == stream.order
    assert not found["codes"].any()
    frames = dict(zip(stream.order, stream.frames, strict=True))
    for number, frame in enumerate(found["frames"]):
        np.testing.assert_array_equal(frame.reshape(-1, stream.width), frames[number])
    count = len(stream.packets)
    assert found["users"].tolist() == list(range(count))
    decoded = decode([found[f"e{n}"].tobytes() for n in range(count)], hevc=False)
    assert len(decoded.frames) == count
    assert np.mean([psnr(frame, frames[n]) for n, frame in enumerate(decoded.frames)]) > 32


@pytest.mark.parametrize(
    ("kind", "shape", "gear"),
    [
        ("batch", "x:-1,3,8,8", ("batch", "1,2,4")),
        ("hw", "x:1,3,-1,-1", ("image", "8,8;16,24")),
        ("dims", "x:-1,3,8,-1", ("dims", "1,8;2,16;3,4")),
    ],
)
def test_dynamic_gears(tmp_path: Path, kind: str, shape: str, gear: tuple[str, str]) -> None:
    path = tmp_path / "scale.onnx"
    open_shape = tuple(
        f"d{place}" if side == "-1" else int(side)
        for place, side in enumerate(shape.split(":")[1].split(","))
    )
    path.write_bytes(models.scale(open_shape, 3.0))
    request = Request(path, tmp_path / "scale", input_shape=parse_input_shape(shape), gear=gear)
    om = convert(request).path
    run("dynamic", kind, om, tmp_path / "out.npz")
    found = np.load(tmp_path / "out.npz")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert len(found.files) == 2 * len(gear[1].replace(";", " ").replace(",", " ").split()) // (
        1 if kind == "batch" else 2
    )
    for number in range(len(found.files) // 2):
        (expected,) = session.run(None, {"x": found[f"in_{number}"]})
        np.testing.assert_allclose(found[f"out_{number}"], expected, rtol=1e-6)


def test_threads_with_models_of_their_own(add_om: Path) -> None:
    assert run("threads", add_om, 1, 4, 12) == "1 0\n"
    assert run("threads", add_om, 2, 4, 12, SOFTNPU_DEVICES="2") == "2 0\n"
    assert errors() == ""


def test_processes_of_the_program() -> None:
    """Spawned and forked ones, and another Python program, all find the same module."""
    assert run("processes") == "7\n7\nacl_fast.pyacl False\n"
    assert errors() == ""


def test_callbacks(add_om: Path) -> None:
    assert run("callback", add_om, 6) == "6 True\n"
    assert errors().count("ValueError: a callback that fails") == 1


def test_single_operators(tmp_path: Path) -> None:
    run("operators", tmp_path / "out.npz")
    found = np.load(tmp_path / "out.npz")
    np.testing.assert_allclose(found["total"], found["x"] + found["y"], rtol=1e-6)
    np.testing.assert_array_equal(found["half"], found["x"].astype(np.float16))
    np.testing.assert_allclose(found["product"], found["x"] @ found["z"], rtol=1e-4)
    assert errors() == ""


def test_second_media_interface(tmp_path: Path) -> None:
    stream = codec.bikes(12)
    run("himpi", packed_stream(tmp_path, stream), tmp_path / "out.npz")
    assert errors() == ""
    found = np.load(tmp_path / "out.npz")
    assert found["order"].tolist() == stream.order
    frames = dict(zip(stream.order, stream.frames, strict=True))
    for number, frame in enumerate(found["frames"]):
        np.testing.assert_array_equal(frame.reshape(-1, stream.width), frames[number])
    small = scaled(frames[0], stream.height, (320, 128))
    np.testing.assert_array_equal(found["small"].reshape(-1, 320), small)
    tile = found["tile"].reshape(-1, 64)
    np.testing.assert_array_equal(tile[:64], frames[0][16:80, 32:96])
