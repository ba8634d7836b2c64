"""JPEG files through hi_mpi_vdec_* and PNG files through hi_mpi_pngd_*, against Pillow."""

from __future__ import annotations

import ctypes as C
import io
from collections.abc import Iterator

import numpy as np
import pytest

from tests.himpi.codec import (
    BAD_ADDRESS,
    CHN,
    EMPTY,
    ILLEGAL,
    JPEG,
    KEEP,
    NOT_PERM,
    NULL,
    UNEXIST,
    UNSUPPORTED,
    ImgInfo,
    PicInfo,
    Stream,
    attr,
    fetch,
    filled,
    release,
    send,
    status,
)
from tests.himpi.himpi import code, live
from tests.vdec.vdec import Memory

pillow = pytest.importorskip("PIL.Image")
cv2 = pytest.importorskip("cv2")
WIDTH, HEIGHT = 332, 250
MANY = 600
NV12, NV21, GREY = 1, 2, 0
# OpenCV's sampling factors, hi_jpeg_raw_format, the format that keeps it, chroma across and down.
SAMPLINGS = {
    "444": (0x111111, 0, 6, 0, 0),
    "422": (0x211111, 1, 4, 1, 0),
    "420": (0x221111, 2, 2, 1, 1),
    "440": (0x121111, 3, 1001, 0, 1),
}


def picture(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 90 * np.sin(x / 40), 128 + 90 * np.cos(y / 50), 128 + 60 * np.sin((x + y) / 60)]
    return np.stack(waves, -1).astype(np.uint8)


def compressed(sampling: int = 0x221111, **flags: int) -> bytes:
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling, cv2.IMWRITE_JPEG_QUALITY, 95]
    for name, value in flags.items():
        options += [getattr(cv2, f"IMWRITE_JPEG_{name.upper()}"), value]
    good, data = cv2.imencode(".jpg", picture(), options)
    assert good
    return data.tobytes()


def pil_jpeg(**options: object) -> bytes:
    file = io.BytesIO()
    pixels = options.pop("pixels", picture())
    pillow.fromarray(pixels).save(file, "JPEG", quality=95, **options)
    return file.getvalue()


def components(data: bytes, across: int, down: int) -> tuple[np.ndarray, np.ndarray]:
    """Return luma and (u, v) pairs as Pillow decodes them, chroma averaged to its sampling."""
    image = pillow.open(io.BytesIO(data))
    image.draft("YCbCr", None)
    pixels = np.asarray(image.convert("YCbCr")).astype(float)
    chroma = pixels[..., 1:]
    rows, columns = chroma.shape[0] >> down << down, chroma.shape[1] >> across << across
    chroma = chroma[:rows, :columns]
    chroma = chroma.reshape(rows >> down, 1 << down, columns >> across, 1 << across, 2)
    return pixels[..., 0], chroma.mean((1, 3))


@pytest.fixture
def chn() -> Iterator[int]:
    before = live()
    assert code("hi_mpi_vdec_create_chn", CHN, C.byref(attr(JPEG))) == 0
    assert code("hi_mpi_vdec_start_recv_stream", CHN) == 0
    yield CHN
    assert code("hi_mpi_vdec_stop_recv_stream", CHN) == 0
    assert code("hi_mpi_vdec_destroy_chn", CHN) == 0
    assert live() == before


def output_info(data: bytes, wanted: int = KEEP) -> ImgInfo:
    """Ask what the file becomes; the file stands in host memory, as programs do it."""
    host, info = C.create_string_buffer(data, len(data)), ImgInfo()
    stream = Stream(1, 0, 1, 0, 0, len(data), C.addressof(host))
    name = "hi_mpi_vdec_get_jpegd_output_info"
    assert code(name, C.byref(stream), wanted, C.byref(info)) == 0
    return info


class Decoded:
    """A file decoded to its own buffer."""

    def __init__(self, data: bytes, wanted: int = KEEP) -> None:
        self.info = output_info(data, wanted)
        info = self.info
        memory, file = Memory(info.nbytes), filled(data)
        stream = Stream(1, 0, 1, 77, 0, len(data), file.address)
        target = PicInfo(
            info.width, info.height, info.stride, info.rows, wanted, memory.address, info.nbytes
        )
        assert send(stream, target) == 0
        got, self.frame, packet = fetch(5000)
        assert (got, packet.addr, self.frame.pts) == (0, file.address, 77)
        assert self.frame.address[0] == memory.address
        assert release(self.frame) == 0
        self.rows = memory.read(info.nbytes)
        memory.free()
        file.free()

    def planes(self, across: int, down: int) -> tuple[np.ndarray, np.ndarray]:
        info = self.info
        luma = self.rows[: info.stride * info.rows].reshape(info.rows, info.stride)
        stride = info.stride * 2 >> across
        chroma = self.rows[info.stride * info.rows :].reshape(info.rows >> down, stride)
        chroma = chroma[: info.height >> down].reshape(info.height >> down, -1, 2)
        return luma[: info.height, : info.width], chroma[:, : info.width >> across]


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_files_keep_their_sampling_or_become_420(chn: int, sampling: str) -> None:
    factors, raw, kept, across, down = SAMPLINGS[sampling]
    data = compressed(factors)
    luma, chroma = components(data, across, down)
    got = Decoded(data)
    assert got.info.format == got.frame.format == kept
    assert (got.info.width, got.info.height, got.info.stride, got.info.rows) == (332, 250, 384, 256)
    assert (got.frame.width, got.frame.height, got.frame.strides[1][0]) == (332, 250, 384)
    assert got.frame.flag == 0
    have_luma, have_chroma = got.planes(across, down)
    np.testing.assert_array_equal(have_luma, luma)
    assert np.abs(have_chroma[..., ::-1] - chroma).max() <= 2  # V comes first
    _, chroma = components(data, 1, 1)
    for wanted, order in ((NV12, slice(None)), (NV21, slice(None, None, -1))):
        got = Decoded(data, wanted)
        assert got.frame.format == wanted
        have_luma, have_chroma = got.planes(1, 1)
        np.testing.assert_array_equal(have_luma, luma)
        assert np.abs(have_chroma[..., order] - chroma).max() <= 2
    host, info = C.create_string_buffer(data, len(data)), ImgInfo()
    stream = Stream(1, 0, 1, 0, 0, len(data), C.addressof(host))
    assert code("hi_mpi_dvpp_get_image_info", JPEG, C.byref(stream), C.byref(info)) == 0
    assert (info.format, info.width, info.height, info.stride) == (raw, 332, 250, 384)


def test_grey_files(chn: int) -> None:
    data = pil_jpeg(pixels=picture()[..., 0])
    want = np.asarray(pillow.open(io.BytesIO(data)))
    got = Decoded(data)
    assert got.frame.format == GREY
    np.testing.assert_array_equal(got.rows.reshape(256, 384)[:HEIGHT, :WIDTH], want)
    luma, chroma = Decoded(data, NV12).planes(1, 1)
    np.testing.assert_array_equal(luma, want)
    assert (chroma == 128).all()


def test_odd_sizes_lose_their_last_column_and_row(chn: int) -> None:
    data = pil_jpeg(pixels=picture(65, 47), subsampling=2)
    got = Decoded(data)
    assert (got.frame.width, got.frame.height) == (64, 46)
    luma, _ = components(data, 1, 1)
    np.testing.assert_array_equal(got.planes(1, 1)[0], luma[:46, :64])


def with_orientation(orientation: int, **options: object) -> bytes:
    exif = pillow.Exif()
    exif[0x0112] = orientation
    return pil_jpeg(exif=exif, **options)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_exif_says(chn: int, orientation: int) -> None:
    data = with_orientation(orientation, subsampling=0)
    upright, _ = components(data, 0, 0)
    image = pillow.fromarray(upright.astype(np.uint8))
    how = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}.get(orientation)  # Image.Transpose
    want = np.asarray(image if how is None else image.transpose(pillow.Transpose(how)))
    got = Decoded(data)
    assert (got.info.width, got.info.height) == want.shape[::-1]
    assert (got.frame.width, got.frame.height) == want.shape[::-1]
    np.testing.assert_array_equal(got.planes(0, 0)[0], want)


def test_odd_sizes_as_the_channel_is_told(chn: int) -> None:
    data = pil_jpeg(pixels=picture(65, 47), subsampling=1)
    tell = "hi_mpi_vdec_set_jpegd_precision_mode"
    assert code(tell, CHN, 1) == NOT_PERM
    file, memory = filled(data), Memory(1 << 16)
    for mode, size in ((0, (64, 47)), (1, (66, 47)), (2, (64, 46))):
        assert code("hi_mpi_vdec_stop_recv_stream", CHN) == 0
        assert code(tell, CHN, mode) == 0
        assert code("hi_mpi_vdec_start_recv_stream", CHN) == 0
        target = PicInfo(0, 0, 0, 0, KEEP, memory.address, memory.nbytes)
        assert send(Stream(1, 0, 1, 0, 0, len(data), file.address), target) == 0
        got, frame, _ = fetch(5000)
        assert (got, frame.flag, frame.width, frame.height) == (0, 0, *size)
    assert code("hi_mpi_vdec_stop_recv_stream", CHN) == 0
    assert code(tell, CHN, 3) == ILLEGAL
    assert code(tell, CHN + 1, 0) == UNEXIST
    file.free()
    memory.free()


def test_progressive_files_are_decoded_too(chn: int) -> None:
    """The hardware does not: the interface decodes them in software."""
    data = compressed(progressive=1)
    luma, _ = components(data, 1, 1)
    np.testing.assert_array_equal(Decoded(data).planes(1, 1)[0], luma)


def test_damaged_files_are_marked_and_the_channel_goes_on(chn: int) -> None:
    good = np.frombuffer(compressed(), np.uint8)
    memory, files = Memory(1 << 18), []
    chance = np.random.default_rng(3)
    target = PicInfo(0, 0, 0, 0, NV12, memory.address, memory.nbytes)
    for number in range(MANY):
        data = good.copy()
        places = chance.integers(0, len(data), chance.integers(1, 20))
        data[places] = chance.integers(0, 256, len(places), np.uint8)
        data = data[: chance.integers(1, len(data))] if number % 3 == 0 else data
        files.append(filled(data.tobytes()))
        assert send(Stream(1, 0, 1, number, 0, len(data), files[-1].address), target) == 0
    flags = []
    for number in range(MANY):
        got, frame, _ = fetch(5000)
        assert (got, frame.pts) == (0, number)
        flags.append(frame.flag)
    assert set(flags[::3]) == {1}
    assert status().errors[4] == flags.count(1) >= 40
    assert fetch(0)[0] == EMPTY
    assert Decoded(good.tobytes()).frame.flag == 0
    for thing in (memory, *files):
        thing.free()


def test_jpeg_misuse(chn: int) -> None:
    data = compressed()
    file, memory = filled(data), Memory(1 << 18)
    stream = Stream(1, 0, 1, 0, 0, len(data), file.address)

    def given(**values: int) -> PicInfo:
        info = PicInfo(0, 0, 384, 256, NV12, memory.address, memory.nbytes)
        for name, value in values.items():
            setattr(info, name, value)
        return info

    assert send(stream, given(stride=400)) == ILLEGAL
    assert send(stream, given(rows=250)) == ILLEGAL
    assert send(stream, given(format=12345)) == UNSUPPORTED
    assert send(stream, given(address=0x1000)) == BAD_ADDRESS
    assert send(stream, given(size=memory.nbytes * 2)) == BAD_ADDRESS
    wrong = given()
    wrong.offsets[0] = 2
    assert send(stream, wrong) == UNSUPPORTED
    for info in (given(format=5), given(size=384 * 256), given(stride=64), given(rows=16)):
        assert send(stream, info) == 0  # known once the file is read
        assert fetch(5000)[1].flag == 1
    info = ImgInfo()
    ask = "hi_mpi_dvpp_get_image_info"
    assert code(ask, 96, C.byref(stream), C.byref(info)) == UNSUPPORTED
    assert code(ask, JPEG, None, C.byref(info)) == NULL
    assert code(ask, JPEG, C.byref(stream), None) == NULL
    assert code(ask, JPEG, C.byref(stream), C.byref(info)) == 0  # device memory is fine too
    stream.len = 0
    assert code(ask, JPEG, C.byref(stream), C.byref(info)) == ILLEGAL
    host = C.create_string_buffer(b"this is no picture" * 9)
    stream.len, stream.addr = 100, C.addressof(host)
    assert code(ask, JPEG, C.byref(stream), C.byref(info)) == ILLEGAL
    tiny = pil_jpeg(pixels=picture(16, 16))
    host = C.create_string_buffer(tiny, len(tiny))
    stream.len, stream.addr = len(tiny), C.addressof(host)
    assert code(ask, JPEG, C.byref(stream), C.byref(info)) == UNSUPPORTED
    memory.free()
    file.free()


# ---- PNG ----

PNG = 268
PNG_ILLEGAL, PNG_EXIST, PNG_UNEXIST, PNG_NULL, PNG_UNSUPPORTED = (
    0xA0408000 + i for i in (3, 4, 5, 6, 8)
)
PNG_INVALID_ID, PNG_EMPTY, PNG_FULL, PNG_BAD_ADDRESS, PNG_ERROR = (
    0xA0408000 + i for i in (2, 0xE, 0xF, 0x11, 0x15)
)
RGB, RGBA = 12, 16


class ImgStream(C.Structure):
    _fields_ = [
        ("type", C.c_int),
        ("address", C.c_void_p),
        ("nbytes", C.c_uint32),
        ("pts", C.c_uint64),
        ("reserved", C.c_int32 * 2),
    ]


class PngPicture(C.Structure):
    _fields_ = [
        ("address", C.c_void_p),
        *((n, C.c_uint32) for n in ("nbytes", "width", "height", "stride", "rows")),
        ("format", C.c_int),
    ]


@pytest.fixture
def pngd() -> Iterator[int]:
    before = live()
    assert code("hi_mpi_pngd_create_chn", 3, (C.c_uint64 * 5)(4)) == 0
    yield 3
    assert code("hi_mpi_pngd_destroy_chn", 3) == 0
    assert live() == before


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def png_info(data: bytes) -> ImgInfo:
    host, info = C.create_string_buffer(data, len(data)), ImgInfo()
    stream = ImgStream(PNG, C.addressof(host), len(data))
    assert code("hi_mpi_png_get_image_info", C.byref(stream), C.byref(info)) == 0
    return info


def png_get(milliseconds: int = 5000) -> tuple[int, PngPicture, ImgStream]:
    picture, stream = PngPicture(), ImgStream()
    name = "hi_mpi_pngd_get_image_data"
    got = code(name, 3, C.byref(picture), C.byref(stream), C.c_int32(milliseconds))
    return got, picture, stream


def png_send(stream: ImgStream, target: PngPicture, milliseconds: int = -1) -> int:
    arguments = (3, C.byref(stream), C.byref(target), C.c_int32(milliseconds))
    return code("hi_mpi_pngd_send_stream", *arguments)


@pytest.mark.parametrize("kind", [0, 2, 4, 6])
def test_png(pngd: int, kind: int) -> None:
    colour = picture()
    alpha = colour[..., 2:]
    grey = colour[..., :1]
    pixels = {
        0: grey[..., 0],
        2: colour,
        4: np.concatenate([grey, alpha], -1),
        6: np.concatenate([colour, alpha], -1),
    }[kind]
    data = png(pixels)
    info = png_info(data)
    depth = 4 if kind & 4 else 3
    assert (info.width, info.height, info.format) == (WIDTH, HEIGHT, kind)
    assert (info.stride, info.rows, info.nbytes) == (384 * depth, 256, 384 * depth * 256)
    want = np.asarray(pillow.open(io.BytesIO(data)).convert("RGBA" if depth == 4 else "RGB"))
    file, memory = filled(data), Memory(info.nbytes)
    for wanted, stride in ((KEEP, 0), (RGBA if depth == 4 else RGB, info.stride)):
        target = PngPicture(memory.address, memory.nbytes, 0, 0, stride, 0, wanted)
        assert png_send(ImgStream(PNG, file.address, len(data), 5), target) == 0
        got, result, stream = png_get()
        assert (got, stream.address, stream.pts) == (0, file.address, 5)
        assert (result.address, result.width, result.height) == (memory.address, WIDTH, HEIGHT)
        assert (result.format, result.stride) == (RGBA if depth == 4 else RGB, info.stride)
        rows = memory.read(info.nbytes).reshape(256, 384, depth)
        np.testing.assert_array_equal(rows[:HEIGHT, :WIDTH], want)
    file.free()
    memory.free()


def test_png_misuse(pngd: int) -> None:
    create = "hi_mpi_pngd_create_chn"
    assert code(create, 3, (C.c_uint64 * 5)()) == PNG_EXIST
    assert code(create, 4, None) == PNG_NULL
    assert code(create, 128, (C.c_uint64 * 5)()) == PNG_INVALID_ID
    assert code(create, 4, (C.c_uint64 * 5)(5000)) == PNG_ILLEGAL
    assert code("hi_mpi_pngd_destroy_chn", 4) == PNG_UNEXIST
    assert png_get(0)[0] == PNG_EMPTY
    data = png(picture())
    file, memory = filled(data), Memory(384 * 3 * 256)
    good = ImgStream(PNG, file.address, len(data))
    target = PngPicture(memory.address, memory.nbytes, 0, 0, 0, 0, RGB)
    assert png_send(ImgStream(JPEG, file.address, len(data)), target) == PNG_UNSUPPORTED
    assert png_send(ImgStream(PNG, None, len(data)), target) == PNG_NULL
    assert png_send(ImgStream(PNG, file.address, 0), target) == PNG_ILLEGAL
    assert png_send(ImgStream(PNG, 0x1000, 99), target) == PNG_BAD_ADDRESS
    assert png_send(good, target, -2) == PNG_ILLEGAL
    assert png_send(good, PngPicture(memory.address, 9, 0, 0, 0, 0, NV12)) == PNG_UNSUPPORTED
    assert png_send(good, PngPicture(None, 9, 0, 0, 0, 0, RGB)) == PNG_NULL
    assert png_send(good, PngPicture(memory.address, 1 << 30, 0, 0, 0, 0, RGB)) == PNG_BAD_ADDRESS
    small = PngPicture(memory.address, 4096, 0, 0, 0, 0, RGB)
    assert [png_send(good, small) for _ in range(4)] == [0] * 4
    assert png_send(good, small, 0) == PNG_FULL
    assert [png_get()[0] for _ in range(4)] == [PNG_ERROR] * 4
    assert png_send(good, target) == 0
    assert png_get()[0] == 0
    host = C.create_string_buffer(b"no picture" * 9)
    stream = ImgStream(PNG, C.addressof(host), 90)
    ask = "hi_mpi_png_get_image_info"
    assert code(ask, C.byref(stream), C.byref(ImgInfo())) == PNG_ILLEGAL
    assert code(ask, C.byref(stream), None) == PNG_NULL
    assert code(ask, None, C.byref(ImgInfo())) == PNG_NULL
    file.free()
    memory.free()


# ---- strides for several engines ----


class Base(C.Structure):
    _fields_ = [("width", C.c_uint32), ("height", C.c_uint32), ("format", C.c_int)]
    _fields_ += [("reserved", C.c_uint64 * 2)]


class Align(C.Structure):
    _fields_ = [("stride", C.c_uint32), ("rows", C.c_uint32), ("nbytes", C.c_uint64)]
    _fields_ += [("reserved", C.c_uint64 * 2)]


def align(modules: list[int], width: int, height: int, pixel_format: int) -> int | Align:
    base, result = Base(width, height, pixel_format), Align()
    given = (C.c_int * len(modules))(*modules)
    name = "hi_mpi_sys_get_image_align_info"
    return code(name, given, len(modules), C.byref(base), C.byref(result)) or result


def test_strides_for_several_engines() -> None:
    sys_null, sys_illegal, sys_unsupported = (0xA0028000 + i for i in (6, 3, 8))
    vpc, venc, vdec, jpege, jpegd, pngd, every = 0, 1, 2, 3, 4, 5, 100
    for modules, given, want in (
        ([vpc], (1918, 1080, NV12), (1920, 1080, 1920 * 1080 * 3 // 2)),
        ([vpc, venc], (200, 201, NV12), (208, 202, 208 * 202 * 3 // 2)),
        ([vdec], (1000, 500, RGB), (1008 * 3, 500, 1008 * 3 * 500)),
        ([vpc, jpegd], (200, 100, NV12), (256, 112, 256 * 112 * 3 // 2)),
        ([pngd], (200, 100, RGB), (256 * 3, 112, 256 * 3 * 112)),
        ([every], (200, 100, NV12), (256, 112, 256 * 112 * 3 // 2)),
        ([jpege], (100, 100, 7), (224, 100, 224 * 100)),
    ):
        got = align(modules, *given)
        assert isinstance(got, Align), modules
        assert (got.stride, got.rows, got.nbytes) == want, modules
    assert align([venc], 64, 64, NV12) == sys_illegal
    assert align([venc], 640, 480, RGB) == sys_unsupported
    assert align([vpc], 640, 480, KEEP) == sys_unsupported
    assert align([9], 640, 480, NV12) == sys_illegal
    assert align([], 640, 480, NV12) == sys_illegal
    assert code("hi_mpi_sys_get_image_align_info", None, 1, None, None) == sys_null


def test_thousands_of_channels() -> None:
    """JPEG and PNG decoders, some with a file on its way."""
    before = live()
    data = compressed()
    file, memory = filled(data), Memory(1 << 18)
    target = PicInfo(0, 0, 0, 0, NV12, memory.address, memory.nbytes)
    for number in range(1000):
        assert code("hi_mpi_vdec_create_chn", CHN, C.byref(attr(26, 1024, 1024))) == 0
        if number % 10 == 0:
            assert code("hi_mpi_vdec_start_recv_stream", CHN) == 0
            assert send(Stream(1, 0, 1, 0, 0, len(data), file.address), target) == 0
        assert code("hi_mpi_vdec_destroy_chn", CHN) == 0
        assert code("hi_mpi_pngd_create_chn", 3, (C.c_uint64 * 5)()) == 0
        assert code("hi_mpi_pngd_destroy_chn", 3) == 0
    file.free()
    memory.free()
    assert live() == before
