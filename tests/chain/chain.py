"""What the chains have in common: counting copies, the device's part, the reference's part."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

import acl_fast as af
from acl_fast import media
from acl_fast._demo import assets, yolo
from acl_fast._demo.detector import Thresholds
from tests.demo.conftest import Detector
from tests.demo.test_detector import agreeing

SIZE = 416
LIMITS = Thresholds()


@dataclass
class Copies:
    """What was copied while a block ran, by direction, and what the engines made."""

    moved: dict[str, int] = field(default_factory=dict)


@contextmanager
def counted() -> Iterator[Copies]:
    copies = Copies()
    before = af.softnpu.counters()
    yield copies
    after = af.softnpu.counters()
    work = ("bytes_", "copies_", "images_", "frames_")
    names = [name for name in after if name.startswith(work)]
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
    interface: str = "v1"
    stream: af.Stream = field(init=False)

    def __post_init__(self) -> None:
        self.stream = self.device.create_stream()
        self.vpc = media.Vpc(self.device, self.stream, interface=self.interface)
        kind = "himpi" if self.interface == "v2" else "dvpp"
        self.pool = media.PicturePool(self.device, SIZE, SIZE, count=1, kind=kind)
        self.picture = self.pool.get()
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
        self.pool.close()
        self.stream.close()


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


def decoded(path: Path) -> list[VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def to_nv12(pixels: np.ndarray) -> np.ndarray:
    """Pack (h, w, YCbCr), chroma averaged over 2 x 2."""
    height, width = pixels.shape[:2]
    chroma = pixels[..., 1:].reshape(height // 2, 2, width // 2, 2, 2).mean((1, 3))
    return np.concatenate([pixels[..., 0], np.rint(chroma).astype(np.uint8).reshape(-1, width)])
