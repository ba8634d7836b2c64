"""Channels that end in unusual ways: by their own thread, with the device, with the process."""

from __future__ import annotations

import ctypes as C
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from tests.softnpu_model.acl import ROOT, AclError, acl
from tests.vdec import codec
from tests.vdec.vdec import Channel, ReportThread, Result, dvpp, live, pthread_self

from .test_vdec import room, send_all


def test_one_thread_for_everything() -> None:
    """A program whose only thread sends, ends and serves its callbacks."""
    before = live()
    context = C.c_void_p()
    acl.aclrtGetCurrentContext(C.byref(context))
    own = ReportThread.__new__(ReportThread)
    own.id = pthread_self()
    stream = codec.bikes(100)
    with Channel(own) as channel:
        send_all(channel, stream)  # more than the depth: this thread must not wait
        channel.end()
        assert [result.user for result in channel.results] == [n + 1 for n in stream.order]
        send_all(channel, stream)
    assert len(channel.results) == 2 * len(stream.packets)
    assert live() == before


def test_sending_and_ending_inside_a_callback(report: ReportThread) -> None:
    stream = codec.encoded("-profile:v", "baseline", codec="libx264", frames=20)
    left = list(enumerate(stream.packets))
    errors: list[AclError] = []
    done = threading.Event()

    def hook(_: Result) -> None:
        if not left:
            done.set()
            return
        number, packet = left.pop(0)
        channel.send(packet, number + 1, nbytes=room(stream.width, stream.height))
        if number == 10:
            channel.end()  # cannot wait for callbacks behind this one
            with pytest.raises(AclError, match="inside a callback") as error:
                dvpp.aclvdecDestroyChannel(channel.desc)
            errors.append(error.value)

    with Channel(report, hook=hook) as channel:
        number, packet = left.pop(0)
        channel.send(packet, number + 1, nbytes=room(stream.width, stream.height))
        assert done.wait(10)
    assert len(errors) == 1
    assert [result.user for result in channel.results] == list(range(1, 21))
    for result, expected in zip(channel.results[:11], stream.frames, strict=False):
        np.testing.assert_array_equal(result.picture(), expected)


def test_parameter_sets_apart_do_no_harm(report: ReportThread) -> None:
    stream = codec.bikes(30)
    nbytes = room(stream.width, stream.height)
    with Channel(report) as channel:
        for number, packet in enumerate(stream.packets):
            channel.send(b"\0\0\0\1\x09\xf0", 999, nbytes=nbytes)
            channel.send(packet, number + 1, nbytes=nbytes)
        channel.end()
    good = [result for result in channel.results if result.user != 999]
    assert len(channel.results) == 60
    for result, expected in zip(good, stream.frames, strict=True):
        assert result.code == 0
        np.testing.assert_array_equal(result.picture(), expected)


def test_a_report_thread_that_is_gone_does_not_hold_destroy_up(report: ReportThread) -> None:
    stream = codec.bikes(5)
    report.sleep()
    channel = Channel(report)
    dvpp.aclvdecCreateChannel(channel.desc)
    send_all(channel, stream)
    started = time.monotonic()
    dvpp.aclvdecDestroyChannel(channel.desc)
    assert time.monotonic() - started < 10
    assert channel.results == []
    dvpp.aclvdecDestroyChannelDesc(channel.desc)
    for handle, (packet, output) in channel._memory.items():
        dvpp.acldvppDestroyStreamDesc(handle)
        packet.free()
        assert output
        output.free()
    for handle in channel.pictures:
        dvpp.acldvppDestroyPicDesc(handle)
    report.gate.set()


ENDINGS = {
    "exit": "",
    "reset": "acl.aclrtResetDevice(0)\nacl.aclFinalize()",
    "force": "acl.aclrtResetDeviceForce(0)\nacl.aclFinalize()",
    "finalize": "acl.aclFinalize()",
}
PROGRAM = """
import ctypes as C
from tests.vdec import codec
from tests.vdec.vdec import *
from tests.vdec.test_vdec import room
stream = codec.bikes(50)
acl.aclInit(None)
acl.aclrtSetDevice(0)
context = C.c_void_p()
acl.aclrtGetCurrentContext(C.byref(context))
report = ReportThread(context.value)
channel = Channel(report, keep=False).__enter__()
for number, packet in enumerate(stream.packets):
    channel.send(packet, nbytes=room(stream.width, stream.height))
    if number == 30 and {asleep}:
        report.sleep()
{ending}
left = counters()
if {ending!r}:
    assert left["live_media_channels"] == left["live_streams"] == 0, left
report.end()  # CPython 3.13 and older kill threads that wait for the interpreter
print("done", flush=True)
"""


@pytest.mark.parametrize("asleep", [False, True])
@pytest.mark.parametrize("ending", ENDINGS)
def test_the_device_or_the_process_goes_first(ending: str, asleep: bool) -> None:
    code = PROGRAM.format(ending=ENDINGS[ending], asleep=asleep)
    command = [sys.executable, "-X", "faulthandler", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("done\n")
