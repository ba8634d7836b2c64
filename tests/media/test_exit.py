"""A program that ends with everything of the media classes at work, several times at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

import acl_fast as af

PROGRAM = """
import sys, threading, time
import acl_fast as af
from acl_fast import media

device = af.Device(0)
alive = []
pictures = media.PicturePool(device, 320, 240, count=4, exhausted="grow")
results = media.PicturePool(device, 160, 128, count=4)

def encode(codec, interface, count):
    video = media.VideoEncoder(device, 320, 240, codec, interface=interface)
    for _ in range(count):
        video.send(pictures.get())
    alive.append(video)
    return video

def decode(codec, interface):
    video = media.VideoDecoder(device, codec, width=320, height=240, interface=interface)
    for packet in packets[codec]:
        video.send(packet)
    alive.append(video)
    return video

def packets_of(codec):
    video = encode(codec, "v1", 20)
    video.flush()
    return [bytes(packet) for packet in iter(video.receive, None)]

def endless(work):
    def run():
        try:
            while True:
                work()
        except af.ClosedError:
            pass  # closed by the end of the program
    threading.Thread(target=run, daemon=True).start()

packets = {codec: packets_of(codec) for codec in ("h264", "h265")}
for interface in ("v1", "v2"):
    for codec in ("h264", "h265"):
        encode(codec, interface, 3)
        waiting = decode(codec, interface)
    endless(lambda video=waiting: video.receive(None))
endless(lambda: decode("h264", "v1").close())
endless(lambda: decode("h265", "v2").close())
endless(lambda: media.vpc.resize(pictures.get(), out=results.get()))
time.sleep(float(sys.argv[1]))
"""


@pytest.mark.parametrize("seconds", [0, 0.05])
def test_exit_with_everything_in_flight_is_quiet(device: af.Device, seconds: float) -> None:
    """Exit code 0, in time, without a word."""
    command = [sys.executable, "-c", PROGRAM, str(seconds)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in processes:
        _, err = process.communicate(timeout=120)
        # libx265 talks whatever its level of logging is.
        words = [line for line in err.splitlines() if "x265" not in line and line.strip()]
        assert (process.returncode, words) == (0, [])
