"""Drawn pictures and written videos hold what was put in."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import acl_fast as af
from acl_fast import media
from acl_fast._demo import assets, draw, video


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


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001)])
def test_video_comes_back(tmp_path: Path, rate: Fraction) -> None:
    path, shades = tmp_path / "out.mp4", [40, 120, 200]
    with af.Device(0) as device, video.VideoWriter(path, device, 160, 128, rate) as writer:
        for shade in shades:
            pixels = np.full((192, 160), shade, np.uint8)
            pixels[128:] = 128
            writer.write(media.Image.from_numpy(device, pixels, "nv12"))
        writer.finish()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (160, 128)
        assert stream.average_rate == pytest.approx(float(rate), rel=1e-3)
        frames = [frame.to_ndarray()[:128] for frame in container.decode(video=0)]
    assert len(frames) == 3
    for luma, shade in zip(frames, shades, strict=True):
        assert abs(float(luma.mean()) - shade) < 3


def test_no_encoder_takes_the_pictures(tmp_path: Path) -> None:
    with af.Device(0) as device, pytest.raises(video.VideoError, match="width 64"):
        video.VideoWriter(tmp_path / "out.mp4", device, 64, 48, Fraction(25))


def test_reader_knows_the_street_video() -> None:
    with video.VideoReader(assets.fetch("bikes.mp4"), limit=5) as reader:
        assert (reader.width, reader.height, reader.rate) == (640, 272, 25)
        assert reader.total == 5
        with af.Device(0) as device:
            assert len(list(reader.frames(device))) == 5


def test_odd_sizes_are_read_even(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=321x241:d=0.2"]
    command += ["-pix_fmt", "yuv444p", "-vf", "format=yuv420p", "-c:v", "libx264", str(path)]
    subprocess.run(command, check=True)
    with video.VideoReader(path) as reader, af.Device(0) as device:
        sizes = {image.size for image in reader.frames(device)}
    assert sizes == {(320, 240)}


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
