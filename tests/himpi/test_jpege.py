"""JPEG files out of hi_mpi_venc_*: Pillow opens them, and finds in them what was sent."""

from __future__ import annotations

import ctypes as C
import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from tests.himpi.codec import JPEG, FrameInfo
from tests.himpi.encoder import ChnAttr, Pack, Stream
from tests.himpi.himpi import NV12, code, live
from tests.himpi.test_jpegd import ImgStream
from tests.softnpu_model.acl import D2H, acl
from tests.vdec.vdec import NV21, Memory

pillow = pytest.importorskip("PIL.Image")
ILLEGAL, NULL, UNSUPPORTED, NOT_PERM = (0xA0088000 + i for i in (3, 6, 8, 9))
EMPTY, BAD_ADDRESS = (0xA0088000 + i for i in (0xE, 0x11))
CHN = 7
WIDTH, HEIGHT = 338, 250
OWN_TABLES = 0xFFFFFFFF
PACKED = {7: (0, 1, 3), 8: (1, 0, 2), 9: (0, 3, 1), 10: (1, 2, 0)}  # places of Y, U and V


class JpegParam(C.Structure):
    _fields_ = [("qfactor", C.c_uint32), ("tables", (C.c_uint8 * 64) * 3)]
    _fields_ += [("mcu", C.c_uint32), ("ecs", C.c_int)]


def planes() -> np.ndarray:
    """Return smooth Y, U and V, all of full size."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [128 + 90 * np.sin(x / 40), 128 + 60 * np.cos(y / 50), 128 + 50 * np.sin((x + y) / 60)]
    return np.stack(waves).astype(np.uint8)


def rows_of(pixel_format: int) -> tuple[np.ndarray, int]:
    """Return the picture in the format, and its stride."""
    luma, u, v = planes()
    if pixel_format in (NV12, NV21):
        stride = 352
        pairs = [u, v] if pixel_format == NV12 else [v, u]
        chroma = np.stack([p[::2, ::2] for p in pairs], -1).reshape(HEIGHT // 2, WIDTH)
        rows = np.zeros((HEIGHT * 3 // 2, stride), np.uint8)
        rows[:, :WIDTH] = np.concatenate([luma, chroma])
        return rows, stride
    stride = 688
    rows = np.zeros((HEIGHT, stride), np.uint8)
    places = PACKED[pixel_format]
    rows[:, places[0] : 2 * WIDTH : 2] = luma
    rows[:, places[1] : 2 * WIDTH : 4] = u[:, ::2]
    rows[:, places[2] : 2 * WIDTH : 4] = v[:, ::2]
    return rows, stride


@contextmanager
def channel(buf_size: int = 1 << 21) -> Iterator[None]:
    before = live()
    given = ChnAttr(JPEG, 1920, 1088, buf_size, 0, 1, 1920, 1088)
    assert code("hi_mpi_venc_create_chn", CHN, C.byref(given)) == 0
    try:
        assert code("hi_mpi_venc_start_chn", CHN, C.byref(C.c_int32(-1))) == 0
        yield
    finally:
        assert code("hi_mpi_venc_stop_chn", CHN) == 0
        assert code("hi_mpi_venc_destroy_chn", CHN) == 0
        assert live() == before


class Input:
    def __init__(self, pixel_format: int = NV12) -> None:
        rows, stride = rows_of(pixel_format)
        self.memory = Memory(rows.nbytes)
        self.memory.write(rows.tobytes())
        self.info = FrameInfo(WIDTH, HEIGHT, 4, pixel_format)
        self.info.strides[1][0] = stride
        self.info.address[0] = self.memory.address
        self.info.pts = 33

    def send(self) -> int:
        return code("hi_mpi_venc_send_frame", CHN, C.byref(self.info), -1)

    def send_to(self, memory: Memory, nbytes: int) -> int:
        stream = ImgStream(JPEG, memory.address, nbytes)
        name = "hi_mpi_venc_send_jpege_frame"
        return code(name, CHN, C.byref(self.info), C.byref(stream), -1)


def fetch() -> tuple[Pack, bytes]:
    pack = Pack()
    stream = Stream(C.pointer(pack), 1)
    assert code("hi_mpi_venc_get_stream", CHN, C.byref(stream), 5000) == 0
    assert (stream.count, stream.info[0], pack.pts, pack.type) == (1, pack.length, 33, 8)
    data = np.empty(pack.length, np.uint8)
    if pack.length:
        acl.aclrtMemcpy(data.ctypes.data, pack.length, pack.address, pack.length, D2H)
    assert code("hi_mpi_venc_release_stream", CHN, C.byref(stream)) == 0
    assert code("hi_mpi_venc_release_stream", CHN, C.byref(stream)) == ILLEGAL
    return pack, data.tobytes()


def check(data: bytes, tolerance: float) -> None:
    image = pillow.open(io.BytesIO(data))
    assert image.size == (WIDTH, HEIGHT)
    image.draft("YCbCr", None)
    got = np.moveaxis(np.asarray(image.convert("YCbCr")).astype(float), -1, 0)
    assert np.abs(got - planes()).mean() < tolerance


def param() -> JpegParam:
    result = JpegParam()
    assert code("hi_mpi_venc_get_jpeg_param", CHN, C.byref(result)) == 0
    return result


def set_param(given: JpegParam) -> int:
    return code("hi_mpi_venc_set_jpeg_param", CHN, C.byref(given))


@pytest.mark.parametrize("pixel_format", [NV12, NV21, *PACKED])
def test_files_hold_what_was_sent(pixel_format: int) -> None:
    with channel():
        given = Input(pixel_format)
        assert given.send() == 0
        check(fetch()[1], 1.0)
        given.memory.free()


def test_quality_and_own_quantisers() -> None:
    with channel():
        given, sizes = Input(), []
        assert param().qfactor == 100
        for quality in (10, 60, 100):
            wanted = param()
            wanted.qfactor = quality
            assert set_param(wanted) == 0
            assert given.send() == 0
            _, data = fetch()
            sizes.append(len(data))
            reference = io.BytesIO()
            pillow.new("RGB", (16, 16)).save(reference, "JPEG", quality=quality)
            want = pillow.open(io.BytesIO(reference.getvalue())).quantization
            assert pillow.open(io.BytesIO(data)).quantization == want
        assert sizes == sorted(sizes)
        own = JpegParam(OWN_TABLES)
        for number in range(3):
            own.tables[number][:] = [3 + number] * 64
        assert set_param(own) == 0
        assert given.send() == 0
        _, data = fetch()
        tables = pillow.open(io.BytesIO(data)).quantization
        assert {key: set(table) for key, table in tables.items()} == {0: {3}, 1: {4}, 2: {5}}
        check(data, 1.5)
        own.tables[2][63] = 0
        assert set_param(own) == ILLEGAL
        for quality in (0, 101):
            assert set_param(JpegParam(quality)) == ILLEGAL
        given.memory.free()


def test_files_in_the_programs_memory() -> None:
    with channel(0):
        given, size = Input(), C.c_uint32()
        ask = "hi_mpi_venc_get_jpege_predicted_size"
        assert code(ask, C.byref(given.info), None, C.byref(size)) == 0
        memory = Memory(size.value)
        assert given.send() == UNSUPPORTED
        for _ in range(2):
            assert given.send_to(memory, size.value) == 0
            pack, data = fetch()
            assert pack.address == memory.address
            check(data, 1.0)
        assert given.send_to(memory, 100) == 0  # too little: the frame is over, without a file
        assert fetch()[0].length == 0
        assert given.send_to(memory, memory.nbytes * 2) == BAD_ADDRESS
        assert given.send_to(memory, 0) == ILLEGAL
        odd = Memory(32)
        odd.address += 8
        assert given.send_to(odd, 16) == ILLEGAL
        odd.address -= 8
        assert code(ask, None, None, C.byref(size)) == NULL
        given.info.format = 12
        assert code(ask, C.byref(given.info), None, C.byref(size)) == ILLEGAL
        for thing in (memory, odd, given.memory):
            thing.free()


def test_noise_fits_the_predicted_size() -> None:
    with channel(0):
        given, size = Input(), C.c_uint32()
        noise = np.random.default_rng(1).integers(0, 2, given.memory.nbytes, np.uint8) * 255
        given.memory.write(noise.tobytes())
        ask = "hi_mpi_venc_get_jpege_predicted_size"
        assert code(ask, C.byref(given.info), None, C.byref(size)) == 0
        memory = Memory(size.value)
        assert given.send_to(memory, size.value) == 0
        assert fetch()[0].length > given.memory.nbytes
        given.memory.free()
        memory.free()


def test_misuse() -> None:
    with channel():
        given = Input()
        memory = Memory(1 << 16)
        assert given.send_to(memory, 1 << 16) == UNSUPPORTED
        assert code("hi_mpi_venc_get_jpeg_param", CHN, None) == NULL
        assert code("hi_mpi_venc_set_jpeg_param", CHN, None) == NULL
        for name, value in (("width", 1922), ("width", 337), ("height", 16), ("format", 12)):
            kept = getattr(given.info, name)
            setattr(given.info, name, value)
            assert given.send() == ILLEGAL, name
            setattr(given.info, name, kept)
        given.info.strides[1][0] = 344
        assert given.send() == ILLEGAL
        given.info.strides[1][0] = 336
        assert given.send() == ILLEGAL
        memory.free()
        given.memory.free()
    for size in (16, 20000):
        given_attr = ChnAttr(JPEG, size, 64, 1 << 20, 0, 1, size, 64)
        assert code("hi_mpi_venc_create_chn", CHN, C.byref(given_attr)) == ILLEGAL
    assert code("hi_mpi_venc_get_jpeg_param", CHN, C.byref(JpegParam())) == 0xA0088005
