"""The picture processor, against formulas and OpenCV."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

import acl_fast as af
from acl_fast import media
from acl_fast.media import vpc

cv2 = pytest.importorskip("cv2")
pytestmark = pytest.mark.usefixtures("chosen")


def smooth(width: int, height: int) -> np.ndarray:
    """An NV12 picture without sharp edges, where filters agree."""
    y, x = np.mgrid[0:height, 0:width]
    luma = 128 + 60 * np.sin(x / 23) + 50 * np.cos(y / 31)
    y, x = np.mgrid[0 : height // 2, 0 : width // 2]
    chroma = np.stack([128 + 50 * np.sin(x / 29 + y / 17), 128 + 50 * np.cos(x / 37)], -1)
    rows = [luma, chroma.reshape(height // 2, width)]
    return np.concatenate(rows).round().astype(np.uint8)


def planes(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height = pixels.shape[0] * 2 // 3
    return pixels[:height], pixels[height:].reshape(height // 2, -1, 2)


def reference(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    luma, chroma = planes(pixels)
    luma = cv2.resize(luma, (width, height), interpolation=cv2.INTER_LINEAR)
    chroma = cv2.resize(chroma, (width // 2, height // 2), interpolation=cv2.INTER_LINEAR)
    return np.concatenate([luma, chroma.reshape(height // 2, width)])


def near(got: np.ndarray, want: np.ndarray, tolerance: int) -> None:
    assert got.shape == want.shape
    assert int(np.abs(got.astype(int) - want.astype(int)).max()) <= tolerance


@pytest.mark.parametrize("queued", [False, True])
def test_resize(device: af.Device, stream: af.Stream, queued: bool) -> None:
    pixels = smooth(640, 360)
    image = media.Image.from_numpy(device, pixels)
    image.pts = 7
    small = vpc.resize(image, 416, 234, stream=stream if queued else None)
    image.close()
    stream.synchronize()
    assert small.pts == 7
    near(small.to_numpy(), reference(pixels, 416, 234), 3)


def test_crop_and_crop_views(device: af.Device) -> None:
    pixels = smooth(640, 360)
    luma, chroma = planes(pixels)
    image = media.Image.from_numpy(device, pixels)
    part = vpc.crop(image, 64, 32, 128, 96)
    want = [luma[32:128, 64:192], chroma[16:64, 32:96].reshape(48, 128)]
    np.testing.assert_array_equal(part.to_numpy(), np.concatenate(want))
    view = image.crop(64, 32, 128, 96)
    np.testing.assert_array_equal(vpc.crop(view).to_numpy(), np.concatenate(want))
    near(
        vpc.resize(view, 64, 64).to_numpy(),
        vpc.crop_resize(image, (64, 32, 128, 96), 64, 64).to_numpy(),
        0,
    )


def test_letterbox(device: af.Device) -> None:
    pixels = smooth(640, 360)
    image = media.Image.from_numpy(device, pixels)
    framed, box = vpc.letterbox(image, 416, 416, fill=114)
    assert (box.left, box.top, box.width, box.height) == (0, 90, 416, 234)
    luma, chroma = planes(framed.to_numpy())
    assert (luma[:90] == 114).all()
    assert (luma[324:] == 114).all()
    assert (chroma[:45] == 128).all()
    want = reference(pixels, 416, 234)
    near(luma[90:324], want[:234], 3)
    np.testing.assert_allclose(box.to_source([[0, 90, 416, 324]]), [[0, 0, 640, 360]])
    boxes = [[10.0, 20.0, 300.0, 200.0]]
    np.testing.assert_allclose(box.to_source(box.to_frame(boxes)), boxes)


def test_batch_of_regions(device: af.Device, stream: af.Stream) -> None:
    first = media.Image.from_numpy(device, smooth(640, 360))
    second = media.Image.from_numpy(device, smooth(320, 240))
    boxes = [[(0, 0, 64, 64), (100, 50, 200, 100)], [(20, 20, 100, 100)]]
    with media.PicturePool(device, 96, 96, count=3) as pool:
        got = vpc.batch_crop_resize([first, second], boxes, out=pool, stream=stream)
        assert pool.idle == 0
        stream.synchronize()
        want = [
            vpc.crop_resize(first, boxes[0][0], 96, 96),
            vpc.crop_resize(first, boxes[0][1], 96, 96),
            vpc.crop_resize(second, boxes[1][0], 96, 96),
        ]
        for one, other in zip(got, want, strict=True):
            np.testing.assert_array_equal(one.to_numpy(), other.to_numpy())
        del got, one
        assert pool.idle == 3


def test_convert_to_rgb_by_the_formula(device: af.Device) -> None:
    pixels = smooth(640, 360)
    rgb = vpc.convert(media.Image.from_numpy(device, pixels), "rgb").to_numpy().astype(int)
    luma, chroma = planes(pixels)
    u, v = np.repeat(np.repeat(chroma, 2, 0), 2, 1).astype(float).transpose(2, 0, 1) - 128
    want = np.stack([luma + 1.402 * v, luma - 0.344 * u - 0.714 * v, luma + 1.772 * u], -1)
    error = np.abs(rgb - want.clip(0, 255))
    # Cards may interpolate chroma between its samples.
    assert error.mean() < 2


Make = Callable[[media.Vpc, media.Image], list[media.Image]]
SAME: dict[str, Make] = {
    "resize": lambda own, image: [own.resize(image, 416, 234), own.resize(image, 1000, 500)],
    "resize_crop": lambda own, image: [own.resize(image.crop(30, 20, 200, 150), 96, 96)],
    "resize_to_rgb": lambda own, image: [own.resize(image, 160, 96, format="rgb")],
    "crop": lambda own, image: [own.crop(image, 64, 32, 128, 96)],
    "letterbox": lambda own, image: [own.letterbox(image, 416, 416, fill=7)[0]],
    "convert": lambda own, image: [own.convert(image, "bgr"), own.convert(image, "nv21")],
    "batch": lambda own, image: own.batch_crop_resize(
        [image, own.resize(image, 320, 200)],
        [[(0, 0, 64, 64), (100, 50, 200, 100)], [(20, 20, 100, 100)]],
        128,
        96,
    ),
}


@pytest.mark.parametrize("how", ["default", "nearest"])
def test_both_interfaces_make_the_same(device: af.Device, interface: str, how: str) -> None:
    """The fixture's interface makes the picture: each takes the other's memory, too."""
    pixels = np.random.default_rng(3).integers(0, 256, (540, 640), np.uint8)
    image = media.Image.from_numpy(device, pixels)
    assert image.kind == {"v1": "dvpp", "v2": "himpi"}[interface]
    with (
        media.Vpc(device, interface="v1", interpolation=how) as one,
        media.Vpc(device, interface="v2", interpolation=how) as two,
    ):
        for name, make in SAME.items():
            before = af.softnpu.counters()["images_processed"]
            first = make(one, image)
            middle = af.softnpu.counters()["images_processed"]
            second = make(two, image)
            after = af.softnpu.counters()["images_processed"]
            assert after - middle == middle - before > 0
            for ours, theirs in zip(first, second, strict=True):
                assert (ours.kind, theirs.kind) == ("dvpp", "himpi")
                np.testing.assert_array_equal(ours.to_numpy(), theirs.to_numpy(), err_msg=name)


def test_the_stream_waits_for_other_streams(device: af.Device, stream: af.Stream) -> None:
    """What other streams still write is waited for, and what follows sees the result."""
    pixels = smooth(640, 360)
    with device.create_stream() as other, media.Vpc(device, stream) as own:
        for _ in range(20):
            image = media.Image.from_numpy(device, pixels, stream=other)
            small = own.resize(image, 416, 234)
            again = own.resize(small, 208, 116)
            image.close()
            stream.synchronize()
            near(small.to_numpy(), reference(pixels, 416, 234), 3)
            assert (again.to_numpy() == vpc.resize(small, 208, 116).to_numpy()).all()


def test_pictures_stay_in_their_interface(
    device: af.Device, stream: af.Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACL_FAST_MEDIA")
    pixels = smooth(320, 240)
    for kind in ("dvpp", "himpi"):
        image = media.Image.from_numpy(device, pixels, kind=kind)
        queued = vpc.resize(image, 160, 120, stream=stream)
        assert vpc.resize(queued, 64, 64, stream=stream).kind == kind
        assert vpc.crop(image, 0, 0, 64, 64).kind == kind
        stream.synchronize()
    with pytest.raises(ValueError, match="pictures live in memory of kind"):
        media.Image.empty(device, 64, 64, kind="host")


BUSY = """
import os
import numpy as np
import acl_fast as af
from acl_fast import media
device = af.Device(0)
image = media.Image.from_numpy(device, np.zeros((1620, 1920), np.uint8))

def ticks():
    found = {}
    for task in os.listdir("/proc/self/task"):
        fields = open(f"/proc/self/task/{task}/stat").read().rsplit(")", 1)[1].split()
        found[task] = int(fields[11]) + int(fields[12])
    return found

with media.Vpc(device) as vpc:
    before = ticks()
    while sum(ticks().values()) - sum(before.values()) < 80:
        vpc.batch_crop_resize(image, [(0, 0, 1920, 1080)] * 16, 640, 360)
    print(sum(count - before.get(task, 0) >= 8 for task, count in ticks().items()))
vpc = None
"""


def test_batches_use_the_threads_of_the_device(interface: str) -> None:
    """Processor time of each, so that other work on the machine does not matter."""
    done = subprocess.run(
        [sys.executable, "-c", BUSY],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "SOFTNPU_THREADS": "3", "ACL_FAST_MEDIA": interface},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) >= 2


FUNCTION = {"v1": "acldvppVpc", "v2": "hi_mpi_vpc"}


def test_mistakes_say_what_would_do(device: af.Device, interface: str) -> None:
    image = media.Image.from_numpy(device, smooth(640, 360))
    with pytest.raises(ValueError, match="width and height"):
        vpc.resize(image)
    with pytest.raises(ValueError, match="out is 64x64"):
        vpc.resize(image, 32, 32, out=media.Image.empty(device, 64, 64))
    with pytest.raises(ValueError, match="not inside"):
        vpc.crop(image, 600, 0, 100, 100)
    with pytest.raises(ValueError, match="boxes"):
        vpc.batch_crop_resize(image, [], 32, 32)
    with pytest.raises(af.AclError, match=FUNCTION[interface]):
        vpc.resize(image, 16, 16)  # by more than 32
    with pytest.raises(af.AclError, match=FUNCTION[interface]):
        vpc.resize(image, 12000, 200)
    with pytest.raises(af.AclError, match=FUNCTION[interface]):
        vpc.batch_crop_resize(image, [(0, 0, 64, 64), (0, 0, 640, 360)], 16, 16)
    assert vpc.resize(image, 32, 32).size == (32, 32)
    image.close()
    with pytest.raises(af.ClosedError):
        vpc.resize(image, 32, 32)


def test_a_vpc_of_ones_own(device: af.Device, interface: str) -> None:
    image = media.Image.from_numpy(device, smooth(640, 360))
    own = media.Vpc(device, interpolation="nearest")
    assert own.interface == interface
    small = own.resize(image, 320, 180)
    if interface == "v2":
        for how in ("bilinear_tf", "nearest_tf"):
            with pytest.raises(ValueError, match="hi_mpi has the interpolations 'bilinear'"):
                own.set_interpolation(how)
        own.set_interpolation("bilinear")
        bilinear = own.resize(image, 320, 180)
        own.set_interpolation("default")
        np.testing.assert_array_equal(bilinear.to_numpy(), own.resize(image, 320, 180).to_numpy())
    own.close()
    own.close()
    with pytest.raises(af.ClosedError):
        own.resize(image, 320, 180)
    assert small.to_numpy().shape == (270, 320)
