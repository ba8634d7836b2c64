"""Waiting for several channels at once, sizes, and what no card has."""

from __future__ import annotations

import ctypes as C
import os
import threading
import time
from collections.abc import Iterator

import pytest

from tests.himpi.codec import CHN, JPEG, PicInfo, Stream, attr, fetch, filled, release, send
from tests.himpi.himpi import NV12, code, live, mpi
from tests.himpi.test_jpegd import compressed
from tests.softnpu_model.acl import acl
from tests.vdec.vdec import Memory

ILLEGAL, EXIST, UNEXIST, NULL, UNSUPPORTED = (0xA0028000 + i for i in (3, 4, 5, 6, 8))
ADD, MODIFY, DELETE = 1, 2, 3
IN, EDGE = 1, 1 << 31


class Event(C.Structure):
    _fields_ = [("events", C.c_uint32), ("data", C.c_void_p)]


def control(instance: int, operation: int, descriptor: int, *event: int) -> int:
    given = C.byref(Event(*event)) if event else None
    return code("hi_mpi_sys_ctl_epoll", instance, operation, descriptor, given)


def wait(instance: int, milliseconds: int) -> list[tuple[int, int]]:
    events, count = (Event * 4)(), C.c_int32(-1)
    name = "hi_mpi_sys_wait_epoll"
    assert code(name, instance, events, 4, milliseconds, C.byref(count)) == 0
    return [(event.events, event.data) for event in events[: count.value]]


@pytest.fixture
def instance() -> Iterator[int]:
    made = C.c_int32(-1)
    assert code("hi_mpi_sys_create_epoll", 10, C.byref(made)) == 0
    yield made.value
    assert code("hi_mpi_sys_close_epoll", made.value) == 0
    assert code("hi_mpi_sys_close_epoll", made.value) == UNEXIST


def test_waiting_for_a_channel(instance: int) -> None:
    before = live()
    assert code("hi_mpi_vdec_create_chn", CHN, C.byref(attr(JPEG))) == 0
    assert code("hi_mpi_vdec_start_recv_stream", CHN) == 0
    descriptor = code("hi_mpi_vdec_get_fd", CHN)
    assert control(instance, ADD, descriptor, IN, 42) == 0
    assert control(instance, ADD, descriptor, IN, 42) == EXIST
    assert wait(instance, 0) == []
    started = time.monotonic()
    assert wait(instance, 50) == []
    assert time.monotonic() - started >= 0.05
    data = compressed()
    file, memory = filled(data), Memory(1 << 18)
    target = PicInfo(0, 0, 0, 0, NV12, memory.address, memory.nbytes)
    packet = Stream(1, 0, 1, 0, 0, len(data), file.address)
    context = C.c_void_p()
    acl.aclrtGetCurrentContext(C.byref(context))

    def send_later() -> None:
        time.sleep(0.05)
        acl.aclrtSetCurrentContext(context)
        send(packet, target)

    sender = threading.Thread(target=send_later)
    sender.start()
    assert wait(instance, 10000) == [(IN, 42)]
    sender.join()
    assert release(fetch(0)[1]) == 0
    assert wait(instance, 0) == []
    assert control(instance, MODIFY, descriptor, IN | EDGE, 43) == 0
    assert send(packet, target) == 0
    assert wait(instance, 5000) == [(IN, 43)]
    assert wait(instance, 0) == []  # told once
    assert fetch(0)[0] == 0
    assert control(instance, DELETE, descriptor) == 0
    assert control(instance, DELETE, descriptor) == UNEXIST
    assert code("hi_mpi_vdec_destroy_chn", CHN) == 0
    file.free()
    memory.free()
    assert live() == before


def test_waiting_wrongly(instance: int) -> None:
    create, one = "hi_mpi_sys_create_epoll", C.c_int32()
    assert code(create, 0, C.byref(one)) == ILLEGAL
    assert code(create, 1, None) == NULL
    assert control(instance, 4, 0, IN, 0) == ILLEGAL
    assert control(instance, ADD, 0) == NULL
    assert control(instance, ADD, 9999, IN, 0) == ILLEGAL
    reader, writer = os.pipe()
    assert control(reader, ADD, writer, IN, 0) == UNEXIST
    events = (Event * 1)()
    name = "hi_mpi_sys_wait_epoll"
    assert code(name, instance, events, 0, 0, C.byref(one)) == ILLEGAL
    assert code(name, instance, events, 1, -2, C.byref(one)) == ILLEGAL
    assert code(name, instance, None, 1, 0, C.byref(one)) == NULL
    assert code(name, instance, events, 1, 0, None) == NULL
    assert code(name, reader, events, 1, 0, C.byref(one)) == UNEXIST
    os.close(reader)
    os.close(writer)


def test_sizes_of_decoded_pictures() -> None:
    for kind, given, want in (
        (96, (1920, 1080, 0, 0, NV12, 0), 1920 * 1080 * 3 // 2),
        (265, (100, 51, 0, 0, NV12, 0), 112 * 52 * 3 // 2),
        (265, (100, 50, 0, 1, NV12, 0), 112 * 50 * 3),
        (26, (100, 50, 0, 0, NV12, 0), 128 * 64 * 3 // 2),
        (26, (100, 50, 0, 0, 5, 0), 128 * 64 * 3),
        (26, (100, 50, 0, 0, 10000, 0), 0),
        (26, (100, 50, 0, 0, 12, 0), 0),
        (1002, (100, 50, 0, 0, NV12, 0), 0),
    ):
        assert code("hi_vdec_get_pic_buf_size", kind, (C.c_uint32 * 6)(*given)) == want, given
    assert code("hi_vdec_get_pic_buf_size", 96, None) == 0
    assert code("hi_vdec_get_tmv_buf_size", 265, 1920, 1080) == 30 * 17 * 256
    assert code("hi_vdec_get_tmv_buf_size", 26, 1920, 1080) == 0


def test_what_no_card_has_is_refused() -> None:
    invalid = 0xFFFFFFFF
    assert code("hi_mpi_vb_create_pool", None) == invalid
    assert code("hi_mpi_vb_get_block", 1, C.c_uint64(100), None) == invalid
    mpi.hi_mpi_vb_handle_to_addr.restype = C.c_void_p
    assert mpi.hi_mpi_vb_handle_to_addr(1) is None
    for name in ("vb_destroy_pool", "vb_release_block", "vb_block_copyref", "sys_full_init"):
        assert code(f"hi_mpi_{name}", 1) == UNSUPPORTED
    assert code("hi_mpi_sys_bind", None, None) == UNSUPPORTED
    assert code("hi_mpi_sys_unbind", None, None) == UNSUPPORTED
