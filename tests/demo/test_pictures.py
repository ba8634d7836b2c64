"""Drawn pictures and written videos hold what was put in."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from acl_fast._demo import assets, draw, video
from acl_fast._demo.yolo import Detections


def detections(*boxes: tuple[float, float, float, float]) -> Detections:
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.linspace(0.9, 0.5, count, dtype=np.float32),
        np.arange(count, dtype=np.intp),
    )


def test_box_is_drawn_in_its_class_colour_around_the_object() -> None:
    picture = Image.new("RGB", (200, 150))
    draw.annotate(picture, detections((50, 60, 120, 130)), ["person"])
    pixels = np.asarray(picture)
    colour = draw.class_colour(0)
    for x, y in ((50, 95), (120, 95), (85, 60), (85, 130)):
        assert tuple(pixels[y, x]) == colour
    assert not pixels[70:120, 60:110].any(), "the object itself must stay visible"


@pytest.mark.parametrize(
    "box", [(0, 0, 200, 150), (-20, -20, 5, 5), (190, 140, 300, 300), (100, 100, 100, 100)]
)
def test_boxes_at_and_over_the_edge(box: tuple[float, float, float, float]) -> None:
    picture = Image.new("RGB", (200, 150))
    draw.annotate(picture, detections(box), ["a long name of a class"])
    assert np.asarray(picture).any()


def test_classes_have_distinct_colours() -> None:
    colours = np.array([draw.class_colour(number) for number in range(80)], int)
    distances = np.abs(colours[:, None] - colours[None]).sum(2) + 999 * np.eye(80, dtype=int)
    assert distances.min() >= 6
    neighbours = np.abs(np.diff(colours, axis=0)).sum(1)
    assert neighbours.min() > 150


def test_contact_sheet_keeps_tiles_in_reading_order() -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]
    tiles = [draw.Tile(Image.new("RGB", (64, 32), c), f"{n}") for n, c in enumerate(colours)]
    sheet = np.asarray(draw.contact_sheet(tiles, "title", columns=3, width=60))
    seen = [colour for colour in colours if (sheet == colour).all(2).any()]
    assert seen == colours
    places = [np.argwhere((sheet == colour).all(2)).min(0) for colour in colours]
    assert [int(y) for y, _ in places[:3]] == [int(places[0][0])] * 3
    assert places[0][1] < places[1][1] < places[2][1]
    assert places[3][0] > places[0][0]
    assert places[3][1] == places[0][1]
    assert all((sheet == colour).all(2).sum() == 60 * 30 for colour in colours)


@pytest.mark.parametrize("size", [(64, 48), (65, 49)])
@pytest.mark.parametrize("encoder", [name for name, _ in video.ENCODERS])
def test_video_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], encoder: str
) -> None:
    chosen = tuple(entry for entry in video.ENCODERS if entry[0] == encoder)
    monkeypatch.setattr(video, "ENCODERS", chosen)
    path = tmp_path / "out.mp4"
    shades = [40, 120, 200]
    with video.VideoWriter(path, *size, Fraction(25)) as writer:
        for shade in shades:
            writer.write(Image.new("RGB", size, (shade, shade, shade)))
    with video.VideoReader(path) as reader:
        assert (reader.width, reader.height) == (64, 48)
        assert reader.rate == 25
        frames = [frame.to_ndarray(format="rgb24") for frame in reader]
    assert len(frames) == 3
    for frame, shade in zip(frames, shades, strict=True):
        assert abs(float(frame.mean()) - shade) < 6


def test_no_encoder_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "ENCODERS", (("no_such_codec", {}),))
    with pytest.raises(video.VideoError, match="no_such_codec"):
        video.VideoWriter(tmp_path / "out.mp4", 64, 48, Fraction(25))


def test_reader_knows_the_street_video() -> None:
    with video.VideoReader(assets.fetch("bikes.mp4"), limit=5) as reader:
        assert (reader.width, reader.height, reader.rate) == (640, 272, 25)
        assert reader.total == 5
        assert len(list(reader)) == 5


def test_reader_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(video.VideoError, match=r"missing\.mp4"):
        video.VideoReader(tmp_path / "missing.mp4")
    (tmp_path / "text.mp4").write_text("no video at all")
    with pytest.raises(video.VideoError, match=r"text\.mp4"):
        video.VideoReader(tmp_path / "text.mp4")
    with av.open(str(tmp_path / "sound.wav"), "w") as sound:
        stream = sound.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.rate = 8000
        sound.mux(stream.encode(frame))
    with pytest.raises(video.VideoError, match="no video stream"):
        video.VideoReader(tmp_path / "sound.wav")
