"""Which media interface does the work, and all of it on chips that have only one."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import acl_fast as af
from acl_fast import media
from acl_fast.media import vpc

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
