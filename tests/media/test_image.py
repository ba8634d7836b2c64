"""Pictures: memory, layout, views and lifetimes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import acl_fast as af
from acl_fast import media

RNG = np.random.default_rng(5)
SHAPES = {
    "yuv400": (48, 70),
    "nv12": (72, 70),
    "nv21": (72, 70),
    "nv16": (96, 70),
    "nv24": (144, 70),
    "yuyv": (48, 70, 2),
    "rgb": (48, 70, 3),
    "bgr": (48, 70, 3),
    "rgba": (48, 70, 4),
    "argb": (48, 70, 4),
}


def noise(shape: tuple[int, ...]) -> np.ndarray:
    return RNG.integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("name", SHAPES)
def test_pixels_come_back_as_they_went_in(device: af.Device, name: str) -> None:
    pixels = noise(SHAPES[name])
    with media.Image.from_numpy(device, pixels, name) as image:
        assert (image.width, image.height, image.format) == (70, 48, name)
        assert image.strides[0] % 16 == 0
        assert image.shape == pixels.shape
        np.testing.assert_array_equal(image.to_numpy(), pixels)


def test_nv12_is_aligned_to_16_by_2(device: af.Device) -> None:
    with media.Image.empty(device, 70, 48) as image:
        assert image.strides == (80, 48)
        assert image.nbytes == 80 * 48 * 3 // 2
        assert image.buffer.kind == "dvpp"
        assert image.buffer.address_int % 128 == 0


def test_upload_on_a_stream(device: af.Device, stream: af.Stream) -> None:
    pixels = noise((72, 70))
    image = media.Image.from_numpy(device, pixels, "nv12", stream)
    stream.synchronize()
    np.testing.assert_array_equal(image.to_numpy(), pixels)


def test_planes_alias_the_memory(device: af.Device, unified: bool) -> None:
    pixels = noise((72, 70))
    image = media.Image.from_numpy(device, pixels, "nv12")
    if not unified:
        with pytest.raises(BufferError, match="not readable"):
            image.planes
        return
    luma, chroma = image.planes
    assert luma.shape == (48, 70)
    assert chroma.shape == (24, 35, 2)
    np.testing.assert_array_equal(luma, pixels[:48])
    np.testing.assert_array_equal(chroma.reshape(24, 70), pixels[48:])
    luma[3, 5] = 77
    assert image.to_numpy()[3, 5] == 77
    flat = np.from_dlpack(image.plane(1))
    assert flat.shape == (24, 80)
    np.testing.assert_array_equal(flat[:, :70], pixels[48:])
    image.close()
    assert luma[3, 5] == 77


def test_crop_views_show_their_region(device: af.Device) -> None:
    pixels = noise((48, 70, 3))
    image = media.Image.from_numpy(device, pixels, "rgb")
    view = image.crop(10, 6, 20, 30).crop(2, 4, 10, 10)
    np.testing.assert_array_equal(view.to_numpy(), pixels[10:20, 12:22])
    image.close()
    np.testing.assert_array_equal(view.to_numpy(), pixels[10:20, 12:22])
    with pytest.raises(ValueError, match="crop view"):
        view.__acl_buffer__()
    frame = media.Image.from_numpy(device, noise((72, 70)), "nv12")
    with pytest.raises(ValueError, match="even"):
        frame.crop(1, 0, 10, 10)
    with pytest.raises(ValueError, match="not inside"):
        frame.crop(62, 0, 10, 10)


def test_wrong_pictures_are_refused(device: af.Device) -> None:
    with pytest.raises(ValueError, match="even"):
        media.Image.empty(device, 71, 48)
    with pytest.raises(ValueError, match="called 'nv13'"):
        media.Image.empty(device, 70, 48, "nv13")
    with pytest.raises(ValueError, match="width"):
        media.Image.empty(device, 0, 48)
    with pytest.raises(ValueError, match="H \\* 3 / 2"):
        media.Image.from_numpy(device, noise((71, 70)), "nv12")
    with pytest.raises(TypeError, match="uint8"):
        media.Image.from_numpy(device, np.zeros((48, 70, 3)))
    with pytest.raises(TypeError):
        media.Image()


def test_closing_twice_and_use_after_close(device: af.Device) -> None:
    image = media.Image.empty(device, 70, 48)
    image.close()
    image.close()
    assert image.is_closed
    with pytest.raises(af.ClosedError):
        image.to_numpy()
    with pytest.raises(af.ClosedError):
        image.buffer


def test_save(device: af.Device, tmp_path: Path) -> None:
    pixels = noise((48, 70, 3))
    image = media.Image.from_numpy(device, pixels)
    image.save(tmp_path / "a.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), pixels)
    image.save(tmp_path / "a.rgb")
    assert (tmp_path / "a.rgb").read_bytes() == pixels.tobytes()


def test_memory_returns_to_the_pool_with_the_last_user(device: af.Device, unified: bool) -> None:
    with media.PicturePool(device, 70, 48, count=2, exhausted="raise") as pool:
        first = pool.get()
        second = pool.get()
        with pytest.raises(MemoryError, match="all 2"):
            pool.get()
        view = first.planes[0] if unified else first.buffer
        first.close()
        assert pool.idle == 0
        del view
        assert pool.idle == 1
        second.close()
        assert (pool.idle, pool.total) == (2, 2)


def test_a_pool_that_blocks_or_grows(device: af.Device) -> None:
    with media.PicturePool(device, 70, 48, count=1) as pool:
        image = pool.get()
        with pytest.raises(af.AclTimeoutError):
            pool.get(0.1)
        image.close()
        assert pool.get(0.1).width == 70
    with media.PicturePool(device, 70, 48, count=0, exhausted="grow") as pool:
        images = [pool.get() for _ in range(40)]
        assert pool.total == 40
        images.clear()
        assert pool.idle == 40


def test_pictures_outlive_their_pool(device: af.Device) -> None:
    pool = media.PicturePool(device, 70, 48, count=3)
    image = pool.get()
    pool.close()
    pool.close()
    with pytest.raises(af.ClosedError):
        pool.get()
    image.upload(noise((72, 70)))
    image.close()


def test_pictures_over_memory_that_exists(device: af.Device, unified: bool) -> None:
    """Those of a batch, side by side, and of an arena; each alone keeps the memory."""
    pixels = [noise((72, 64)) for _ in range(3)]
    batch = device.empty((3, 72, 64, 1), "uint8", kind="dvpp")
    images = [media.Image.over(batch, 64, 48, index=index) for index in range(3)]
    for image, content in zip(images, pixels, strict=True):
        image.upload(content)
        assert (image.kind, image.nbytes, image.strides) == ("dvpp", 72 * 64, (64, 48))
    np.testing.assert_array_equal(batch.download()[..., 0], np.stack(pixels))
    assert images[2].buffer.address_int - batch.address_int == 2 * 72 * 64
    if unified:
        images[1].planes[0][0, 0] ^= 1
        assert batch.download()[1, 0, 0, 0] == pixels[1][0, 0] ^ 1
    view = images[0].crop(0, 0, 32, 16)
    with device.arena(1 << 16, kind="dvpp") as arena:
        piece = media.Image.over(arena.empty(80 * 48 * 3), 70, 48, "rgb")
        piece.upload(noise((48, 70, 3)))
        assert piece.strides == (240, 48)
    batch.close()
    np.testing.assert_array_equal(view.to_numpy()[:16], pixels[0][:16, :32])
    assert media.vpc.resize(piece, 32, 24).size == (32, 24)
    piece.close()
    media.vpc.close_all()


def test_memory_that_holds_no_such_picture(device: af.Device) -> None:
    batch = device.empty((3, 72, 64, 1), "uint8", kind="dvpp")
    for arguments, message in (
        ({"index": 3}, "picture 3 of 4608 bytes is not within the 13824"),
        ({"index": -1}, "picture -1"),
        ({"width": 65}, "even sizes"),
        ({"height": 146}, "not within"),
        ({"format": "nv13"}, "called 'nv13'"),
        ({"width": 36, "height": 6, "format": "yuv400", "align": (1, 1), "index": 1}, "multiple"),
    ):
        options = {"width": 64, "height": 48, **arguments}
        with pytest.raises(ValueError, match=message):
            media.Image.over(batch, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not 'host'"):
        media.Image.over(device.empty(4608, "uint8", kind="host"), 64, 48)
    batch.close()
    with pytest.raises(af.ClosedError):
        media.Image.over(batch, 64, 48)


def test_a_pool_in_an_arena(device: af.Device) -> None:
    """One allocation; the arena's room is the pool's."""
    before = af.softnpu.counters()["live_himpi_allocations"]
    with (
        device.arena(5 * (80 * 48 * 3 // 2 + 128), kind="himpi") as arena,
        media.PicturePool(device, 70, 48, count=2, exhausted="grow", arena=arena) as pool,
    ):
        images = [pool.get() for _ in range(5)]
        with pytest.raises(MemoryError, match="the arena has"):
            pool.get()
        assert len(images) == pool.total == arena.pieces == 5
        assert {image.kind for image in images} == {"himpi"}
        assert af.softnpu.counters()["live_himpi_allocations"] - before == 1
        images.clear()
        assert (pool.idle, arena.pieces) == (5, 5)
        with pytest.raises(ValueError, match="kind 'himpi', not 'dvpp'"):
            media.PicturePool(device, 70, 48, kind="dvpp", arena=arena)
        with pytest.raises(MemoryError):
            media.PicturePool(device, 70, 48, count=9, arena=arena)
        kept = pool.get()
    with device.arena(1 << 16) as plain, pytest.raises(ValueError, match="not 'device'"):
        media.PicturePool(device, 70, 48, arena=plain)
    kept.upload(noise((72, 70)))
    kept.close()
