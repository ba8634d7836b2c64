"""The whole demonstration: from a video file to pictures, tables and a rate."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import acl_fast as af
from acl_fast import media
from acl_fast._atc import AtcError
from acl_fast._demo import assets, draw, model, overlay, report, summary, yolo
from acl_fast._demo.darknet import DarknetError
from acl_fast._demo.detector import Detector, ModelMismatchError, Result, Thresholds
from acl_fast._demo.stages import Stages
from acl_fast._demo.video import VideoError, VideoReader, VideoWriter

T = TypeVar("T")

SHEET_TILES = 12
SHEET_NAME = "contact-sheet.png"
VIDEO_NAME = "annotated.mp4"


class NeedsCompilerError(RuntimeError):
    """The device runs only models that its vendor's compiler makes."""


# Failures of the machine or its user, told in a sentence; anything else is a defect to be seen.
EXPECTED = (
    NeedsCompilerError,
    ModelMismatchError,
    VideoError,
    DarknetError,
    assets.AssetError,
    AtcError,
    af.AclError,
    OSError,
)


@dataclass(frozen=True)
class Options:
    """What the command line asks for; None means the packaged video or the built model."""

    video: Path | None = None
    model: Path | None = None
    output: Path = Path("demo-output")
    frames: int | None = None
    device: int = 0
    thresholds: Thresholds = field(default_factory=Thresholds)
    write_video: bool = True


@dataclass
class Highlights:
    """The frame with most to see out of each of equal parts of the video."""

    total: int
    tiles: dict[int, tuple[float, draw.Tile]] = field(default_factory=dict)

    def offer(
        self, number: int, rate: float, found: yolo.Detections, canvas: overlay.Canvas
    ) -> None:
        """Take the picture where it beats its part's best."""
        part = number * SHEET_TILES // max(self.total, number + 1)
        worth = float(found.scores.sum())
        if part not in self.tiles or worth > self.tiles[part][0]:
            objects = f"{len(found)} object{'' if len(found) == 1 else 's'}"
            caption = f"frame {number}    {number / rate:.2f} s    {objects}"
            self.tiles[part] = (worth, draw.Tile(canvas.to_rgb(), caption))

    def best(self) -> list[draw.Tile]:
        """Return the pictures in the order of the video."""
        return [tile for _, (_, tile) in sorted(self.tiles.items())]


class Run:
    """One run over one video."""

    def __init__(self, options: Options, reader: VideoReader, names: Sequence[str]) -> None:
        self.options, self.reader, self.names = options, reader, names
        self.classes: dict[str, summary.ClassSummary] = {}
        self.results: list[yolo.Detections] = []
        self.highlights = Highlights(reader.total)
        self.writer: VideoWriter | None = None

    def loop(self, detector: Detector[media.Image]) -> float:
        """Push all frames through; return the seconds it took."""
        stages = detector.stages
        bar = report.ProgressBar("detecting", self.reader.total)
        start = time.perf_counter()
        frames = self.reader.frames(detector.device)
        while True:
            with stages("decode video"):
                frame = next(frames, None)
            done = detector.collect() if frame is None else detector.submit(frame, frame)
            if done:
                self.take(done, stages)
                bar.update(len(self.results))
            elif frame is None:
                break
        if self.writer:
            with stages("encode"):
                self.writer.finish()
        seconds = time.perf_counter() - start
        bar.close()
        return seconds

    def take(self, done: Result[media.Image], stages: Stages) -> None:
        """Count, draw and encode one frame."""
        number, found = len(self.results), done.found
        self.results.append(found)
        for index in sorted(set(found.classes.tolist())):
            scores = found.scores[found.classes == index].tolist()
            of_class = self.classes.setdefault(self.names[index], summary.ClassSummary())
            of_class.add(number, scores)
        with stages("draw"), overlay.drawn_on(done.item) as canvas:
            overlay.annotate(canvas, found, self.names)
            self.highlights.offer(number, float(self.reader.rate), found, canvas)
        if self.writer:
            with stages("encode"):
                self.writer.write(done.item)


def run(options: Options) -> summary.Outcome:
    """Detect objects in a video and leave pictures in the output folder.

    Prints what it does. Blocks until the video is through; several frames are in flight, and the
    GIL is released while waiting for the device.
    """
    path = options.video or _with_bar(lambda bar: assets.fetch("bikes.mp4", bar))
    with ExitStack() as stack:
        reader = stack.enter_context(VideoReader(path, options.frames))
        device = stack.enter_context(af.Device(options.device))
        source = _with_bar(model.read)
        model_path = options.model or compiled(source, device)
        loaded = stack.enter_context(device.load_model(str(model_path)))
        print(summary.introduction(reader, device, model_path))
        size = (source.network.width, source.network.height)
        detector: Detector[media.Image] = Detector(
            device,
            loaded,
            source.network,
            media.Letterbox.fit(reader.width, reader.height, *size),
            options.thresholds,
        )
        stack.callback(detector.close)
        this = Run(options, reader, source.names)
        options.output.mkdir(parents=True, exist_ok=True)
        if options.write_video:
            target = options.output / VIDEO_NAME
            writer = VideoWriter(target, device, reader.width, reader.height, reader.rate)
            this.writer = stack.enter_context(writer)
        before = summary.copied_bytes()
        seconds = this.loop(detector)
        copied = summary.difference(summary.copied_bytes(), before)
    outcome = summary.Outcome(this.classes, this.results, seconds, detector.stages, copied)
    written = [options.output / VIDEO_NAME] if options.write_video else []
    if this.highlights.tiles:
        written.append(options.output / SHEET_NAME)
        title = f"{path.name}    {model.NAME}    {len(this.results)} frames"
        draw.contact_sheet(this.highlights.best(), title).save(written[-1])
    print(summary.conclusion(outcome, written))
    return outcome


def compiled(source: model.Source, device: af.Device) -> Path:
    """Compile the detector for the device; only softnpu's compiler is ours to call."""
    if af.info().backend == "softnpu":
        return model.write_om(source, device.soc_name)
    path = model.write_onnx(source)
    raise NeedsCompilerError(
        "a real NPU runs what CANN's own compiler makes. Type\n"
        f"    atc --model={path} --framework=5 --output={model.OM_NAME} "
        f"--insert_op_conf={model.write_aipp()} --soc_version={device.soc_name}\n"
        f"    acl-fast demo --model={model.OM_NAME}.om"
    )


def main(options: Options) -> int:
    """Run the demonstration; return an exit code, having said what went wrong."""
    try:
        run(options)
    except EXPECTED as error:
        print(f"acl-fast demo: {error}", file=sys.stderr)
        return 1
    return 0


def _with_bar(work: Callable[[assets.Progress], T]) -> T:
    """Run something that may download, with a bar if it does."""
    bars: dict[str, report.ProgressBar] = {}

    def progress(name: str, done: int, total: int) -> None:
        if name not in bars:
            bars[name] = report.ProgressBar("downloading", total, "MB", 1e6)
        bars[name].update(done)

    try:
        return work(progress)
    finally:
        for bar in bars.values():
            bar.close()
