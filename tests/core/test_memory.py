from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import acl_fast as af

KINDS = ["device", "host", "cached", "dvpp", "himpi"]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
DTYPES = [*INTEGERS, "float16", "float32", "float64", "bool", "complex64", "complex128"]
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("kind", KINDS)
def test_alignment_and_description(device: af.Device, kind: str) -> None:
    with device.empty((3, 5), "int16", kind=kind) as buffer:
        assert buffer.address_int % (128 if kind in ("dvpp", "himpi") else 64) == 0
        assert (buffer.shape, buffer.nbytes, buffer.kind) == ((3, 5), 30, kind)
        assert buffer.dtype == np.int16
        assert buffer.device is device
        assert f"kind={kind}" in repr(buffer)


@pytest.mark.parametrize("kind", KINDS)
def test_upload_and_download_in_both_modes(device: af.Device, kind: str) -> None:
    data = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    with device.empty((2, 3, 4), kind=kind) as buffer:
        buffer.upload(data)
        np.testing.assert_array_equal(buffer.download(), data)
        out = np.zeros_like(data)
        assert buffer.download(out) is out
        np.testing.assert_array_equal(out, data)


@relaxed
@given(
    hnp.arrays(
        st.sampled_from([np.dtype(name) for name in DTYPES]),
        hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=6),
    )
)
def test_any_shape_and_dtype_round_trips(device: af.Device, data: np.ndarray) -> None:
    buffer = device.empty(data.shape, data.dtype)
    assert buffer.nbytes == data.nbytes
    buffer.upload(data)
    result = buffer.download()
    assert result.dtype == data.dtype
    assert result.tobytes() == np.ascontiguousarray(data).tobytes()


def test_queued_copies(device: af.Device, stream: af.Stream) -> None:
    data = np.arange(1 << 16, dtype=np.int32)
    buffer = device.empty(data.shape, "int32")
    back = device.empty(data.shape, "int32", kind="host")
    buffer.upload(data, stream)
    buffer.download(back, stream)
    stream.synchronize()
    np.testing.assert_array_equal(back.array, data)
    assert stream.in_flight == 0


def test_a_queued_upload_owns_its_source(device: af.Device, stream: af.Stream) -> None:
    buffer = device.empty((1 << 16,), "int32")
    data = np.full(1 << 16, 7, np.int32)
    buffer.upload(data, stream)
    data[:] = 0
    stream.synchronize()
    assert (buffer.download() == 7).all()


def test_copy_between_buffers_and_arrays(device: af.Device, stream: af.Stream) -> None:
    first, second = device.empty(100, "int64"), device.empty(100, "int64", kind="host")
    data = np.arange(100)
    af.copy(first, data)
    af.copy(second, first, stream)
    stream.synchronize()
    out = np.zeros_like(data)
    af.copy(out, second)
    np.testing.assert_array_equal(out, data)
    with pytest.raises(TypeError, match="one side"):
        af.copy(out, data)


def test_dtype_and_size_are_checked(device: af.Device) -> None:
    buffer = device.empty((2, 2), "float32")
    with pytest.raises(TypeError, match=r"float64.*astype"):
        buffer.upload(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="bytes"):
        buffer.upload(np.zeros((2, 3), np.float32))
    with pytest.raises(TypeError, match="dtype"):
        buffer.download(np.zeros((2, 2), np.int32))
    out = np.zeros((2, 2), np.float32)
    out.flags.writeable = False
    with pytest.raises(BufferError, match="read-only"):
        buffer.download(out)


def test_copy_nobody_asked_for_warns_and_strict_refuses(device: af.Device) -> None:
    buffer = device.empty((4, 3), "float32")
    transposed = np.arange(12, dtype=np.float32).reshape(3, 4).T
    before = af.fallback_copies()
    with pytest.warns(af.CopyWarning, match="not C-contiguous"):
        buffer.upload(transposed)
    np.testing.assert_array_equal(buffer.download(), transposed)
    after = af.fallback_copies()
    assert after["count"] == before["count"] + 1
    assert after["bytes"] == before["bytes"] + transposed.nbytes
    with af.strict(), pytest.raises(af.CopyError, match="48 bytes"):
        buffer.upload(transposed)
    with pytest.warns(af.CopyWarning):
        buffer.upload(transposed)


def test_fill_and_view(device: af.Device, stream: af.Stream) -> None:
    buffer = device.empty((2, 8), "uint8")
    buffer.fill_bytes(0x3F)
    buffer.fill_bytes(0x3F, stream)
    stream.synchronize()
    words = buffer.view((2, 2), "uint32")
    assert (words.download() == 0x3F3F3F3F).all()
    assert buffer.view(dtype="uint16").shape == (8,)
    with pytest.raises(ValueError, match="16 bytes"):
        buffer.view((5, 5))


def test_cached_memory_is_flushed_and_invalidated(device: af.Device) -> None:
    buffer = device.empty(256, kind="cached")
    buffer.upload(np.ones(256, np.float32))
    buffer.flush()
    buffer.invalidate()
    assert buffer.download().sum() == 256
    device.empty(4).flush()


def test_resize(device: af.Device) -> None:
    buffer = device.empty((4, 4), "float32")
    address = buffer.address_int
    buffer.resize((2, 2))
    assert (buffer.shape, buffer.address_int) == ((2, 2), address)
    buffer.resize((1000,), "float64")
    assert buffer.nbytes == 8000
    buffer.upload(np.ones(1000))
    assert buffer.download().sum() == 1000


def test_close_is_final(device: af.Device) -> None:
    buffer = device.empty(8)
    buffer.close()
    buffer.close()
    assert buffer.is_closed
    for use in (buffer.download, lambda: buffer.upload([0]), lambda: buffer.array, buffer.view):
        with pytest.raises((af.ClosedError, ValueError)):
            use()


@pytest.mark.parametrize("bad", [(-1,), (2, -3), (1 << 40, 1 << 40)])
def test_impossible_shapes(device: af.Device, bad: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"negative|larger"):
        device.empty(bad)
    with pytest.raises(ValueError, match="at most"):
        device.empty((1,) * 17)


def test_unknown_kind_and_dtype(device: af.Device) -> None:
    with pytest.raises(ValueError, match="kind is one of"):
        device.empty(1, kind="magic")
    with pytest.raises(TypeError, match="dtype"):
        device.empty(1, "M8[s]")
    with pytest.raises(TypeError):
        device.empty(1, ">f4")


def test_out_of_memory_leaves_the_device_usable(device: af.Device) -> None:
    _, total = device.memory_info()
    with pytest.raises(MemoryError) as caught:
        device.empty(4 * total, "uint8")
    assert isinstance(caught.value, af.AclError)
    assert caught.value.function == "aclrtMalloc"
    device.empty(100).close()


def test_cycle_with_a_buffer_is_collected(device: af.Device) -> None:
    class Node:
        pass

    node = Node()
    node.buffer = device.empty(10)
    node.self = node
    reference = weakref.ref(node.buffer)
    del node
    gc.collect()
    assert reference() is None


def test_discrete_memory_has_no_host_view(device: af.Device, unified: bool) -> None:
    buffer = device.empty(4)
    if unified:
        assert buffer.array.shape == (4,)
        return
    with pytest.raises(BufferError, match=r"upload\(\) and download\(\)"):
        memoryview(buffer)
    with pytest.raises(BufferError):
        np.asarray(buffer.array)
    assert not buffer.is_host_visible
    assert buffer.__dlpack_device__() == (12, 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_views_of_pinned_memory(device: af.Device, dtype: str) -> None:
    buffer = device.empty((2, 3), dtype, kind="host")
    view = memoryview(buffer)
    assert view.shape == (2, 3)
    assert view.c_contiguous
    assert not view.readonly
    assert view.itemsize == np.dtype(dtype).itemsize
    array = buffer.array
    assert array.dtype == np.dtype(dtype)
    assert array.ctypes.data == buffer.address_int
    assert not array.flags.owndata
    array[...] = 1
    np.testing.assert_array_equal(buffer.download(), np.ones((2, 3), dtype))


def test_bfloat16(device: af.Device) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    data = np.array([1.5, -2.25, 1e30], ml_dtypes.bfloat16)
    buffer = device.empty((3,), "bfloat16", kind="host")
    buffer.upload(data)
    assert buffer.dtype == ml_dtypes.bfloat16
    assert buffer.array.dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(buffer.array, data)
    np.testing.assert_array_equal(buffer.download(), data)
    assert memoryview(buffer).format == "H"


def test_views_block_close_and_resize(device: af.Device) -> None:
    buffer = device.empty(16, kind="host")
    array = buffer.array
    with pytest.raises(BufferError, match="host view"):
        buffer.close()
    with pytest.raises(BufferError, match="host view"):
        buffer.resize(32)
    del array
    buffer.close()


def test_a_view_keeps_the_memory(device: af.Device) -> None:
    array = device.empty(16, kind="host").array
    gc.collect()
    array[:] = 3
    assert array.sum() == 48


def test_unread_copy_cannot_be_seen(
    device: af.Device, slow_model: af.Model, stream: af.Stream
) -> None:
    """A host buffer that a queued copy will fill refuses to be read until it is done."""
    request = slow_model.create_request()
    buffer = device.empty(slow_model.outputs[0].shape, kind="host")
    request.run_async(stream)
    request.outputs[0].download(buffer, stream)
    with pytest.raises(af.NotReadyError, match="synchronize"):
        memoryview(buffer)
    stream.synchronize()
    assert buffer.array.shape == slow_model.outputs[0].shape
