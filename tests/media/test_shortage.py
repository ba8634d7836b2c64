"""Channels whose device or pool runs out of memory: what is lost is told, nothing stays behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

import acl_fast as af
from acl_fast import media
from tests.vdec import codec
from tests.venc.venc import bikes, decode, psnr


@pytest.fixture(scope="module")
def video() -> codec.Stream:
    return bikes(12)


@contextmanager
def no_memory(device: af.Device) -> Iterator[None]:
    """Take all of the device's memory for a while."""
    taken, size = [], 1 << 36
    while size >= 64:
        try:
            taken.append(device.empty((size,), "uint8"))
        except af.AclMemoryError:
            size //= 2
    try:
        yield
    finally:
        for buffer in taken:
            buffer.close()


def pictures(device: af.Device, video: codec.Stream) -> list[media.Image]:
    return [media.Image.from_numpy(device, frame, "nv12") for frame in video.frames]


@pytest.mark.parametrize("name", ["h264", "h265"])
def test_an_encoder_of_v2_tells_what_it_loses(
    device: af.Device, video: codec.Stream, name: str
) -> None:
    """V2 leaves out pictures whose packets find no memory; V1's have the channel's buffer."""
    images = pictures(device, video)
    with media.VideoEncoder(
        device, video.width, video.height, name, interface="v2", bitrate=4000, gop=1000
    ) as made:
        kept = list(made.encode(images[:3]))
        with no_memory(device):
            for number in range(3, 7):
                made.send(images[number], number)
            assert made.receive(0.05) is None
            made.flush()
            assert made.receive() is None
            assert (made.lost, made.in_flight) == (4, 0)
        for number in range(7, 12):
            made.send(images[number], number)
        made.flush()
        while (packet := made.receive()) is not None:
            kept.append(packet)
        assert (made.lost, made.in_flight) == (4, 0)
    assert [packet.pts for packet in kept[3:]] == list(range(7, 12))
    # What comes after a loss does not build on it.
    assert [packet.is_key for packet in kept] == [n in (0, 3) for n in range(8)]
    decoded = decode([bytes(packet) for packet in kept], hevc=name == "h265").frames
    want = video.frames[:3] + video.frames[7:]
    assert len(decoded) == len(want)
    assert min(map(psnr, decoded, want)) > 33


def test_an_iteration_goes_on_after_losses(device: af.Device, video: codec.Stream) -> None:
    """Each picture of the middle is sent into a device that is full."""
    images = pictures(device, video)

    def feed() -> Iterator[media.Image]:
        yield from images[:4]
        made.flush()
        with no_memory(device):
            yield from images[4:8]
            made.flush()
        yield from images[8:]

    for number, image in enumerate(images):
        image.pts = number
    with media.VideoEncoder(device, video.width, video.height, interface="v2") as made:
        found = [packet.pts for packet in made.encode(feed())]
        assert (found, made.lost, made.in_flight) == ([*range(4), *range(8, 12)], 4, 0)


def test_encoders_closed_with_pictures_that_were_lost(
    device: af.Device, video: codec.Stream, interface: str
) -> None:
    images = pictures(device, video)
    with no_memory(device), pytest.raises(af.AclMemoryError):
        media.Image.empty(device, 640, 480)
    for _ in range(3):
        made = media.VideoEncoder(device, video.width, video.height, interface=interface)
        made.send(images[0])
        with no_memory(device):
            for image in images[1:6]:
                made.send(image)
            made.close()
        assert made.is_closed


def test_a_decoder_without_memory_for_pictures(
    device: af.Device, video: codec.Stream, interface: str
) -> None:
    """A pool that is to grow and cannot: send() says so, and the decoder goes on."""
    size = {"width": video.width, "height": video.height}
    with media.VideoDecoder(device, interface=interface, **size) as made:
        held = list(made.decode(video.packets[:4]))
        with no_memory(device):
            refused = 0
            for packet in video.packets[4:8]:
                try:
                    made.send(packet)
                except af.AclMemoryError:
                    refused += 1
            # Pictures that were used before may still serve.
            assert refused > 0
        made.reset()
        assert made.in_flight == 0
        again = list(made.decode(video.packets))
        assert len(again) == len(video.frames)
        for image, frame in zip(again, video.frames, strict=True):
            np.testing.assert_array_equal(image.to_numpy(), frame)
        np.testing.assert_array_equal(held[0].to_numpy(), video.frames[0])


def test_a_decoder_whose_pool_raises(
    device: af.Device, video: codec.Stream, interface: str
) -> None:
    kind = {"v1": "dvpp", "v2": "himpi"}[interface]
    width, height = video.width, video.height
    with (
        media.PicturePool(device, width, height, count=8, exhausted="raise", kind=kind) as pool,
        media.VideoDecoder(device, pool=pool, interface=interface) as made,
    ):
        for packet in video.packets[:8]:
            made.send(packet)
        with pytest.raises(MemoryError, match="all 8"):
            made.send(video.packets[8])
        made.flush()
        held = []
        while (image := made.receive()) is not None:
            held.append(image)
        # The last pictures of the order that was cut off need packets that never came.
        assert len(held) + made.damaged == 8
        assert made.in_flight == 0
        np.testing.assert_array_equal(held[0].to_numpy(), video.frames[0])
        with pytest.raises(MemoryError, match="all 8"):
            [pool.get() for _ in range(9)]
        held.clear()
        assert pool.idle == 8
        for number, image in enumerate(made.decode(video.packets)):
            np.testing.assert_array_equal(image.to_numpy(), video.frames[number])
        assert number == len(video.frames) - 1
        del image
