"""What the encoder writes, decoded by FFmpeg and held against what went in."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from tests.softnpu_model.acl import counters
from tests.vdec.vdec import NV12, NV21, Memory, ReportThread, dvpp
from tests.venc.venc import (
    BASELINE,
    CBR,
    H265,
    HIGH,
    MAIN,
    VBR,
    Channel,
    Packet,
    bikes,
    decode,
    psnr,
    units,
)

PROFILES = {BASELINE: "Baseline", MAIN: "Main", HIGH: "High", H265: "Main"}
PROFILE_IDC = {BASELINE: 66, MAIN: 77, HIGH: 100}
COPIES = ("copies_h2d", "copies_d2h", "copies_d2d", "copies_h2h", "bytes_staged")


def sps_profile(packet: bytes) -> int:
    start = packet.find(b"\0\0\1\x67")
    assert start >= 0
    return packet[start + 4]


@pytest.mark.parametrize("pixel_format", [NV12, NV21], ids=["nv12", "nv21"])
@pytest.mark.parametrize("en_type", [H265, BASELINE, MAIN, HIGH])
def test_pictures_come_back(report: ReportThread, en_type: int, pixel_format: int) -> None:
    video = bikes()
    hevc = en_type == H265
    before = counters()["frames_encoded"]
    with Channel(report, video.width, video.height, en_type, pixel_format) as channel:
        for number, frame in enumerate(video.frames):
            channel.send(frame, number + 1)
        channel.end()
        assert [packet.user for packet in channel.packets] == list(range(1, 51))
        assert all(packet.on_report_thread for packet in channel.packets)
    assert counters()["frames_encoded"] - before == len(video.frames)
    decoded = decode(channel.stream, hevc=hevc)
    assert len(decoded.frames) == len(video.frames)
    assert min(map(psnr, decoded.frames, video.frames)) > 35
    assert decoded.keys == [0, 25]
    assert PROFILES[en_type] in decoded.profile
    if not hevc:
        assert sps_profile(channel.packets[0].data) == PROFILE_IDC[en_type]
    parameter_sets = {32, 33, 34} if hevc else {7, 8}
    for number, packet in enumerate(channel.packets):
        present = parameter_sets <= set(units(packet.data, hevc=hevc))
        assert present == (number in decoded.keys)


@pytest.mark.parametrize("en_type", [H265, HIGH], ids=["h265", "h264"])
def test_forced_frames_are_entries(report: ReportThread, en_type: int) -> None:
    """The stream can be decoded from each forced frame on."""
    video = bikes()
    hevc = en_type == H265
    forced = (7, 8, 19)
    with Channel(report, video.width, video.height, en_type, gop=1000) as channel:
        for number, frame in enumerate(video.frames[:30]):
            channel.send(frame, force=number in forced)
        channel.end()
    assert decode(channel.stream, hevc=hevc).keys == [0, *forced]
    rest = decode(channel.stream[19:], hevc=hevc)
    assert len(rest.frames) == 11
    assert min(map(psnr, rest.frames, video.frames[19:30])) > 35


@pytest.mark.parametrize("gop", [1, 2, 10])
@pytest.mark.parametrize("en_type", [H265, HIGH], ids=["h265", "h264"])
def test_key_frame_interval(report: ReportThread, en_type: int, gop: int) -> None:
    video = bikes()
    with Channel(report, video.width, video.height, en_type, gop=gop) as channel:
        for frame in video.frames[:21]:
            channel.send(frame)
        channel.end()
    assert decode(channel.stream, hevc=en_type == H265).keys == list(range(0, 21, gop))


@pytest.mark.parametrize("bitrate", [300, 1000])
@pytest.mark.parametrize("en_type", [H265, HIGH], ids=["h265", "h264"])
def test_constant_bit_rate(report: ReportThread, en_type: int, bitrate: int) -> None:
    video = bikes(200)
    with Channel(
        report, video.width, video.height, en_type, rc_mode=CBR, src_rate=25, bitrate=bitrate
    ) as channel:
        for frame in video.frames:
            channel.send(frame)
        channel.end()
    seconds = len(video.frames) / 25
    measured = sum(map(len, channel.stream)) * 8 / seconds / 1000
    assert bitrate * 0.8 < measured < bitrate * 1.2


@pytest.mark.parametrize("en_type", [H265, HIGH], ids=["h265", "h264"])
def test_variable_bit_rate_has_a_limit(report: ReportThread, en_type: int) -> None:
    video = bikes(200)
    sizes = {}
    for bitrate in (200, 400, 50000):
        with Channel(
            report, video.width, video.height, en_type, rc_mode=VBR, src_rate=25, bitrate=bitrate
        ) as channel:
            for frame in video.frames:
                channel.send(frame)
            channel.end()
        sizes[bitrate] = sum(map(len, channel.stream)) * 8 / (len(video.frames) / 25) / 1000
    most = (1 + 1 / 8) * 1.1  # the eight seconds, a buffer of one, and slack
    assert sizes[200] < 200 * most
    assert sizes[200] < sizes[400] < 400 * most
    assert sizes[400] < sizes[50000] < 10000  # quality rules, not the limit


@pytest.mark.parametrize("en_type", [H265, HIGH], ids=["h265", "h264"])
def test_strides_are_skipped(report: ReportThread, en_type: int) -> None:
    video = bikes(10)
    strides = (video.width + 48, video.height + 10)
    with Channel(report, video.width, video.height, en_type) as channel:
        for frame in video.frames:
            channel.send(frame, strides=strides)
        channel.end()
    decoded = decode(channel.stream, hevc=en_type == H265)
    assert min(map(psnr, decoded.frames, video.frames)) > 35


def test_pictures_are_read_in_place(report: ReportThread) -> None:
    """No copy is counted between sending pictures and having their packets."""
    video = bikes(20)
    pictures: list[int] = []
    with Channel(report, video.width, video.height) as channel:
        report.sleep()
        for frame in video.frames[:10]:
            pictures.append(channel.picture(frame))
        before = counters()
        for picture in pictures:
            dvpp.aclvencSendFrame(channel.desc, picture, None, channel.config, None)
        while counters()["frames_encoded"] < before["frames_encoded"] + 10:
            time.sleep(0.01)
        after = counters()
        assert [after[name] for name in COPIES] == [before[name] for name in COPIES]
        report.gate.set()
        channel.end()


def test_each_frame_comes_at_once(report: ReportThread) -> None:
    """A program that waits for each packet before it sends the next frame gets all of them."""
    video = bikes(20)
    for en_type in (H265, HIGH):
        arrived = threading.Semaphore(0)

        def hook(_: Packet, arrived: threading.Semaphore = arrived) -> None:
            arrived.release()

        with Channel(report, video.width, video.height, en_type, hook=hook) as channel:
            for number, frame in enumerate(video.frames):
                channel.send(frame, number)
                assert arrived.acquire(timeout=10), number


def test_the_end_with_a_frame_and_going_on_after_it(report: ReportThread) -> None:
    video = bikes(12)
    with Channel(report, video.width, video.height, gop=1000) as channel:
        for repeat in range(1, 4):
            for number, frame in enumerate(video.frames):
                channel.send(frame, eos=number == 11)
            assert len(channel.packets) == 12 * repeat  # the end waits
    decoded = decode(channel.stream)
    assert decoded.keys == [0, 12, 24]
    assert min(map(psnr, decoded.frames, video.frames * 3)) > 35


@pytest.mark.parametrize("size", [(128, 128), (130, 142), (1920, 1080)])
@pytest.mark.parametrize("en_type", [H265, HIGH], ids=["h265", "h264"])
def test_sizes(report: ReportThread, en_type: int, size: tuple[int, int]) -> None:
    width, height = size
    across, down = np.meshgrid(np.arange(width), np.arange(height * 3 // 2))
    frames = [((across + 2 * down + 3 * n) // 4 % 200 + 20).astype(np.uint8) for n in range(3)]
    with Channel(report, width, height, en_type) as channel:
        for frame in frames:
            channel.send(frame)
        channel.end()
    decoded = decode(channel.stream, hevc=en_type == H265)
    assert min(map(psnr, decoded.frames, frames)) > 30


def test_packets_lie_in_the_programs_buffer(report: ReportThread) -> None:
    """The buffer holds a few packets; while it is full, encoding waits for callbacks."""
    video = bikes(60)
    buffer = Memory(120000)
    with Channel(
        report, video.width, video.height, buffer=buffer, hook=lambda _: time.sleep(0.01)
    ) as channel:
        for number, frame in enumerate(video.frames):
            channel.send(frame, number)
        channel.end()
        assert [packet.user or 0 for packet in channel.packets] == list(range(60))
    for packet in channel.packets:
        assert packet.address is not None
        assert buffer.address <= packet.address
        assert packet.address + len(packet.data) <= buffer.address + buffer.nbytes
    decoded = decode(channel.stream)
    assert min(map(psnr, decoded.frames, video.frames)) > 35
    buffer.free()


def test_a_packet_larger_than_the_buffer_fails_alone(report: ReportThread) -> None:
    video = bikes(10)
    noise = np.random.default_rng(3).integers(0, 255, video.frames[0].shape, np.uint8)
    buffer = Memory(60000)
    with Channel(report, video.width, video.height, buffer=buffer) as channel:
        for number, frame in enumerate(video.frames):
            channel.send(noise if number == 4 else frame)
        channel.end()
    assert [packet.code != 0 for packet in channel.packets] == [n == 4 for n in range(10)]
    decoded = decode([packet.data for packet in channel.packets if packet.data])
    assert decoded.keys == [0, 4]  # the frame behind the lost one stands alone
    expected = video.frames[:4] + video.frames[5:]
    assert min(map(psnr, decoded.frames, expected)) > 35
    buffer.free()
