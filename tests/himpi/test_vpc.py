"""Pictures through hi_mpi_vpc_*: content, queues, and every way to call it wrongly."""

from __future__ import annotations

import ctypes as C
import random
from collections.abc import Iterator

import numpy as np
import pytest

from tests.dvpp import card_model
from tests.himpi import himpi as hi
from tests.himpi.himpi import Crop, Picture, Resize, code, run


@pytest.fixture
def chn() -> Iterator[int]:
    with hi.channel() as made:
        yield made


@pytest.fixture
def source() -> Iterator[Picture]:
    picture = Picture(320, 240)
    picture.fill(np.random.default_rng(1).integers(0, 256, (360, 320), np.uint8))
    yield picture
    picture.memory.free()


@pytest.fixture
def target() -> Iterator[Picture]:
    picture = Picture(160, 128)
    yield picture
    picture.memory.free()


def model(pixels: np.ndarray, height: int, size: tuple[int, int]) -> np.ndarray:
    """Return what the card makes of the NV12 rows."""
    chroma = pixels[height:].reshape(height // 2, -1, 2)
    luma, uv = card_model.resize_nv12(pixels[:height], chroma, size)
    return np.concatenate([luma, uv.reshape(size[1] // 2, -1)])


def cut(pixels: np.ndarray, height: int, crop: Crop) -> np.ndarray:
    columns = slice(crop.left, crop.left + crop.width)
    luma = pixels[:height][crop.top : crop.top + crop.height, columns]
    chroma = pixels[height:][crop.top // 2 : (crop.top + crop.height) // 2, columns]
    return np.concatenate([luma, chroma])


def resize(chn: int, source: Picture, target: Picture, how: int = 0) -> int:
    zero = C.c_double(0)
    return run(
        chn, "hi_mpi_vpc_resize", C.byref(source.info), C.byref(target.info), zero, zero, how
    )


def test_resize(chn: int, source: Picture, target: Picture) -> None:
    assert resize(chn, source, target) == 0
    np.testing.assert_array_equal(target.pixels(), model(source.pixels(), 240, (160, 128)))


def test_nearest_has_number_1(chn: int, source: Picture, target: Picture) -> None:
    """As documented: V1 numbers its interpolations otherwise."""
    cv2 = pytest.importorskip("cv2")
    assert resize(chn, source, target, how=1) == 0
    pixels = source.pixels()
    luma, chroma = pixels[:240], pixels[240:].reshape(120, 160, 2)
    luma = cv2.resize(luma, (160, 128), interpolation=cv2.INTER_NEAREST)
    chroma = cv2.resize(chroma, (80, 64), interpolation=cv2.INTER_NEAREST).reshape(64, 160)
    np.testing.assert_array_equal(target.pixels(), np.concatenate([luma, chroma]))


def test_crop(chn: int, source: Picture, target: Picture) -> None:
    region = hi.CropRegion(target.info, Crop(16, 32, 160, 128))
    assert run(chn, "hi_mpi_vpc_crop", C.byref(source.info), C.byref(region), 1) == 0
    np.testing.assert_array_equal(target.pixels(), cut(source.pixels(), 240, region.crop))


def test_many_crops_resized_in_one_call(chn: int, source: Picture) -> None:
    targets = [Picture(96, 64) for _ in range(20)]
    regions = (hi.CropResizeRegion * 20)(
        *(
            hi.CropResizeRegion(t.info, Crop(2 * i, 4 * i, 192, 128), Resize(96, 64, 0))
            for i, t in enumerate(targets)
        )
    )
    assert run(chn, "hi_mpi_vpc_crop_resize", C.byref(source.info), regions, 20) == 0
    for region, target in zip(regions, targets, strict=True):
        area = cut(source.pixels(), 240, region.crop)
        np.testing.assert_array_equal(target.pixels(), model(area, 128, (96, 64)))
        target.memory.free()


def test_batch_pastes_from_several_pictures(chn: int, source: Picture, target: Picture) -> None:
    other = Picture(64, 64)
    other.fill(np.full((96, 64), 77, np.uint8))
    whole = Crop(0, 0, 64, 64)
    regions = (hi.PasteRegion * 2)(
        hi.PasteRegion(target.info, whole, Resize(64, 64, 0), 0, 0),
        hi.PasteRegion(target.info, whole, Resize(64, 64, 0), 64, 96),
    )
    sources = (C.POINTER(hi.PicInfo) * 2)(C.pointer(source.info), C.pointer(other.info))
    counts = (C.c_uint32 * 2)(1, 1)
    assert run(chn, "hi_mpi_vpc_batch_crop_resize_paste", sources, 2, regions, counts) == 0
    got = target.pixels()
    np.testing.assert_array_equal(got[:64, :64], source.pixels()[:64, :64])
    assert (got[64:128, 96:] == 77).all()
    assert (got[:64, 64:] == 0).all()
    other.memory.free()


def test_borders(chn: int, source: Picture, target: Picture) -> None:
    value = (C.c_double * 4)(11, 22, 33, 0)
    region = hi.BorderRegion(target.info, Crop(0, 0, 128, 96), Resize(128, 96, 0), 16, 16, 0, value)
    name = "hi_mpi_vpc_crop_resize_make_border"
    assert run(chn, name, C.byref(source.info), C.byref(region), 1) == 0
    got = target.pixels()
    np.testing.assert_array_equal(got[16:112, 16:144], source.pixels()[:96, :128])
    luma = got[:128].copy()
    luma[16:112, 16:144] = 11
    assert (luma == 11).all()


def test_equalize_by_table(chn: int, source: Picture) -> None:
    target = Picture(320, 240)
    lut = hi.Lut()
    for i in range(256):
        lut.maps[0][i], lut.maps[1][i], lut.maps[2][i] = 255 - i, i // 2, i
    arguments = (C.byref(source.info), C.byref(target.info), C.byref(lut))
    assert run(chn, "hi_mpi_vpc_equalize_hist", *arguments) == 0
    before, after = source.pixels(), target.pixels()
    np.testing.assert_array_equal(after[:240], 255 - before[:240])
    np.testing.assert_array_equal(after[240:, ::2], before[240:, ::2] // 2)
    np.testing.assert_array_equal(after[240:, 1::2], before[240:, 1::2])
    target.memory.free()


def test_results_are_fetched_once(chn: int, source: Picture, target: Picture) -> None:
    tasks = []
    for _ in range(40):
        task = C.c_uint32()
        arguments = (C.byref(source.info), C.byref(target.info), C.c_double(0), C.c_double(0), 0)
        assert code("hi_mpi_vpc_resize", chn, *arguments, C.byref(task), -1) == 0
        tasks.append(task.value)
    assert len(set(tasks)) == 40
    for task in reversed(tasks):
        assert code("hi_mpi_vpc_get_process_result", chn, task, -1) == 0
        assert code("hi_mpi_vpc_get_process_result", chn, task, 0) == hi.ILLEGAL
    assert code("hi_mpi_vpc_get_process_result", chn, 99999, 5) == hi.ILLEGAL


def test_channels() -> None:
    attr = hi.ChnAttr(0)
    create = "hi_mpi_vpc_create_chn"
    with hi.channel(7):
        assert code(create, 7, C.byref(attr)) == hi.EXIST
        made = C.c_int32(-5)
        assert code("hi_mpi_vpc_sys_create_chn", C.byref(made), C.byref(attr)) == 0
        assert made.value == 0
        assert code("hi_mpi_vpc_destroy_chn", made) == 0
    assert code(create, 1, None) == hi.NULL
    for chn in (-1, 256, 1 << 30):
        assert code(create, chn, C.byref(attr)) == hi.INVALID_ID
    for depth in (-1, 1, 9, 351):
        assert code(create, 1, C.byref(hi.ChnAttr(depth))) == hi.ILLEGAL
    assert code("hi_mpi_vpc_destroy_chn", 7) == hi.UNEXIST
    assert code("hi_mpi_vpc_get_process_result", 7, 1, 0) == hi.UNEXIST


def test_many_channel_lives() -> None:
    for i in range(1000):
        with hi.channel(i % 256, 10):
            pass


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("address", None, hi.NULL),
        ("address", 0x1000, hi.BAD_ADDRESS),
        ("size", 10, hi.ILLEGAL),
        ("width", 0, hi.ILLEGAL),
        ("height", 1 << 30, hi.ILLEGAL),
        ("stride", 8, hi.ILLEGAL),
        ("format", 9999, hi.UNSUPPORTED),
    ],
)
def test_wrong_pictures(
    chn: int, source: Picture, target: Picture, field: str, value: int | None, wanted: int
) -> None:
    good = hi.PicInfo.from_buffer_copy(source.info)
    setattr(source.info, field, value)
    assert resize(chn, source, target) == wanted
    source.info = good
    assert resize(chn, source, target) == 0


def test_wrong_arguments(chn: int, source: Picture, target: Picture) -> None:
    assert resize(chn, source, target, how=2) == hi.ILLEGAL
    crop = "hi_mpi_vpc_crop"
    outside = hi.CropRegion(target.info, Crop(200, 0, 160, 128))
    assert run(chn, crop, C.byref(source.info), C.byref(outside), 1) == hi.ILLEGAL
    fits = hi.CropRegion(target.info, Crop(0, 0, 160, 128))
    for count in (0, 257):
        assert run(chn, crop, C.byref(source.info), C.byref(fits), count) == hi.ILLEGAL
    assert run(chn, crop, None, C.byref(fits), 1) == hi.NULL
    assert run(chn, crop, C.byref(source.info), None, 1) == hi.NULL
    assert code(crop, chn, C.byref(source.info), C.byref(fits), 1, None, -1) == hi.NULL
    size = hi.CropResizeRegion(target.info, Crop(0, 0, 160, 128), Resize(64, 64, 0))
    name = "hi_mpi_vpc_crop_resize"
    assert run(chn, name, C.byref(source.info), C.byref(size), 1) == hi.ILLEGAL


def test_random_fields(chn: int, source: Picture, target: Picture) -> None:
    """Whatever the fields hold, the answer is a code and memory outside stays as it was."""
    chance = random.Random(5)
    values = (0, 1, 2, 15, 16, 17, 63, 128, 160, 320, 4096, 1 << 16, 1 << 31, (1 << 32) - 1)
    for _ in range(2000):
        region = hi.PasteRegion(target.info, Crop(0, 0, 160, 128), Resize(160, 128, 0), 0, 0)
        for _ in range(chance.randint(1, 3)):
            part = chance.choice((region.crop, region.resize, region))
            fields = [n for n, kind in part._fields_ if kind is C.c_uint32]
            setattr(part, chance.choice(fields), chance.choice(values))
        status = run(chn, "hi_mpi_vpc_crop_resize_paste", C.byref(source.info), C.byref(region), 1)
        assert status in (0, hi.ILLEGAL)
    assert resize(chn, source, target) == 0


@pytest.mark.parametrize("size", [(384, 384), (256, 192), (16, 16)])
@pytest.mark.parametrize("below", [0, 16, 256])
def test_corners_that_wrap_around(
    chn: int, source: Picture, size: tuple[int, int], below: int
) -> None:
    """A corner just below 2^32 plus a size is a small number in 32 bits."""
    width, height = size
    target = Picture(width, height)
    for top, left in ((1, 0), (0, 1), (1, 1)):
        far = [(1 << 32) - max(side - below, 16) for side in (height, width)]
        corner = (far[0] * top, far[1] * left)
        crop = hi.CropResizeRegion(target.info, Crop(*corner, *size), Resize(*size, 0))
        assert (
            run(chn, "hi_mpi_vpc_crop_resize", C.byref(source.info), C.byref(crop), 1) == hi.ILLEGAL
        )
        paste = hi.PasteRegion(target.info, Crop(0, 0, 16, 16), Resize(16, 16, 0), *corner)
        name = "hi_mpi_vpc_crop_resize_paste"
        wrong = (1 << 32) - 16
        paste.top, paste.left = wrong * top, wrong * left
        assert run(chn, name, C.byref(source.info), C.byref(paste), 1) == hi.ILLEGAL
    assert (target.pixels() == 0).all()
    target.memory.free()
