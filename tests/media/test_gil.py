"""The GIL is free while media calls wait, on both interfaces."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import acl_fast as af
from acl_fast import media
from tests.core.test_threads import long_slices, releases_gil
from tests.venc.venc import bikes

__all__ = ["long_slices"]  # a fixture

pillow = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.usefixtures("chosen")


def test_calls_that_wait_release_the_gil(
    device: af.Device, stream: af.Stream, interface: str, long_slices: None
) -> None:
    video = bikes(6)
    size = {"width": video.width, "height": video.height}
    pixels = np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8)
    files = []
    for kind in ("JPEG", "PNG"):
        file = io.BytesIO()
        pillow.fromarray(pixels).save(file, kind)
        files.append(file.getvalue())
    image = media.Image.from_numpy(device, video.frames[0])
    with (
        media.VideoDecoder(device, **size) as decoder,
        media.VideoEncoder(device, **size) as encoder,
        media.JpegDecoder(device) as still,
        media.JpegEncoder(device) as back,
        media.Vpc(device) as vpc,
        media.PicturePool(device, 64, 64, count=1) as pool,
    ):
        only = pool.get()

        def decoding() -> None:
            decoder.reset()
            for packet in video.packets:
                decoder.send(packet)

        def encoding() -> None:
            encoder.reset()
            for _ in range(4):
                encoder.send(image)

        def queued() -> media.Vpc:
            made = media.Vpc(device, stream)
            for _ in range(4):
                made.resize(image, 320, 240)
            return made

        def wait_for_a_picture() -> None:
            with contextlib.suppress(af.AclTimeoutError):
                pool.get(0.01)

        nothing: Callable[[], Any] = lambda: None  # noqa: E731
        calls: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
            "decoder send": (decoder.reset, lambda _: decoder.send(video.packets[0])),
            "decoder receive": (decoding, lambda _: decoder.receive(10)),
            "decoder flush": (decoding, lambda _: decoder.flush()),
            "decoder close": (
                lambda: media.VideoDecoder(device, **size),
                lambda made: made.close(),
            ),
            "encoder send": (encoder.reset, lambda _: encoder.send(image)),
            "encoder receive": (encoding, lambda _: encoder.receive(10)),
            "encoder flush": (encoding, lambda _: encoder.flush()),
            "jpeg decode": (nothing, lambda _: still.decode(files[0], "nv12")),
            "png decode": (nothing, lambda _: still.decode_png(files[1])),
            "jpeg encode": (nothing, lambda _: back.encode(image)),
            "resize": (nothing, lambda _: vpc.resize(image, 320, 240)),
            "batch": (
                nothing,
                lambda _: vpc.batch_crop_resize(image, [(0, 0, 640, 272)] * 8, 96, 96),
            ),
            "convert": (nothing, lambda _: vpc.convert(image, "rgb")),
            "stream": (queued, lambda _: stream.synchronize()),
            "vpc close": (queued, lambda made: made.close()),
            "pool": (nothing, lambda _: wait_for_a_picture()),
            "allocation": (nothing, lambda _: media.Image.empty(device, 1920, 1080)),
        }
        stuck = [name for name, (prepare, call) in calls.items() if not releases_gil(prepare, call)]
        assert not stuck
        only.close()
    stream.synchronize()
