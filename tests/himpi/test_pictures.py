"""Still pictures through several engines and threads, and channels that end with work in flight."""

from __future__ import annotations

import ctypes as C
import io
import os
import threading

import numpy as np
import pytest

from tests.dvpp import card_model
from tests.himpi import himpi as hi
from tests.himpi import test_jpegd as jpegd
from tests.himpi.codec import CHN, JPEG, FrameInfo, PicInfo, Stream, attr, fetch, filled, send
from tests.himpi.encoder import ChnAttr, Pack
from tests.himpi.encoder import Stream as Packets
from tests.himpi.himpi import NV12, Picture, code, live
from tests.softnpu_model.acl import D2H, acl, counters
from tests.vdec.vdec import Memory

pillow = pytest.importorskip("PIL.Image")
ENCODER = 9
WIDTH, HEIGHT = 160, 128


def luma_of(data: bytes) -> np.ndarray:
    image = pillow.open(io.BytesIO(data))
    image.draft("YCbCr", None)
    return np.asarray(image.convert("YCbCr"))[..., 0]


def encode(picture: Picture) -> bytes:
    frame = FrameInfo(WIDTH, HEIGHT, 4, NV12)
    frame.strides[1][0] = picture.stride
    frame.address[0] = picture.memory.address
    assert code("hi_mpi_venc_send_frame", ENCODER, C.byref(frame), -1) == 0
    pack = Pack()
    packets = Packets(C.pointer(pack), 1)
    assert code("hi_mpi_venc_get_stream", ENCODER, C.byref(packets), 5000) == 0
    data = np.empty(pack.length, np.uint8)
    acl.aclrtMemcpy(data.ctypes.data, pack.length, pack.address, pack.length, D2H)
    assert code("hi_mpi_venc_release_stream", ENCODER, C.byref(packets)) == 0
    return data.tobytes()


def copied() -> dict[str, int]:
    return {name: value for name, value in counters().items() if name.startswith("bytes_")}


def test_file_to_file_without_a_copy_of_a_picture() -> None:
    """JPEGD, VPC and JPEGE: only files cross between host and device."""
    data = jpegd.compressed()
    whole, small = Picture(384, 256), Picture(WIDTH, HEIGHT)
    file = Memory(len(data))
    given = ChnAttr(JPEG, 640, 480, 1 << 20, 0, 1, 640, 480)
    assert code("hi_mpi_vdec_create_chn", CHN, C.byref(attr(JPEG))) == 0
    assert code("hi_mpi_vdec_start_recv_stream", CHN) == 0
    assert code("hi_mpi_venc_create_chn", ENCODER, C.byref(given)) == 0
    assert code("hi_mpi_venc_start_chn", ENCODER, C.byref(C.c_int32(-1))) == 0
    with hi.channel() as vpc:
        before = copied()
        file.write(data)
        target = PicInfo(0, 0, 384, 256, NV12, whole.memory.address, whole.memory.nbytes)
        assert send(Stream(1, 0, 1, 0, 0, len(data), file.address), target) == 0
        frame = fetch(5000)[1]
        assert (frame.flag, frame.width, frame.height) == (0, 332, 250)
        whole.info.width, whole.info.height = frame.width, frame.height
        zero = C.c_double(0)
        arguments = (C.byref(whole.info), C.byref(small.info), zero, zero, 0)
        assert hi.run(vpc, "hi_mpi_vpc_resize", *arguments) == 0
        result = encode(small)
        after = copied()
    moved = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert moved.pop("bytes_h2d") == len(data)
    assert moved.pop("bytes_d2h") == len(result)
    assert moved.pop("bytes_staged", 0) <= len(data) + len(result)
    assert moved == {}
    luma = luma_of(data)
    chroma = np.full((125, 166, 2), 128, np.uint8)
    want, _ = card_model.resize_nv12(luma, chroma, (WIDTH, HEIGHT))
    assert np.abs(luma_of(result).astype(int) - want).max() <= 2  # of quality 100
    assert code("hi_mpi_vdec_destroy_chn", CHN) == 0
    assert code("hi_mpi_venc_destroy_chn", ENCODER) == 0
    for thing in (file, whole.memory, small.memory):
        thing.free()


def test_channels_come_and_go_with_work_in_flight() -> None:
    before = live()
    data = jpegd.compressed()
    png = jpegd.png(jpegd.picture())
    file, png_file, memory = filled(data), filled(png), Memory(384 * 3 * 256)
    frame = FrameInfo(320, 240, 4, NV12)
    frame.strides[1][0] = 320
    frame.address[0] = memory.address
    given = ChnAttr(JPEG, 640, 480, 1 << 20, 0, 1, 640, 480)
    target = PicInfo(0, 0, 0, 0, NV12, memory.address, memory.nbytes)
    png_target = jpegd.PngPicture(memory.address, memory.nbytes, 0, 0, 0, 0, jpegd.RGB)
    stream = Stream(1, 0, 1, 0, 0, len(data), file.address)
    png_stream = jpegd.ImgStream(jpegd.PNG, png_file.address, len(png))
    for number in range(100):
        assert code("hi_mpi_vdec_create_chn", CHN, C.byref(attr(JPEG))) == 0
        assert code("hi_mpi_vdec_start_recv_stream", CHN) == 0
        assert code("hi_mpi_pngd_create_chn", 3, (C.c_uint64 * 5)()) == 0
        assert code("hi_mpi_venc_create_chn", ENCODER, C.byref(given)) == 0
        assert code("hi_mpi_venc_start_chn", ENCODER, C.byref(C.c_int32(-1))) == 0
        for _ in range(number % 4):
            assert send(stream, target) == 0
            assert jpegd.png_send(png_stream, png_target) == 0
            assert code("hi_mpi_venc_send_frame", ENCODER, C.byref(frame), -1) == 0
        if number % 5 == 0:
            assert code("hi_mpi_vdec_stop_recv_stream", CHN) == 0
            assert code("hi_mpi_vdec_reset_chn", CHN) == 0
        assert code("hi_mpi_vdec_destroy_chn", CHN) == 0
        assert code("hi_mpi_pngd_destroy_chn", 3) == 0
        assert code("hi_mpi_venc_destroy_chn", ENCODER) == 0
    for thing in (file, png_file, memory):
        thing.free()
    assert live() == before


def test_a_channel_ends_while_threads_wait_for_it() -> None:
    """Who waits for pictures learns that the channel is gone."""
    context = C.c_void_p()
    acl.aclrtGetCurrentContext(C.byref(context))
    seen: list[int] = []

    def wait_for_picture(name: str, *arguments: object) -> None:
        acl.aclrtSetCurrentContext(context)
        ready.wait()
        seen.append(code(name, *arguments))

    assert code("hi_mpi_vdec_create_chn", CHN, C.byref(attr(JPEG))) == 0
    assert code("hi_mpi_pngd_create_chn", 3, (C.c_uint64 * 5)()) == 0
    ready = threading.Barrier(3)
    frame, stream, picture = FrameInfo(), Stream(), jpegd.PngPicture()
    image = jpegd.ImgStream()
    get_frame = (CHN, C.byref(frame), None, C.byref(stream), C.c_int32(-1))
    get_data = (3, C.byref(picture), C.byref(image), C.c_int32(-1))
    threads = [
        threading.Thread(target=wait_for_picture, args=("hi_mpi_vdec_get_frame", *get_frame)),
        threading.Thread(target=wait_for_picture, args=("hi_mpi_pngd_get_image_data", *get_data)),
    ]
    for thread in threads:
        thread.start()
    ready.wait()
    assert code("hi_mpi_vdec_destroy_chn", CHN) == 0
    assert code("hi_mpi_pngd_destroy_chn", 3) == 0
    for thread in threads:
        thread.join(10)
    assert sorted(seen) == [0xA0058005, jpegd.PNG_UNEXIST]


def test_threads_with_a_channel_each() -> None:
    data = jpegd.compressed()
    want, context = luma_of(data), C.c_void_p()
    acl.aclrtGetCurrentContext(C.byref(context))
    wrong: list[object] = []

    def decode(chn: int) -> None:
        acl.aclrtSetCurrentContext(context)
        memory, file = Memory(384 * 256 * 3 // 2), filled(data)
        target = PicInfo(0, 0, 0, 0, NV12, memory.address, memory.nbytes)
        stream = Stream(1, 0, 1, 0, 0, len(data), file.address)
        code("hi_mpi_vdec_create_chn", chn, C.byref(attr(JPEG)))
        code("hi_mpi_vdec_start_recv_stream", chn)
        for _ in range(10):
            memory.write(bytes(memory.nbytes))
            sent = code("hi_mpi_vdec_send_stream", chn, C.byref(stream), C.byref(target), -1)
            frame, got = FrameInfo(), Stream()
            arguments = (C.byref(frame), None, C.byref(got), C.c_int32(5000))
            fetched = code("hi_mpi_vdec_get_frame", chn, *arguments)
            luma = memory.read(384 * 256).reshape(256, 384)[:250, :332]
            if (sent, fetched, frame.flag) != (0, 0, 0) or not (luma == want).all():
                wrong.append((chn, sent, fetched, frame.flag))
        code("hi_mpi_vdec_destroy_chn", chn)
        memory.free()
        file.free()

    before = live()
    count = min(8, 2 * (os.cpu_count() or 1))
    threads = [threading.Thread(target=decode, args=(20 + n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert live() == before
