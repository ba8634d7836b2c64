"""Video decoding through aclvdec against the ffmpeg command with as many threads."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import backend, native
from benchmarks.harness import Contestant, Row, Settings, Spread, Target, contest, flatten

environment = backend.environment
# Frames per second at least 0.95 of ffmpeg's, which only decodes; aclvdec also writes NV12.
TARGET = Target(1 / 0.95)
OUTPUTS = 32  # pictures that the program keeps for the decoder
CODECS = {"h264": "libx264", "hevc": "libx265"}


@dataclass(frozen=True)
class Clip:
    """A video of the asset `source`, as raw Annex B."""

    source: str
    width: int
    height: int
    codec: str
    frames: int
    copied: bool = False  # as it was coded; else encoded here

    @property
    def name(self) -> str:
        """As the report has it."""
        return f"{self.source} {self.codec} {self.width}x{self.height}"

    @property
    def nbytes(self) -> int:
        """Of an NV12 picture with the alignment that the decoder asks for."""
        return self.width * (-(-self.height // 2) * 2) * 3 // 2

    def path(self) -> Path:
        """Make it where that was not done before."""
        from acl_fast._demo import assets

        name = f"{self.source}-{self.width}x{self.height}-{self.frames}.{self.codec}"
        path = native.BUILD / name
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_stem("partial")
        source = assets.fetch(f"{self.source}.mp4")
        command = ["ffmpeg", "-y", "-v", "error", "-i", str(source), "-an"]
        command += ["-frames:v", str(self.frames)]
        if self.copied:
            command += ["-c:v", "copy", "-bsf:v", "h264_mp4toannexb"]
        else:
            command += ["-vf", f"scale={self.width}:{self.height}", "-c:v", CODECS[self.codec]]
            command += ["-preset", "superfast" if self.height > 1080 else "veryfast"]
        native.run([*command, str(partial)])
        partial.rename(path)
        return path

    def packets(self) -> list[bytes]:
        """The access units."""
        import av

        with av.open(str(self.path())) as container:
            return [bytes(packet) for packet in container.demux(video=0) if packet.size]


BUNNY = Clip("bigbuckbunny", 1280, 720, "h264", 120, copied=True)
CLIPS = [
    Clip("bikes", 1920, 1080, "h264", 120),
    Clip("bikes", 1920, 1080, "hevc", 120),
    BUNNY,
    Clip("bigbuckbunny", 1280, 720, "hevc", 120),
    Clip("bigbuckbunny", 1920, 1080, "h264", 120),
    Clip("bigbuckbunny", 1920, 1080, "hevc", 120),
    Clip("bigbuckbunny", 3840, 2160, "h264", 48),
    Clip("bigbuckbunny", 3840, 2160, "hevc", 48),
]


def direct(library: Path) -> ModuleType:
    """Build the C++ program on the library that acl_fast has loaded."""
    import pybind11

    libraries = [str(library), str(library.with_name("libacl_dvpp.so"))]
    flags = [f"-I{pybind11.get_include()}", *libraries, f"-Wl,-rpath,{library.parent}"]
    flags += [f"-Wl,-rpath-link,{library.parent}", "-Wno-deprecated-declarations"]
    return native.extension("vdec_direct", native.HERE / "native/vdec_direct.cpp", flags)


class Watch:
    """Runs a decoder and keeps the processor time of each run, which others' load hardly moves."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        self.processor: list[float] = []  # seconds a frame

    def ffmpeg(self, n: int) -> float:
        """Decode ``n`` times; the seconds that the command itself reports, without its start."""
        command = ["ffmpeg", "-hide_banner", "-nostats", "-benchmark"]
        command += ["-threads", backend.THREADS, "-i", str(self.clip.path()), "-f", "null", "-"]
        total = [0.0, 0.0, 0.0]
        for _ in range(n):
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found = re.search(r"utime=([\d.]+)s stime=([\d.]+)s rtime=([\d.]+)s", done.stderr)
            assert found is not None
            total = [sum(pair) for pair in zip(total, map(float, found.groups()), strict=True)]
        self.processor.append((total[0] + total[1]) / n / self.clip.frames)
        return total[2] / self.clip.frames

    def decoder(self, decoder: Any) -> Callable[[int], float]:
        """The same with one of ours."""

        def run(n: int) -> float:
            before = time.process_time()
            elapsed: float = decoder.run(n)
            self.processor.append((time.process_time() - before) / n / self.clip.frames)
            return elapsed / self.clip.frames

        return run


def processor_rows(case: str, theirs: Watch, ours: Watch, rounds: int) -> list[Row]:
    """Processor time of the measured rounds, which are the last ones."""
    samples = [[1e3 * value for value in watch.processor[-rounds:]] for watch in (theirs, ours)]
    ratio = Spread.of([b / a for a, b in zip(*samples, strict=True)])
    return [
        Row(case, "ffmpeg command, processor time", "ms", Spread.of(samples[0])),
        Row(
            case,
            "C++ aclvdec, processor time",
            "ms",
            Spread.of(samples[1]),
            versus="ffmpeg command, processor time",
            comparison=ratio,
        ),
    ]


def decode(module: ModuleType, clip: Clip, settings: Settings) -> list[Row]:
    """One video, all frames."""
    packets = clip.packets()
    theirs, ours = Watch(clip), Watch(clip)
    case = f"{clip.name}, a frame"
    decoder = module.Decoder(packets, clip.codec == "hevc", clip.nbytes, 0, OUTPUTS)
    contestants = [
        Contestant("ffmpeg command", theirs.ffmpeg),
        Contestant("C++ aclvdec", ours.decoder(decoder), TARGET),
    ]
    fewer = settings.fewer(20 * max(1, clip.height // 540))
    rows = contest(case, "ms", contestants, fewer, 0.001)
    rows += processor_rows(case, theirs, ours, fewer.rounds)
    decoder.close()
    return rows


def measure(settings: Settings) -> list[Row]:
    import acl_fast as af

    device = af.Device(0)
    module = direct(Path(str(af.info()["library"])))
    rows = flatten([decode(module, clip, settings) for clip in CLIPS])
    del device
    return rows
