"""JPEG pictures through acldvpp against libjpeg-turbo's own interface, raw planes both ways."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from benchmarks import backend, native
from benchmarks.harness import Contestant, Row, Settings, Target, contest, flatten

environment = backend.environment
# Pictures per second at least 0.95 of libjpeg's, which writes no NV12.
TARGET = Target(1 / 0.95)
SIZES = [(640, 480), (1920, 1080), (4000, 3000)]


def direct(library: Path) -> ModuleType:
    """Build the C++ program on the library that acl_fast has loaded, and on libjpeg."""
    import pybind11

    libraries = [str(library), str(library.with_name("libacl_dvpp.so")), "-ljpeg"]
    flags = [f"-I{pybind11.get_include()}", *libraries, f"-Wl,-rpath,{library.parent}"]
    flags += [f"-Wl,-rpath-link,{library.parent}", "-Wno-deprecated-declarations"]
    return native.extension("jpeg_direct", native.HERE / "native/jpeg_direct.cpp", flags)


def picture(width: int, height: int) -> bytes:
    """A frame of the street video, with noise as cameras have it, 4:2:0."""
    from acl_fast._demo import assets

    path = native.BUILD / f"bikes-{width}x{height}.jpg"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        command = ["ffmpeg", "-y", "-v", "error", "-ss", "4", "-i", str(assets.fetch("bikes.mp4"))]
        command += ["-vf", f"scale={width}:{height},noise=alls=8", "-pix_fmt", "yuvj420p"]
        native.run([*command, "-frames:v", "1", "-q:v", "3", str(path)])
    return path.read_bytes()


def compare(module: ModuleType, size: tuple[int, int], settings: Settings) -> list[Row]:
    """One size, decoding and encoding."""
    still = module.Still(picture(*size), *size)
    name = f"{size[0]}x{size[1]}"
    rounds = settings.fewer(2 if size[0] < 1000 else 5)
    decoders = [
        Contestant("libjpeg, raw", still.libjpeg_decode),
        Contestant("C++ acldvpp", still.decode, TARGET),
    ]
    encoders = [
        Contestant("libjpeg, raw", still.libjpeg_encode),
        Contestant("C++ acldvpp", still.encode, TARGET),
    ]
    rows = contest(f"JPEGD {name}", "ms", decoders, rounds)
    rows += contest(f"JPEGE {name}", "ms", encoders, rounds)
    still.close()
    return rows


def measure(settings: Settings) -> list[Row]:
    import acl_fast as af

    device = af.Device(0)
    module = direct(Path(str(af.info()["library"])))
    rows = flatten([compare(module, size, settings) for size in SIZES])
    del device
    return rows
