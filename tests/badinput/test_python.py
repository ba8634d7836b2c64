"""Wrong types, wrong dtypes, wrong shapes and closed objects at the Python surface."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import acl_fast as af

from . import networks
from .conftest import Oms

X = np.arange(6, dtype=np.float32).reshape(2, 3)


class Things:
    """One of everything, made together and closed together."""

    def __init__(self, device: af.Device) -> None:
        self.device = device
        self.context = device.create_context()
        self.stream = device.create_stream()
        self.event = device.create_event()
        self.buffer = device.empty((2, 3))
        self.arena = device.arena(4096)
        self.model = device.load_model(networks.affine())
        self.request = self.model.create_request()

    def close(self) -> None:
        for name in ("request", "model", "arena", "buffer", "event", "stream", "context"):
            getattr(self, name).close()


@pytest.fixture
def things(device: af.Device) -> Iterator[Things]:
    made = Things(device)
    yield made
    made.close()


# ---- objects that nobody made ----

MADE_ELSEWHERE = [
    "Arena",
    "Buffer",
    "Context",
    "Dataset",
    "Event",
    "Model",
    "Request",
    "Stream",
    "TensorBinding",
    "TensorDesc",
]


@pytest.mark.parametrize("name", MADE_ELSEWHERE)
def test_not_made_by_hand(name: str) -> None:
    with pytest.raises(TypeError):
        getattr(af, name)()


def members(instance: object) -> list[str]:
    return [n for n in dir(type(instance)) if not n.startswith("_")]


def touch(instance: object, name: str, *arguments: object) -> None:
    """Read an attribute, and call it, whatever that raises."""
    value = getattr(instance, name)
    if inspect.iscoroutinefunction(value) or name == "synchronize_async":
        asyncio.run(value())
    elif callable(value):
        value(*arguments)


BARE = """
import sys
kind = getattr(af, {name!r})
things = [kind.__new__(kind)]
for name in [n for n in dir(kind) if n not in ("__class__", "__init_subclass__", "__subclasshook__",
             "__new__", "__init__", "__getattribute__", "__setattr__", "__delattr__", "__dir__",
             "__sizeof__", "__format__", "__doc__", "__getstate__")]:
    print(name, flush=True)
    for arguments in ((), (None,), (0,), ("x",), (things[0],), (0, 0), (things[0], things[0])):
        try:
            value = getattr(things[0], name)
            if callable(value):
                value(*arguments)
        except Exception:
            pass
things.clear()
gc.collect()
works(af.Device(0))
"""


@pytest.mark.parametrize("name", [*MADE_ELSEWHERE, "Device"])
def test_bare_objects_do_not_crash(name: str) -> None:
    """``cls.__new__(cls)`` skips everything that sets an object up."""
    from . import child

    child.run(BARE.format(name=name), quiet=False, timeout=60)


# ---- closed objects ----

CLOSED: dict[str, dict[str, tuple[Any, ...]]] = {
    "context": {
        "create_stream": (),
        "create_event": (),
        "empty": ((2, 3),),
        "arena": (4096,),
        "load_model": (networks.affine(),),
        "synchronize": (),
        "make_current": (),
        "id": (),
        "handle": (),
        "__enter__": (),
    },
    "stream": {
        "synchronize": (),
        "query": (),
        "record": (),
        "wait": ("event",),
        "abort": (),
        "handle": (),
        "__enter__": (),
    },
    "event": {
        "query": (),
        "synchronize": (),
        "elapsed_time": ("event2",),
        "handle": (),
        "__enter__": (),
    },
    "buffer": {
        "array": (),
        "upload": (X,),
        "download": (),
        "fill_bytes": (),
        "view": ((6,),),
        "resize": ((6,),),
        "flush": (),
        "invalidate": (),
        "kind": (),
        "address_int": (),
        "is_host_visible": (),
        "__dlpack__": (),
        "__dlpack_device__": (),
        "__enter__": (),
    },
    "arena": {"empty": ((2, 3),), "reset": (), "remaining": (), "pieces": (), "kind": ()},
    "model": {
        "create_request": (),
        "exclusive": (),
        "replicate": (1,),
        "model_id": (),
        "__enter__": (),
    },
    "request": {
        "run": (),
        "run_async": ("stream2",),
        "bind": ("stream2",),
        "launch": (),
        "set_input": (0, "buffer2"),
        "set_output": (0, "buffer2"),
        "set_batch": (1,),
        "set_image_size": (8, 8),
        "set_dims": ((1, 2),),
        "set_shape": (0, (2, 3)),
        "__enter__": (),
    },
}


@pytest.mark.parametrize("kind", CLOSED)
def test_closed_objects(device: af.Device, things: Things, kind: str) -> None:
    """Closing twice is harmless; anything else raises ClosedError, which is a ValueError."""
    stand_in = {
        "event": things.event,
        "event2": device.create_event(),
        "stream2": device.create_stream(),
        "buffer2": device.empty((2, 3)),
    }
    closed = getattr(things, kind)
    closed.close()
    closed.close()
    assert closed.is_closed
    assert "closed" in repr(closed)
    for name, arguments in CLOSED[kind].items():
        if not hasattr(type(closed), name):
            continue
        filled = [stand_in.get(a, a) if isinstance(a, str) else a for a in arguments]
        with pytest.raises(af.ClosedError, match="closed"):
            touch(closed, name, *filled)
    for name in members(closed):
        with contextlib.suppress(af.ClosedError, TypeError, ValueError):
            touch(closed, name)
    for name in ("event2", "stream2", "buffer2"):
        stand_in[name].close()


def test_closed_objects_as_arguments(device: af.Device, things: Things) -> None:
    x = device.empty((2, 3))
    uses: list[tuple[str, Callable[[], object]]] = [
        ("stream", lambda: things.request.run_async(things.stream)),
        ("stream", lambda: things.request.bind(things.stream)),
        ("stream", lambda: x.upload(X, things.stream)),
        ("stream", lambda: x.fill_bytes(0, things.stream)),
        ("stream", lambda: things.model.exclusive(things.stream)),
        ("stream", lambda: things.request.inputs[0].upload(X, things.stream)),
        ("event", lambda: device.create_stream().wait(things.event)),
        ("event", lambda: device.create_stream().record(things.event)),
        ("buffer", lambda: things.request.set_input(0, things.buffer)),
        ("buffer", lambda: things.request.set_output(0, things.buffer)),
        ("buffer", lambda: x.upload(things.buffer)),
        ("buffer", lambda: x.download(things.buffer)),
        ("buffer", lambda: af.copy(x, things.buffer)),
        ("buffer", lambda: af.copy(things.buffer, x)),
        ("model", lambda: things.request.run()),
    ]
    for kind, use in uses:
        getattr(things, kind).close()
        with pytest.raises(af.ClosedError, match=f"the {kind} is closed"):
            use()
    x.close()


def test_bindings_of_a_closed_request(things: Things) -> None:
    """The parts of a request that were taken out before it was closed."""
    inputs, outputs = things.request.inputs, things.request.outputs
    x, y = inputs[0], outputs[0]
    things.request.close()
    for use in (
        lambda: x.upload(X),
        lambda: y.download(),
        lambda: x.array,
        lambda: x.buffer,
        lambda: inputs[0].array,
        lambda: outputs["y"].download(),
        lambda: x.__dlpack__(),
        lambda: x.__dlpack_device__(),
    ):
        with pytest.raises(af.ClosedError):
            use()
    for item in (inputs, outputs, x, y):
        for name in members(item):
            with contextlib.suppress(af.ClosedError, TypeError):
                touch(item, name)
        repr(item)


def test_pickling(device: af.Device, things: Things) -> None:
    for name in ("device", "context", "stream", "event", "buffer", "arena", "model", "request"):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(getattr(things, name))


# ---- types of arguments ----

WRONG = [None, "text", b"bytes", 1.5, object(), [1], {"a": 1}, 3 + 4j]


def refuses(use: Callable[..., object], value: object, *also: type[Exception]) -> None:
    """TypeError, or ValueError where the type might pass."""
    with pytest.raises((TypeError, ValueError, OverflowError, *also)) as caught:
        use(value)
    assert str(caught.value), f"{value!r}: an error without a text"


def test_streams_and_events(device: af.Device, things: Things) -> None:
    for value in [*WRONG, things.event, things.buffer, device]:
        if value is not None:
            refuses(things.request.bind, value)
            refuses(things.model.exclusive, value)
            refuses(lambda v: things.buffer.upload(X, v), value)
            refuses(lambda v: things.buffer.fill_bytes(0, v), value)
            if value is not things.event:
                refuses(things.stream.record, value)
        refuses(things.request.run_async, value)
        if value is not things.event:
            refuses(things.event.elapsed_time, value)
    for value in [*WRONG, things.stream, device]:
        refuses(things.stream.wait, value)


def test_times(things: Things) -> None:
    for value in (-1, -0.5, float("nan"), "1", [1], object()):
        refuses(things.stream.synchronize, value)
    things.stream.synchronize(0)
    things.stream.synchronize(float("inf"))


def test_memory_arguments(device: af.Device, things: Things) -> None:
    for value in ["text", 1.5, object(), (2.5, 3), (2, "3"), (None,), 3 + 4j, None]:
        refuses(device.empty, value)
        refuses(things.buffer.resize, value)
        refuses(things.arena.empty, value)
    for value in [-1, (-1, 3), (2**62, 2**62), (2**63,), (1,) * 200]:
        refuses(device.empty, value)
        refuses(things.buffer.view, value)
        refuses(things.arena.empty, value)
    for value in ["float31", 99, object(), [1], "S4", "O", ">f4", np.dtype("f4,i4")]:
        refuses(lambda v: device.empty((2, 3), v), value)
        refuses(lambda v: things.buffer.view((2, 3), v), value)
    for value in ["gpu", "", 1, b"device", None]:
        refuses(lambda v: device.empty((2, 3), kind=v), value)
        refuses(lambda v: device.arena(4096, kind=v), value)
    for value in [0, -1, 1.5, "4096", None]:
        refuses(device.arena, value)
    for value in [-1, 256, 1.5, "0", None]:
        refuses(things.buffer.fill_bytes, value)
    with pytest.raises(ValueError, match="bytes"):
        things.buffer.view((7,))
    with pytest.raises((ValueError, MemoryError)):
        things.arena.empty((4096,))


def test_numbers_are_not_cut(device: af.Device, oms: Oms) -> None:
    """1.5 is no whole number: it must not become 1."""
    with device.load_model(oms.batch) as model, model.create_request() as request:
        for value in (1.5, 2.0, "2", None, -1, 2**40):
            refuses(request.set_batch, value)
        refuses(model.replicate, 1.5)
        refuses(model.replicate, -1)
    with device.load_model(oms.image) as model, model.create_request() as request:
        for value in (8.5, "8", None, -8):
            refuses(lambda v, r=request: r.set_image_size(v, 8), value)
            refuses(lambda v, r=request: r.set_image_size(8, v), value)
    with device.load_model(oms.dims) as model, model.create_request() as request:
        for value in (5, None, "23", (2.5, 3), (2,), (2, 3, 4), (2, 5), object()):
            refuses(request.set_dims, value)
    with device.load_model(oms.ranged) as model, model.create_request() as request:
        for value in (2, None, "23", (2.5, 3), (2,), (5, 3), (2, 4), (-1, 3), (2**63, 3)):
            refuses(lambda v, r=request: r.set_shape(0, v), value)
    refuses(lambda v: device.create_stream(priority=v), 1.5)
    refuses(lambda v: device.create_stream(priority=v), 99)
    refuses(lambda v: device.create_stream(priority=v), -1)


def test_tensor_positions(things: Things) -> None:
    request = things.request
    for index in (1, -2, 99, -(2**40)):
        with pytest.raises(IndexError, match="1 input"):
            request.inputs[index]
        with pytest.raises(IndexError, match="1 input"):
            request.set_input(index, things.buffer)
        with pytest.raises(IndexError, match="1 output"):
            request.set_output(index, things.buffer)
    with pytest.raises(KeyError, match=r"named 'nobody'.*'x'"):
        request.inputs["nobody"]
    with pytest.raises(KeyError, match="'y'"):
        request.set_output("x", things.buffer)
    for index in (None, 1.5, b"x", slice(0, 1), (0,)):
        refuses(lambda i: request.inputs[i], index)
        refuses(lambda i: request.set_input(i, things.buffer), index)


def test_memory_that_is_none(device: af.Device, things: Things) -> None:
    for value in ["text", 1.5, 7, object(), {"a": 1}, things.stream, None, b"bytes!"]:
        refuses(lambda v: things.request.set_input(0, v), value, BufferError)
        refuses(lambda v: things.request.set_output(0, v), value, BufferError)
    for value in ["text", 1.5, 7, object(), None, things.stream]:
        refuses(device.from_buffer, value)
        refuses(device.from_dlpack, value, AttributeError)
        refuses(lambda v: af.copy(v, things.buffer), value)
    for value in ["text", object(), None, things.stream, {"a": 1}, [[1, 2], [3]]]:
        refuses(things.buffer.upload, value)
        refuses(lambda v: af.copy(things.buffer, v), value)
    for value in ["text", 7, object(), things.stream, b"123456781234567812345678"]:
        refuses(things.buffer.download, value, BufferError)
    with pytest.raises(TypeError, match="Buffer"):
        af.copy(X, X)


# ---- dtypes, shapes, sizes ----

OTHERS = [
    np.float64,
    np.float16,
    np.int32,
    np.uint32,
    np.int8,
    np.complex64,
    np.bool_,
]


@pytest.mark.parametrize("dtype", OTHERS)
def test_wrong_dtype(device: af.Device, things: Things, dtype: type) -> None:
    array = X.astype(dtype)
    with pytest.raises(TypeError, match=rf"{np.dtype(dtype).name}.*float32"):
        things.buffer.upload(array)
    with pytest.raises(TypeError, match=rf"{np.dtype(dtype).name}.*float32"):
        things.request.inputs[0].upload(array)
    with pytest.raises(TypeError, match="dtype"):
        things.buffer.download(array)
    with device.empty((2, 3), dtype) as other:
        with pytest.raises(TypeError, match="tensor 'x' has dtype float32"):
            things.request.set_input(0, other)
        with pytest.raises(TypeError, match="tensor 'y' has dtype float32"):
            things.request.set_output(0, other)


@pytest.mark.parametrize("dtype", ["S3", "O", "M8[s]", "f4,i4", ">f4", "U2"])
def test_elements_that_no_tensor_has(device: af.Device, things: Things, dtype: str) -> None:
    array = np.zeros((2, 3), dtype)
    for use in (things.buffer.upload, things.request.inputs[0].upload, things.buffer.download):
        with pytest.raises((TypeError, ValueError, BufferError)):
            use(array)


@pytest.mark.parametrize("shape", [(), (0,), (5,), (7,), (2, 4), (3, 3), (2, 3, 2)])
def test_wrong_size(device: af.Device, things: Things, shape: tuple[int, ...]) -> None:
    array = np.zeros(shape, np.float32)
    with pytest.raises(ValueError, match=r"bytes.*24"):
        things.buffer.upload(array)
    with pytest.raises(ValueError, match="bytes"):
        things.request.inputs[0].upload(array)
    with pytest.raises(ValueError, match="bytes"):
        things.buffer.download(array)
    if shape == (7,):
        # Flat memory may be larger than the tensor.
        return
    with device.empty(shape) as other:
        with pytest.raises(ValueError, match="tensor 'x'"):
            things.request.set_input(0, other)
        with pytest.raises(ValueError, match="tensor 'y'"):
            things.request.set_output(0, other)


@pytest.mark.parametrize("shape", [(3, 2), (6, 1), (1, 2, 3)])
def test_wrong_shape_of_the_right_size(
    device: af.Device, things: Things, shape: tuple[int, ...]
) -> None:
    with device.empty(shape) as other, pytest.raises(ValueError, match=r"shape \(2, 3\)"):
        things.request.set_input(0, other)


def test_memory_that_does_not_meet_the_rules(device: af.Device, things: Things) -> None:
    wide = np.zeros((4, 12), np.float32)
    with pytest.raises(BufferError, match="contiguous"):
        things.request.set_input(0, wide[::2, ::4])
    with pytest.raises(BufferError, match="contiguous"):
        device.from_buffer(wide.T)
    raw = np.zeros(64 + 28, np.uint8)
    start = -raw.ctypes.data % 64 + 4
    odd = raw[start : start + 24].view(np.float32).reshape(2, 3)
    rule = "multiple of 64" if device.is_unified else "device memory"
    with pytest.raises(BufferError, match=rule):
        things.request.set_input(0, odd)
    readonly = np.zeros((2, 3), np.float32)
    readonly.flags.writeable = False
    with pytest.raises(BufferError, match="read-only"):
        things.request.set_output(0, readonly)
    with pytest.raises(BufferError, match=r"read-only|writ"):
        things.buffer.download(readonly)
    if not device.is_unified:
        pinned = device.empty((2, 3), kind="host")
        with pytest.raises(BufferError, match=r"device memory.*upload"):
            things.request.set_input(0, pinned)
        pinned.close()
        with pytest.raises(BufferError, match=r"upload\(\) and download\(\)"):
            things.buffer.array
        with pytest.raises(BufferError, match="not readable by the host"):
            memoryview(things.buffer)


def test_exported_memory_is_held(device: af.Device) -> None:
    with device.empty((2, 3), kind="host") as buffer:
        view = memoryview(buffer)
        for use in (buffer.close, lambda: buffer.resize((100,))):
            with pytest.raises(BufferError, match="live host view"):
                use()
        view.release()


def test_bound_memory_is_held(device: af.Device, things: Things) -> None:
    things.request.set_input(0, things.buffer)
    with pytest.raises(BufferError, match="bound to a request"):
        things.buffer.resize((100,))
    # Closed, it lives on in the request.
    things.buffer.upload(X)
    things.buffer.close()
    things.request.run()
    np.testing.assert_array_equal(things.request.outputs[0].download(), 2 * X + 1)


def test_other_context(device: af.Device, things: Things) -> None:
    with things.context.create_stream() as foreign, things.context.create_event() as event:
        with pytest.raises(ValueError, match="another context"):
            things.request.run_async(foreign)
        with pytest.raises(ValueError, match="another context"):
            things.request.bind(foreign)
        with pytest.raises(ValueError, match="another context"):
            things.model.exclusive(foreign)
        with pytest.raises(ValueError, match="another context"):
            things.stream.record(event)
        things.request.run_async(things.stream)
        things.stream.synchronize()


def test_gears_in_python(device: af.Device, oms: Oms) -> None:
    with device.load_model(oms.batch) as model, model.create_request() as request:
        with pytest.raises(ValueError, match=r"gears first.*\(1,\), \(2,\), \(4,\)"):
            request.run()
        with device.create_stream() as stream, pytest.raises(ValueError, match="gears first"):
            request.run_async(stream)
        with pytest.raises(ValueError, match=r"\(3,\) is not a gear.*\(4,\)"):
            request.set_batch(3)
        with pytest.raises(ValueError, match="batch gears, not image"):
            request.set_image_size(8, 8)
        with pytest.raises(ValueError, match="set_batch"):
            request.set_shape(0, (2, 3))
        request.set_batch(2)
        with pytest.raises(ValueError, match="bytes"):
            request.inputs[0].upload(np.zeros((4, 3), np.float32))
        request.inputs[0].upload(X)
        request.run()
        np.testing.assert_array_equal(request.outputs[0].download(), X @ networks.WEIGHTS)
    with device.load_model(oms.fixed) as model, model.create_request() as request:
        with pytest.raises(ValueError, match="no gears"):
            request.set_batch(2)
        with pytest.raises(ValueError, match=r"fixed shape \(2, 3\)"):
            request.set_shape(0, (2, 3))


def test_dynamic_shapes_in_python(device: af.Device, oms: Oms) -> None:
    with device.load_model(oms.ranged) as model, model.create_request() as request:
        with pytest.raises(ValueError, match="set_shape"):
            request.run()
        with pytest.raises(ValueError, match=r"\(5, 3\) is outside the range.*\(1, 4\)"):
            request.set_shape(0, (5, 3))
        with pytest.raises(ValueError, match=r"\(2, 4\) does not fit"):
            request.set_shape(0, (2, 4))
        request.set_shape(0, (2, 3))
        request.inputs[0].upload(X)
        request.run()
        np.testing.assert_array_equal(request.outputs[0].download(), -X)


def test_memory_out_of_the_range(device: af.Device, oms: Oms) -> None:
    """set_input() tells the shape as set_shape() does, and must check it like that."""
    with device.load_model(oms.ranged) as model, model.create_request() as request:
        large = device.empty((5, 3))
        with pytest.raises(ValueError, match="range"):
            request.set_input(0, large)
        large.close()


def test_reading_before_completion(device: af.Device, slow_bytes: bytes) -> None:
    x = np.ones(networks.SLOW_SHAPE, np.float32)
    with device.load_model(slow_bytes) as model, device.create_stream() as stream:
        request = model.create_request()
        request.inputs[0].upload(x)
        request.run_async(stream)
        for use in (
            lambda: request.outputs[0].download(),
            lambda: request.inputs[0].upload(x),
            lambda: request.set_input(0, x),
            lambda: request.outputs[0].__dlpack__(),
        ):
            with pytest.raises(af.NotReadyError, match="synchronize"):
                use()
        stream.synchronize()
        expected = networks.slow_result(x)
        np.testing.assert_allclose(request.outputs[0].download(), expected, atol=1e-2)
        request.close()


def test_messages_of_the_library(device: af.Device) -> None:
    """An exception from a code names function, code, rule and what to do."""
    with pytest.raises(af.AclMemoryError) as caught:
        device.empty((1 << 40,))
    error = caught.value
    assert error.code == 207001
    assert error.name.startswith("ACL_ERROR")
    assert error.function == "aclrtMalloc"
    assert error.detail
    for part in (error.function, error.name, str(error.code), error.detail, "Free buffers"):
        assert part in str(error)
    assert isinstance(error, MemoryError)
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, again.function, again.detail) == (error.code, error.function, error.detail)
