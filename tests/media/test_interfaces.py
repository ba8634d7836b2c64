"""Which media interface does the work, and all of it on chips that have only one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import acl_fast as af
from acl_fast import media
from acl_fast._atc import aipp
from acl_fast._atc.convert import Request, convert
from acl_fast.media import vpc
from tests.aipp.aipp_model import Config
from tests.aipp.conftest import passing_on

PROGRAM = """
import io
import numpy as np
from PIL import Image as Pillow
import acl_fast as af
from acl_fast import media
from acl_fast.media import vpc

device = af.Device(0)
y, x = np.mgrid[0:240, 0:320]
pixels = np.stack([x % 256, y, (x + y) // 3], -1).astype(np.uint8)
files = []
for kind in ("JPEG", "PNG"):
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, kind)
    files.append(file.getvalue())
with media.JpegDecoder(device) as decoder, media.JpegEncoder(device) as encoder:
    image = decoder.decode(files[0])
    rgb = decoder.decode_png(files[1])
    assert (rgb.to_numpy() == pixels).all()
    with device.create_stream() as stream:
        small = vpc.resize(image, 160, 120, stream=stream)
        framed, box = vpc.letterbox(small, 128, 128, stream=stream)
        stream.synchronize()
    parts = vpc.batch_crop_resize(framed, [(0, 0, 64, 64), (32, 32, 64, 64)], 48, 48)
    again = decoder.decode(encoder.encode(vpc.convert(rgb, "nv12")))
    error = again.to_numpy()[:240].astype(int) - image.to_numpy()[:240]
    assert abs(error).mean() < 3, abs(error).mean()
    print(decoder.interface, encoder.interface, image.kind, parts[1].kind)
with media.PicturePool(device, 64, 64, count=1) as pool:
    print(pool.get().kind)
for interface in ("v1", "v2"):
    for make in (media.Vpc, media.JpegDecoder, media.JpegEncoder):
        try:
            make(device, interface=interface).close()
            print(interface, end=" ")
        except af.UnsupportedError:
            print("-", end=" ")
vpc.close_all()
"""


@pytest.mark.parametrize(
    ("soc", "interface", "kind", "works"),
    [
        ("Ascend310", "v1", "dvpp", "v1 v1 v1 - - -"),
        ("Ascend310P3", "v1", "dvpp", "v1 v1 v1 v2 v2 v2"),
        ("Ascend950PR", "v2", "himpi", "- - - v2 v2 v2"),
    ],
)
def test_a_chip_does_all_with_what_it_has(soc: str, interface: str, kind: str, works: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "SOFTNPU_SOC": soc},
    )
    expected = f"{interface} {interface} {kind} {kind}\n{kind}\n{works}"
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, expected, "")


def test_the_environment_chooses(
    device: af.Device, interface: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACL_FAST_MEDIA", interface)
    with (
        media.Vpc(device) as own,
        media.JpegDecoder(device) as decoder,
        media.VideoDecoder(device, width=128, height=128) as video,
        media.VideoEncoder(device, 128, 128) as encoder,
    ):
        made = (own, decoder, video, encoder)
        assert {channel.interface for channel in made} == {interface}
        other = {"v1": "v2", "v2": "v1"}[interface]
        with media.Vpc(device, interface=other) as second:
            assert second.interface == other
    monkeypatch.setenv("ACL_FAST_MEDIA", "v3")
    with pytest.raises(ValueError, match="ACL_FAST_MEDIA is 'v1'"):
        media.Vpc(device)


def test_contexts_do_as_devices(device: af.Device, chosen: str) -> None:
    with device.create_context() as context:
        image = media.Image.from_numpy(context, np.zeros((96, 64), np.uint8))
        with media.JpegEncoder(context) as encoder, media.JpegDecoder(context) as decoder:
            back = decoder.decode(encoder.encode(image))
        assert back.size == vpc.resize(image, 64, 64).size
        assert decoder.interface == chosen
        image.close()
        back.close()
        vpc.close_all()


def test_threads_share_the_channels(device: af.Device, chosen: str) -> None:
    """Six threads, two kinds of Vpc and two still channels; each finds its own picture."""
    errors: list[BaseException] = []
    with (
        device.create_stream() as stream,
        media.JpegDecoder(device) as decoder,
        media.JpegEncoder(device) as encoder,
    ):

        def work(number: int) -> None:
            try:
                pixels = np.full((96, 64), 16 * number + 9, np.uint8)
                for _ in range(15):
                    image = media.Image.from_numpy(device, pixels)
                    queued = stream if number % 2 else None
                    small = vpc.resize(image, 32, 32, stream=queued)
                    back = decoder.decode(encoder.encode(image))
                    if queued is not None:
                        queued.synchronize()
                    assert (small.to_numpy() == pixels[0, 0]).all()
                    assert np.abs(back.to_numpy()[:64].astype(int) - pixels[0, 0]).max() < 3
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        vpc.close_all()
    assert errors == []


def test_channels_that_run_out_and_come_back(device: af.Device) -> None:
    made: list[media.JpegDecoder] = []
    with pytest.raises(RuntimeError, match="256 channels of this kind are open: close one"):
        made.extend(media.JpegDecoder(device, interface="v2") for _ in range(300))
    while made:
        made.pop().close()
    for _ in range(50):
        with media.JpegDecoder(device, interface="v2"), media.Vpc(device, interface="v2"):
            pass


SIDE = 128
JPEG_TO_RGB = [256, 0, 359, 256, -88, -183, 256, 454, 0]


def photo(width: int, height: int) -> bytes:
    pillow = pytest.importorskip("PIL.Image")
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x ^ y, y * 255 // height, (x + y) // 4], -1).astype(np.uint8)
    file = io.BytesIO()
    pillow.fromarray(pixels).save(file, "JPEG", quality=95, subsampling=2)
    return file.getvalue()


@contextmanager
def only_copies(bytes_h2d: int, bytes_d2h: int) -> Iterator[None]:
    """Nothing else is copied; ``bytes_h2d`` is a limit."""
    names = ["bytes_h2d", "bytes_d2h", "bytes_d2d", "bytes_h2h", "bytes_staged"]
    before = af.softnpu.counters()
    yield
    after = af.softnpu.counters()
    moved = [after[name] - before[name] for name in names]
    assert moved[0] <= bytes_h2d
    assert moved[1:] == [bytes_d2h, 0, 0, 0]


def test_a_chain_gives_the_same_through_each(
    device: af.Device, stream: af.Stream, tmp_path: Path, unified: bool
) -> None:
    """JPEG, picture processor, a model with AIPP: nothing but the file goes in."""
    config = Config("YUV420SP_U8", SIDE, SIDE, matrix=JPEG_TO_RGB, reciprocal=[1 / 255] * 4)
    network = passing_on(tmp_path / "network.onnx", [1, 3, SIDE, SIDE], "float32")
    path = convert(Request(network, tmp_path / "network", aipp=aipp.parse(config.text()))).path
    data = photo(640, 480)
    results = []
    for interface, kind in (("v1", "dvpp"), ("v2", "himpi")):
        with (
            device.load_model(str(path)) as model,
            model.create_request() as request,
            media.JpegDecoder(device, interface=interface) as decoder,
            media.PicturePool(device, SIDE, SIDE, count=2, kind=kind) as pool,
        ):
            frame = pool.get()
            frame.upload(np.full((SIDE * 3 // 2, SIDE), 128, np.uint8))
            request.set_input(0, frame)
            with only_copies(0 if unified else len(data) + 4096, model.outputs[0].nbytes):
                image = decoder.decode(data)
                box = media.Letterbox.fit(image.width, image.height, SIDE, SIDE)
                with media.Vpc(device, stream, interface=interface) as own:
                    place = (box.left, box.top, box.width, box.height)
                    own.paste(image, *place, out=frame)
                    request.run_async(stream)
                    stream.synchronize()
                results.append(request.outputs[0].download())
            assert image.kind == kind
            image.close()
            frame.close()
    np.testing.assert_array_equal(results[0], results[1])
    assert results[0].std() > 0.1
