"""JPEG and PNG, against Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest

import acl_fast as af
from acl_fast import media

pillow = pytest.importorskip("PIL.Image")
WIDTH, HEIGHT = 320, 240


def picture() -> np.ndarray:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [128 + 90 * np.sin(x / 40), 128 + 90 * np.cos(y / 50), 128 + 60 * np.sin((x + y) / 60)]
    return np.stack(waves, -1).astype(np.uint8)


def compressed(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    pillow.fromarray(picture()).save(file, kind, **options)
    return file.getvalue()


def luma(pixels: np.ndarray) -> np.ndarray:
    return pixels @ np.array([0.299, 0.587, 0.114])


@pytest.fixture
def decoder(device: af.Device) -> media.JpegDecoder:
    return media.JpegDecoder(device)


def test_decode(device: af.Device, decoder: media.JpegDecoder) -> None:
    data = compressed("JPEG", quality=95, subsampling=2)
    with decoder:
        image = decoder.decode(data)
        assert (image.size, image.format) == ((WIDTH, HEIGHT), "nv12")
        want = luma(np.asarray(pillow.open(io.BytesIO(data))).astype(float))
        assert np.abs(image.to_numpy()[:HEIGHT] - want).max() < 4
        with pytest.raises(ValueError, match="out is nv12 64x48"):
            decoder.decode(data, out=media.Image.empty(device, 64, 48))
        with pytest.raises(af.AclError):
            decoder.decode(b"this is no picture" * 100)
        with pytest.raises(ValueError, match="no data"):
            decoder.decode(b"")


def test_decode_png(device: af.Device, decoder: media.JpegDecoder) -> None:
    decoder.close()
    image = media.decode_png(device, compressed("PNG"))
    np.testing.assert_array_equal(image.to_numpy(), picture())


def test_encode(device: af.Device, decoder: media.JpegDecoder) -> None:
    with decoder, media.JpegEncoder(device) as encoder:
        image = decoder.decode(compressed("JPEG", quality=95, subsampling=2))
        small = encoder.encode(image, 20)
        large = encoder.encode(image, 95)
        assert len(small) < len(large)
        got = luma(np.asarray(pillow.open(io.BytesIO(large))).astype(float))
        assert np.abs(got - luma(picture().astype(float))).mean() < 3


def test_channels_close_twice_and_refuse_work_after(device: af.Device) -> None:
    encoder = media.JpegEncoder(device)
    with pytest.raises(ValueError, match="quality 0"):
        encoder.encode(media.Image.empty(device, 64, 48), 0)
    encoder.close()
    encoder.close()
    with pytest.raises(af.ClosedError):
        encoder.encode(media.Image.empty(device, 64, 48))
