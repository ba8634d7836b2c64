"""Thousands of damaged streams: no crash, no leak, the next key frame is whole again.

Small clips of two sequences: damage goes into the first, the second must decode exactly.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.vdec import codec
from tests.vdec.vdec import H264, H265, Channel, ReportThread

WIDTH, HEIGHT, GOP, FRAMES = 192, 128, 10, 20
SIZE = WIDTH * HEIGHT * 3 // 2
ROUNDS = 16
KINDS = ("lost", "truncated", "flipped", "zeroed", "noise", "doubled", "swapped", "random")


@functools.cache
def clip(name: str) -> codec.Stream:
    size, hevc = f"{WIDTH}:{HEIGHT}", name.startswith("h265")
    frames = "3" if name.endswith("b") else "0"
    if not hevc:
        more = ("-g", str(GOP), "-bf", frames)
        return codec.encoded(*more, codec="libx264", size=size, frames=FRAMES)
    check = f":hash={int('hash' in name)}"
    options = (
        f"keyint={GOP}:min-keyint={GOP}:scenecut=0:open-gop=0:bframes={frames}:log-level=error"
    )
    return codec.encoded("-x265-params", options + check, size=size, frames=FRAMES)


def damaged(
    kind: str, packets: list[bytes], random: np.random.Generator
) -> Iterator[tuple[int, bytes]]:
    """Pairs (number, packet) of a stream whose first sequence is hurt in one place or two."""
    hurt = set(random.integers(0, GOP, int(random.integers(1, 3))).tolist())
    if kind == "lost":
        hurt -= {0}  # the loss of a key frame is another test
    order = list(range(len(packets)))
    if kind == "swapped":
        at = int(random.integers(1, GOP - 1))
        order[at], order[at + 1] = order[at + 1], order[at]
    for number in order:
        packet = packets[number]
        if number not in hurt or kind == "swapped":
            yield number, packet
            continue
        data, place = bytearray(packet), int(random.integers(5, len(packet)))
        if kind == "truncated":
            yield number, packet[: max(place, 1)]
        elif kind == "flipped":
            data[place] ^= 1 << int(random.integers(8))
            yield number, bytes(data)
        elif kind == "zeroed":
            data[place : place + 40] = bytes(len(data[place : place + 40]))
            yield number, bytes(data)
        elif kind == "noise":
            yield number, packet[:5] + random.bytes(len(packet) - 5)
        elif kind == "random":
            yield number, random.bytes(int(random.integers(1, 400)))
        elif kind == "doubled":
            yield number, packet
            yield number, packet


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# Where libavcodec cannot know: changed bits may be another valid stream.
def tells_all(name: str, kind: str) -> bool:
    return kind == "lost" or (kind == "noise" and name == "h264")


@pytest.mark.parametrize("name", ["h264", "h264-b", "h265", "h265-b", "h265-hash"])
def test_damaged_streams(report: ReportThread, name: str) -> None:
    stream = clip(name)
    expected = dict(zip(stream.order, stream.frames, strict=True))
    random = np.random.default_rng(len(name))
    passed = failed = wrong = 0
    with Channel(report, H265 if stream.hevc else H264) as channel:
        for turn in range(ROUNDS * len(KINDS)):
            kind = KINDS[turn % len(KINDS)]
            channel.results.clear()
            channel.pictures.clear()
            sent = list(damaged(kind, stream.packets, random))
            for number, packet in sent:
                channel.send(packet, number + 1, nbytes=SIZE)
            channel.end()
            assert len(channel.results) == len(sent)
            for result in channel.results:
                assert result.user
                number = result.user - 1
                if number >= GOP:
                    assert result.code == 0, (turn, kind, number)
                    np.testing.assert_array_equal(result.picture(), expected[number])
                elif result.code != 0:
                    failed += 1
                else:
                    same = np.array_equal(result.picture(), expected[number])
                    assert same or not tells_all(name, kind), (turn, kind, number)
                    passed += same
                    wrong += not same
        channel.results.clear()
        for number, packet in enumerate(stream.packets):
            channel.send(packet, number + 1, nbytes=SIZE)
        channel.end()
        for result, frame in zip(channel.results, stream.frames, strict=True):
            assert result.code == 0
            np.testing.assert_array_equal(result.picture(), frame)
    assert passed > 250
    assert failed > 250
    if "hash" in name:
        assert wrong < passed // 20


class Load:
    """Threads that keep the processors busy."""

    def __init__(self, threads: int) -> None:
        self._stop = False
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def _run(self) -> None:
        data = bytes(1 << 20)
        while not self._stop:
            hashlib.sha256(data)  # without the GIL

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop = True
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("name", ["h264", "h264-b", "h265", "h265-b"])
def test_a_damaged_stream_gives_the_same_each_time(report: ReportThread, name: str) -> None:
    """Whatever the threads do: with the machine to itself, under load, packets one by one."""
    stream = clip(name)
    random = np.random.default_rng(11 + len(name))
    sent = [
        packet
        for kind in KINDS
        for _ in range(2)
        for _, packet in damaged(kind, stream.packets, random)
    ]

    def decode(pause: float) -> list[tuple[int | None, int, bytes]]:
        pauses = np.random.default_rng(int(pause * 1e6)).random(len(sent)) < pause
        with Channel(report, H265 if stream.hevc else H264) as channel:
            for number, packet in enumerate(sent):
                channel.send(packet, number + 1, nbytes=SIZE)
                if pauses[number]:
                    time.sleep(0.002)
            channel.end()
        return [
            (result.user, result.code, result.picture().tobytes() if result.rows else b"")
            for result in channel.results
        ]

    first = decode(0)
    assert len(first) == len(sent)
    assert 0 < sum(code != 0 for _, code, _ in first) < len(sent)
    for threads, pause in ((0, 0.0), (0, 0.2), (3, 0.0), (3, 0.1), (4, 0.02)):
        with Load(threads):
            again = decode(pause)
        differ = [
            number
            for number, pair in enumerate(zip(first, again, strict=True))
            if pair[0] != pair[1]
        ]
        assert not differ, (threads, pause, [(first[n][:2], again[n][:2]) for n in differ])


def test_a_refresh_ends_damage(report: ReportThread) -> None:
    """Without key frames: columns that refer to nothing old cross the picture in nine frames."""
    options = f"intra-refresh=1:keyint={GOP}:scenecut=0"
    more = ("-bf", "0", "-x264-params", options)
    stream = codec.encoded(*more, codec="libx264", size=f"{WIDTH}:{HEIGHT}", frames=30)
    lost, refreshed = 4, GOP + 9
    with Channel(report) as channel:
        for number, packet in enumerate(stream.packets):
            if number != lost:
                channel.send(packet, number + 1, nbytes=SIZE)
        channel.end()
    assert len(channel.results) == 29
    for result in channel.results:
        assert result.user
        number = result.user - 1
        assert result.code == int(lost < number < refreshed)
        if result.code == 0:
            np.testing.assert_array_equal(result.picture(), stream.frames[number])


@pytest.mark.parametrize("lost", [0, 1, 2, 3])
def test_a_lost_slice_of_h265_fails_its_frame(report: ReportThread, lost: int) -> None:
    """libavcodec says nothing about blocks that no slice writes."""
    options = f"keyint={GOP}:min-keyint={GOP}:scenecut=0:open-gop=0:bframes=0:log-level=error"
    size = f"{WIDTH}:{HEIGHT}"
    options += ":ctu=16:slices=4"
    stream = codec.encoded("-x265-params", options, size=size, frames=FRAMES)
    packets, hurt = list(stream.packets), 4
    units = packets[hurt].split(b"\0\0\1")
    del units[1 + lost]
    assert len(units) == 4  # what is before the first one, and three slices
    packets[hurt] = b"\0\0\1".join(units)
    for _ in range(2):
        with Channel(report, H265) as channel:
            for number, packet in enumerate(packets):
                channel.send(packet, number, nbytes=SIZE)
            channel.end()
        assert [result.code for result in channel.results] == [
            int(hurt <= number < GOP) for number in range(FRAMES)
        ]


@pytest.mark.parametrize("name", ["h264", "h264-b", "h265-b"])
def test_lost_frames_fail_what_refers_to_them_and_nothing_else(
    report: ReportThread, name: str
) -> None:
    stream = clip(name)
    expected = dict(zip(stream.order, stream.frames, strict=True))
    with Channel(report, H265 if stream.hevc else H264) as channel:
        for lost in range(1, GOP):
            channel.results.clear()
            for number, packet in enumerate(stream.packets):
                if number != lost:
                    channel.send(packet, number + 1, nbytes=SIZE)
            channel.end()
            assert len(channel.results) == FRAMES - 1
            for result in channel.results:
                assert result.user
                whole = np.array_equal(result.picture(), expected[result.user - 1])
                assert whole if result.code == 0 else result.user <= GOP


@pytest.mark.parametrize("size", ["126:128", "128:126", "64:64"])
def test_streams_of_other_sizes_fail(report: ReportThread, size: str) -> None:
    small = codec.encoded("-bf", "0", codec="libx264", size=size, frames=3)
    good = clip("h264")
    with Channel(report) as channel:
        for stream in (small, good):
            for packet in stream.packets:
                channel.send(packet, 1, nbytes=SIZE)
                channel.send(b"\0\0\1\x09\xf0", 2, skip=True)
        channel.end()
    codes = [result.code for result in channel.results if result.user == 1]
    assert all(codes[:3])
    assert not any(codes[3:])


@pytest.mark.parametrize("name", ["h264", "h265"])
def test_many_decoders_end_with_frames_in_flight(report: ReportThread, name: str) -> None:
    stream = clip(name)
    settled = 0
    for turn in range(120):
        with Channel(report, H265 if stream.hevc else H264, keep=False) as channel:
            for packet in stream.packets[: turn % 5]:
                channel.send(packet, nbytes=SIZE)
        assert len(channel.results) == turn % 5
        if turn == 40:
            settled = resident()
    assert resident() - settled < 30 << 20


@pytest.mark.parametrize("name", ["h264-b", "h265-b"])
def test_a_program_without_memory_for_more_pictures(report: ReportThread, name: str) -> None:
    """Two pictures for a stream that reorders more: nothing hangs, and the end brings them."""
    stream = clip(name)
    with Channel(report, H265 if stream.hevc else H264) as channel:
        for _ in range(3):
            channel.results.clear()
            for packet in stream.packets[:2]:
                channel.send(packet, 1, nbytes=SIZE)
            time.sleep(0.05)
            assert len(channel.results) < 2  # the decoder waits for the frames between
            channel.end()  # gives up its pictures
            assert len(channel.results) == 2
            assert all(result.code == 0 for result in channel.results)


def test_callbacks_that_raise(report: ReportThread) -> None:
    """Python tells the hook; the report thread and the channel go on."""
    stream = clip("h264")
    told: list[object] = []
    before, sys.unraisablehook = sys.unraisablehook, lambda what: told.append(what.exc_type)
    try:
        with Channel(report, hook=lambda _: [][0]) as channel:
            for packet in stream.packets:
                channel.send(packet, nbytes=SIZE)
            channel.end()
    finally:
        sys.unraisablehook = before
    assert told == [IndexError] * FRAMES
    for result, frame in zip(channel.results, stream.frames, strict=True):
        np.testing.assert_array_equal(result.picture(), frame)
