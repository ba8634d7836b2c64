"""Letterbox geometry: it fits, keeps proportions, and maps boxes back."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from acl_fast.media import Letterbox

sizes = st.tuples(st.integers(2, 4000), st.integers(2, 4000))
frames = st.tuples(st.integers(16, 512), st.integers(16, 512)).map(lambda s: (s[0] * 2, s[1] * 2))


@given(picture=sizes, frame=frames)
def test_picture_fits_where_the_picture_engine_can_paste(
    picture: tuple[int, int], frame: tuple[int, int]
) -> None:
    box = Letterbox.fit(*picture, *frame)
    assert box.left % 16 == box.top % 2 == box.width % 2 == box.height % 2 == 0
    assert box.left >= 0
    assert box.top >= 0
    assert box.left + box.width <= frame[0]
    assert box.top + box.height <= frame[1]
    assert box.width == frame[0] or box.height == frame[1]
    # Centred, as far as the left allows.
    assert 0 <= frame[0] - 2 * box.left - box.width < 32
    assert 0 <= frame[1] - 2 * box.top - box.height < 4


@given(picture=sizes, frame=frames)
def test_proportions_are_kept_to_two_pixels(
    picture: tuple[int, int], frame: tuple[int, int]
) -> None:
    box = Letterbox.fit(*picture, *frame)
    scale = min(frame[0] / picture[0], frame[1] / picture[1])
    assert abs(box.width - picture[0] * scale) <= 1 or box.width == 2
    assert abs(box.height - picture[1] * scale) <= 1 or box.height == 2


@given(
    picture=sizes,
    frame=frames,
    relative=st.tuples(*[st.floats(0, 1, width=32)] * 4),
)
def test_boxes_come_back_to_the_picture(
    picture: tuple[int, int], frame: tuple[int, int], relative: tuple[float, ...]
) -> None:
    box = Letterbox.fit(*picture, *frame)
    boxes = np.array([relative]) * np.tile(picture, 2)
    np.testing.assert_allclose(box.to_source(box.to_frame(boxes)), boxes, atol=1e-6)


def test_boxes_are_clipped_to_the_picture() -> None:
    box = Letterbox.fit(640, 272, 416, 416)
    assert box.to_source([[-50, -50, 900, 900]]).tolist() == [[0, 0, 640, 272]]


def test_street_video_geometry() -> None:
    # 640x272 at 0.65 is 416x176.8: 176 rows, 120 grey ones above and below.
    assert Letterbox.fit(640, 272, 416, 416) == Letterbox(0, 120, 416, 176, 640, 272)
