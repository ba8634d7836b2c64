from __future__ import annotations

import gc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import acl_fast as af

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = "float32 float16 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64"


class Legacy:
    """A producer from before DLPack 1.0: no max_version."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __dlpack__(self, stream: object = None) -> object:
        return self.array.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


@relaxed
@given(
    hnp.arrays(
        st.sampled_from([np.dtype(name) for name in NAMES.split()]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
    ),
    st.booleans(),
)
def test_round_trip(device: af.Device, data: np.ndarray, legacy: bool) -> None:
    """numpy -> Buffer -> numpy is the same memory."""
    buffer = device.from_dlpack(Legacy(data) if legacy else data)
    assert buffer.shape == data.shape
    assert buffer.dtype == data.dtype
    assert buffer.kind == "foreign"
    back = np.from_dlpack(buffer)
    assert back.ctypes.data == data.ctypes.data or data.size == 0
    np.testing.assert_array_equal(back, data)


def test_a_view_outlives_close(device: af.Device) -> None:
    buffer = device.empty((64,), "int32", kind="host")
    buffer.upload(np.arange(64, dtype=np.int32))
    view = np.from_dlpack(buffer)
    buffer.close()
    del buffer
    gc.collect()
    assert view.sum() == 2016
    view[:] = 1
    assert view.sum() == 64


def test_capsules_that_nobody_takes_are_freed(device: af.Device) -> None:
    buffer = device.empty(16, kind="host")
    names = {repr(buffer.__dlpack__(max_version=version))[17:34] for version in (None, (1, 1))}
    assert len(names) == 2
    buffer.close()


def test_foreign_memory_lives_with_the_buffer(device: af.Device) -> None:
    buffer = device.from_dlpack(np.arange(1000.0))
    gc.collect()
    assert buffer.download().sum() == 499500


def test_what_does_not_fit_is_refused(device: af.Device) -> None:
    with pytest.raises(BufferError, match="C-contiguous"):
        device.from_dlpack(np.zeros((4, 4), np.float32)[:, ::2])
    with pytest.raises(BufferError, match="C-contiguous"):
        device.from_buffer(np.zeros((4, 4), np.float32).T)
    with pytest.raises(TypeError, match="no memory to share"):
        device.from_buffer(object())
    with pytest.raises(TypeError, match="format"):
        device.from_buffer(np.zeros(3, "U4"))


def test_export_never_copies(device: af.Device) -> None:
    buffer = device.empty(4, kind="host")
    with pytest.raises(BufferError, match="never copies"):
        buffer.__dlpack__(copy=True)
    with pytest.raises(BufferError, match="DLPack device"):
        buffer.__dlpack__(dl_device=(2, 0))
    assert buffer.__dlpack_device__() == (1, 0)


def test_read_only_memory(device: af.Device) -> None:
    data = np.arange(4.0)
    data.flags.writeable = False
    buffer = device.from_buffer(data)
    assert memoryview(buffer).readonly
    with pytest.raises(BufferError, match="read-only"):
        buffer.upload(np.zeros(4))
    with pytest.raises(BufferError, match="read-only"):
        buffer.__dlpack__()
    assert not np.from_dlpack(buffer).flags.writeable


def test_device_memory_travels_between_buffers(device: af.Device) -> None:
    """Also where the host cannot read it: DLPack's extension device."""
    buffer = device.empty((8,), "float32")
    buffer.upload(np.arange(8, dtype=np.float32))
    other = af.from_dlpack(buffer)
    assert other.address_int == buffer.address_int
    buffer.close()
    assert other.download().sum() == 28


def test_wrapping_without_naming_a_device() -> None:
    data = bytearray(b"abcdef")
    buffer = af.from_buffer(data)
    assert buffer.shape == (6,)
    with pytest.raises(BufferError):
        data.append(0)
    del buffer
    data.append(0)
