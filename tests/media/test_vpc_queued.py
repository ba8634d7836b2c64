"""Work of the picture processor on a stream: in its order, and without a wait of the caller."""

from __future__ import annotations

import asyncio
import ctypes as C
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

import acl_fast as af
from acl_fast import media
from acl_fast.media import vpc
from tests.badinput.capi import Api, Gate

pytestmark = pytest.mark.usefixtures("chosen")


@pytest.fixture(scope="module")
def api(device: af.Device) -> Api:
    return Api(af.info().library)


@pytest.fixture
def gate(api: Api, device: af.Device, stream: af.Stream) -> Iterator[Gate]:
    """The stream is held up by this very thread: a call that waited for it would never return."""
    device.make_current()
    made = Gate(api, stream.handle)
    yield made
    device.make_current()
    made.remove()


def noise(width: int, height: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height * 3 // 2, width), np.uint8)


def work(image: media.Image, stream: af.Stream | None) -> list[media.Image]:
    """Each operation on the result of another."""
    small = vpc.resize(image, 208, 116, stream=stream)
    framed, _ = vpc.letterbox(small, 128, 128, fill=9, stream=stream)
    parts = vpc.batch_crop_resize(
        [framed, image], [[(0, 0, 64, 64)], [(20, 10, 80, 60), (0, 0, 320, 240)]], 48, 32,
        stream=stream,
    )  # fmt: skip
    part = vpc.crop(small, 16, 16, 64, 64, stream=stream)
    near = vpc.crop_resize(small, (32, 16, 64, 64), 96, 96, stream=stream)
    return [small, framed, *parts, part, near, vpc.convert(parts[1], "rgb", stream=stream)]


def test_calls_do_not_wait(
    device: af.Device, stream: af.Stream, gate: Gate, interface: str
) -> None:
    image = media.Image.from_numpy(device, noise(320, 240))
    want = [made.to_numpy() for made in work(image, None)]
    queued = [work(image, stream) for _ in range(5)]
    image.close()
    assert not stream.query()
    device.make_current()
    gate.open()
    stream.synchronize()
    for images in queued:
        for made, expected in zip(images, want, strict=True):
            np.testing.assert_array_equal(made.to_numpy(), expected)
    assert stream.in_flight == 0


def test_memory_returns_to_the_pool_when_the_device_is_done(
    device: af.Device, stream: af.Stream, gate: Gate, interface: str
) -> None:
    """Pictures whose images are gone are still read and written by what is queued."""
    kind = {"v1": "dvpp", "v2": "himpi"}[interface]
    pixels = noise(320, 240)
    with (
        media.PicturePool(device, 320, 240, count=2, exhausted="raise", kind=kind) as pool,
        media.PicturePool(device, 80, 60, count=1, kind=kind) as small,
    ):
        source, middle = pool.get(), pool.get()
        source.upload(pixels)
        vpc.resize(source, out=middle, stream=stream)
        result = vpc.resize(middle, out=small, stream=stream)
        source.close()
        middle.close()
        source = middle = None
        assert pool.idle == 0
        with pytest.raises(MemoryError):
            pool.get()
        device.make_current()
        gate.open()
        stream.synchronize()
        assert (pool.idle, small.idle) == (2, 0)
        want = vpc.resize(media.Image.from_numpy(device, pixels), 80, 60)
        np.testing.assert_array_equal(result.to_numpy(), want.to_numpy())
        result.close()
        assert small.idle == 1


def test_failures_show_when_the_stream_is_synchronized(
    device: af.Device, stream: af.Stream, gate: Gate
) -> None:
    """hi_mpi refuses where the stream stands what acldvpp refuses when it is called."""
    source = media.Image.from_numpy(device, noise(320, 240), kind="himpi")
    first = vpc.resize(source, 160, 120, stream=stream)
    second = vpc.resize(first, 4000, 10, stream=stream)
    third = vpc.resize(first, 80, 60, stream=stream)
    assert not stream.query()
    device.make_current()
    gate.open()
    with pytest.raises(af.AclError, match=r"hi_mpi_vpc_resize failed: .*\n*.*1/32"):
        stream.synchronize()
    # It is told once. As with V1, nothing that was queued with it counts as done.
    stream.synchronize()
    for made in (first, second, third):
        with pytest.raises(af.AclError, match="not valid"):
            made.to_numpy()
    again = vpc.resize(vpc.resize(source, 160, 120, stream=stream), 80, 60, stream=stream)
    want = vpc.resize(vpc.resize(source, 160, 120), 80, 60)
    stream.synchronize()
    np.testing.assert_array_equal(again.to_numpy(), want.to_numpy())


def test_reading_the_result_of_failed_work_says_so(device: af.Device, stream: af.Stream) -> None:
    source = media.Image.from_numpy(device, noise(320, 240), kind="himpi")
    made = vpc.resize(source, 9000, 10, stream=stream)
    while not stream.query():
        pass
    with pytest.raises(af.AclError, match="not valid"):
        made.to_numpy()
    # What a closed Vpc leaves behind is told, too.
    vpc.resize(source, 9000, 10, stream=stream)
    vpc.close_all()
    with pytest.raises(af.AclError, match="hi_mpi_vpc_resize"):
        stream.synchronize()
    made = vpc.resize(source, 64, 64, stream=stream)
    stream.synchronize()
    assert made.to_numpy().any()


def test_waiting_in_asyncio_tells_the_cause(device: af.Device, stream: af.Stream) -> None:
    source = media.Image.from_numpy(device, noise(320, 240), kind="himpi")
    vpc.resize(source, 9000, 10, stream=stream)

    async def wait() -> None:
        await stream.synchronize_async()

    with pytest.raises(af.AclError, match=r"hi_mpi_vpc_resize: .*9000x10"):
        asyncio.run(wait())
    vpc.resize(source, 64, 64, stream=stream)
    asyncio.run(wait())


def test_an_abort_ends_what_is_queued(
    device: af.Device, stream: af.Stream, gate: Gate, interface: str
) -> None:
    """And leaves the stream and its Vpc as good as new: nothing of it lets later work overtake."""
    image = media.Image.from_numpy(device, noise(320, 240))
    for _ in range(20):
        vpc.resize(image, 160, 120, stream=stream)
    stream.abort()
    for seed in range(10):
        other = media.Image.from_numpy(device, noise(320, 240, seed), stream=stream)
        made = vpc.resize(vpc.resize(other, 160, 120, stream=stream), 80, 60, stream=stream)
        other.close()
        again = media.Image.from_numpy(device, noise(320, 240, seed))
        want = vpc.resize(vpc.resize(again, 160, 120), 80, 60)
        stream.synchronize()
        np.testing.assert_array_equal(made.to_numpy(), want.to_numpy())


def test_an_abort_that_the_package_knows_nothing_of(
    device: af.Device, stream: af.Stream, gate: Gate, api: Api, interface: str
) -> None:
    """Through the C interface: nothing hangs, and a new Vpc does its work."""
    image = media.Image.from_numpy(device, noise(320, 240))
    made = [vpc.resize(image, 160, 120, stream=stream) for _ in range(5)]
    device.make_current()
    api.ok("aclrtStreamAbort", stream.handle)
    vpc.close_all()
    again = vpc.resize(image, 160, 120, stream=stream)
    stream.synchronize()
    np.testing.assert_array_equal(again.to_numpy(), vpc.resize(image, 160, 120).to_numpy())
    del made


def test_streams_side_by_side_and_closed_early(device: af.Device, interface: str) -> None:
    """Four threads with a stream and a Vpc each, which they close with work in flight."""
    errors: list[BaseException] = []
    pixels = [noise(320, 240, seed) for seed in range(4)]

    def run(number: int) -> None:
        try:
            with device.create_stream() as own:
                image = media.Image.from_numpy(device, pixels[number])
                for turn in range(8):
                    one = media.Vpc(device, own)
                    made = one.resize(one.resize(image, 160, 120), 64, 48)
                    if turn % 2:
                        own.synchronize()
                    one.close()
                    found.append((number, made.to_numpy()))
        except BaseException as error:
            errors.append(error)

    found: list[tuple[int, np.ndarray]] = []
    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(found) == 32
    for number, made in found:
        image = media.Image.from_numpy(device, pixels[number])
        want = vpc.resize(vpc.resize(image, 160, 120), 64, 48)
        np.testing.assert_array_equal(made, want.to_numpy())


def test_without_notifies_calls_wait(device: af.Device, stream: af.Stream, api: Api) -> None:
    """As on a card with an older CANN."""
    image = media.Image.from_numpy(device, noise(320, 240), kind="himpi")
    want = vpc.resize(image, 160, 120).to_numpy()
    device.make_current()
    notify, taken = C.c_void_p(), []
    while api.library.aclrtCreateNotify(C.byref(notify), C.c_uint64(0)) == 0:
        taken.append(notify.value)
    with media.Vpc(device, stream, interface="v2") as own:
        made = own.resize(image, 160, 120)
        assert stream.query()
        np.testing.assert_array_equal(made.to_numpy(), want)
        with pytest.raises(af.AclError, match="hi_mpi_vpc_resize"):
            own.resize(image, 9000, 10)
    device.make_current()
    for number in taken:
        api.ok("aclrtDestroyNotify", number)


EXIT = """
import threading
import numpy as np
import acl_fast as af
from acl_fast import media
from acl_fast.media import vpc
device = af.Device(0)
stream = device.create_stream()
image = media.Image.from_numpy(device, np.zeros((1620, 1920), np.uint8))
made = [vpc.resize(image, 640, 360, stream=stream) for _ in range(30)]
"""


def test_exit_with_work_queued_is_quiet(interface: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", EXIT], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
