"""Letterbox geometry, and pixels that land where the geometry says."""

from __future__ import annotations

import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from acl_fast._demo.letterbox import FrameScaler, Letterbox

sizes = st.tuples(st.integers(1, 4000), st.integers(1, 4000))
networks = st.tuples(st.integers(32, 1024), st.integers(32, 1024))


@given(picture=sizes, network=networks)
def test_picture_fits_and_touches_two_borders(
    picture: tuple[int, int], network: tuple[int, int]
) -> None:
    box = Letterbox.fit(picture, network)
    assert box.left >= 0
    assert box.top >= 0
    assert box.left + box.width <= network[0]
    assert box.top + box.height <= network[1]
    assert box.width == network[0] or box.height == network[1]
    assert abs(2 * box.left + box.width - network[0]) <= 1
    assert abs(2 * box.top + box.height - network[1]) <= 1


@given(picture=sizes, network=networks)
def test_aspect_ratio_is_kept_to_a_pixel(
    picture: tuple[int, int], network: tuple[int, int]
) -> None:
    box = Letterbox.fit(picture, network)
    scale = min(network[0] / picture[0], network[1] / picture[1])
    assert abs(box.width - picture[0] * scale) <= 0.5 or box.width == 1
    assert abs(box.height - picture[1] * scale) <= 0.5 or box.height == 1


@given(
    picture=sizes,
    network=networks,
    relative=st.tuples(*[st.floats(0, 1, width=32)] * 4),
)
def test_boxes_come_back_to_the_picture(
    picture: tuple[int, int], network: tuple[int, int], relative: tuple[float, ...]
) -> None:
    box = Letterbox.fit(picture, network)
    share = np.array([relative])
    there = share * np.tile([box.width, box.height], 2) + np.tile([box.left, box.top], 2)
    back = box.to_picture(there.astype(np.float32))
    tolerance = 1e-5 * max(network) * max(picture) / min(box.width, box.height) + 1e-3
    np.testing.assert_allclose(back, share * np.tile(picture, 2), atol=tolerance)


def test_boxes_are_clipped_to_the_picture() -> None:
    box = Letterbox.fit((640, 272), (416, 416))
    outside = np.array([[-50, -50, 900, 900]], np.float32)
    assert box.to_picture(outside).tolist() == [[0, 0, 640, 272]]


def test_street_video_geometry() -> None:
    # 640x272 at 0.65 is 416x176.8; the 239 grey rows are split 119 above, 120 below.
    assert Letterbox.fit((640, 272), (416, 416)) == Letterbox(640, 272, 0, 119, 416, 177)


def scaled(picture: np.ndarray, network: tuple[int, int]) -> tuple[Letterbox, np.ndarray]:
    frame = VideoFrame.from_ndarray(picture, format="rgb24")
    box = Letterbox.fit((frame.width, frame.height), network)
    scaler = FrameScaler(box)
    tensor = np.full((1, 3, network[1], network[0]), np.nan, np.float32)
    scaler.prepare(tensor)
    scaler.write(frame, tensor)
    return box, tensor


@pytest.mark.parametrize("size", [(30, 50), (50, 30), (61, 7), (64, 64)])
def test_channels_are_rgb_and_surroundings_grey(size: tuple[int, int]) -> None:
    picture = np.empty((size[1], size[0], 3), np.uint8)
    picture[...] = (200, 100, 50)
    box, tensor = scaled(picture, (64, 64))
    inner = tensor[0, :, box.top : box.top + box.height, box.left : box.left + box.width]
    for channel, value in enumerate((200, 100, 50)):
        np.testing.assert_allclose(inner[channel], value / 255, atol=1.01 / 255)
    outside = np.ones((64, 64), bool)
    outside[box.top : box.top + box.height, box.left : box.left + box.width] = False
    assert (tensor[0][:, outside] == 0.5).all()


def test_same_size_keeps_every_pixel() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    _, tensor = scaled(picture, (48, 48))
    np.testing.assert_allclose(tensor[0].transpose(1, 2, 0), picture / 255, atol=1e-6)


def test_shrinking_agrees_with_pillow() -> None:
    rows, columns = np.mgrid[0:272, 0:640]
    picture = np.stack([rows * 0.9, columns * 0.39, 127 + 100 * np.sin(rows / 40)], 2)
    box, tensor = scaled(picture.astype(np.uint8), (416, 416))
    smaller = Image.fromarray(picture.astype(np.uint8)).resize(
        (box.width, box.height), Image.Resampling.BILINEAR
    )
    inner = tensor[0, :, box.top : box.top + box.height]
    np.testing.assert_allclose(inner.transpose(1, 2, 0), np.asarray(smaller) / 255, atol=3 / 255)
