"""What a run found and measured, as text of at most 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import acl_fast as af
from acl_fast._demo import report, yolo
from acl_fast._demo.stages import Stages
from acl_fast._demo.video import VideoReader

# Stages of the host's loop, in order; the device executes beside them.
HOST_STAGES = ("decode video", "launch", "wait for device", "boxes", "draw", "encode")
DEVICE_STAGE = "execute"

# softnpu's counters of copied bytes, and what to call them.
COPY_COUNTERS = {
    "bytes_h2d": "host to device",
    "bytes_d2h": "device to host",
    "bytes_d2d": "device to device",
    "bytes_h2h": "host to host",
    "bytes_staged": "inside the model engine",
}


@dataclass
class ClassSummary:
    """Everything found of one class."""

    frames: int = 0
    objects: int = 0
    best: float = 0.0
    best_frame: int = 0

    def add(self, number: int, scores: Sequence[float]) -> None:
        """Count the objects of one frame."""
        self.frames += 1
        self.objects += len(scores)
        if max(scores) > self.best:
            self.best, self.best_frame = max(scores), number


@dataclass(frozen=True)
class Outcome:
    """What a run found and measured; ``copied`` is None where the backend does not count."""

    classes: Mapping[str, ClassSummary]
    results: Sequence[yolo.Detections]
    seconds: float
    stages: Stages
    copied: Mapping[str, int] | None


def copied_bytes() -> dict[str, int] | None:
    """Return softnpu's counts of copied bytes by direction; None on real hardware."""
    if af.info().backend != "softnpu":
        return None
    counters = af.softnpu.counters()
    return {text: counters[key] for key, text in COPY_COUNTERS.items()}


def difference(
    after: Mapping[str, int] | None, before: Mapping[str, int] | None
) -> dict[str, int] | None:
    """Subtract two readings of the counters."""
    if after is None or before is None:
        return None
    return {key: after[key] - before[key] for key in after}


def introduction(reader: VideoReader, device: af.Device, model: Path) -> str:
    """Say what runs on what."""
    info = af.info()
    rate = f"{float(reader.rate):g} frames/s"
    return "\n".join(
        (
            f"  video   {reader.path.name}: {reader.width}x{reader.height}, {rate}, {reader.codec}",
            f"  model   {model}",
            f"  device  {info.backend} {device.soc_name}, {af.run_mode()} memory",
        )
    )


def class_table(classes: Mapping[str, ClassSummary]) -> str:
    """Lay out the detections per class, the commonest first."""
    rows = [
        (name, f"{c.frames}", f"{c.objects}", f"{c.best:.3f}", f"{c.best_frame}")
        for name, c in sorted(classes.items(), key=lambda item: -item[1].objects)
    ]
    return report.table(("class", "frames", "objects", "best score", "in frame"), rows)


def stage_table(stages: Stages, frames: int, seconds: float) -> str:
    """Lay out the stages of the host's loop; they add up to the whole."""
    spent = {name: stages.seconds.get(name, 0.0) for name in HOST_STAGES}
    spent["other"] = max(0.0, seconds - sum(spent.values()))
    spent["all"] = seconds
    rows = [
        (name, f"{1000 * time / frames:.2f}", f"{100 * time / seconds:.0f} %")
        for name, time in spent.items()
    ]
    return report.table(("stage", "ms/frame", "share"), rows)


def conclusion(outcome: Outcome, written: Sequence[Path]) -> str:
    """Return the tables and figures that end a run."""
    frames = len(outcome.results)
    if not frames:
        return "\n  The video has no frames."
    found = class_table(outcome.classes) if outcome.classes else "  No objects were found."
    lines = ["", found, "", stage_table(outcome.stages, frames, outcome.seconds), ""]
    busy = outcome.stages.seconds.get(DEVICE_STAGE, 0.0)
    lines.append(
        f"  meanwhile the device ran the model: {1000 * busy / frames:.2f} ms/frame, "
        f"{100 * busy / outcome.seconds:.0f} % of the time"
    )
    rate = frames / outcome.seconds
    lines.append(f"  {frames} frames in {outcome.seconds:.1f} s: {rate:.1f} frames/s")
    lines.append(f"  copied between host and device: {copies_text(outcome.copied)}")
    lines += [f"  wrote {path} ({report.size_text(path.stat().st_size)})" for path in written]
    return "\n".join(lines)


def copies_text(copied: Mapping[str, int] | None) -> str:
    """Say how much was copied in which direction."""
    if copied is None:
        return "not counted by this backend"
    parts = [f"{report.size_text(count)} {key}" for key, count in copied.items() if count]
    return ", ".join(parts) or "0 bytes"
