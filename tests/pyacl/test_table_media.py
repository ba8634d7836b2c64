"""acl.media: pictures against numpy, OpenCV and Pillow; what is returned; what is refused."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from acl_fast import pyacl as acl
from tests.dvpp import card_model, formats
from tests.dvpp.formats import GREY, NV12, RGB, Canvas, Planes
from tests.vdec import codec

INVALID, FAILURE, NOT_MATCH = 100000, 500001, 100027
WIDTH, HEIGHT = 64, 48
media = acl.media


@pytest.fixture
def t() -> Iterator[SimpleNamespace]:
    """An open channel, a stream, a picture of every use, and an area of 32x16 at (16, 8)."""
    with contextlib.ExitStack() as stack:
        t = SimpleNamespace(channel=media.dvpp_create_channel_desc())
        assert media.dvpp_create_channel(t.channel) == 0
        t.stream, _ = acl.rt.create_stream()
        t.planes = formats.random_planes(WIDTH, HEIGHT, NV12)
        t.source = stack.enter_context(Canvas(WIDTH, HEIGHT, NV12).write(t.planes))
        t.target = stack.enter_context(Canvas(WIDTH, HEIGHT, NV12))
        t.s, t.d = t.source.handle.value, t.target.handle.value
        t.area = media.dvpp_create_roi_config(16, 47, 8, 23)
        t.place = media.dvpp_create_roi_config(32, 63, 16, 31)
        t.whole = media.dvpp_create_roi_config(0, WIDTH - 1, 0, HEIGHT - 1)
        t.how = media.dvpp_create_resize_config()
        yield t
        for area in (t.area, t.place, t.whole):
            assert media.dvpp_destroy_roi_config(area) == 0
        media.dvpp_destroy_resize_config(t.how)
        acl.rt.destroy_stream(t.stream)
        assert media.dvpp_destroy_channel(t.channel) == 0
        assert media.dvpp_destroy_channel_desc(t.channel) == 0


def done(t: SimpleNamespace, code: int) -> int:
    return code or acl.rt.synchronize_stream(t.stream)


def cut(planes: Planes, left: int, top: int, width: int, height: int) -> Planes:
    return [
        plane[top // n : (top + height) // n, left // n : (left + width) // n]
        for plane, n in zip(planes, (1, 2, 2), strict=True)
    ]


def scaled(planes: Planes, size: tuple[int, int]) -> Planes:
    luma, chroma = card_model.resize_nv12(planes[0], np.stack(planes[1:], -1), size)
    return [luma, chroma[..., 0], chroma[..., 1]]


def same(ours: Planes, wanted: Planes) -> None:
    for mine, plane in zip(ours, wanted, strict=True):
        np.testing.assert_array_equal(mine, plane)


def array(pointer: int, count: int, kind: int) -> np.ndarray:
    return acl.util.ptr_to_numpy(pointer, (count,), kind)


# ---- descriptions ----


def test_areas() -> None:
    area = media.dvpp_create_roi_config(0, 15, 0, 15)
    assert media.dvpp_set_roi_config(area, 2, 65535, 4, 65535) == 0
    assert media.dvpp_set_roi_config(area, 2, 65536, 4, 9) == INVALID
    assert media.dvpp_set_roi_config(0, 2, 7, 4, 9) == INVALID
    for side in ("left", "right", "top", "bottom"):
        put = getattr(media, f"dvpp_set_roi_config_{side}")
        assert (put(area, 65535), put(area, 65536), put(0, 1)) == (0, INVALID, INVALID)
    assert (media.dvpp_destroy_roi_config(area), media.dvpp_destroy_roi_config(0)) == (0, 0)
    assert media.dvpp_set_roi_config_left(area, 1) == INVALID  # it is gone


def test_an_area_may_move(t: SimpleNamespace) -> None:
    """The setters reach what is cut out."""
    for side, value in (("left", 0), ("right", 31), ("top", 32), ("bottom", 47)):
        assert getattr(media, f"dvpp_set_roi_config_{side}")(t.area, value) == 0
    with Canvas(32, 16, NV12) as target:
        code = media.dvpp_vpc_crop_async(t.channel, t.s, target.handle.value, t.area, t.stream)
        assert done(t, code) == 0
        same(target.read(), cut(t.planes, 0, 32, 32, 16))


def test_batch_descriptions() -> None:
    batch = media.dvpp_create_batch_pic_desc(3)
    pictures = [media.dvpp_get_pic_desc(batch, i) for i in range(3)]
    assert len({*pictures, 0}) == 4
    assert media.dvpp_set_pic_desc_width(pictures[2], 77) == 0
    assert media.dvpp_get_pic_desc_width(media.dvpp_get_pic_desc(batch, 2)) == 77
    assert media.dvpp_get_pic_desc(batch, 3) == media.dvpp_get_pic_desc(0, 0) == 0
    assert media.dvpp_create_batch_pic_desc(0) == media.dvpp_create_batch_pic_desc(257) == 0
    assert media.dvpp_destroy_pic_desc(pictures[0]) == INVALID  # it belongs to the batch
    assert media.dvpp_destroy_batch_pic_desc(batch) == 0
    assert media.dvpp_destroy_batch_pic_desc(batch) == INVALID
    assert media.dvpp_destroy_batch_pic_desc(0) == 0


def test_border_values() -> None:
    config = media.dvpp_create_border_config()
    for index in range(4):
        assert media.dvpp_set_border_config_value(config, index, index + 0.5) == 0
    values = [media.dvpp_get_border_config_value(config, i) for i in range(5)]
    assert values == [0.5, 1.5, 2.5, 3.5, 0.0]
    assert media.dvpp_set_border_config_value(config, 4, 1.0) == INVALID
    assert media.dvpp_set_border_config_value(0, 0, 1.0) == INVALID
    assert media.dvpp_get_border_config_value(0, 0) == 0
    assert media.dvpp_destroy_border_config(config) == 0
    assert media.dvpp_destroy_border_config(config) == INVALID


@pytest.mark.parametrize("kind", ["border_config", "jpege_config", "hist", "lut_map"])
def test_made_and_destroyed(kind: str) -> None:
    made = getattr(media, f"dvpp_create_{kind}")()
    destroy = getattr(media, f"dvpp_destroy_{kind}")
    assert made != 0
    assert (destroy(made), destroy(made), destroy(0)) == (0, INVALID, 0)


# Number of a parameter, its bytes, a value that is taken and one that is not.
CHANNEL_PARAMS = [(0, 4, 5, 6), (1, 4, 3, 0), (2, 8, 77, None), (5, 4, 2, 3)]


@pytest.mark.parametrize(("number", "size", "taken", "refused"), CHANNEL_PARAMS)
def test_channel_parameters(number: int, size: int, taken: int, refused: int | None) -> None:
    desc = media.dvpp_create_channel_desc()
    word = np.zeros(1, np.uint32 if size == 4 else np.uint64)
    place = acl.util.numpy_to_ptr(word)
    put, get = media.dvpp_set_channel_desc_param, media.dvpp_get_channel_desc_param
    word[0] = taken
    assert put(desc, number, size, place) == 0
    word[0] = 0
    assert get(desc, number, size, place) == (size, 0)
    assert word[0] == taken
    if refused is not None:
        word[0] = refused
        assert put(desc, number, size, place) == INVALID
    assert put(desc, number, size, 0) == put(desc, number, 1, place) == INVALID
    assert put(0, number, size, place) == put(desc, 99, size, place) == INVALID
    assert get(desc, number, 1, place)[1] == get(0, number, size, place)[1] == INVALID
    assert media.dvpp_destroy_channel_desc(desc) == 0


def test_channel_modes() -> None:
    desc = media.dvpp_create_channel_desc()
    assert media.dvpp_set_channel_desc_mode(desc, 4) == 0  # JPEGE alone
    assert media.dvpp_set_channel_desc_mode(desc, 0) == INVALID
    assert media.dvpp_set_channel_desc_mode(0, 4) == INVALID
    assert media.dvpp_create_channel(desc) == 0
    other = media.dvpp_create_channel_desc()
    assert media.dvpp_create_channel(other) == 0
    ids = [media.dvpp_get_channel_desc_channel_id(d) for d in (desc, other)]
    assert ids[0] != ids[1]
    assert media.dvpp_get_channel_desc_channel_id(0) == 0
    for made in (desc, other):
        assert media.dvpp_destroy_channel(made) == media.dvpp_destroy_channel_desc(made) == 0


def test_allocation_by_configuration() -> None:
    address, ret = media.dvpp_malloc_with_cfg(100, 0, 0)
    assert (ret, address % 128) == (0, 0)
    assert address != 0
    assert acl.rt.free(address) != 0
    assert media.dvpp_free(address) == 0
    assert media.dvpp_malloc_with_cfg(0, 0, 0) == (0, INVALID)
    assert media.dvpp_malloc_with_cfg((1 << 64) - 1, 0, 0) == (0, INVALID)


# ---- pictures ----


def test_crop(t: SimpleNamespace) -> None:
    run = media.dvpp_vpc_crop_async
    with Canvas(32, 16, NV12) as target:
        assert done(t, run(t.channel, t.s, target.handle.value, t.area, t.stream)) == 0
        same(target.read(), cut(t.planes, 16, 8, 32, 16))
    assert run(t.channel, t.s, t.d, 0, t.stream) == INVALID
    assert run(0, t.s, t.d, t.area, t.stream) == INVALID
    media.dvpp_set_roi_config_right(t.area, 79)  # outside
    assert done(t, run(t.channel, t.s, t.d, t.area, t.stream)) == INVALID


def test_crop_resize(t: SimpleNamespace) -> None:
    run = media.dvpp_vpc_crop_resize_async
    assert done(t, run(t.channel, t.s, t.d, t.area, t.how, t.stream)) == 0
    same(t.target.read(), scaled(cut(t.planes, 16, 8, 32, 16), (WIDTH, HEIGHT)))
    assert run(t.channel, t.s, t.d, t.area, 0, t.stream) == INVALID
    assert run(t.channel, 0, t.d, t.area, t.how, t.stream) == INVALID


def pasted(t: SimpleNamespace, wanted: Planes) -> None:
    """The piece lies at (32, 16), and all else is as it was."""
    ours = t.target.read()
    same(cut(ours, 32, 16, 32, 16), wanted)
    for plane, n in zip(ours, (1, 2, 2), strict=True):
        plane[16 // n : 32 // n, 32 // n : 64 // n] = 0xA5
        assert (plane == 0xA5).all()


def test_crop_and_paste(t: SimpleNamespace) -> None:
    run = media.dvpp_vpc_crop_and_paste_async
    assert done(t, run(t.channel, t.s, t.d, t.area, t.place, t.stream)) == 0
    pasted(t, cut(t.planes, 16, 8, 32, 16))
    assert run(t.channel, t.s, t.d, t.area, 0, t.stream) == INVALID
    media.dvpp_set_roi_config_right(t.place, 95)
    assert done(t, run(t.channel, t.s, t.d, t.area, t.place, t.stream)) == INVALID


def test_crop_resize_paste(t: SimpleNamespace) -> None:
    run = media.dvpp_vpc_crop_resize_paste_async
    assert done(t, run(t.channel, t.s, t.d, t.whole, t.place, t.how, t.stream)) == 0
    pasted(t, scaled(t.planes, (32, 16)))
    assert run(t.channel, t.s, t.d, t.whole, t.place, 0, t.stream) == INVALID


def test_convert_color(t: SimpleNamespace) -> None:
    run = media.dvpp_vpc_convert_color_async
    with Canvas(WIDTH, HEIGHT, RGB) as target, Canvas(48, 32, RGB) as other:
        assert done(t, run(t.channel, t.s, target.handle.value, t.stream)) == 0
        wanted = formats.to_rgb(formats.full_size(t.planes), 0)
        assert abs(np.stack(target.read()) - wanted).max() <= 1
        assert done(t, run(t.channel, t.s, other.handle.value, t.stream)) == INVALID
    assert run(t.channel, t.s, 0, t.stream) == INVALID


def test_make_border(t: SimpleNamespace) -> None:
    config = media.dvpp_create_border_config()
    for name, value in (("border_type", 0), ("top", 6), ("bottom", 10), ("left", 8), ("right", 8)):
        assert getattr(media, f"dvpp_set_border_config_{name}")(config, value) == 0
    values = (10, 90, 200)
    for index, value in enumerate(values):
        media.dvpp_set_border_config_value(config, index, value)
    run = media.dvpp_vpc_make_border_async
    with Canvas(WIDTH + 16, HEIGHT + 16, NV12) as target:
        assert done(t, run(t.channel, t.s, target.handle.value, config, t.stream)) == 0
        edges = np.array([6, 10, 8, 8])
        same(target.read(), [
            cv2.copyMakeBorder(p, *(edges // n).tolist(), cv2.BORDER_CONSTANT, value=v)
            for p, n, v in zip(t.planes, (1, 2, 2), values, strict=True)
        ])  # fmt: skip
    assert run(t.channel, t.s, t.d, 0, t.stream) == INVALID
    media.dvpp_destroy_border_config(config)


def test_pyr_down(t: SimpleNamespace) -> None:
    run = media.dvpp_vpc_pyr_down_async
    with Canvas(32, 24, NV12) as target, Canvas(30, 24, NV12) as odd, Canvas(32, 24, GREY) as grey:
        assert done(t, run(t.channel, t.s, target.handle.value, 0, t.stream)) == 0
        same(target.read(), [cv2.pyrDown(plane) for plane in t.planes])
        assert done(t, run(t.channel, t.s, odd.handle.value, 0, t.stream)) == INVALID
        assert run(t.channel, t.s, grey.handle.value, 0, t.stream) == NOT_MATCH
    assert run(t.channel, 0, t.d, 0, t.stream) == INVALID


def test_histograms(t: SimpleNamespace) -> None:
    hist, run = media.dvpp_create_hist(), media.dvpp_vpc_calc_hist_async
    assert done(t, run(t.channel, t.s, hist, 0, t.stream)) == 0
    assert (media.dvpp_get_hist_dims(hist), media.dvpp_get_hist_ret_code(hist)) == (3, 0)
    for dim, plane in enumerate(t.planes):
        pointer, length, ret = media.dvpp_get_hist_data(hist, dim)
        assert (length, ret) == (256, 0)
        wanted = np.bincount(plane.ravel(), minlength=256)
        np.testing.assert_array_equal(array(pointer, 256, 6), wanted)
    assert media.dvpp_get_hist_data(hist, 3)[2] == INVALID
    assert media.dvpp_get_hist_data(0, 0) == (0, 0, INVALID)
    assert media.dvpp_clear_hist(hist) == 0
    assert array(media.dvpp_get_hist_data(hist, 0)[0], 256, 6).sum() == 0
    assert media.dvpp_clear_hist(0) == INVALID
    assert run(t.channel, t.s, 0, 0, t.stream) == INVALID
    with Canvas(WIDTH, HEIGHT, formats.RGBA) as other:
        assert run(t.channel, other.handle.value, hist, 0, t.stream) == NOT_MATCH
    assert media.dvpp_destroy_hist(hist) == 0
    assert media.dvpp_get_hist_dims(hist) == 0


def test_tables(t: SimpleNamespace) -> None:
    table, run = media.dvpp_create_lut_map(), media.dvpp_vpc_equalize_hist_async
    assert media.dvpp_get_lut_map_dims(table) == 3
    maps = np.random.default_rng(4).integers(0, 256, (3, 256), np.uint8)
    for dim in range(3):
        pointer, length, ret = media.dvpp_get_lut_map_data(table, dim)
        assert (length, ret) == (256, 0)
        array(pointer, 256, 2)[:] = maps[dim]
    assert media.dvpp_get_lut_map_data(table, 3)[2] == INVALID
    assert media.dvpp_get_lut_map_data(0, 0) == (0, 0, INVALID)
    assert media.dvpp_get_lut_map_dims(0) == 0
    assert done(t, run(t.channel, t.s, t.d, table, t.stream)) == 0
    same(t.target.read(), [maps[i][plane] for i, plane in enumerate(t.planes)])
    assert run(t.channel, t.s, t.d, 0, t.stream) == INVALID
    with Canvas(WIDTH, HEIGHT, formats.YUYV) as other:
        code = run(t.channel, t.s, other.handle.value, table, t.stream)
        assert code == NOT_MATCH
    assert media.dvpp_destroy_lut_map(table) == 0


# ---- batches ----


def describe(batch: int, index: int, canvas: Canvas) -> None:
    handle = media.dvpp_get_pic_desc(batch, index)
    for name, value in (
        ("data", canvas.memory.address), ("size", canvas.nbytes), ("format", canvas.format),
        ("width", canvas.width), ("height", canvas.height),
        ("width_stride", canvas.stride), ("height_stride", canvas.rows),
    ):  # fmt: skip
        assert getattr(media, f"dvpp_set_pic_desc_{name}")(handle, value) == 0


BATCHES = ["crop", "crop_resize", "crop_and_paste", "crop_resize_paste", "crop_resize_make_border"]


@pytest.mark.parametrize("kind", BATCHES)
def test_batches(t: SimpleNamespace, kind: str) -> None:
    """Two areas of one picture. Of the first two functions the destinations come back too."""
    size = {"crop": (32, 16), "crop_resize_make_border": (40, 24)}.get(kind, (WIDTH, HEIGHT))
    piece = cut(t.planes, 16, 8, 32, 16)
    run = getattr(media, f"dvpp_vpc_batch_{kind}_async")
    sources, targets = (media.dvpp_create_batch_pic_desc(n) for n in (1, 2))
    describe(sources, 0, t.source)
    border = media.dvpp_create_border_config()
    for side in ("top", "bottom", "left", "right"):
        getattr(media, f"dvpp_set_border_config_{side}")(border, 4)
    extra: list[object] = []
    if "paste" in kind:
        extra.append([t.place, t.place])
    if "border" in kind:
        extra.append([border, border])
    if "resize" in kind:
        extra.append(t.how)
    with Canvas(*size, NV12) as one, Canvas(*size, NV12) as two:
        describe(targets, 0, one)
        describe(targets, 1, two)
        arguments = (t.channel, sources, [2], targets, [t.area, t.area], *extra, t.stream)

        def give(code: int, echo: int = targets) -> Any:
            return (echo, code) if kind in ("crop", "crop_and_paste") else code

        assert run(*arguments) == give(0)
        assert done(t, 0) == 0
        for target in (one, two):
            t.target, ours = target, target.read()
            if kind == "crop":
                same(ours, piece)
            elif kind == "crop_resize":
                same(ours, scaled(piece, size))
            elif "paste" in kind:
                pasted(t, piece)
            else:
                same(cut(ours, 4, 4, 32, 16), piece)
                assert (ours[0][:4] == 0).all()
        # As many areas as in C, with the count of sources given.
        assert run(t.channel, sources, [2], 1, targets, *arguments[4:]) == give(0)
        assert done(t, 0) == 0
        assert run(t.channel, sources, [1], *arguments[3:]) == give(INVALID)
        assert run(t.channel, 0, *arguments[2:]) == give(INVALID)
        nowhere = (t.channel, sources, [2], 0, [t.area] * 2, *extra, t.stream)
        assert run(*nowhere) == give(INVALID, 0)
    media.dvpp_destroy_border_config(border)
    for batch in (sources, targets):
        assert media.dvpp_destroy_batch_pic_desc(batch) == 0


# ---- files ----


def picture(mode: str = "RGB") -> Image.Image:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [128 + 90 * np.sin(x / 21), 128 + 90 * np.cos(y / 17), 60 + x + y]
    return Image.fromarray(np.stack(waves, -1).astype(np.uint8)).convert(mode)


def file(kind: str, **options: object) -> bytes:
    place = io.BytesIO()
    picture().save(place, kind, **options)
    return place.getvalue()


def test_jpeg_sampling() -> None:
    get, pointer = media.dvpp_jpeg_get_image_info_v2, acl.util.bytes_to_ptr
    for subsampling, number in ((0, 2), (1, 3), (2, 1)):
        data = file("JPEG", subsampling=subsampling)
        result = get(pointer(data), len(data))
        assert result[:3] + result[4:] == (WIDTH, HEIGHT, 3, 0), number
    kinds = {get(pointer(d), len(d))[3] for d in (file("JPEG", subsampling=n) for n in range(3))}
    assert len(kinds) == 3
    text = b"neither of them, but long enough to be read as a header of some kind"
    assert get(pointer(text), 60)[4] == FAILURE
    assert get(0, 60)[4] == get(pointer(text), 0)[4] == INVALID


def test_png(t: SimpleNamespace) -> None:
    data, pointer = file("PNG"), acl.util.bytes_to_ptr
    size, ret = media.dvpp_png_predict_dec_size(pointer(data), len(data), RGB)
    assert ret == 0
    assert size >= WIDTH * HEIGHT * 3
    assert media.dvpp_png_predict_dec_size(pointer(data), len(data), 999)[1] == NOT_MATCH
    assert media.dvpp_png_predict_dec_size(0, len(data), RGB)[1] == INVALID
    packet, _ = media.dvpp_malloc(len(data))
    room, _ = media.dvpp_malloc(size)
    assert acl.rt.memcpy(packet, len(data), pointer(data), len(data), 1) == 0
    desc = media.dvpp_create_pic_desc()
    for name, value in (("data", room), ("size", size), ("format", RGB)):
        getattr(media, f"dvpp_set_pic_desc_{name}")(desc, value)
    run = media.dvpp_png_decode_async
    assert done(t, run(t.channel, packet, len(data), desc, t.stream)) == 0
    names = ("width", "height", "width_stride", "height_stride", "ret_code")
    width, height, stride, rows, code = (
        getattr(media, f"dvpp_get_pic_desc_{name}")(desc) for name in names
    )
    assert (width, height, code) == (WIDTH, HEIGHT, 0)
    host = np.empty((rows, stride), np.uint8)
    assert acl.rt.memcpy(acl.util.numpy_to_ptr(host), host.size, room, host.size, 2) == 0
    ours = host[:HEIGHT, : 3 * WIDTH].reshape(HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(ours, np.asarray(picture()))
    assert run(t.channel, 0, len(data), desc, t.stream) == INVALID
    assert run(t.channel, packet, 0, desc, t.stream) == INVALID
    assert run(0, packet, len(data), desc, t.stream) == INVALID
    media.dvpp_destroy_pic_desc(desc)
    for memory in (packet, room):
        assert media.dvpp_free(memory) == 0


def test_jpeg_encode(t: SimpleNamespace) -> None:
    yuv = np.asarray(picture("YCbCr"))
    chroma = yuv[::2, ::2, 1:].reshape(HEIGHT // 2, WIDTH)
    t.source.memory.write(np.concatenate([yuv[..., 0], chroma]).tobytes())
    assert media.dvpp_set_pic_desc_height_stride(t.s, HEIGHT) == 0
    config = media.dvpp_create_jpege_config()
    assert media.dvpp_set_jpege_config_level(config, 95) == 0
    room, ret = media.dvpp_jpeg_predict_enc_size(t.s, config)
    assert (ret, room % (2 << 20)) == (0, 0)
    assert media.dvpp_jpeg_predict_enc_size(0, config)[1] == INVALID
    assert media.dvpp_jpeg_predict_enc_size(t.s, 0)[1] == INVALID
    memory, _ = media.dvpp_malloc(room)
    # The size is written when the file is there: in memory of the program.
    size = np.array([room], np.uint32)
    run, where = media.dvpp_jpeg_encode_async, acl.util.numpy_to_ptr(size)
    assert done(t, run(t.channel, t.s, memory, where, config, t.stream)) == 0
    data = np.empty(size[0], np.uint8)
    assert acl.rt.memcpy(acl.util.numpy_to_ptr(data), data.size, memory, data.size, 2) == 0
    image = Image.open(io.BytesIO(data.tobytes()))
    assert image.size == (WIDTH, HEIGHT)
    image.draft("YCbCr", None)
    luma = np.asarray(image.convert("YCbCr"))[..., 0].astype(int)
    assert abs(luma - yuv[..., 0]).mean() < 2
    for index in range(5):
        arguments = [t.channel, t.s, memory, where, config]
        arguments[index] = 0
        size[0] = room
        assert done(t, run(*arguments, t.stream)) == INVALID, index
    size[0] = 0
    assert done(t, run(t.channel, t.s, memory, where, config, t.stream)) == INVALID
    assert media.dvpp_destroy_jpege_config(config) == 0
    assert media.dvpp_free(memory) == 0


def nothing(*_: object) -> None:
    """A callback."""


@pytest.mark.parametrize("kind", ["vdec", "venc"])
def test_callbacks_of_descriptions(kind: str) -> None:
    desc = getattr(media, f"{kind}_create_channel_desc")()
    get = getattr(media, f"{kind}_get_channel_desc_callback")
    assert get(desc) == get(0) == 0
    assert getattr(media, f"{kind}_set_channel_desc_callback")(desc, nothing) == 0
    assert get(desc) is nothing
    assert getattr(media, f"{kind}_set_channel_desc_callback")(0, nothing) == INVALID
    assert getattr(media, f"{kind}_destroy_channel_desc")(desc) == 0
    assert get(desc) == 0


# Kind, number of the parameter and its bytes: threads, callbacks and addresses have 8.
@pytest.mark.parametrize(("kind", "number", "size"), [
    ("venc", 0, 8), ("venc", 1, 8), ("venc", 7, 8), ("venc", 2, 4), ("venc", 3, 4), ("venc", 12, 4),
    ("vdec", 0, 4), ("vdec", 1, 4), ("vdec", 2, 8), ("vdec", 3, 8), ("vdec", 4, 4), ("vdec", 9, 4),
])  # fmt: skip
def test_video_channel_parameters(kind: str, number: int, size: int) -> None:
    desc = getattr(media, f"{kind}_create_channel_desc")()
    put = getattr(media, f"{kind}_set_channel_desc_param")
    get = getattr(media, f"{kind}_get_channel_desc_param")
    word = np.array([1], np.uint32 if size == 4 else np.uint64)
    place = acl.util.numpy_to_ptr(word)
    assert put(desc, number, size, place) == 0
    word[0] = 0
    assert get(desc, number, size, place) == (size, 0)
    assert word[0] == 1
    for arguments in ((0, number, size, place), (desc, 99, size, place), (desc, number, size, 0)):
        assert put(*arguments) == get(*arguments)[1] == INVALID
    assert put(desc, number, size - 1, place) == get(desc, number, size - 1, place)[1] == INVALID
    assert getattr(media, f"{kind}_destroy_channel_desc")(desc) == 0


def test_skipping_without_a_channel() -> None:
    desc, packet = media.vdec_create_channel_desc(), media.dvpp_create_stream_desc()
    for arguments in ((desc, packet), (0, packet), (desc, 0)):
        assert media.vdec_send_skipped_frame(*arguments, 0, None) == INVALID
    media.dvpp_destroy_stream_desc(packet)
    assert media.vdec_destroy_channel_desc(desc) == 0


def reports(state: SimpleNamespace) -> None:
    acl.rt.set_context(state.context)
    while state.running:
        acl.rt.process_report(50)


def test_skipped_frames() -> None:
    """Every second packet gives no picture; its user data comes back all the same."""
    video = codec.bikes(6)
    room = video.width * video.height * 3 // 2
    seen: dict[int, tuple[int, int, int]] = {}

    def decoded(packet: int, pic: int, user: int) -> None:
        code = media.dvpp_get_pic_desc_ret_code(pic) if pic else 0
        seen[user] = (packet, pic, code)

    state = SimpleNamespace(context=acl.rt.get_context()[0], running=True)
    thread, _ = acl.util.start_thread(lambda given: reports(given[0]), [state])
    desc, config = media.vdec_create_channel_desc(), media.vdec_create_frame_config()
    for name, value in (("channel_id", 3), ("thread_id", thread), ("callback", decoded),
                        ("entype", 3), ("out_pic_format", NV12)):  # fmt: skip
        assert getattr(media, f"vdec_set_channel_desc_{name}")(desc, value) == 0
    assert media.vdec_create_channel(desc) == 0
    assert media.vdec_send_skipped_frame(desc, 0, config, 1) == INVALID
    packets, pictures, memories = [], {}, []

    def allocate(size: int) -> int:
        memory, ret = media.dvpp_malloc(size)
        assert ret == 0
        memories.append(memory)
        return int(memory)

    for number, data in enumerate(video.packets):
        packets.append(media.dvpp_create_stream_desc())
        memory = allocate(len(data))
        acl.rt.memcpy(memory, len(data), acl.util.bytes_to_ptr(data), len(data), 1)
        media.dvpp_set_stream_desc_data(packets[-1], memory)
        media.dvpp_set_stream_desc_size(packets[-1], len(data))
        if number % 2:
            assert media.vdec_send_skipped_frame(desc, packets[-1], config, number) == 0
            continue
        pictures[number] = media.dvpp_create_pic_desc()
        for name, value in (("data", allocate(room)), ("size", room), ("format", NV12)):
            getattr(media, f"dvpp_set_pic_desc_{name}")(pictures[number], value)
        sent = media.vdec_send_frame(desc, packets[-1], pictures[number], config, number)
        assert sent == 0
    packets.append(media.dvpp_create_stream_desc())
    media.dvpp_set_stream_desc_eos(packets[-1], 1)
    assert media.vdec_send_frame(desc, packets[-1], 0, config, None) == 0
    assert media.vdec_destroy_channel(desc) == 0
    assert media.vdec_destroy_channel_desc(desc) == 0
    assert media.vdec_destroy_frame_config(config) == 0
    state.running = False
    assert acl.util.stop_thread(thread) == 0
    assert seen == {
        number: (packets[number], pictures.get(number, 0), 0)
        for number in range(len(video.packets))
    }
    frames = dict(zip(video.order, video.frames, strict=True))
    for number, pic in pictures.items():
        host = np.empty((video.height * 3 // 2, video.width), np.uint8)
        address = media.dvpp_get_pic_desc_data(pic)
        acl.rt.memcpy(acl.util.numpy_to_ptr(host), room, address, room, 2)
        np.testing.assert_array_equal(host, frames[number])
        media.dvpp_destroy_pic_desc(pic)
    for packet in packets:
        media.dvpp_destroy_stream_desc(packet)
    for memory in memories:
        assert media.dvpp_free(memory) == 0


def test_the_encoders_channel_id() -> None:
    """A number of its own for each open channel."""
    assert media.venc_get_channel_desc_channel_id(0) == 0
    state = SimpleNamespace(context=acl.rt.get_context()[0], running=True)
    thread, _ = acl.util.start_thread(lambda given: reports(given[0]), [state])
    values = {"thread_id": thread, "callback": nothing, "entype": 2, "pic_format": NV12}
    values |= {"key_frame_interval": 16, "pic_width": 320, "pic_height": 240}
    descs = [media.venc_create_channel_desc() for _ in range(2)]
    for desc in descs:
        for name, value in values.items():
            assert getattr(media, f"venc_set_channel_desc_{name}")(desc, value) == 0
        assert media.venc_create_channel(desc) == 0
    ids = [media.venc_get_channel_desc_channel_id(desc) for desc in descs]
    for desc in descs:
        assert media.venc_destroy_channel(desc) == media.venc_destroy_channel_desc(desc) == 0
    state.running = False
    assert acl.util.stop_thread(thread) == 0
    assert ids[0] != ids[1]
