"""Encoding through the Python interface, against FFmpeg's decoder, on both media interfaces."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

import acl_fast as af
from acl_fast import media
from tests.vdec import codec
from tests.venc.venc import bikes, decode, psnr

COUNT = 30


@pytest.fixture(scope="module")
def video() -> codec.Stream:
    return bikes(COUNT)


def pictures(device: af.Device, video: codec.Stream) -> Iterator[media.Image]:
    """The frames on the device; closed as soon as the consumer lets go of them."""
    for number, frame in enumerate(video.frames):
        image = media.Image.from_numpy(device, frame, "nv12")
        image.pts = number
        yield image
        image.close()


def encoder(
    device: af.Device, video: codec.Stream, interface: str, **options: object
) -> media.VideoEncoder:
    options = {"bitrate": 4000, "gop": 12, "interface": interface, **options}
    return media.VideoEncoder(device, video.width, video.height, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["h264", "h265"])
def test_ffmpeg_decodes_the_packets(
    device: af.Device, video: codec.Stream, interface: str, name: str
) -> None:
    with encoder(device, video, interface, codec=name) as made:
        assert made.interface == interface
        packets = list(made.encode(pictures(device, video)))
        assert made.lost == made.in_flight == 0
    assert [packet.pts for packet in packets] == list(range(COUNT))
    assert [packet.pts for packet in packets if packet.is_key] == [0, 12, 24]
    decoded = decode([bytes(packet) for packet in packets], hevc=name == "h265")
    assert decoded.keys == [0, 12, 24]
    assert min(map(psnr, decoded.frames, video.frames)) > 34


def test_packets_go_straight_into_a_decoder(
    device: af.Device, video: codec.Stream, interface: str
) -> None:
    with (
        encoder(device, video, interface) as made,
        media.VideoDecoder(
            device, width=video.width, height=video.height, interface=interface
        ) as back,
    ):
        packets = made.encode(pictures(device, video))
        images = list(back.decode(packets))
        assert [image.pts for image in images] == list(range(COUNT))
        found = [image.to_numpy() for image in images]
    assert min(map(psnr, found, video.frames)) > 34


def test_key_frames_on_demand_and_after_a_flush(
    device: af.Device, video: codec.Stream, interface: str
) -> None:
    image = media.Image.from_numpy(device, video.frames[0], "nv12")
    with encoder(device, video, interface, gop=1000) as made:
        keys = []
        for number in range(9):
            made.send(image, number, key=number == 4)
            packet = made.receive(None)
            assert packet is not None
            assert packet.pts == number
            keys.append(packet.is_key)
        assert [n for n, key in enumerate(keys) if key] == [0, 4]
        made.flush()
        assert made.receive() is None
        made.send(image)
        made.flush()
        packet = made.receive()
        assert packet is not None
        view = memoryview(packet)
        assert (view.readonly, view.nbytes, len(packet)) == (True, packet.nbytes, packet.nbytes)
        assert bytes(view) == bytes(packet)


def test_bit_rates_are_kept(device: af.Device, video: codec.Stream, interface: str) -> None:
    sizes = {}
    for bitrate in (400, 3000):
        options = {"bitrate": bitrate, "rate_control": "cbr", "gop": 25}
        with encoder(device, video, interface, **options) as made:
            packets = list(made.encode(pictures(device, video)))
        sizes[bitrate] = sum(packet.nbytes for packet in packets) * 8 * 25 / COUNT / 1000
    assert 0.5 * 400 < sizes[400] < 1.6 * 400
    assert 0.5 * 3000 < sizes[3000] < 1.5 * 3000


def test_pictures_of_streams_are_waited_for(
    device: af.Device, stream: af.Stream, video: codec.Stream, interface: str
) -> None:
    source = media.Image.from_numpy(device, video.frames[7], "nv12")
    with media.Vpc(device, stream) as vpc, encoder(device, video, interface) as made:
        image = media.Image.empty(device, video.width, video.height)
        vpc.resize(source, out=image)
        made.send(image)
        image.close()
        packet = made.receive(10)
        assert packet is not None
    assert psnr(decode([bytes(packet)], hevc=False).frames[0], video.frames[7]) > 34


def test_asyncio_and_callback(device: af.Device, video: codec.Stream, interface: str) -> None:
    async def count() -> int:
        with encoder(device, video, interface) as made:
            return len([p async for p in made.encode_async(pictures(device, video))])

    assert asyncio.run(count()) == COUNT

    def broken(packet: media.Packet) -> None:
        raise ZeroDivisionError

    seen: list[int] = []
    with encoder(device, video, interface) as made:
        with pytest.raises(ZeroDivisionError):
            made.run(pictures(device, video), broken)
        assert made.in_flight == 0
        made.run(pictures(device, video), lambda packet: seen.append(packet.pts))
    assert seen == list(range(COUNT))


def test_closing_with_pictures_in_flight(
    device: af.Device, video: codec.Stream, interface: str
) -> None:
    images = [media.Image.from_numpy(device, frame, "nv12") for frame in video.frames[:8]]
    for _ in range(3):
        made = encoder(device, video, interface)
        for image in images:
            made.send(image)
        made.close()
        made.close()
        with pytest.raises(af.ClosedError):
            made.send(images[0])


def test_closing_while_another_thread_receives(
    device: af.Device, video: codec.Stream, interface: str
) -> None:
    made = encoder(device, video, interface)
    made.send(media.Image.from_numpy(device, video.frames[0], "nv12"))
    errors: list[Exception] = []

    def receive() -> None:
        try:
            while True:
                made.receive(None)
        except af.ClosedError as error:
            errors.append(error)

    thread = threading.Thread(target=receive)
    thread.start()
    made.close()
    thread.join(10)
    assert len(errors) == 1


def test_flushing_while_other_threads_receive(device: af.Device, interface: str) -> None:
    """What a thread has taken and not yet looked up is neither lost nor anybody else's."""
    errors: list[Exception] = []
    done = threading.Event()
    image = media.Image.from_numpy(device, np.zeros((192, 128), np.uint8))
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    with media.VideoEncoder(device, 128, 128, interface=interface) as made:
        counts = [0, 0]

        def receive(own: int) -> None:
            try:
                while not done.is_set():
                    counts[own] += made.receive(0.01) is not None
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=receive, args=(own,)) for own in (0, 1)]
        for thread in threads:
            thread.start()
        for _ in range(400):
            for _ in range(3):
                made.send(image)
            made.flush()
        done.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(switching)
        rest = 0
        while made.receive() is not None:
            rest += 1
        assert not errors
        assert (sum(counts) + rest, made.lost, made.in_flight) == (1200, 0, 0)


def test_mistakes(device: af.Device, video: codec.Stream) -> None:
    for options, text in (
        ({"codec": "vp9"}, "codec is one of"),
        ({"format": "rgb"}, "'nv12' or 'nv21'"),
        ({"profile": "best"}, "profile is one of"),
        ({"rate_control": "qp"}, "'vbr' or 'cbr'"),
        ({"rate": 0}, "rate 0 is not within"),
        ({"bitrate": 1}, "bitrate 1 is not within"),
        ({"width": 64}, "width 64 is not within"),
        ({"width": 641}, "even sizes"),
        ({"interface": "v3"}, "interface is"),
    ):
        arguments = {"width": 640, "height": 272, **options}
        with pytest.raises(ValueError, match=text):
            media.VideoEncoder(device, **arguments)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="made by a VideoEncoder"):
        media.Packet()
    with encoder(device, video, "v1") as made:
        with pytest.raises(ValueError, match="takes nv12 640x272, not nv12 320x272"):
            made.send(media.Image.empty(device, 320, 272))
        whole = media.Image.from_numpy(device, video.frames[0], "nv12")
        with pytest.raises(ValueError, match="crop view"):
            made.send(whole.crop(0, 0, 320, 272))
        closed = media.Image.empty(device, 640, 272)
        closed.close()
        with pytest.raises(af.ClosedError):
            made.send(closed)
        # After all that the encoder works.
        made.send(whole)
        assert made.receive(10) is not None


CHOICE = """
import acl_fast as af
from acl_fast import media
device = af.Device(0)
for make in (media.VideoDecoder, media.VideoEncoder):
    for interface in (None, "v1", "v2"):
        try:
            with make(device, width=320, height=240, interface=interface) as made:
                print(made.interface, end=" ")
        except af.UnsupportedError:
            print("-", end=" ")
"""


@pytest.mark.parametrize(
    ("soc", "works"),
    [
        ("Ascend310", "v1 v1 - v1 v1 -"),
        ("Ascend310P3", "v1 v1 v2 v1 v1 v2"),
        ("Ascend910A", "v1 v1 - - - -"),
        ("Ascend910B4", "v1 v1 v2 - - -"),
        ("Ascend950PR", "v2 - v2 - - -"),
    ],
)
def test_each_chip_has_its_interfaces(soc: str, works: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHOICE],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "SOFTNPU_SOC": soc},
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, works, "")


def test_exit_with_an_encoder_at_work_is_quiet(interface: str) -> None:
    program = (
        "import numpy as np, acl_fast as af\n"
        "from acl_fast import media\n"
        "device = af.Device(0)\n"
        f"made = media.VideoEncoder(device, 320, 240, interface={interface!r})\n"
        "image = media.Image.from_numpy(device, np.zeros((360, 320), np.uint8))\n"
        "for _ in range(10): made.send(image)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
