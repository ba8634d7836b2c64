"""Video decoding through aclvdec against the ffmpeg command with as many threads."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from benchmarks import backend, native
from benchmarks.harness import Contestant, Row, Settings, Target, contest, flatten

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


def decode(module: ModuleType, clip: Clip, settings: Settings) -> list[Row]:
    """One video, all frames."""
    path, packets = clip.path(), clip.packets()
    decoder = module.Decoder(packets, clip.codec == "hevc", clip.nbytes, 0, OUTPUTS)
    contestants = [
        Contestant("ffmpeg command", lambda n: ffmpeg(path, n) / clip.frames),
        Contestant("C++ aclvdec", lambda n: decoder.run(n) / clip.frames, TARGET),
    ]
    fewer = settings.fewer(20 * max(1, clip.height // 720))
    rows = contest(f"{clip.name}, a frame", "ms", contestants, fewer, 0.001)
    decoder.close()
    return rows


def measure(settings: Settings) -> list[Row]:
    import acl_fast as af

    device = af.Device(0)
    module = direct(Path(str(af.info()["library"])))
    rows = flatten([decode(module, clip, settings) for clip in CLIPS])
    del device
    return rows
