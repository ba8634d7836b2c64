"""Drawing into NV12."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from av.video.frame import VideoFrame

from acl_fast._demo import draw
from acl_fast._demo.overlay import Canvas, annotate, to_yuv
from acl_fast._demo.yolo import Detections

NAMES = ["person", "bicycle", "car"]


def canvas(width: int, height: int) -> Canvas:
    return Canvas(
        np.full((height, width), 60, np.uint8), np.full((height // 2, width // 2, 2), 128, np.uint8)
    )


def detections(*boxes: tuple[float, float, float, float]) -> Detections:
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.linspace(0.9, 0.4, count, dtype=np.float32),
        np.arange(count) % len(NAMES),
    )


def test_box_is_drawn_in_its_class_colour_around_the_object() -> None:
    picture = canvas(320, 240)
    annotate(picture, detections((100, 100, 180, 200)), NAMES)
    pixels = np.asarray(picture.to_rgb()).astype(int)
    for x, y in ((101, 150), (178, 150), (140, 198)):
        assert np.abs(pixels[y, x] - draw.class_colour(0)).max() < 40
    assert np.ptp(pixels[110:190, 110:170]) == 0, "the object itself must stay visible"


def test_label_has_letters_on_the_colour() -> None:
    picture = canvas(320, 240)
    annotate(picture, detections((100, 100, 180, 200)), NAMES)
    label = picture.luma[88:100, 100:160]
    assert label.max() == to_yuv(draw.class_colour(0))[0]
    assert label.min() < 10


@pytest.mark.parametrize(
    "box", [(-50, -50, 20, 20), (310, 230, 900, 900), (5, 5, 5, 5), (400, 300, 500, 400)]
)
def test_boxes_outside_are_cut_off(box: tuple[int, int, int, int]) -> None:
    picture = canvas(320, 240)
    annotate(picture, detections(box), NAMES)
    assert picture.luma.shape == (240, 320)


def test_nothing_but_the_box_and_its_label_changes() -> None:
    picture = canvas(320, 240)
    annotate(picture, detections((100, 100, 180, 200)), NAMES)
    changed = np.argwhere(picture.luma != 60)
    assert changed[:, 0].max() < 200
    assert changed[:, 0].min() > 70
    assert changed[:, 1].min() >= 98
    assert (picture.luma[110:190, 110:170] == 60).all()


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)])
def test_colours_are_those_of_video(colour: tuple[int, int, int]) -> None:
    """FFmpeg converts RGB to BT.601 narrow by default."""
    frame = VideoFrame.from_ndarray(np.full((16, 16, 3), colour, np.uint8), format="rgb24")
    planes = frame.to_ndarray(format="yuv420p").reshape(-1)
    expected = planes[0], planes[256], planes[256 + 64]
    assert np.abs(np.array(to_yuv(colour)) - np.array(expected, int)).max() <= 1


@pytest.mark.parametrize("mode", ["unified", "discrete"])
def test_pictures_of_the_device_are_drawn_on(mode: str) -> None:
    program = (
        "import numpy as np, acl_fast as af\n"
        "from acl_fast import media\n"
        "from acl_fast._demo import overlay\n"
        "image = media.Image.from_numpy(af.Device(0), np.full((36, 32), 60, np.uint8), 'nv12')\n"
        "with overlay.drawn_on(image) as canvas: canvas.fill((4, 4, 8, 8), (255, 255, 255))\n"
        "pixels = image.to_numpy()\n"
        "assert (pixels == 235).sum() == 16 and (pixels == 128).sum() == 8, pixels\n"
    )
    command = [sys.executable, "-c", program]
    subprocess.run(command, check=True, timeout=60, env={**os.environ, "SOFTNPU_MODE": mode})
