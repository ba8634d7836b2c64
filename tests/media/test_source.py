"""Video from URLs: what RTSP and HTTP deliver is decoded like the file, and silence ends."""

from __future__ import annotations

import functools
import http.server
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

import acl_fast as af
from acl_fast import media

WIDTH, HEIGHT, COUNT = 320, 192, 20


@pytest.fixture(scope="module", params=["libx264", "libx265"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / f"{request.param}.mp4"
    options = {"g": "10", "bf": "0", "x265-params": "log-level=error"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(request.param, rate=100, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        random = np.random.default_rng(3)
        coarse = random.integers(0, 255, (HEIGHT // 16, WIDTH // 16, 3), np.uint8)
        for index in range(COUNT):
            picture = np.roll(coarse.repeat(16, 0).repeat(16, 1), index * 4, 1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path


def luma_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray()[:HEIGHT] for frame in container.decode(video=0)]


def decoded(device: af.Device, source: media.VideoSource) -> list[np.ndarray]:
    with media.VideoDecoder(device, source.codec, width=WIDTH, height=HEIGHT) as decoder:
        return [image.to_numpy()[:HEIGHT] for image in decoder.decode(source)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def rtsp_sender(path: Path, url: str) -> Iterator[None]:
    """Push the clip to who listens at ``url``; its parameter sets go ahead of the stream."""
    command = [shutil.which("ffmpeg") or "ffmpeg", "-v", "error", "-i", path, "-c", "copy"]
    command += ["-f", "rtsp", "-rtsp_transport", "tcp", url]

    def push() -> None:
        until = time.monotonic() + 20
        while subprocess.run(command, capture_output=True).returncode and time.monotonic() < until:
            time.sleep(0.1)

    thread = threading.Thread(target=push)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_rtsp(device: af.Device, clip: Path) -> None:
    url = f"rtsp://127.0.0.1:{free_port()}/live"
    listen = {"rtsp_flags": "listen", "listen_timeout": "20"}
    with rtsp_sender(clip, url), media.open_video(url, options=listen) as source:
        found = decoded(device, source)
    expected = luma_of(clip)
    assert len(found) == len(expected) == COUNT
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_http(device: af.Device, clip: Path) -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(clip.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{clip.name}"
        with media.open_video(url, timeout=20) as source:
            found = decoded(device, source)
        server.shutdown()
    np.testing.assert_array_equal(np.stack(found), np.stack(luma_of(clip)))


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_source_that_says_nothing(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"{scheme}://127.0.0.1:{server.getsockname()[1]}/live"
        with pytest.raises(TimeoutError, match=r"sent nothing for 0\.3 s"):
            media.open_video(url, timeout=0.3)


def test_a_source_that_falls_silent(clip: Path) -> None:
    command = ["ffmpeg", "-v", "error", "-i", clip, "-c", "copy", "-f", "mpegts", "-"]
    stream = subprocess.run(command, capture_output=True, check=True).stdout
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + stream)
                peer.recv(1)  # until the reader goes

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/live"
        packets = []
        with (
            pytest.raises(TimeoutError, match="sent nothing"),
            media.open_video(
                url, timeout=1, options={"probesize": "50000", "fpsprobesize": "2"}
            ) as source,
        ):
            packets.extend(source)
        thread.join()
    assert packets


def test_without_pyav_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=r"pip install acl_fast\[video\]"):
        media.open_video("clip.mp4")
