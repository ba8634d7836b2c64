"""Memory helpers: what is copied, what is not, and what is written through."""

from __future__ import annotations

import sys
import threading
import warnings
from typing import Any

import numpy as np
import pytest

from acl_fast import pyacl as acl

util = acl.util
TIMED_OUT = 507012
TYPES = [
    (0, np.bool_), (1, np.int8), (2, np.uint8), (3, np.int16), (4, np.uint16), (5, np.int32),
    (6, np.uint32), (7, np.int64), (8, np.uint64), (11, np.float32), (12, np.float64),
    (23, np.float16),
]  # fmt: skip


@pytest.mark.parametrize(("number", "dtype"), TYPES)
def test_ptr_to_numpy_is_a_view(number: int, dtype: type) -> None:
    array = np.arange(24).astype(dtype).reshape(2, 3, 4)
    view = util.ptr_to_numpy(util.numpy_to_ptr(array), (2, 3, 4), number)
    assert view.dtype == array.dtype
    np.testing.assert_array_equal(view, array)
    view[1, 2, 3] = 0
    assert array[1, 2, 3] == 0
    assert not view.flags.owndata


def test_numpy_to_ptr_warns_about_strides() -> None:
    array = np.arange(12).reshape(3, 4)
    with pytest.warns(RuntimeWarning, match="numpy_contiguous_to_ptr"):
        assert util.numpy_to_ptr(array.T) == array.ctypes.data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert util.numpy_to_ptr(array) == array.ctypes.data
        read_only = array.copy()
        read_only.flags.writeable = False
        assert util.numpy_to_ptr(read_only) == read_only.ctypes.data
    with pytest.raises(TypeError, match="array is a numpy array"):
        util.numpy_to_ptr(3)


def test_numpy_contiguous_to_ptr() -> None:
    array = np.arange(12, dtype=np.int32).reshape(3, 4)
    pointer, same = util.numpy_contiguous_to_ptr(array)
    assert same is array
    assert pointer == array.ctypes.data
    pointer, copied = util.numpy_contiguous_to_ptr(array.T)
    assert copied.flags.c_contiguous
    np.testing.assert_array_equal(util.ptr_to_numpy(pointer, (4, 3), 5), array.T)


def test_bytes_to_ptr_writes_through() -> None:
    data = bytes(range(8)) + b"unshared"
    util.ptr_to_numpy(util.bytes_to_ptr(data), (8,), 2)[0] = 200
    assert data[0] == 200
    room = bytearray(4)
    util.ptr_to_numpy(util.bytes_to_ptr(room), (4,), 2)[...] = 7
    assert room == b"\7\7\7\7"
    with pytest.raises(TypeError, match="data is bytes"):
        util.bytes_to_ptr("text")


@pytest.mark.parametrize("size", [0, 5, 1 << 20])
def test_ptr_to_bytes_copies(size: int) -> None:
    array = np.random.default_rng(1).integers(0, 256, size or 1, dtype=np.uint8)
    data = util.ptr_to_bytes(array.ctypes.data, size)
    assert data == array[:size].tobytes()
    with pytest.raises(ValueError, match="NULL"):
        util.ptr_to_bytes(0, 4)


def test_threads_get_the_list() -> None:
    seen: list[object] = []
    thread, ret = util.start_thread(lambda args: seen.append(args), [1, "two"])
    assert ret == 0
    assert util.stop_thread(thread) == 0
    assert seen == [[1, "two"]]
    assert util.stop_thread(thread) != 0


def test_what_stands_behind_start_thread_is_done_first(stream: int) -> None:
    """As with a C thread that has to wait for the GIL: programs keep the id, set their flag and
    subscribe after the call, and their thread's function uses all three at once."""
    seen: dict[str, Any] = {}

    def loop(args: list[dict[str, Any]]) -> None:
        args[0]["running"] = args[0].get("flag")
        args[0]["same"] = args[0].get("thread") == threading.get_ident()
        args[0]["code"] = acl.rt.process_report(1)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(5)
    try:
        seen["thread"], ret = util.start_thread(loop, [seen])
        seen["flag"] = True
        subscribed = acl.rt.subscribe_report(seen["thread"], stream)
    finally:
        sys.setswitchinterval(interval)
    assert ret == subscribed == util.stop_thread(seen["thread"]) == 0
    assert acl.rt.unsubscribe_report(seen["thread"], stream) == 0
    assert (seen["running"], seen["same"], seen["code"]) == (True, True, TIMED_OUT)


def test_memory_goes_round(stream: int) -> None:
    array = np.arange(256, dtype=np.float32)
    device, _ = acl.rt.malloc(1024, 0)
    host, _ = acl.rt.malloc_host(1024)
    assert acl.rt.memcpy(device, 1024, util.numpy_to_ptr(array), 1024, 1) == 0
    assert acl.rt.memcpy_async(host, 1024, device, 1024, 2, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    np.testing.assert_array_equal(util.ptr_to_numpy(host, (256,), 11), array)
    assert acl.rt.free(device) == acl.rt.free_host(host) == 0
