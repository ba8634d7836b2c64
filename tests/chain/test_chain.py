"""From compressed data to a model's output without a copy by the host, on real input.

What the host may do is bring compressed data to the device and take results back; the counters say
whether it did anything else. The content is held against FFmpeg or Pillow with ONNX Runtime.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from PIL import Image

import acl_fast as af
from acl_fast import media
from acl_fast._demo import assets
from tests.chain.chain import (
    LIMITS,
    SIZE,
    Chain,
    assert_finds_the_same,
    assert_only_compressed_data_and_results,
    counted,
    decoded,
    encoded,
    to_nv12,
)
from tests.demo.conftest import STREET_FRAME, Detector
from tests.demo.test_detector import reference_detections


@pytest.fixture(params=["v1", "v2"])
def chain(
    request: pytest.FixtureRequest, device: af.Device, chain_om: Path, detector: Detector
) -> Iterator[Chain]:
    with device.load_model(str(chain_om)) as model:
        made = Chain(device, model, detector, request.param)
        yield made
        made.close()


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_video_to_model(
    device: af.Device, chain: Chain, tmp_path: Path, codec: str, unified: bool
) -> None:
    path = encoded(tmp_path, codec)
    with media.open_video(path) as video:
        size = {"width": video.width, "height": video.height}
        made = media.VideoDecoder(device, video.codec, **size, interface=chain.interface)
        with made as decoder, counted() as copies:
            found = [chain.detect(image) for image in decoder.decode(video)]
    # Annex B repeats parameter sets; one frame has 261,120 bytes.
    packets = 2 * path.stat().st_size
    assert_only_compressed_data_and_results(copies, unified, packets, 40 * chain.result_bytes)
    # Each frame is decoded, scaled and read by AIPP once, and made by nobody else.
    assert (copies.moved["frames_decoded"], copies.moved["images_processed"]) == (40, 80)
    frames = decoded(path)
    box = media.Letterbox.fit(frames[0].width, frames[0].height, SIZE, SIZE)
    expected = [reference_detections(chain.detector, frame, box, LIMITS) for frame in frames]
    assert_finds_the_same(found, expected, least=40)


def test_jpeg_to_model(device: af.Device, chain: Chain, unified: bool) -> None:
    frames = decoded(assets.fetch("bikes.mp4"))[STREET_FRAME - 6 : STREET_FRAME + 6]
    found, expected = [], []
    for frame in frames:
        file = io.BytesIO()
        frame.to_image().save(file, "JPEG", quality=95, subsampling=2)
        data = file.getvalue()
        with media.JpegDecoder(device, interface=chain.interface) as decoder:
            with counted() as copies:
                image = decoder.decode(data)
                found.append(chain.detect(image))
            assert_only_compressed_data_and_results(
                copies, unified, len(data) + 4096, chain.result_bytes
            )
            assert copies.moved["images_processed"] == 3  # by JPEGD, VPC and AIPP
            # JPEG is wide range and the model takes narrow: the reference is given it likewise.
            luma = np.asarray(Image.open(io.BytesIO(data)).convert("YCbCr"))
            packed = VideoFrame.from_ndarray(to_nv12(luma), format="nv12")
            box = chain.box(image)
            image.close()
        expected.append(reference_detections(chain.detector, packed, box, LIMITS))
    assert_finds_the_same(found, expected, least=20)
