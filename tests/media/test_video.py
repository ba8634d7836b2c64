"""Decoding, against FFmpeg's own decoder."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import acl_fast as af
from acl_fast import _vdec, media

av = pytest.importorskip("av")
WIDTH, HEIGHT, COUNT = 320, 240, 40


def encode(path: Path, encoder: str) -> Path:
    """Write a clip with a moving pattern, B frames included."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=25, options={"g": "10", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(COUNT):
            y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
            rgb = np.stack([x + index * 3, y + index * 2, x ^ y], -1).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module", params=["h264", "hevc"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    name = {"h264": "libx264", "hevc": "libx265"}[request.param]
    return encode(tmp_path_factory.mktemp("clip") / f"{request.param}.mp4", name)


@pytest.fixture(scope="module")
def frames(clip: Path) -> list[np.ndarray]:
    """What FFmpeg decodes, as NV12."""
    found = []
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            planes = frame.to_ndarray()  # yuv420p: rows of Y, then U, then V
            chroma = planes[HEIGHT:].reshape(2, -1)
            found.append(np.concatenate([planes[:HEIGHT], chroma.T.reshape(-1, WIDTH)]))
    return found


def decoder(
    device: af.Device, source: media.VideoSource, interface: str | None = None
) -> media.VideoDecoder:
    size = {"width": source.width, "height": source.height}
    return media.VideoDecoder(device, source.codec, **size, interface=interface)


def test_frames_equal_ffmpegs(
    device: af.Device, clip: Path, frames: list[np.ndarray], interface: str
) -> None:
    with media.open_video(clip) as source, decoder(device, source, interface) as video:
        assert video.interface == interface
        images = list(video.decode(source))
        assert video.damaged == 0
    assert len(images) == len(frames)
    for image, frame in zip(images, frames, strict=True):
        np.testing.assert_array_equal(image.to_numpy(), frame)
    times = [image.pts for image in images]
    assert times == sorted(times)


def test_raw_bytes_and_callback(
    device: af.Device, clip: Path, frames: list[np.ndarray], interface: str
) -> None:
    with media.open_video(clip) as source:
        packets = [packet for packet, _ in source]
        codec = source.codec
    split = list(media.split_annexb(b"".join(packets), codec))
    assert b"".join(split) == b"".join(packets)
    assert len(split) == len(packets)
    seen: list[np.ndarray] = []
    size = {"width": WIDTH, "height": HEIGHT}
    with media.VideoDecoder(device, codec, **size, interface=interface) as video:
        video.run(split, lambda image: seen.append(image.to_numpy()))
        assert len(seen) == len(frames)
        np.testing.assert_array_equal(seen[-1], frames[-1])

        def broken(image: media.Image) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            video.run(split, broken)
        # The decoder is as good as new.
        assert len(list(video.decode(split))) == len(frames)


@pytest.mark.parametrize("format", ["nv21", "rgb", "bgr"])
def test_other_formats(
    device: af.Device, clip: Path, frames: list[np.ndarray], interface: str, format: str
) -> None:
    with (
        media.open_video(clip) as source,
        media.VideoDecoder(
            device, source.codec, width=WIDTH, height=HEIGHT, format=format, interface=interface
        ) as video,
    ):
        images = list(video.decode(source))
    assert len(images) == COUNT
    for image, frame in zip(images[::9], frames[::9], strict=True):
        chroma = frame[HEIGHT:].reshape(HEIGHT // 2, -1, 2)
        if format == "nv21":
            swapped = chroma[..., ::-1].reshape(-1, WIDTH)
            np.testing.assert_array_equal(image.to_numpy(), np.r_[frame[:HEIGHT], swapped])
            continue
        u, v = chroma.astype(float).repeat(2, 0).repeat(2, 1).transpose(2, 0, 1) - 128
        y = frame[:HEIGHT].astype(float)
        rgb = np.stack([y + 1.402 * v, y - 0.344 * u - 0.714 * v, y + 1.772 * u], -1)
        rgb = rgb.clip(0, 255)[..., :: 1 if format == "rgb" else -1]
        # The decoder's colours are libyuv's, in 1/64.
        assert np.abs(image.to_numpy() - rgb).max() <= 3


def test_the_resolution_may_change(device: af.Device, interface: str, tmp_path: Path) -> None:
    """Pictures keep the pool's size: what is of another is scaled."""
    packets = []
    for size in ("320x240", "640x480"):
        path = tmp_path / f"{size}.h264"
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"color=red:size={size}"]
        command += ["-frames:v", "5", "-c:v", "libx264", str(path)]
        subprocess.run(command, check=True)
        packets += media.split_annexb(path.read_bytes(), "h264")
    options = {"width": 320, "height": 240, "source_size": (640, 480), "interface": interface}
    with media.VideoDecoder(device, **options) as video:  # type: ignore[arg-type]
        images = list(video.decode(packets))
        assert (len(images), video.damaged) == (10, 0)
    for image in images:
        assert image.size == (320, 240)
        luma = image.to_numpy()[:240]
        assert np.abs(luma.astype(int) - luma[0, 0]).max() <= 2


def test_asyncio(device: af.Device, clip: Path, frames: list[np.ndarray], interface: str) -> None:
    async def count() -> int:
        with media.open_video(clip) as source, decoder(device, source, interface) as video:
            return len([image async for image in video.decode_async(source)])

    assert asyncio.run(count()) == len(frames)


def test_pictures_scale_and_come_from_a_pool(device: af.Device, clip: Path, interface: str) -> None:
    kind = {"v1": "dvpp", "v2": "himpi"}[interface]
    with (
        media.open_video(clip) as source,
        media.PicturePool(device, 160, 128, count=20, kind=kind) as pool,
        media.VideoDecoder(
            device, source.codec, pool=pool, interface=interface, source_size=(WIDTH, HEIGHT)
        ) as video,
    ):
        sizes = [image.size for image in video.decode(source)]
        assert sizes == [(160, 128)] * COUNT
        assert pool.total == 20
        assert pool.idle == 20


def test_a_pool_below_the_reordering_is_told(
    device: af.Device, clip: Path, interface: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_vdec, "STARVED_AFTER", 0.5)
    with (
        media.open_video(clip) as source,
        media.PicturePool(device, WIDTH, HEIGHT, count=1) as pool,
        media.VideoDecoder(device, source.codec, pool=pool, interface=interface) as video,
    ):
        with pytest.raises(RuntimeError, match="larger pool"):
            list(video.decode(source))
        video.reset()
        assert pool.idle == 1


def test_packets_that_come_seldom(
    device: af.Device, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures that are done and lie in the channel are no reason to give up, or to wait."""
    monkeypatch.setattr(_vdec, "STARVED_AFTER", 0.2)
    with (
        media.open_video(clip) as source,
        media.PicturePool(device, WIDTH, HEIGHT, count=6) as pool,
        media.VideoDecoder(device, source.codec, pool=pool) as video,
    ):

        def seldom() -> Iterator[tuple[bytes, object]]:
            for number, item in enumerate(source):
                if number in (6, 7, 12):
                    time.sleep(0.5)
                yield item

        assert len([None for _ in video.decode(seldom())]) == COUNT


def test_asyncio_with_a_pool_that_blocks(
    device: af.Device, clip: Path, frames: list[np.ndarray], interface: str
) -> None:
    """Pictures come back from the loop that waits for more: it must take results first."""

    async def count() -> int:
        with (
            media.open_video(clip) as source,
            media.PicturePool(device, WIDTH, HEIGHT, count=8) as pool,
            media.VideoDecoder(device, source.codec, pool=pool, interface=interface) as video,
        ):
            return len([None async for _ in video.decode_async(source)])

    assert asyncio.run(count()) == len(frames)


def test_closing_with_frames_in_flight(device: af.Device, clip: Path, interface: str) -> None:
    with media.open_video(clip) as source:
        packets = list(source)
        for _ in range(3):
            video = decoder(device, source, interface)
            for packet, pts in packets[:20]:
                video.send(packet, pts)
            video.close()
            video.close()
            with pytest.raises(af.ClosedError):
                video.send(packets[0][0])


def test_closing_while_another_thread_receives(
    device: af.Device, clip: Path, interface: str
) -> None:
    with media.open_video(clip) as source:
        video = decoder(device, source, interface)
        video.send(next(iter(source))[0])
        errors: list[Exception] = []

        def receive() -> None:
            try:
                while True:
                    video.receive(None)
            except af.ClosedError as error:
                errors.append(error)

        thread = threading.Thread(target=receive)
        thread.start()
        video.close()
        thread.join(10)
        assert len(errors) == 1


def test_damage_is_counted_and_decoding_resumes(
    device: af.Device, clip: Path, interface: str
) -> None:
    with media.open_video(clip) as source, decoder(device, source, interface) as video:
        packets = [packet for packet, _ in source]
        packets[3] = packets[3][:6] + bytes(len(packets[3]) - 6)
        images = list(video.decode(packets))
        assert len(images) + video.damaged == COUNT
        assert len(images) >= COUNT // 2


def test_mistakes(device: af.Device) -> None:
    with pytest.raises(ValueError, match="codec is one of"):
        media.VideoDecoder(device, "vp9", width=320, height=240)
    with pytest.raises(ValueError, match="width and height"):
        media.VideoDecoder(device)
    with pytest.raises(ValueError, match="interface is 'v1'"):
        media.VideoDecoder(device, width=320, height=240, interface="v3")
    with media.VideoDecoder(device, width=320, height=240) as video:
        with pytest.raises(ValueError, match="empty"):
            video.send(b"")
        assert video.receive() is None
        video.flush()


THREADS = """
import os, sys
import acl_fast as af
from acl_fast import media
device = af.Device(0)
with media.open_video(sys.argv[1]) as source:
    size = {"width": source.width, "height": source.height}
    before = len(os.listdir("/proc/self/task"))
    with media.VideoDecoder(device, source.codec, **size) as video:
        images = [image for image, _ in zip(video.decode(source), range(20))]
        middle = len(os.listdir("/proc/self/task"))
        with media.VideoEncoder(device, codec=source.codec, **size) as encoder:
            for image in images[:8]:
                encoder.send(image)
            print(middle - before, len(os.listdir("/proc/self/task")) - middle)
"""


def test_engines_have_as_many_threads_as_the_device(clip: Path) -> None:
    """Beside the channel's own two, and softnpu's workers, which the engines know nothing of."""
    counts = []
    for threads in ("2", "7"):
        done = subprocess.run(
            [sys.executable, "-c", THREADS, str(clip)],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "SOFTNPU_THREADS": threads},
        )
        assert (done.returncode, done.stderr) == (0, "")
        counts.append([int(count) for count in done.stdout.split()])
    few, many = counts
    assert few[0] <= 2 + 2 + 2
    assert 3 <= many[0] - few[0] <= 2 * 5
    assert few[1] <= 2 + 2 + 2
    assert many[1] <= 7 + 2 + 7


def test_exit_with_a_decoder_at_work_is_quiet(clip: Path, interface: str) -> None:
    program = (
        "import acl_fast as af\n"
        "from acl_fast import media\n"
        f"source = media.open_video({str(clip)!r})\n"
        "size = {'width': 320, 'height': 240}\n"
        "device = af.Device(0)\n"
        f"video = media.VideoDecoder(device, source.codec, **size, interface={interface!r})\n"
        "for packet, pts in source: video.send(packet, pts)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
