"""Video decoded, scaled and encoded anew without a frame ever leaving the device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import acl_fast as af
from acl_fast import media
from tests.chain.chain import (
    assert_only_compressed_data_and_results,
    counted,
    decoded,
    encoded,
)
from tests.dvpp import card_model
from tests.vdec.codec import nv12
from tests.venc.venc import decode, psnr

WIDTH, HEIGHT, COUNT = 480, 204, 40


def scaled(frame: np.ndarray, height: int) -> np.ndarray:
    """What a card makes of an NV12 frame."""
    chroma = frame[height:].reshape(height // 2, -1, 2)
    luma, uv = card_model.resize_nv12(frame[:height], chroma, (WIDTH, HEIGHT))
    return np.concatenate([luma, uv.reshape(HEIGHT // 2, -1)])


@pytest.mark.parametrize(("source", "target"), [("libx264", "h265"), ("libx265", "h264")])
def test_transcode(
    device: af.Device, tmp_path: Path, source: str, target: str, interface: str, unified: bool
) -> None:
    path = encoded(tmp_path, source)
    kind = {"v1": "dvpp", "v2": "himpi"}[interface]
    options = {"bitrate": 3000, "interface": interface}
    with (
        media.open_video(path) as video,
        media.PicturePool(device, WIDTH, HEIGHT, count=4, kind=kind, exhausted="grow") as pool,
        media.VideoDecoder(
            device, video.codec, width=video.width, height=video.height, interface=interface
        ) as decoder,
        media.VideoEncoder(device, WIDTH, HEIGHT, target, **options) as encoder,
        media.Vpc(device, interface=interface) as vpc,
    ):

        def pictures() -> Iterator[media.Image]:
            for image in decoder.decode(video):
                yield vpc.resize(image, out=pool.get())

        with counted() as copies:
            packets = list(encoder.encode(pictures()))
        assert decoder.damaged == encoder.lost == 0
    assert len(packets) == COUNT
    names = ("frames_decoded", "images_processed", "frames_encoded")
    assert [copies.moved[name] for name in names] == [COUNT] * 3
    compressed = sum(packet.nbytes for packet in packets)
    # Packets that come back are copied out of device memory that lives as long as a callback;
    # where host and device share memory, softnpu has no part in it.
    returned = 0 if unified else compressed
    assert_only_compressed_data_and_results(copies, unified, 2 * path.stat().st_size, returned)
    assert [packet.pts for packet in packets] == sorted(packet.pts for packet in packets)
    found = decode([bytes(packet) for packet in packets], hevc=target == "h265")
    expected = [scaled(nv12(frame), frame.height) for frame in decoded(path)]
    assert len(found.frames) == COUNT
    assert min(map(psnr, found.frames, expected)) > 34
