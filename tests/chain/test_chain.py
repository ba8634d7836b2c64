"""From compressed data to a model's output without a copy by the host, on real input.

What the host may do is bring compressed data to the device and take results back; the counters say
whether it did anything else. The content is held against FFmpeg or Pillow with ONNX Runtime.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from PIL import Image

import acl_fast as af
from acl_fast import media
from acl_fast._demo import assets, yolo
from acl_fast._demo.detector import Thresholds
from tests.demo.conftest import STREET_FRAME, Detector
from tests.demo.test_detector import agreeing, reference_detections

SIZE = 416
LIMITS = Thresholds()


@dataclass
class Copies:
    """What was copied while a block ran, by direction."""

    moved: dict[str, int] = field(default_factory=dict)


@contextmanager
def counted() -> Iterator[Copies]:
    copies = Copies()
    before = af.softnpu.counters()
    yield copies
    after = af.softnpu.counters()
    names = [name for name in after if name.startswith(("bytes_", "copies_"))]
    copies.moved = {name: after[name] - before[name] for name in names}


def assert_only_compressed_data_and_results(
    copies: Copies, unified: bool, packets: int, results: int
) -> None:
    """``packets`` bounds what went in, ``results`` is what came back, in bytes."""
    assert copies.moved["bytes_d2h"] == results
    assert copies.moved["bytes_d2d"] == copies.moved["bytes_h2h"] == 0
    assert copies.moved["bytes_staged"] == 0
    assert copies.moved["bytes_h2d"] <= (0 if unified else packets)


@dataclass
class Chain:
    """VPC into a picture that is the model's input."""

    device: af.Device
    model: af.Model
    detector: Detector
    stream: af.Stream = field(init=False)

    def __post_init__(self) -> None:
        self.stream = self.device.create_stream()
        self.vpc = media.Vpc(self.device, self.stream)
        self.picture = media.Image.empty(self.device, SIZE, SIZE)
        self.picture.upload(np.full((SIZE * 3 // 2, SIZE), 126, np.uint8))
        self.request = self.model.create_request()
        self.request.set_input(0, self.picture)

    def box(self, image: media.Image) -> media.Letterbox:
        return media.Letterbox.fit(image.width, image.height, SIZE, SIZE)

    def detect(self, image: media.Image) -> yolo.Detections:
        box = self.box(image)
        place = (box.left, box.top, box.width, box.height)
        self.vpc.paste(image, *place, out=self.picture)
        self.request.run_async(self.stream)
        self.stream.synchronize()
        heads = [output.download() for output in self.request.outputs]
        found = yolo.detect(heads, self.detector.network, LIMITS.conf, LIMITS.iou)
        return yolo.Detections(box.to_source(found.boxes), found.scores, found.classes)

    @property
    def result_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.model.outputs)

    def close(self) -> None:
        self.vpc.close()
        self.request.close()
        self.picture.close()
        self.stream.close()


@pytest.fixture
def chain(device: af.Device, chain_om: Path, detector: Detector) -> Iterator[Chain]:
    with device.load_model(str(chain_om)) as model:
        made = Chain(device, model, detector)
        yield made
        made.close()


def encoded(tmp_path: Path, codec: str) -> Path:
    """The street video around the cyclist, encoded anew."""
    path = tmp_path / f"{codec}.mp4"
    command = ["ffmpeg", "-v", "error", "-ss", "4", "-i", str(assets.fetch("bikes.mp4"))]
    command += ["-frames:v", "40", "-c:v", codec, "-preset", "veryfast", str(path)]
    subprocess.run(command, check=True)
    return path


def assert_finds_the_same(
    found: list[yolo.Detections], expected: list[yolo.Detections], least: int
) -> None:
    """97 of 100 sure boxes have a counterpart of their class with an overlap over 0.8."""
    counts = np.zeros(2)
    for ours, theirs in zip(found, expected, strict=True):
        counts += agreeing(ours, theirs)
        counts += agreeing(theirs, ours)
    assert counts[1] >= least
    assert counts[0] >= 0.97 * counts[1]


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_video_to_model(
    device: af.Device, chain: Chain, tmp_path: Path, codec: str, unified: bool
) -> None:
    path = encoded(tmp_path, codec)
    with media.open_video(path) as video:
        size = {"width": video.width, "height": video.height}
        with media.VideoDecoder(device, video.codec, **size) as decoder, counted() as copies:
            found = [chain.detect(image) for image in decoder.decode(video)]
    # Annex B repeats parameter sets; one frame has 261,120 bytes.
    packets = 2 * path.stat().st_size
    assert_only_compressed_data_and_results(copies, unified, packets, 40 * chain.result_bytes)
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    box = media.Letterbox.fit(frames[0].width, frames[0].height, SIZE, SIZE)
    expected = [reference_detections(chain.detector, frame, box, LIMITS) for frame in frames]
    assert_finds_the_same(found, expected, least=40)


def test_jpeg_to_model(device: af.Device, chain: Chain, unified: bool) -> None:
    with av.open(str(assets.fetch("bikes.mp4"))) as container:
        frames = list(container.decode(video=0))[STREET_FRAME - 6 : STREET_FRAME + 6]
    found, expected = [], []
    for frame in frames:
        file = io.BytesIO()
        frame.to_image().save(file, "JPEG", quality=95, subsampling=2)
        data = file.getvalue()
        with media.JpegDecoder(device) as decoder:
            with counted() as copies:
                image = decoder.decode(data)
                found.append(chain.detect(image))
            assert_only_compressed_data_and_results(
                copies, unified, len(data) + 4096, chain.result_bytes
            )
            # JPEG is wide range and the model takes narrow: the reference is given it likewise.
            luma = np.asarray(Image.open(io.BytesIO(data)).convert("YCbCr"))
            packed = VideoFrame.from_ndarray(to_nv12(luma), format="nv12")
            box = chain.box(image)
        expected.append(reference_detections(chain.detector, packed, box, LIMITS))
    assert_finds_the_same(found, expected, least=20)


def to_nv12(pixels: np.ndarray) -> np.ndarray:
    """Pack (h, w, YCbCr), chroma averaged over 2 x 2."""
    height, width = pixels.shape[:2]
    chroma = pixels[..., 1:].reshape(height // 2, 2, width // 2, 2, 2).mean((1, 3))
    return np.concatenate([pixels[..., 0], np.rint(chroma).astype(np.uint8).reshape(-1, width)])
