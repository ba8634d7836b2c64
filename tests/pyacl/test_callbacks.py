"""Functions on the report thread: what they raise, what they keep alive, what they call."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from acl_fast import _pyacl_callbacks
from acl_fast import pyacl as acl


class Reporter:
    """A thread that loops on process_report for one stream."""

    def __init__(self, stream: int) -> None:
        self.stream, self.running, self.codes = stream, True, set[int]()
        context, _ = acl.rt.get_context()
        self.thread, ret = acl.util.start_thread(self.loop, [context])
        assert ret == 0
        assert acl.rt.subscribe_report(self.thread, stream) == 0

    def loop(self, args: list[int]) -> None:
        acl.rt.set_context(args[0])
        while self.running:
            self.codes.add(acl.rt.process_report(20))

    def stop(self) -> None:
        assert acl.rt.unsubscribe_report(self.thread, self.stream) == 0
        self.running = False
        assert acl.util.stop_thread(self.thread) == 0


@pytest.fixture
def reporter(stream: int) -> Iterator[Reporter]:
    made = Reporter(stream)
    yield made
    made.stop()


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    seen: list[Any] = []
    monkeypatch.setattr(
        sys, "unraisablehook", lambda args: seen.append((args.exc_value, args.object))
    )
    return seen


class Data:
    """Something that can be watched."""


def test_runs_on_the_report_thread_with_the_data(reporter: Reporter, stream: int) -> None:
    seen: list[tuple[int, object]] = []
    data = Data()
    for block in (0, 1):
        launched = acl.rt.launch_callback(
            lambda given: seen.append((threading.get_ident(), given)), data, block, stream
        )
        assert launched == 0
    assert acl.rt.synchronize_stream(stream) == 0
    reporter_id = reporter.thread
    # A callback that does not block may still be on its way.
    for _ in range(200):
        if len(seen) == 2:
            break
        threading.Event().wait(0.01)
    assert seen == [(reporter_id, data)] * 2


def test_what_is_raised_is_told_and_the_loop_goes_on(
    reporter: Reporter, stream: int, unraisable: list[Any]
) -> None:
    def broken(given: int) -> None:
        raise ZeroDivisionError(given)

    seen: list[int] = []
    for number in range(5):
        assert acl.rt.launch_callback(broken, number, 1, stream) == 0
        assert acl.rt.launch_callback(seen.append, number, 1, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    assert seen == list(range(5))
    assert [(type(error), error.args, where) for error, where in unraisable] == [
        (ZeroDivisionError, (number,), broken) for number in range(5)
    ]


def test_user_data_goes_after_the_callback(reporter: Reporter, stream: int) -> None:
    data = Data()
    gone = weakref.ref(data)
    assert acl.rt.launch_callback(lambda given: None, data, 1, stream) == 0
    del data
    gc.collect()
    assert acl.rt.synchronize_stream(stream) == 0
    gc.collect()
    assert gone() is None
    assert _pyacl_callbacks.callbacks_waiting() == 0


def test_user_data_goes_with_the_stream_and_with_a_failed_launch() -> None:
    before = _pyacl_callbacks.callbacks_waiting()
    data = Data()
    gone = weakref.ref(data)
    assert acl.rt.launch_callback(lambda given: None, data, 1, 12345) != 0
    assert _pyacl_callbacks.callbacks_waiting() == before
    own, _ = acl.rt.create_stream()
    reporter = Reporter(own)
    reporter.running = False
    acl.util.stop_thread(reporter.thread)
    # Nobody serves the stream: the callback never runs.
    assert acl.rt.launch_callback(lambda given: None, data, 0, own) == 0
    del data
    assert gone() is not None
    assert acl.rt.unsubscribe_report(reporter.thread, own) == 0
    assert acl.rt.destroy_stream_force(own) == 0
    gc.collect()
    assert gone() is None
    assert _pyacl_callbacks.callbacks_waiting() == before


def test_functions_may_be_called_inside(reporter: Reporter, stream: int) -> None:
    results: list[object] = []

    def inside(given: None) -> None:
        memory, ret = acl.rt.malloc(4096, 0)
        results.append(ret)
        results.append(acl.rt.memset(memory, 4096, 1, 4096))
        other, ret = acl.rt.create_stream()
        results.append(ret)
        results.append(acl.rt.memset_async(memory, 4096, 2, 4096, other))
        results.append(acl.rt.synchronize_stream(other))
        results.append(acl.rt.launch_callback(lambda again: results.append(again), 0, 0, stream))
        results.append(acl.rt.destroy_stream(other))
        results.append(acl.rt.free(memory))
        results.append(acl.rt.get_mem_info(1)[2])

    assert acl.rt.launch_callback(inside, None, 1, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    for _ in range(200):
        if len(results) == 10:
            break
        threading.Event().wait(0.01)
    assert results == [0] * 10


def test_a_stream_without_a_thread_is_refused(stream: int) -> None:
    assert acl.rt.launch_callback(print, 0, 1, stream) != 0
    assert "subscribe" in (acl.get_recent_err_msg() or "").lower()


def test_exception_callback_is_set_and_taken_back(unraisable: list[Any]) -> None:
    assert acl.rt.set_exception_info_callback(lambda info: None) == 0
    assert acl.rt.set_exception_info_callback(None) == 0
    with pytest.raises(TypeError, match="callback is a function"):
        acl.rt.set_exception_info_callback("no function")


def test_a_failing_task_calls_the_exception_callback(unraisable: list[Any]) -> None:
    seen: list[tuple[int, int]] = []
    ids: dict[str, int] = {}

    def failed(info: int) -> None:
        code = acl.rt.get_error_code_from_exception_info(info)
        seen.append((code, acl.rt.get_device_id_from_exception_info(info)))
        parts = ("stream", "thread", "task")
        ids.update(
            {part: getattr(acl.rt, f"get_{part}_id_from_exception_info")(info) for part in parts}
        )
        raise KeyError("told as well")

    assert acl.rt.set_exception_info_callback(failed) == 0
    own, _ = acl.rt.create_stream()
    reporter, opened = Reporter(own), threading.Event()
    channel = acl.media.dvpp_create_channel_desc()
    assert acl.media.dvpp_create_channel(channel) == 0
    source, target = (picture(*acl.media.dvpp_malloc(6144)) for _ in range(2))
    config = acl.media.dvpp_create_resize_config()
    # The stream waits for the callback; meanwhile the memory of what comes next is freed.
    assert acl.rt.launch_callback(lambda gate: gate.wait(10), opened, 1, own) == 0
    assert acl.media.dvpp_vpc_resize_async(channel, source, target, config, own) == 0
    for desc in (source, target):
        assert acl.media.dvpp_free(acl.media.dvpp_get_pic_desc_data(desc)) == 0
    opened.set()
    done = acl.rt.synchronize_stream(own)
    assert done != 0
    assert seen == [(done, 0)]
    assert ids["stream"] == acl.rt.stream_get_id(own)[0]
    assert 0 <= ids["task"] < 1 << 32
    assert ids["thread"] not in (0, 0xFFFFFFFF)
    assert [type(error) for error, _ in unraisable] == [KeyError]
    reporter.stop()
    assert acl.rt.set_exception_info_callback(None) == 0
    assert acl.media.dvpp_destroy_resize_config(config) == 0
    for desc in (source, target):
        assert acl.media.dvpp_destroy_pic_desc(desc) == 0
    assert acl.media.dvpp_destroy_channel(channel) == 0
    assert acl.media.dvpp_destroy_channel_desc(channel) == 0
    assert acl.rt.destroy_stream(own) == 0


def picture(memory: int, ret: int) -> int:
    """Describe 64x64 pixels of NV12."""
    assert ret == 0
    desc: int = acl.media.dvpp_create_pic_desc()
    acl.media.dvpp_set_pic_desc_data(desc, memory)
    acl.media.dvpp_set_pic_desc_size(desc, 6144)
    acl.media.dvpp_set_pic_desc_format(desc, 1)
    for name in ("width", "height", "width_stride", "height_stride"):
        getattr(acl.media, f"dvpp_set_pic_desc_{name}")(desc, 64)
    return desc


LEAVES_A_CALLBACK = """
import threading, time
import acl_fast.pyacl as acl

acl.init()
acl.rt.set_device(0)
context, _ = acl.rt.get_context()
stream, _ = acl.rt.create_stream()

def report():
    acl.rt.set_context(context)
    while True:
        acl.rt.process_report(20)

def callback(_):
    begun.set()
    time.sleep(0.2)
    print("done", flush=True)

begun = threading.Event()
thread = threading.Thread(target=report, daemon=True)
thread.start()
acl.rt.subscribe_report(thread.ident, stream)
acl.rt.launch_callback(callback, None, 0, stream)
begun.wait()
"""


def test_exit_lets_a_callback_end() -> None:
    """Without the GIL it could not, and its thread would be unwound through the library."""
    done = subprocess.run(
        [sys.executable, "-c", LEAVES_A_CALLBACK], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
