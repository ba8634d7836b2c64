"""acl-fast demo: objects in a street video."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

QUICK_FRAMES = 130

# What the extras bring, by import name.
EXTRA_PACKAGES = {"av", "PIL", "onnx", "openvino"}


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(
        prog="acl-fast demo",
        description="Detect objects in a video with YOLOv3-tiny, several frames in flight, and "
        "leave an annotated video and a contact sheet.",
    )
    made.add_argument("--video", type=Path, help="any video (default: a street scene from PyPI)")
    made.add_argument("--frames", type=_count, metavar="N", help="stop after N frames")
    made.add_argument("--output", type=Path, default=Path("demo-output"), metavar="DIR")
    made.add_argument("--model", type=Path, metavar="OM", help="a YOLOv3-tiny compiled elsewhere")
    made.add_argument("--device", type=int, default=0, metavar="ID")
    made.add_argument("--conf", type=_share, default=0.3, help="smallest score (default 0.3)")
    made.add_argument(
        "--iou", type=_share, default=0.45, help="overlap that makes a duplicate (default 0.45)"
    )
    made.add_argument(
        "--quick", action="store_true", help=f"{QUICK_FRAMES} frames, and no annotated video"
    )
    return made


def main(argv: list[str] | None = None) -> int:
    """Run the demonstration; return its exit code."""
    options = parser().parse_args(argv)
    try:
        from acl_fast._demo import run
        from acl_fast._demo.detector import Thresholds
    except ModuleNotFoundError as error:
        # Only the optional packages may be missing; anything else is a defect to be seen.
        if error.name is None or error.name.partition(".")[0] not in EXTRA_PACKAGES:
            raise
        print(
            f"acl-fast demo: package {error.name} is missing; "
            'install the extras: pip install "acl_fast[softnpu,video]"',
            file=sys.stderr,
        )
        return 1
    return run.main(
        run.Options(
            video=options.video,
            model=options.model,
            output=options.output,
            frames=options.frames or (QUICK_FRAMES if options.quick else None),
            device=options.device,
            thresholds=Thresholds(options.conf, options.iou),
            write_video=not options.quick,
        )
    )
