"""Drawing into NV12, against Pillow's drawing into RGB."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from acl_fast._demo import draw
from acl_fast._demo.overlay import Canvas, annotate, to_yuv
from acl_fast._demo.yolo import Detections

NAMES = ["person", "bicycle", "car"]


def canvas(width: int, height: int) -> Canvas:
    return Canvas(
        np.full((height, width), 60, np.uint8), np.full((height // 2, width // 2, 2), 128, np.uint8)
    )


def to_rgb(picture: Canvas) -> np.ndarray:
    """Convert with the published floating-point formula, chroma repeated."""
    y = picture.luma.astype(np.float64)
    uv = picture.chroma.repeat(2, 0).repeat(2, 1).astype(np.float64) - 128
    u, v = uv[..., 0], uv[..., 1]
    rgb = np.stack([y + 1.402 * v, y - 0.344 * u - 0.714 * v, y + 1.772 * u], -1)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def detections(*boxes: tuple[float, float, float, float]) -> Detections:
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.linspace(0.9, 0.4, count, dtype=np.float32),
        np.arange(count) % len(NAMES),
    )


def test_looks_like_the_same_drawing_in_rgb() -> None:
    found = detections((40, 60, 200, 220), (210.4, 90.7, 300.2, 239.6))
    ours = canvas(320, 240)
    annotate(ours, found, NAMES)
    theirs = Image.new("RGB", (320, 240), (60, 60, 60))
    draw.annotate(theirs, found, NAMES)
    difference = np.abs(to_rgb(ours).astype(int) - np.asarray(theirs)).max(-1)
    # Lines and letters may stand a pixel aside, and chroma has half the resolution.
    assert (difference > 40).mean() < 0.03
    assert cv2.absdiff(to_rgb(ours), np.full((240, 320, 3), 60, np.uint8)).max() > 100


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
def test_colours_are_bt601_wide(colour: tuple[int, int, int]) -> None:
    expected = cv2.cvtColor(np.array([[colour]], np.uint8), cv2.COLOR_RGB2YCrCb)[0, 0][[0, 2, 1]]
    assert np.abs(np.array(to_yuv(colour)) - expected).max() <= 1
