from __future__ import annotations

import gc
import pickle
import threading
import weakref

import pytest

import acl_fast as af


def test_count_needs_no_open_device() -> None:
    assert af.Device.count() >= 1


def test_device_describes_itself(device: af.Device) -> None:
    assert device.id == 0
    assert device.soc_name.startswith("Ascend")
    free, total = device.memory_info()
    assert 0 < free <= total
    assert "acl_fast.Device 0" in repr(device)
    assert device.memory_mode == ("unified" if device.is_unified else "discrete")


def test_two_objects_share_the_default_context(device: af.Device) -> None:
    with af.Device(0) as other:
        assert other.handle == device.handle
        with other.create_stream() as stream:
            buffer = device.empty(4)
            buffer.fill_bytes(0, stream)
            stream.synchronize()


def test_closing_twice_is_harmless_and_use_after_close_raises() -> None:
    device = af.Device(0)
    device.close()
    device.close()
    assert device.is_closed
    assert repr(device) == "<acl_fast.Device closed>"
    for use in (device.create_stream, device.create_event, lambda: device.empty(3)):
        with pytest.raises(af.ClosedError, match="device is closed"):
            use()


def test_children_outlive_their_closed_device() -> None:
    device = af.Device(0)
    stream, buffer = device.create_stream(), device.empty((3,), "int32")
    device.close()
    buffer.upload([1, 2, 3])
    assert buffer.download().tolist() == [1, 2, 3]
    buffer.fill_bytes(0, stream)
    stream.synchronize()


def test_context_of_its_own(device: af.Device) -> None:
    with device.create_context() as context:
        assert context.handle != device.handle
        with context.create_stream() as own, device.create_stream() as foreign:
            own.synchronize()
            with pytest.raises(ValueError, match="another context"):
                foreign.record(context.create_event())


def test_context_lives_as_long_as_what_was_made_in_it(device: af.Device) -> None:
    context = device.create_context()
    stream = context.create_stream()
    context.close()
    del context
    gc.collect()
    stream.synchronize()


def test_no_such_device() -> None:
    with pytest.raises(IndexError) as caught:
        af.Device(1000)
    assert isinstance(caught.value, af.AclError)
    assert caught.value.code == 107001
    assert caught.value.name == "ACL_ERROR_RT_INVALID_DEVICEID"
    assert "aclrtSetDevice" in str(caught.value)
    assert "Device.count()" in str(caught.value)


def test_weak_references_and_pickle(device: af.Device) -> None:
    stream = device.create_stream()
    reference = weakref.ref(stream)
    for item in (device, stream, device.create_event(), device.empty(1)):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(item)
    del stream, item
    assert reference() is None


@pytest.mark.parametrize("cls", [af.Stream, af.Event, af.Buffer, af.Model, af.Request, af.Context])
def test_only_factories_make_objects(cls: type) -> None:
    with pytest.raises(TypeError, match="made by"):
        cls()


def test_a_plain_thread_needs_no_set_device(device: af.Device) -> None:
    results = []

    def work() -> None:
        buffer = device.empty((4,), "float32")
        buffer.upload([1, 2, 3, 4])
        with device.create_stream() as stream:
            stream.synchronize()
        results.append(buffer.download().sum())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results == [10.0]


def test_threads_of_two_contexts_do_not_disturb_each_other(device: af.Device) -> None:
    contexts = [device.create_context() for _ in range(2)]
    streams = [context.create_stream() for context in contexts]
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(200):
                for stream in streams:
                    stream.record().synchronize()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_context_changed_by_foreign_code(device: af.Device) -> None:
    """make_current() and the recheck option see that other code set another context."""
    import ctypes

    library = ctypes.CDLL(af.info()["library"])
    library.aclrtSetCurrentContext.argtypes = [ctypes.c_void_p]
    other = device.create_context()
    stream = device.create_stream()
    stream.synchronize()
    event = device.create_event()
    library.aclrtSetCurrentContext(other.handle)
    device.make_current()
    stream.record(event)
    af.set_context_recheck(True)
    try:
        stream.record(event)
        library.aclrtSetCurrentContext(other.handle)
        stream.record(event)
    finally:
        af.set_context_recheck(False)
    stream.synchronize()


def test_info_names_backend_and_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOFTNPU_AIPP_RESIZE", "1")
    info = af.info()
    assert info.settings["SOFTNPU_AIPP_RESIZE"] == "1"
    assert info["backend"] == info.backend == "softnpu"
    assert info.library.endswith("libascendcl.so")
    assert info.mode in ("unified", "discrete")
    assert [entry["id"] for entry in info.devices] == list(range(af.Device.count()))
    assert not hasattr(info, "nothing")


def test_has_tells_without_raising() -> None:
    assert af.has("aclrtMalloc")
