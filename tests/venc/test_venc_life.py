"""The rules of encoder channels, and how they end."""

from __future__ import annotations

import ctypes as C
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from tests.softnpu_model.acl import ROOT, AclError, acl
from tests.vdec.vdec import (
    INVALID_PARAM,
    NV21,
    Memory,
    ReportThread,
    dvpp,
    live,
    pthread_self,
)
from tests.venc.venc import H265, HIGH, Channel, Packet, bikes, decode, psnr

FAILURE = 500001


def refused(call: Callable[[], object], match: str, code: int = INVALID_PARAM) -> None:
    with pytest.raises(AclError, match=match) as error:
        call()
    assert error.value.code == code


def test_destroy_drains_what_is_in_flight(report: ReportThread) -> None:
    video = bikes(20)
    for en_type in (H265, HIGH):
        with Channel(report, video.width, video.height, en_type) as channel:
            for frame in video.frames:
                channel.send(frame)
        assert len(channel.packets) == 20


def test_a_sleeping_report_thread_holds_the_sender_up(report: ReportThread) -> None:
    video = bikes()
    report.sleep()
    with Channel(report, video.width, video.height) as channel:
        sent: list[int] = []

        def send() -> None:
            acl.aclrtSetCurrentContext(report.context)
            for number, frame in enumerate(video.frames):
                channel.send(frame, number)
                sent.append(number)

        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(0.7)
        assert len(sent) == 32
        report.gate.set()
        sender.join(20)
        channel.end()
        assert [packet.user or 0 for packet in channel.packets] == list(range(50))


def test_a_report_thread_that_is_gone_does_not_hold_destroy_up(report: ReportThread) -> None:
    video = bikes(5)
    report.sleep()
    started = time.monotonic()
    with Channel(report, video.width, video.height) as channel:
        for frame in video.frames:
            channel.send(frame)
    assert time.monotonic() - started < 10
    assert channel.packets == []
    report.gate.set()


def test_one_thread_for_everything() -> None:
    """A program whose only thread sends, ends and serves its callbacks."""
    before = live()
    context = C.c_void_p()
    acl.aclrtGetCurrentContext(C.byref(context))
    own = ReportThread.__new__(ReportThread)
    own.id = pthread_self()
    video = bikes()
    with Channel(own, video.width, video.height) as channel:
        for number, frame in enumerate(video.frames):  # more than the depth: must not wait
            channel.send(frame, number)
        channel.end()
        assert [packet.user or 0 for packet in channel.packets] == list(range(50))
        for frame in video.frames:
            channel.send(frame)
    assert len(channel.packets) == 100
    assert live() == before


def test_sending_and_ending_inside_a_callback(report: ReportThread) -> None:
    video = bikes(20)
    left = list(enumerate(video.frames))
    errors: list[AclError] = []
    done = threading.Event()

    def hook(_: Packet) -> None:
        if not left:
            done.set()
            return
        number, frame = left.pop(0)
        channel.send(frame, number)
        if number == 10:
            channel.end()  # cannot wait for callbacks behind this one
            with pytest.raises(AclError, match="inside a callback") as error:
                dvpp.aclvencDestroyChannel(channel.desc)
            errors.append(error.value)

    with Channel(report, video.width, video.height, hook=hook) as channel:
        number, frame = left.pop(0)
        channel.send(frame, number)
        assert done.wait(10)
    assert [error.code for error in errors] == [FAILURE]
    assert [packet.user or 0 for packet in channel.packets] == list(range(20))


def test_many_channels_come_and_go(report: ReportThread) -> None:
    started = time.monotonic()
    channel = Channel(report, 640, 360)
    for _ in range(3000):
        dvpp.aclvencCreateChannel(channel.desc)
        dvpp.aclvencDestroyChannel(channel.desc)
    channel.free()
    assert time.monotonic() - started < 20


def test_many_channels_encode_and_go(report: ReportThread) -> None:
    frame = np.full((192, 128), 90, np.uint8)
    for number in range(150):
        en_type = H265 if number % 10 == 0 else HIGH
        with Channel(report, 128, 128, en_type) as channel:
            channel.send(frame)
        assert len(channel.packets) == 1


def test_channels_side_by_side(report: ReportThread) -> None:
    video = bikes(20)
    channels = [
        Channel(report, video.width, video.height, H265 if number % 2 else HIGH).__enter__()
        for number in range(6)
    ]
    assert sorted(dvpp.aclvencGetChannelDescChannelId(c.desc) for c in channels) == list(range(6))

    def feed(channel: Channel) -> None:
        acl.aclrtSetCurrentContext(report.context)
        for number, frame in enumerate(video.frames):
            channel.send(frame, number)
        channel.end()

    senders = [threading.Thread(target=feed, args=(channel,)) for channel in channels]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    for channel in channels:
        channel.__exit__()
        decoded = decode(channel.stream, hevc=channel.en_type == H265)
        assert min(map(psnr, decoded.frames, video.frames)) > 35


def test_values_come_back(report: ReportThread) -> None:
    channel = Channel(report, 640, 360, H265, NV21, 7, 2, 30, 900)
    expected = {
        "EnType": H265,
        "PicFormat": NV21,
        "PicWidth": 640,
        "PicHeight": 360,
        "KeyFrameInterval": 7,
        "RcMode": 2,
        "SrcRate": 30,
        "MaxBitRate": 900,
        "BufSize": 0,
        "ThreadId": report.id,
    }
    for name, value in expected.items():
        assert getattr(dvpp, f"aclvencGetChannelDesc{name}")(channel.desc) == value
    callback = dvpp.aclvencGetChannelDescCallback(channel.desc)
    assert callback == C.cast(channel._callback, C.c_void_p).value
    for number in range(13):
        wide = number in (0, 1, 7)
        kind = C.c_uint64 if wide else C.c_uint32
        value, size, got = kind(4321 + number), C.c_size_t(), kind()
        length = C.sizeof(kind)
        arguments = (channel.desc, number, length)
        dvpp.aclvencSetChannelDescParam(*arguments, C.byref(value))
        dvpp.aclvencGetChannelDescParam(*arguments, C.byref(size), C.byref(got))
        assert (got.value, size.value) == (4321 + number, length)
        short = (channel.desc, number, length - 1)
        refused(partial(dvpp.aclvencSetChannelDescParam, *short, C.byref(C.c_uint64())), "length")
    refused(
        lambda: dvpp.aclvencSetChannelDescParam(channel.desc, 13, 4, C.byref(C.c_uint32())),
        "paramType 13",
    )
    for name in ("Eos", "ForceIFrame"):
        for flag in (1, 0):
            getattr(dvpp, f"aclvencSetFrameConfig{name}")(channel.config, flag)
            assert getattr(dvpp, f"aclvencGetFrameConfig{name}")(channel.config) == flag
        setter = getattr(dvpp, f"aclvencSetFrameConfig{name}")
        refused(partial(setter, channel.config, 2), "0 or 1")
        refused(partial(setter, None, 1), "NULL")
        assert getattr(dvpp, f"aclvencGetFrameConfig{name}")(None) == 0
    channel.free()
    assert dvpp.code.aclvencDestroyChannelDesc(None) == 0
    assert dvpp.code.aclvencDestroyFrameConfig(None) == 0
    refused(lambda: dvpp.aclvencDestroyChannelDesc(channel.desc), "no live object")


NEEDS = {
    "thread id": ("ThreadId", C.c_uint64(0)),
    "encoding type": ("EnType", 4),
    "picture format": ("PicFormat", 12),
    "picture width 126": ("PicWidth", 126),
    "picture width 4098": ("PicWidth", 4098),
    "picture height 64": ("PicHeight", 64),
    "even sizes": ("PicHeight", 361),
    "key frame interval 0": ("KeyFrameInterval", 0),
    "key frame interval 65537": ("KeyFrameInterval", 65537),
    "rate control mode 3": ("RcMode", 3),
    "source frame rate 241": ("SrcRate", 241),
    "bit rate in kbit/s 9": ("MaxBitRate", 9),
}


@pytest.mark.parametrize("message", NEEDS)
def test_what_a_channel_needs(report: ReportThread, message: str) -> None:
    channel = Channel(report, 640, 360)
    name, value = NEEDS[message]
    getattr(dvpp, f"aclvencSetChannelDesc{name}")(channel.desc, value)
    refused(lambda: dvpp.aclvencCreateChannel(channel.desc), message)
    channel.free()


def test_channels_before_and_after_their_life(report: ReportThread) -> None:
    desc = dvpp.aclvencCreateChannelDesc()
    dvpp.aclvencSetChannelDescThreadId(desc, report.id)
    refused(lambda: dvpp.aclvencCreateChannel(desc), "no callback")
    refused(lambda: dvpp.aclvencSetChannelDescCallback(desc, None), "NULL")
    refused(lambda: dvpp.aclvencCreateChannel(None), "NULL")
    refused(lambda: dvpp.aclvencDestroyChannel(desc), "no channel")
    dvpp.aclvencDestroyChannelDesc(desc)
    refused(lambda: dvpp.aclvencCreateChannel(desc), "no live object")
    channel = Channel(report, 640, 360)
    frame = np.zeros((540, 640), np.uint8)
    refused(lambda: channel.send(frame), "no channel")
    with channel:
        refused(lambda: dvpp.aclvencCreateChannel(channel.desc), "a channel already")
        refused(lambda: dvpp.aclvencDestroyChannelDesc(channel.desc), "is alive")
    host = np.zeros(4096, np.uint8)
    channel = Channel(report, 640, 360)
    dvpp.aclvencSetChannelDescBufAddr(channel.desc, host.ctypes.data)
    refused(lambda: dvpp.aclvencCreateChannel(channel.desc), "0 bytes")
    dvpp.aclvencSetChannelDescBufSize(channel.desc, 4096)
    refused(lambda: dvpp.aclvencCreateChannel(channel.desc), "buffer")
    channel.free()


def test_what_a_frame_needs(report: ReportThread) -> None:
    frame = np.zeros((540, 640), np.uint8)
    least = 640 * 360 * 3 // 2
    with Channel(report, 640, 360) as channel:

        def try_with(name: str, value: int, match: str) -> None:
            picture = channel.picture(frame)
            getattr(dvpp, f"acldvppSetPicDesc{name}")(picture, value)
            arguments = (channel.desc, picture, None, channel.config, None)
            refused(lambda: dvpp.aclvencSendFrame(*arguments), match)

        try_with("Size", least - 1, "bytes: want")
        try_with("Size", 2 * least, "bytes: want")
        try_with("Size", 2 * least - 1, "data of input")  # within the rule, not in the memory
        try_with("Size", 0, "no memory")
        try_with("Format", NV21, "input format 2")
        try_with("Format", 12, "input format 12")
        try_with("Width", 638, "638x360")
        try_with("Height", 362, "640x362")
        try_with("WidthStride", 632, "width stride 632")
        try_with("WidthStride", 648, "width stride 648")
        try_with("WidthStride", 656, "strides take")
        try_with("HeightStride", 358, "height stride 358")
        try_with("HeightStride", 361, "height stride 361")
        try_with("HeightStride", 368, "strides take")
        host = np.zeros(least + 16, np.uint8)
        try_with("Data", -(-host.ctypes.data // 16) * 16, "data of input")
        memory = Memory(least + 16)
        try_with("Data", memory.address + 8, "multiple of 16")
        memory.free()
        picture = channel.picture(frame)
        send = dvpp.aclvencSendFrame
        refused(lambda: send(None, picture, None, channel.config, None), "channelDesc is NULL")
        refused(lambda: send(channel.desc, None, None, channel.config, None), "input is NULL")
        refused(lambda: send(channel.desc, 12345, None, channel.config, None), "no live object")
        refused(lambda: send(channel.desc, picture, None, None, None), "config is NULL")
        refused(lambda: send(channel.desc, picture, 1, channel.config, None), "reserve")
        assert channel.packets == []
        offered = dvpp.acldvppCreateStreamDesc()  # programs offer one; it is not written
        send(channel.desc, picture, offered, channel.config, None)  # all this left no harm
        assert dvpp.acldvppGetStreamDescSize(offered) == 0
        dvpp.acldvppDestroyStreamDesc(offered)
        channel.end()
        assert len(channel.packets) == 1
    assert decode(channel.stream).keys == [0]


class Kept(Memory):
    """Memory that the callback leaves alone."""

    def __init__(self, memory: Memory) -> None:
        self.address, self.nbytes = memory.address, memory.nbytes

    def free(self) -> None:
        pass


def test_memory_that_goes_before_its_turn_fails_alone(report: ReportThread) -> None:
    """What a program must not do: no crash, and the frames behind it are encoded."""
    video = bikes(10)
    with Channel(report, video.width, video.height, H265) as channel:
        for frame in video.frames:
            channel.send(frame)
        picture = channel.picture(video.frames[0])
        other, nbytes = C.c_void_p(), channel.inputs[picture].nbytes
        acl.aclrtMalloc(C.byref(other), nbytes, 0)
        memory = channel.inputs[picture]
        channel.inputs[picture] = Kept(memory)
        memory.free()
        channel.inputs[picture].address = other.value or 0
        dvpp.acldvppSetPicDescData(picture, other.value)
        dvpp.aclvencSendFrame(channel.desc, picture, None, channel.config, None)
        acl.aclrtFree(other)
        channel.end()
        assert [packet.code for packet in channel.packets] == [0] * 10 + [1]
        for frame in video.frames:
            channel.send(frame)
        channel.end()
    packets = [packet.data for packet in channel.packets if packet.data]
    decoded = decode(packets, hevc=True)
    assert decoded.keys == [0, 10]
    assert min(map(psnr, decoded.frames, video.frames * 2)) > 35


def test_memory_of_acldvppfree_waits_for_its_turn(report: ReportThread) -> None:
    """Programs free a picture as soon as they have sent it."""
    video = bikes(10)
    with Channel(report, video.width, video.height, HIGH) as channel:
        for frame in video.frames:
            picture = channel.picture(frame)
            memory = channel.inputs[picture]
            channel.inputs[picture] = Kept(memory)
            dvpp.aclvencSendFrame(channel.desc, picture, None, channel.config, None)
            memory.free()
        channel.end()
    decoded = decode(channel.stream, hevc=False)
    assert min(map(psnr, decoded.frames, video.frames)) > 32


ENDINGS = {
    "exit": "",
    "reset": "acl.aclrtResetDevice(0)\nacl.aclFinalize()",
    "force": "acl.aclrtResetDeviceForce(0)\nacl.aclFinalize()",
    "finalize": "acl.aclFinalize()",
}
PROGRAM = """
import ctypes as C
from tests.softnpu_model.acl import acl, counters
from tests.vdec.vdec import *
from tests.venc.venc import Channel, bikes
video = bikes(30)
acl.aclInit(None)
acl.aclrtSetDevice(0)
context = C.c_void_p()
acl.aclrtGetCurrentContext(C.byref(context))
report = ReportThread(context.value)
channel = Channel(report, video.width, video.height, {en_type}).__enter__()
for number, frame in enumerate(video.frames):
    channel.send(frame)
    if number == 5 and {asleep}:
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
@pytest.mark.parametrize("en_type", [H265, HIGH], ids=["h265", "h264"])
def test_the_device_or_the_process_goes_first(en_type: int, ending: str, asleep: bool) -> None:
    code = PROGRAM.format(ending=ENDINGS[ending], asleep=asleep, en_type=en_type)
    command = [sys.executable, "-X", "faulthandler", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("done\n")
