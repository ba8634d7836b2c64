"""Video decoding against FFmpeg's decoder, bit for bit, and the rules of the channel."""

from __future__ import annotations

import ctypes as C
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from tests.dvpp import formats
from tests.softnpu_model.acl import AclError, acl, counters
from tests.vdec import codec
from tests.vdec.vdec import BGR, H264, H265, INVALID_PARAM, NV21, RGB, Channel, ReportThread, dvpp


def room(width: int, height: int, per_pixel: float = 1.5) -> int:
    return int(-(-width // 16) * 16 * -(-height // 2) * 2 * per_pixel)


def send_all(channel: Channel, stream: codec.Stream) -> None:
    for number, packet in enumerate(stream.packets):
        channel.send(packet, number + 1, nbytes=room(stream.width, stream.height))


STREAMS: dict[str, Callable[[], codec.Stream]] = {
    "bikes": codec.bikes,
    "h265": codec.encoded,
    "h265-b": lambda: codec.encoded("-x265-params", "bframes=4:b-adapt=0"),
    "h264-baseline": lambda: codec.encoded("-profile:v", "baseline", codec="libx264"),
    "h264-slices": lambda: codec.encoded("-slices", "4", "-bf", "3", codec="libx264"),
    "h264-odd": lambda: codec.encoded("-bf", "2", codec="libx264", size="342:202"),
}


@pytest.mark.parametrize("name", STREAMS)
def test_frames_are_those_of_ffmpeg(report: ReportThread, name: str) -> None:
    stream = STREAMS[name]()
    decoded = counters()["frames_decoded"]
    with Channel(report, H265 if stream.hevc else H264) as channel:
        send_all(channel, stream)
        channel.end()
        assert len(channel.results) == len(stream.packets)
    assert [result.user for result in channel.results] == [n + 1 for n in stream.order]
    for result, expected in zip(channel.results, stream.frames, strict=True):
        assert result.code == 0
        assert result.on_report_thread
        np.testing.assert_array_equal(result.picture(), expected)
    assert counters()["frames_decoded"] - decoded == len(stream.frames)


def test_nv21_swaps_the_chroma(report: ReportThread) -> None:
    stream = codec.bikes(20)
    with Channel(report, out_format=NV21) as channel:
        send_all(channel, stream)
        channel.end()
    for result, expected in zip(channel.results, stream.frames, strict=True):
        swapped = expected.copy()
        swapped[stream.height :, 0::2] = expected[stream.height :, 1::2]
        swapped[stream.height :, 1::2] = expected[stream.height :, 0::2]
        np.testing.assert_array_equal(result.picture(), swapped)


@pytest.mark.parametrize("out_format", [RGB, BGR])
def test_rgb_follows_the_full_range_matrix(report: ReportThread, out_format: int) -> None:
    stream = codec.bikes(5)
    with Channel(report, out_format=out_format) as channel:
        for packet in stream.packets:
            channel.send(packet, nbytes=room(stream.width, stream.height, 3))
        channel.end()
    for result, frame in zip(channel.results, stream.frames, strict=True):
        assert result.code == 0
        y = frame[: stream.height].astype(np.float32)
        pairs = frame[stream.height :].reshape(stream.height // 2, -1, 2).astype(np.float32) - 128
        u, v = (pairs[..., i].repeat(2, 0).repeat(2, 1) for i in (0, 1))
        rgb = np.stack([y + 1.402 * v, y - 0.344 * u - 0.714 * v, y + 1.772 * u], -1)
        rgb = rgb.clip(0, 255)[..., :: 1 if out_format == RGB else -1]
        assert result.data is not None
        lines = result.data[: result.stride * result.rows].reshape(result.rows, result.stride)
        got = lines[: stream.height, : stream.width * 3].reshape(rgb.shape).astype(np.float32)
        difference = np.abs(got - rgb)
        assert difference.mean() < 1.0
        assert np.percentile(difference, 99) <= 3


def test_rgb_by_another_matrix(report: ReportThread) -> None:
    stream = codec.bikes(2)
    channel, narrow_709 = Channel(report, out_format=RGB), C.c_uint32(3)
    dvpp.aclvdecSetChannelDescParam(channel.desc, 0, C.c_size_t(4), C.byref(narrow_709))
    with channel:
        for packet in stream.packets:
            channel.send(packet, nbytes=room(stream.width, stream.height, 3))
        channel.end()
    for result, frame in zip(channel.results, stream.frames, strict=True):
        assert result.code == 0
        assert result.data is not None
        pairs = frame[stream.height :].reshape(stream.height // 2, -1, 2)
        planes = [frame[: stream.height], pairs[..., 0], pairs[..., 1]]
        rgb = formats.to_rgb(formats.full_size(planes), 3).transpose(1, 2, 0)
        lines = result.data[: result.stride * result.rows].reshape(result.rows, result.stride)
        got = lines[: stream.height, : stream.width * 3].reshape(rgb.shape)
        assert abs(got - rgb).max() <= 0.5 + 1e-3


def test_scaled_output(report: ReportThread) -> None:
    stream = codec.bikes(8)
    width, height, stride, rows = 320, 176, 336, 180
    with Channel(report) as channel:
        for packet in stream.packets:
            channel.send(packet, nbytes=stride * rows * 2, geometry=(width, height, stride, rows))
        channel.end()
    for result, frame in zip(channel.results, stream.frames, strict=True):
        assert result.code == 0
        assert (result.width, result.height) == (width, height)
        picture = result.picture()
        across = (np.arange(width) + 0.5) * stream.width / width - 0.5
        down = (np.arange(height) + 0.5) * stream.height / height - 0.5
        luma = frame[: stream.height].astype(np.float32)
        x0, y0 = np.floor(across).astype(int), np.floor(down).astype(int)
        fx, fy = across - x0, (down - y0)[:, None]
        x0, x1 = x0.clip(0, stream.width - 1), (x0 + 1).clip(0, stream.width - 1)
        y0, y1 = y0.clip(0, stream.height - 1), (y0 + 1).clip(0, stream.height - 1)
        top: np.ndarray = luma[y0][:, x0] * (1 - fx) + luma[y0][:, x1] * fx
        low: np.ndarray = luma[y1][:, x0] * (1 - fx) + luma[y1][:, x1] * fx
        assert np.abs(picture[:height] - (top * (1 - fy) + low * fy)).mean() < 1.5


def test_ten_bits(report: ReportThread) -> None:
    packets = ten_bit_packets()
    with Channel(report, H265) as channel:
        for packet in packets.packets:
            channel.send(packet, nbytes=room(packets.width, packets.height))
        channel.end()
    for result, expected in zip(channel.results, packets.frames, strict=True):
        assert result.code == 0
        np.testing.assert_array_equal(result.picture(), (expected >> 2).astype(np.uint8))
    with Channel(report, H265, out_format=18) as channel:
        for packet in packets.packets:
            channel.send(packet, nbytes=room(packets.width, packets.height, 3))
        channel.end()
    for result, expected in zip(channel.results, packets.frames, strict=True):
        assert result.code == 0
        assert result.data is not None
        wide = result.data[: result.stride * result.rows * 3 // 2].view(np.uint16)
        wide = wide.reshape(-1, result.stride // 2)
        rows = np.concatenate(
            [wide[: result.height], wide[result.rows : result.rows + result.height // 2]]
        )
        np.testing.assert_array_equal(rows[:, : result.width], expected << 6)


def ten_bit_packets() -> codec.Stream:
    return codec.encoded("-pix_fmt", "yuv420p10le", frames=12)


def test_a_frame_at_a_time(report: ReportThread) -> None:
    """A program that waits for each callback before it sends the next gets all of them."""
    stream = codec.encoded("-profile:v", "baseline", codec="libx264")
    arrived = threading.Semaphore(0)
    with Channel(report, hook=lambda _: arrived.release()) as channel:
        for number, packet in enumerate(stream.packets):
            channel.send(packet, number + 1, nbytes=room(stream.width, stream.height))
            assert arrived.acquire(timeout=5), number
    assert [result.user for result in channel.results] == [n + 1 for n in stream.order]
    for result, expected in zip(channel.results, stream.frames, strict=True):
        np.testing.assert_array_equal(result.picture(), expected)


def test_skipped_frames_have_no_picture(report: ReportThread) -> None:
    stream = codec.bikes(30)
    with Channel(report) as channel:
        for number, packet in enumerate(stream.packets):
            skip = number % 3 == 1
            channel.send(packet, number + 1, skip=skip, nbytes=room(stream.width, stream.height))
        channel.end()
    assert [result.user for result in channel.results] == [n + 1 for n in stream.order]
    for result, expected, number in zip(channel.results, stream.frames, stream.order, strict=True):
        assert result.code == 0
        assert result.skipped == (number % 3 == 1)
        if not result.skipped:
            np.testing.assert_array_equal(result.picture(), expected)


def test_the_end_with_a_frame_and_going_on_after_it(report: ReportThread) -> None:
    stream = codec.bikes(25)
    nbytes = room(stream.width, stream.height)
    with Channel(report) as channel:
        for _ in range(3):
            channel.results.clear()
            for number, packet in enumerate(stream.packets):
                last = number == len(stream.packets) - 1
                channel.send(packet, number + 1, eos=last, nbytes=nbytes)
            assert [result.user for result in channel.results] == [n + 1 for n in stream.order]
            for result, expected in zip(channel.results, stream.frames, strict=True):
                np.testing.assert_array_equal(result.picture(), expected)
            channel.end()


def test_the_resolution_changes_in_the_stream(report: ReportThread) -> None:
    streams = [
        codec.encoded("-bf", "2", codec="libx264", size=size, frames=15)
        for size in ("640:368", "320:192", "800:448")
    ]
    with Channel(report) as channel:
        for stream in streams:
            for packet in stream.packets:
                channel.send(packet, nbytes=room(800, 448))
        channel.end()
    expected = [frame for stream in streams for frame in stream.frames]
    for result, frame in zip(channel.results, expected, strict=True):
        assert result.code == 0
        np.testing.assert_array_equal(result.picture(), frame)


def test_an_output_that_is_too_small_fails_alone(report: ReportThread) -> None:
    stream = codec.bikes(10)
    with Channel(report) as channel:
        for number, packet in enumerate(stream.packets):
            small = number == 4
            nbytes = 4096 if small else room(stream.width, stream.height)
            channel.send(packet, number, nbytes=nbytes)
        channel.end()
    for result, expected in zip(channel.results, stream.frames, strict=True):
        assert (result.code != 0) == (result.user == 4)
        if result.code == 0:
            np.testing.assert_array_equal(result.picture(), expected)


@pytest.mark.parametrize("kind", ["flips", "truncated", "dropped-key", "noise"])
@pytest.mark.parametrize("hevc", [False, True], ids=["h264", "h265"])
def test_damaged_packets(report: ReportThread, kind: str, hevc: bool) -> None:
    """Each packet is called back once, and the next intact sequence decodes exactly."""
    stream = codec.encoded(frames=20) if hevc else codec.bikes(20)
    random = np.random.default_rng(5)
    nbytes = room(stream.width, stream.height)
    sent = 0
    with Channel(report, H265 if hevc else H264) as channel:
        for _ in range(12):
            for number, packet in enumerate(stream.packets):
                channel.send(damage(kind, packet, number, random), sent, nbytes=nbytes)
                sent += 1
        channel.end()
        assert sorted(result.user or 0 for result in channel.results) == list(range(sent))
        good = [result for result in channel.results if result.code == 0]
        assert len(good) >= 8 or kind == "dropped-key"
        # Flipped bits may make another valid stream, and H.265 slices may end early.
        if kind in ("noise", "dropped-key") or (kind == "truncated" and not hevc):
            frames = dict(zip(stream.order, stream.frames, strict=True))
            for result in good:
                expected = frames[(result.user or 0) % len(stream.packets)]
                np.testing.assert_array_equal(result.picture(), expected)
        channel.results.clear()
        send_all(channel, stream)
        channel.end()
    assert [result.user for result in channel.results] == [n + 1 for n in stream.order]
    for result, expected in zip(channel.results, stream.frames, strict=True):
        assert result.code == 0
        np.testing.assert_array_equal(result.picture(), expected)


def damage(kind: str, packet: bytes, number: int, random: np.random.Generator) -> bytes:
    if kind == "noise":
        return random.bytes(200) if number % 4 == 2 else packet
    if kind == "dropped-key":
        return b"\0\0\1\x09\xf0" if number == 0 else packet
    if random.random() < 0.5:
        return packet
    if kind == "truncated":
        return packet[: int(random.integers(1, len(packet)))]
    data = bytearray(packet)
    for place in random.integers(0, len(data), 6):
        data[place] ^= 1 << int(random.integers(8))
    return bytes(data)


def test_garbage_alone_fails_and_the_key_frame_recovers(report: ReportThread) -> None:
    stream = codec.bikes(20)
    nbytes = room(stream.width, stream.height)
    with Channel(report) as channel:
        for _ in range(100):
            channel.send(b"\x55" * 300, 999, nbytes=nbytes)
        send_all(channel, stream)
        channel.end()
    assert all(result.code != 0 for result in channel.results if result.user == 999)
    good = [result for result in channel.results if result.user != 999]
    assert len(channel.results) == 120
    for result, expected in zip(good, stream.frames, strict=True):
        np.testing.assert_array_equal(result.picture(), expected)


def test_destroy_drains_what_is_in_flight(report: ReportThread) -> None:
    stream = codec.bikes(40)
    with Channel(report) as channel:
        send_all(channel, stream)
    assert [result.user for result in channel.results] == [n + 1 for n in stream.order]
    assert all(result.code == 0 for result in channel.results)


def test_a_sleeping_report_thread_holds_the_sender_up(report: ReportThread) -> None:
    stream = codec.bikes(60)
    sent = []
    report.sleep()
    with Channel(report, keep=False) as channel:

        def send() -> None:
            for number in range(200):
                packet = stream.packets[number % 60]
                channel.send(packet, number, nbytes=room(stream.width, stream.height))
                sent.append(number)

        sender = threading.Thread(target=in_context(report, send))
        sender.start()
        time.sleep(0.7)
        assert 60 <= len(sent) < 80
        report.gate.set()
        sender.join()
    assert len(channel.results) == 200


def in_context(report: ReportThread, body: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        acl.aclrtSetCurrentContext(report.context)
        body()

    return run


def test_many_channels_come_and_go(report: ReportThread) -> None:
    for _ in range(2000):
        with Channel(report):
            pass


def test_channels_side_by_side(report: ReportThread) -> None:
    stream = codec.bikes(30)
    channels = [Channel(report, channel_id=i).__enter__() for i in range(4)]
    for number, packet in enumerate(stream.packets):
        for channel in channels:
            channel.send(packet, number + 1, nbytes=room(stream.width, stream.height))
    for channel in channels:
        channel.end()
        for result, expected in zip(channel.results, stream.frames, strict=True):
            np.testing.assert_array_equal(result.picture(), expected)
        channel.__exit__(None, None, None)


def fails(code: int, pattern: str, function: str, *arguments: object) -> None:
    with pytest.raises(AclError, match=pattern) as error:
        getattr(dvpp, function)(*arguments)
    assert error.value.code == code


def test_what_a_channel_needs(report: ReportThread) -> None:
    channel = Channel(report)
    bare = dvpp.aclvdecCreateChannelDesc()
    fails(INVALID_PARAM, "channel id", "aclvdecCreateChannel", bare)
    dvpp.aclvdecSetChannelDescChannelId(bare, 300)
    fails(INVALID_PARAM, "0 to 255", "aclvdecCreateChannel", bare)
    dvpp.aclvdecSetChannelDescChannelId(bare, 7)
    fails(INVALID_PARAM, "thread id", "aclvdecCreateChannel", bare)
    dvpp.aclvdecSetChannelDescThreadId(bare, report.id)
    fails(INVALID_PARAM, "callback", "aclvdecCreateChannel", bare)
    dvpp.aclvdecSetChannelDescCallback(bare, channel._callback)
    fails(INVALID_PARAM, "encoding type", "aclvdecCreateChannel", bare)
    dvpp.aclvdecSetChannelDescEnType(bare, H264)
    dvpp.aclvdecSetChannelDescOutPicFormat(bare, 5)
    fails(INVALID_PARAM, "output format", "aclvdecCreateChannel", bare)
    dvpp.aclvdecSetChannelDescOutPicFormat(bare, 1)
    fails(INVALID_PARAM, "no channel", "aclvdecDestroyChannel", bare)
    dvpp.aclvdecCreateChannel(bare)
    fails(INVALID_PARAM, "channel already", "aclvdecCreateChannel", bare)
    fails(INVALID_PARAM, "in use", "aclvdecCreateChannel", channel.desc)
    fails(INVALID_PARAM, "alive", "aclvdecDestroyChannelDesc", bare)
    dvpp.aclvdecDestroyChannel(bare)
    fails(INVALID_PARAM, "no channel", "aclvdecDestroyChannel", bare)
    dvpp.aclvdecDestroyChannelDesc(bare)
    fails(INVALID_PARAM, "not a live", "aclvdecDestroyChannelDesc", bare)
    dvpp.aclvdecDestroyChannelDesc(channel.desc)
    dvpp.aclvdecDestroyChannelDesc(None)
    fails(INVALID_PARAM, "NULL", "aclvdecCreateChannel", None)


def test_what_a_frame_needs(report: ReportThread) -> None:
    stream = codec.bikes(2)
    nbytes = room(stream.width, stream.height)
    with Channel(report) as channel:
        empty, picture = dvpp.acldvppCreateStreamDesc(), dvpp.acldvppCreatePicDesc()
        send = "aclvdecSendFrame"
        fails(INVALID_PARAM, "NULL", send, channel.desc, None, picture, None, None)
        fails(INVALID_PARAM, "no data", send, channel.desc, empty, picture, None, None)
        fails(INVALID_PARAM, "not a live", send, channel.desc, picture, picture, None, None)
        fails(INVALID_PARAM, "not a live", send, empty, empty, picture, None, None)
        for bad in ((64, 64, 0, 0), (8, 64, 16, 64), (64, 64, 72, 64), (64, 64, 64, 63)):
            with pytest.raises(AclError) as error:
                channel.send(stream.packets[0], nbytes=nbytes, geometry=bad)
            assert error.value.code == INVALID_PARAM
        with pytest.raises(AclError, match="its strides take"):
            channel.send(stream.packets[0], nbytes=4096, geometry=(64, 64, 64, 64))
        dvpp.acldvppDestroyStreamDesc(empty)
        dvpp.acldvppDestroyPicDesc(picture)
