"""NV12 pictures through acldvpp's picture engine against OpenCV's resize of the same planes.

One thread on both sides: OpenCV has one and so has the device.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import backend, native
from benchmarks.harness import Contestant, Row, Settings, Target, contest, flatten

LINEAR, CUBIC = "cv2 INTER_LINEAR", "cv2 INTER_CUBIC"
# What the exact filter computes is six by four taps after averaging, so twice the time is granted.
EXACT = [("C++ acldvpp, exact", LINEAR, 2.0), ("the same against cubic", CUBIC, 1.0)]
FAST = [("C++ acldvpp, SOFTNPU_VPC=fast", LINEAR, 1.0)]
Box = tuple[int, int, int, int]  # left, top, width, height
ROIS: list[Box] = [
    (64 * i, 32 * i, width, height)
    for i, (width, height) in enumerate(
        [(400, 400), (512, 448), (320, 480), (640, 512), (256, 288), (480, 384), (352, 416)]
    )
] + [(0, 0, 600, 600)]


def environment() -> dict[str, str]:
    return {**backend.environment(), "SOFTNPU_THREADS": "1", "SOFTNPU_VPC": ""}


@dataclass(frozen=True)
class Job:
    """Regions of a picture and where each goes in a picture of its own."""

    name: str
    operation: str
    source: tuple[int, int]
    crops: Sequence[Box]
    pastes: Sequence[Box]
    size: tuple[int, int]


def jobs() -> list[Job]:
    made = []
    for source in ((1920, 1080), (1280, 720)):
        whole = [(0, 0, *source)]
        label = f"NV12 {source[1]}p"
        small = [(0, 0, 416, 234)]
        middle = [(0, 90, 416, 234)]
        tiles = [(0, 0, 224, 224)] * len(ROIS)
        made += [
            Job(f"{label} to 416x234", "resize", source, whole, small, (416, 234)),
            Job(f"{label} into 416x416", "letterbox", source, whole, middle, (416, 416)),
            Job(f"{label}, 8 regions to 224x224", "batch", source, ROIS, tiles, (224, 224)),
        ]
    return made


@cache
def direct(library: Path) -> ModuleType:
    """Build the C++ program on the library that acl_fast has loaded."""
    import pybind11

    libraries = [str(library), str(library.with_name("libacl_dvpp.so"))]
    flags = [f"-I{pybind11.get_include()}", *libraries, f"-Wl,-rpath,{library.parent}"]
    flags += [f"-Wl,-rpath-link,{library.parent}", "-Wno-deprecated-declarations"]
    return native.extension("vpc_direct", native.HERE / "native/vpc_direct.cpp", flags)


def picture(size: tuple[int, int]) -> bytes:
    """A frame of the street video as NV12."""
    from acl_fast._demo import assets

    path = native.BUILD / f"bikes-{size[0]}x{size[1]}.nv12"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        command = ["ffmpeg", "-y", "-v", "error", "-ss", "4", "-i", str(assets.fetch("bikes.mp4"))]
        command += ["-vf", f"scale={size[0]}:{size[1]}", "-pix_fmt", "nv12", "-frames:v", "1"]
        native.run([*command, "-f", "rawvideo", str(path)])
    return path.read_bytes()


def planes(data: Any, size: tuple[int, int]) -> tuple[Any, Any]:
    """Y as one channel, UV as two."""
    width, height = size
    luma = data[: width * height].reshape(height, width)
    return luma, data[width * height :].reshape(height // 2, width // 2, 2)


def with_opencv(job: Job, data: Any, how: int) -> tuple[Callable[[int], float], list[Any]]:
    """The same job on memory that is allocated once."""
    import cv2
    import numpy as np

    source = planes(data, job.source)
    outputs = [np.full(job.size[0] * job.size[1] * 3 // 2, 128, np.uint8) for _ in job.crops]
    work = []
    for crop, paste, output in zip(job.crops, job.pastes, outputs, strict=True):
        for index, (plane, target) in enumerate(zip(source, planes(output, job.size), strict=True)):
            (x, y, w, h), (to_x, to_y, to_w, to_h) = (
                [value >> index for value in box] for box in (crop, paste)
            )
            inner = target[to_y : to_y + to_h, to_x : to_x + to_w]
            work.append((plane[y : y + h, x : x + w], (to_w, to_h), inner))

    def run(n: int) -> float:
        resize = cv2.resize
        start = time.perf_counter()
        for _ in range(n):
            for plane, size, target in work:
                resize(plane, size, target, interpolation=how)
        return time.perf_counter() - start

    return run, outputs


def compare(
    module: ModuleType, job: Job, entries: Sequence[tuple[str, str, float]], settings: Settings
) -> list[Row]:
    import cv2
    import numpy as np

    data = picture(job.source)
    array = np.frombuffer(data, np.uint8)
    scaler = module.Scaler(data, *job.source, job.operation, job.crops, job.pastes, *job.size)
    linear, outputs = with_opencv(job, array, cv2.INTER_LINEAR)
    cubic, _ = with_opencv(job, array, cv2.INTER_CUBIC)
    scaler.run(1)
    linear(1)
    for index, output in enumerate(outputs):
        ours = np.frombuffer(scaler.result(index), np.uint8)
        off = np.abs(ours.astype(int) - output).mean()
        assert off < 8, f"{job.name}: the two results differ by {off:.1f} on average"
    contestants = [Contestant(LINEAR, linear), Contestant(CUBIC, cubic)]
    contestants += [
        Contestant(name, scaler.run, Target(limit), versus) for name, versus, limit in entries
    ]
    rows = contest(job.name, "ms", contestants, settings)
    scaler.close()
    return rows


def measure_with(entries: Sequence[tuple[str, str, float]], settings: Settings) -> list[Row]:
    import cv2

    import acl_fast as af

    cv2.setNumThreads(1)
    device = af.Device(0)
    module = direct(Path(str(af.info()["library"])))
    rows = flatten([compare(module, job, entries, settings) for job in jobs()])
    del device
    return rows


def measure(settings: Settings) -> list[Row]:
    return measure_with(EXACT, settings)
