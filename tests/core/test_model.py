from __future__ import annotations

import os
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto

import acl_fast as af

from . import models


def test_description(device: af.Device) -> None:
    with device.load_model(models.split((4, 8))) as model:
        (x,), (y, top) = model.inputs, model.outputs
        assert (x.name, x.shape, x.dtype, x.nbytes) == ("x", (4, 8), np.float32, 128)
        assert (y.name, y.shape, y.nbytes) == ("y", (4, 5), 80)
        assert (top.name, top.shape, top.dtype, top.nbytes) == ("top", (4,), np.int64, 32)
        assert not x.is_dynamic
        assert model.gears is None
        assert "inputs=1 outputs=2" in repr(model)
        assert x == model.inputs[0]
        assert "float32" in repr(x)


def test_run_agrees_with_onnxruntime(device: af.Device) -> None:
    data = models.split((6, 16))
    x = np.random.default_rng(0).standard_normal((6, 16)).astype(np.float32)
    expected = onnxruntime.InferenceSession(data).run(None, {"x": x})
    with device.load_model(data) as model:
        request = model.create_request()
        request.inputs["x"].upload(x)
        assert request.run() is request
        np.testing.assert_allclose(request.outputs["y"].download(), expected[0], rtol=1e-4)
        np.testing.assert_array_equal(request.outputs["top"].download(), expected[1])


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_load_from_memory(device: af.Device, wrap: type) -> None:
    with device.load_model(wrap(models.add((2, 3)))) as model:
        assert len(model.inputs) == 2


@pytest.mark.parametrize("kind", [str, Path])
def test_load_from_file(device: af.Device, tmp_path: Path, kind: type) -> None:
    path = tmp_path / "añadir.onnx"
    path.write_bytes(models.add((2, 3)))
    with device.load_model(kind(path)) as model:
        request = model.create_request()
        request.inputs[0].upload(np.ones((2, 3), np.float32))
        request.inputs[1].upload(np.ones((2, 3), np.float32))
        request.run()
        assert (request.outputs[0].download() == 2).all()


def test_bad_files(device: af.Device, tmp_path: Path) -> None:
    good = models.add((2, 3))
    cases = {
        "empty.onnx": (b"", "empty"),
        "truncated.onnx": (good[: len(good) // 2], "failed"),
        "noise.om": (os.urandom(4096), "failed"),
        "npu.om": (b"IMOD" + bytes(300), "acl-fast atc"),
        "broken.om": (b"SOFTNPU\0" + bytes(300), "failed"),
    }
    for name, (content, words) in cases.items():
        (tmp_path / name).write_bytes(content)
        for source in (tmp_path / name, content):
            with pytest.raises((ValueError, af.AclError), match=words):
                device.load_model(source)
    with pytest.raises(FileNotFoundError) as missing:
        device.load_model(tmp_path / "missing.om")
    assert missing.value.filename == str(tmp_path / "missing.om")
    with pytest.raises(IsADirectoryError):
        device.load_model(tmp_path)
    with pytest.raises(TypeError):
        device.load_model(3)
    with device.load_model(good):
        pass


def test_close_and_use_after(device: af.Device) -> None:
    model = device.load_model(models.add((2, 3)))
    request = model.create_request()
    model.close()
    model.close()
    assert model.is_closed
    for use in (model.create_request, request.run, model.exclusive, lambda: model.replicate(1)):
        with pytest.raises(af.ClosedError, match="model is closed"):
            use()
    with device.create_stream() as stream, pytest.raises(af.ClosedError):
        request.run_async(stream)


def test_close_waits_for_work_in_flight(slow_model: af.Model, stream: af.Stream) -> None:
    request = slow_model.create_request()
    request.run_async(stream)
    slow_model.close()
    assert request.is_complete


def test_caller_owned_memory(device: af.Device, tmp_path: Path) -> None:
    path = models.convert(tmp_path, models.split((6, 16)))
    work, weight = device.model_memory(path)
    workspace = device.empty(max(work, 1), "uint8")
    weights = device.empty(max(weight, 1), "uint8")
    x = np.random.default_rng(0).standard_normal((6, 16)).astype(np.float32)
    expected = onnxruntime.InferenceSession(models.split((6, 16))).run(None, {"x": x})
    for source in (path, path.read_bytes()):
        with device.load_model(source, workspace=workspace, weights=weights) as model:
            request = model.create_request()
            request.inputs[0].upload(x)
            request.run()
            np.testing.assert_allclose(request.outputs[0].download(), expected[0], rtol=1e-4)
            with pytest.raises(ValueError, match="workspace"):
                model.replicate(1)


def test_memory_is_bound_in_place(device: af.Device, add_model: af.Model) -> None:
    a, b, y = (device.empty((2, 3)) for _ in range(3))
    request = add_model.create_request([a, b], [y])
    a.upload(np.arange(6, dtype=np.float32).reshape(2, 3))
    b.upload(np.ones((2, 3), np.float32))
    before = af.softnpu.counters()
    request.run()
    after = af.softnpu.counters()
    copied = {name for name in after if name.startswith("bytes_") and after[name] != before[name]}
    assert not copied
    np.testing.assert_array_equal(y.download().ravel(), np.arange(1, 7))
    assert request.outputs[0].buffer is y


def test_a_closed_buffer_stays_alive_in_its_request(device: af.Device, add_model: af.Model) -> None:
    a, b = device.empty((2, 3)), device.empty((2, 3))
    a.upload(np.ones((2, 3), np.float32))
    b.upload(np.ones((2, 3), np.float32))
    request = add_model.create_request([a, b])
    with pytest.raises(BufferError, match="bound to a request"):
        a.resize((100,))
    a.close()
    request.run()
    assert (request.outputs[0].download() == 2).all()


def test_rules_for_memory(device: af.Device, add_model: af.Model, unified: bool) -> None:
    request = add_model.create_request()
    with pytest.raises(TypeError, match=r"dtype float32.*float64"):
        request.set_input(0, device.empty((2, 3), "float64"))
    with pytest.raises(ValueError, match=r"shape \(2, 3\)"):
        request.set_input(0, device.empty((3, 2)))
    with pytest.raises(ValueError, match="bytes"):
        request.set_input(0, device.empty((5,), "uint8"))
    with pytest.raises(KeyError, match="no input is named 'z'"):
        request.set_input("z", device.empty((2, 3)))
    with pytest.raises(IndexError):
        request.set_input(7, device.empty((2, 3)))
    with pytest.raises(TypeError, match="no memory"):
        request.set_input(0, 5)
    with pytest.raises(ValueError, match="fixed size"):
        request.set_output(0, None)
    pinned = device.empty((2, 3), kind="host")
    if unified:
        request.set_input(0, pinned)
    else:
        with pytest.raises(BufferError, match="device memory"):
            request.set_input(0, pinned)


@pytest.mark.host_view
def test_numpy_memory_is_bound_in_place(
    device: af.Device, add_model: af.Model, unified_only: None
) -> None:
    raw = np.zeros(24 + 64, np.uint8)
    start = -raw.ctypes.data % 64
    array = raw[start : start + 24].view(np.float32).reshape(2, 3)
    request = add_model.create_request()
    request.set_input("a", array)
    request.inputs["b"].array[...] = 10
    array[...] = 7
    request.run()
    assert (request.outputs[0].array == 17).all()
    assert request.inputs["a"].array.ctypes.data == array.ctypes.data
    with pytest.raises(BufferError, match="multiple of 64"):
        request.set_input("a", raw[start + 4 : start + 28].view(np.float32).reshape(2, 3))
    readonly = array.view()
    readonly.flags.writeable = False
    with pytest.raises(BufferError, match="read-only"):
        request.set_output(0, readonly)


@pytest.mark.host_view
def test_outputs_alias_the_engine(
    add_model: af.Model, stream: af.Stream, unified_only: None
) -> None:
    request = add_model.create_request()
    view = request.outputs[0].array
    for index in (0, 1):
        request.inputs[index].array[...] = 2
    request.run()
    assert (view == 4).all()
    assert request.outputs[0].array.ctypes.data == view.ctypes.data


def test_replicas_run_on_their_own(device: af.Device) -> None:
    with device.load_model(models.scale((4,), 3.0)) as model:
        replicas = model.replicate(3)
        assert len({model.model_id, *(replica.model_id for replica in replicas)}) == 4
        streams = [device.create_stream() for _ in replicas]
        requests = [replica.create_request() for replica in replicas]
        for number, (request, stream) in enumerate(zip(requests, streams, strict=True)):
            request.inputs[0].upload(np.full(4, number, np.float32))
            request.run_async(stream)
        for number, (request, stream) in enumerate(zip(requests, streams, strict=True)):
            stream.synchronize()
            assert (request.outputs[0].download() == 3 * number).all()
        model.close()
        replicas[0].create_request().run_async(streams[0])
        streams[0].synchronize()
        with pytest.raises(ValueError, match="negative"):
            replicas[0].replicate(-1)


def test_exclusive_makes_refresh_and_execution_one_unit(
    device: af.Device, stream: af.Stream
) -> None:
    with device.load_model(models.scale((4,), 2.0)) as model:
        request = model.create_request()

        def work(number: int) -> bool:
            value = np.full(4, number, np.float32)
            with model.exclusive(stream):
                with model.exclusive():
                    request.inputs[0].upload(value)
                request.run_async(stream)
                stream.synchronize()
                return bool((request.outputs[0].download() == 2 * number).all())

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(200)))


def test_exclusive_holds_other_threads_off(device: af.Device, stream: af.Stream) -> None:
    with device.load_model(models.scale((4,), 2.0)) as model:
        request, other = model.create_request(), model.create_request()
        order: list[str] = []
        inside = threading.Event()

        def run() -> None:
            inside.wait()
            other.run_async(stream)
            order.append("other")

        thread = threading.Thread(target=run)
        thread.start()
        with model.exclusive(stream):
            inside.set()
            for _ in range(50):
                request.run_async(stream)
            stream.synchronize()
            order.append("exclusive")
        thread.join()
        assert order == ["exclusive", "other"]
        stream.synchronize()


def test_int_types(device: af.Device) -> None:
    for code, dtype in ((TensorProto.INT32, np.int32), (TensorProto.INT64, np.int64)):
        with device.load_model(models.add((5,), code)) as model:
            request = model.create_request()
            request.inputs[0].upload(np.arange(5, dtype=dtype))
            request.inputs[1].upload(np.arange(5, dtype=dtype))
            request.run()
            np.testing.assert_array_equal(request.outputs[0].download(), 2 * np.arange(5))


def test_creating_requests_does_not_grow(device: af.Device, add_model: af.Model) -> None:
    a, b, y = (device.empty((2, 3)) for _ in range(3))
    for _ in range(20):
        add_model.create_request([a, b], [y]).run()
    tracemalloc.start()
    try:
        first = tracemalloc.get_traced_memory()[0]
        for _ in range(500):
            add_model.create_request([a, b], [y]).run()
        assert tracemalloc.get_traced_memory()[0] - first < 20000
    finally:
        tracemalloc.stop()
