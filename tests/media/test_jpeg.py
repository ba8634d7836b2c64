"""JPEG and PNG, against Pillow."""

from __future__ import annotations

import contextlib
import io
import itertools

import numpy as np
import pytest

import acl_fast as af
from acl_fast import media

pillow = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.usefixtures("chosen")
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


def test_pictures_are_turned_as_exif_says(decoder: media.JpegDecoder) -> None:
    exif = pillow.Exif()
    exif[0x0112] = 6
    with decoder:
        upright = decoder.decode(compressed("JPEG", quality=95)).to_numpy()[:HEIGHT]
        image = decoder.decode(compressed("JPEG", quality=95, exif=exif))
        assert image.size == (HEIGHT, WIDTH)
        np.testing.assert_array_equal(image.to_numpy()[:WIDTH], np.rot90(upright, -1))


def test_progressive_files(decoder: media.JpegDecoder, interface: str) -> None:
    """V1 refuses them; V2 falls back to software."""
    data = compressed("JPEG", quality=95, subsampling=2, progressive=True)
    with decoder:
        if interface == "v1":
            with pytest.raises(af.AclError, match="progressive"):
                decoder.decode(data)
            return
        want = luma(np.asarray(pillow.open(io.BytesIO(data))).astype(float))
        assert np.abs(decoder.decode(data).to_numpy()[:HEIGHT] - want).max() < 4


def test_decode_png(device: af.Device, decoder: media.JpegDecoder) -> None:
    decoder.close()
    image = media.decode_png(device, compressed("PNG"))
    np.testing.assert_array_equal(image.to_numpy(), picture())


def test_both_interfaces_make_the_same(device: af.Device) -> None:
    files = [
        compressed("JPEG", quality=90, subsampling=0),
        compressed("JPEG", quality=80, subsampling=2),
        compressed("JPEG", quality=80, subsampling=1),
    ]
    exif = pillow.Exif()
    exif[0x0112] = 8
    files.append(compressed("JPEG", quality=80, subsampling=2, exif=exif))
    results = []
    for interface in ("v1", "v2"):
        with (
            media.JpegDecoder(device, interface=interface) as decoder,
            media.JpegEncoder(device, interface=interface) as encoder,
        ):
            assert (decoder.interface, encoder.interface) == (interface, interface)
            images = [decoder.decode(data) for data in files]
            kind = {"v1": "dvpp", "v2": "himpi"}[interface]
            assert {image.kind for image in images} == {kind}
            pixels = [image.to_numpy().tobytes() for image in images]
            pixels += [encoder.encode(images[1], quality) for quality in (100, 30, 100)]
            pixels.append(decoder.decode_png(compressed("PNG")).to_numpy().tobytes())
            results.append(pixels)
    assert results[0] == results[1]


def test_any_sampling_is_decoded_or_refused(decoder: media.JpegDecoder) -> None:
    """Factors that no encoder writes: a header of a few bytes must not reach beyond memory."""
    good = bytearray(compressed("JPEG", quality=90, subsampling=2))
    frame = good.index(b"\xff\xc0")
    factors = [across << 4 | down for across in range(1, 5) for down in range(1, 5)]
    decoded = 0
    with decoder:
        for luma_factor, chroma_factor in itertools.product(factors, factors):
            data = bytearray(good)
            data[frame + 11] = luma_factor
            data[frame + 14] = data[frame + 17] = chroma_factor
            try:
                decoder.decode(bytes(data)).close()
                decoded += 1
            except af.AclError:
                pass
        assert decoded >= 1
        assert decoder.decode(bytes(good)).size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_damaged_files_leave_the_device_usable(device: af.Device, kind: str) -> None:
    good = compressed(kind)
    random = np.random.default_rng(7)
    with media.JpegDecoder(device) as decoder:

        def decode(data: bytes) -> media.Image:
            return decoder.decode(data) if kind == "JPEG" else media.decode_png(device, data)

        for number in range(400):
            data = np.frombuffer(good, np.uint8).copy()
            places = random.integers(0, len(data), random.integers(1, 20))
            data[places] = random.integers(0, 256, len(places), np.uint8)
            if number % 3 == 0:
                data = data[: random.integers(1, len(data))]
            with contextlib.suppress(af.AclError, ValueError):
                decode(data.tobytes()).close()
        assert decode(good).size == (WIDTH, HEIGHT)


def test_rgb_coded_jpeg_is_refused(decoder: media.JpegDecoder) -> None:
    with decoder, pytest.raises(af.AclError, match="not Y, Cb and Cr"):
        decoder.decode(compressed("JPEG", quality=90, keep_rgb=True))


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
