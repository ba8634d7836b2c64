"""Video decoding through aclvdec against the ffmpeg command with as many threads."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from types import ModuleType

from benchmarks import backend, native
from benchmarks.harness import Contestant, Row, Settings, Target, contest, flatten

environment = backend.environment
FRAMES = 120
# Frames per second at least 0.95 of ffmpeg's, which only decodes; aclvdec also writes NV12.
TARGET = Target(1 / 0.95)


def direct(library: Path) -> ModuleType:
    """Build the C++ program on the library that acl_fast has loaded."""
    import pybind11

    libraries = [str(library), str(library.with_name("libacl_dvpp.so"))]
    flags = [f"-I{pybind11.get_include()}", *libraries, f"-Wl,-rpath,{library.parent}"]
    flags += [f"-Wl,-rpath-link,{library.parent}", "-Wno-deprecated-declarations"]
    return native.extension("vdec_direct", native.HERE / "native/vdec_direct.cpp", flags)


def video(codec: str) -> Path:
    """Encode the street video at 1920x1080."""
    from acl_fast._demo import assets

    path = native.BUILD / f"bikes-1080-{FRAMES}.{'h264' if codec == 'libx264' else 'hevc'}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_stem("partial")
        command = ["ffmpeg", "-y", "-v", "error", "-i", str(assets.fetch("bikes.mp4")), "-an"]
        command += ["-vf", "scale=1920:1080", "-frames:v", str(FRAMES), "-c:v", codec]
        command += ["-preset", "veryfast", str(partial)]
        native.run(command)
        partial.rename(path)
    return path


def ffmpeg(path: Path, n: int) -> float:
    """Decode ``n`` times; the seconds that the command itself reports, without its start."""
    command = ["ffmpeg", "-hide_banner", "-nostats", "-benchmark", "-threads", backend.THREADS]
    command += ["-i", str(path), "-f", "null", "-"]
    total = 0.0
    for _ in range(n):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = re.search(r"rtime=([\d.]+)s", done.stderr)
        assert found is not None
        total += float(found[1])
    return total


def decode(codec: str, settings: Settings) -> list[Row]:
    """One video, all frames."""
    import av

    import acl_fast as af

    path = video(codec)
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    device = af.Device(0)
    module = direct(Path(str(af.info()["library"])))
    decoder = module.Decoder(packets, codec == "libx265", 1920 * 1080 * 3 // 2)
    contestants = [
        Contestant("ffmpeg command", lambda n: ffmpeg(path, n) / FRAMES),
        Contestant("C++ aclvdec", lambda n: decoder.run(n) / FRAMES, TARGET),
    ]
    rows = contest(f"{codec[3:]} 1920x1080, a frame", "ms", contestants, settings.fewer(20), 0.001)
    decoder.close()
    del device
    return rows


def measure(settings: Settings) -> list[Row]:
    return flatten([decode("libx264", settings), decode("libx265", settings)])
