"""Every example runs, in both modes of the device, and prints the right numbers."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
MODES = ["unified", "discrete"]


def start(
    script: Path, *arguments: object, cwd: Path, mode: str = "unified", path: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run an example in a process that finds acl_fast even if it is not installed."""
    search = os.pathsep.join(filter(None, [path, str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "SOFTNPU_MODE": mode, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def run(script: Path, *arguments: object, cwd: Path, mode: str = "unified", path: str = "") -> str:
    done = start(script, *arguments, cwd=cwd, mode=mode, path=path)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def numbers(text: str) -> list[float]:
    return [float(word) for word in re.findall(r"-?\d+\.\d*(?:e-?\d+)?", text)]


def line(text: str, start: str) -> str:
    return next(item for item in text.splitlines() if item.startswith(start))


@pytest.fixture(scope="module")
def om(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example")
    run(EXAMPLES / "make_model.py", folder / "mean.om", cwd=folder)
    return folder / "mean.om"


@pytest.mark.parametrize("mode", MODES)
def test_first_program(om: Path, mode: str) -> None:
    text = run(EXAMPLES / "first_program.py", om, cwd=om.parent, mode=mode)
    picture = np.random.default_rng(0).random((1, 3, 240, 320), dtype=np.float32)
    expected = picture.mean(axis=(0, 2, 3))
    np.testing.assert_allclose(numbers(line(text, "result:")), expected, atol=1e-5)


def test_zero_copy(om: Path) -> None:
    text = run(EXAMPLES / "zero_copy_numpy.py", om, cwd=om.parent)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, 240, 320)) / 255
    expected = pixels.mean(axis=(0, 2, 3))
    np.testing.assert_allclose(numbers(line(text, "in place:")), expected, atol=1e-5)
    assert numbers(line(text, "own buffer:")) == [0.25] * 3
    copied = ast.literal_eval(line(text, "copied bytes:").partition(":")[2].strip())
    assert copied
    assert not any(copied.values())


def test_zero_copy_on_a_discrete_card_says_why_not(om: Path) -> None:
    done = start(EXAMPLES / "zero_copy_numpy.py", om, cwd=om.parent, mode="discrete")
    assert done.returncode == 1
    assert "shares no memory with the host" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("mode", MODES)
def test_async_ring(om: Path, mode: str) -> None:
    text = run(EXAMPLES / "async_ring.py", om, cwd=om.parent, mode=mode)
    np.testing.assert_allclose(numbers(line(text, "mean result:")), [0.5] * 3, atol=1e-3)


@pytest.mark.parametrize("mode", MODES)
def test_threads(om: Path, mode: str) -> None:
    text = run(EXAMPLES / "threads.py", om, cwd=om.parent, mode=mode)
    assert numbers(line(text, "first results:")) == [0.0, 0.025, 0.05, 0.075, 0.1]
    assert numbers(line(text, "replicas:")) == [0.5] * 4


@pytest.mark.parametrize("mode", MODES)
def test_asyncio(om: Path, mode: str) -> None:
    text = run(EXAMPLES / "asyncio_example.py", om, cwd=om.parent, mode=mode)
    assert numbers(line(text, "results:")) == [0.0, 0.05, 0.1, 0.15, 0.2]
    parts = ast.literal_eval(line(text, "pictures per worker:").partition(":")[2].strip())
    assert sum(parts) == 20
    assert all(parts), "the workers take turns while others await"


def test_cython_nogil(om: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cython_nogil"
    shutil.copytree(EXAMPLES / "cython_nogil", folder)
    # A wheel has the .pxd files beside its modules; a checkout has them in pyx.
    run(folder / "setup.py", "build_ext", "--inplace", cwd=folder, path=str(ROOT / "pyx"))
    text = run(folder / "main.py", om, cwd=folder)
    # The mean of a grey picture is its grey: 0/50 + 1/50 + ... + 49/50.
    np.testing.assert_allclose(numbers(line(text, "sum:")), [24.5], atol=1e-3)


@pytest.fixture(scope="module")
def clip(om: Path) -> Path:
    """A second of moving blocks, in the proportions of the example's model."""
    path = om.parent / "clip.mp4"
    blocks = np.random.default_rng(1).integers(0, 256, (15, 20, 3), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for index in range(25):
            picture = np.roll(blocks, index, 1).repeat(32, 0).repeat(32, 1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("mode", MODES)
def test_video_to_model(om: Path, clip: Path, mode: str) -> None:
    model = om.parent / f"nv12-{mode}.om"
    run(EXAMPLES / "make_model.py", model, "--nv12", cwd=om.parent)
    text = run(EXAMPLES / "video_to_model.py", clip, model, cwd=om.parent, mode=mode)
    with av.open(str(clip)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert line(text, "frames:") == f"frames: {len(frames)}"
    expected = np.mean(frames, (0, 1, 2)) / 255
    np.testing.assert_allclose(numbers(line(text, "mean result:")), expected, atol=0.005)
    copied = ast.literal_eval(line(text, "copied bytes:").partition(":")[2].strip())
    assert copied["bytes_d2h"] == len(frames) * 12, "three floats per frame"
    assert copied["bytes_h2d"] < clip.stat().st_size * 1.1, "packets alone go to the device"
    assert copied["bytes_d2d"] == copied["bytes_h2h"] == 0


def test_transcode(clip: Path) -> None:
    target = clip.parent / "small.h264"
    run(EXAMPLES / "transcode.py", clip, target, 320, 240, cwd=clip.parent)
    with av.open(str(clip)) as container:
        whole = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    with av.open(str(target)) as container:
        small = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(small) == len(whole)
    for before, after in zip(whole, small, strict=True):
        assert after.shape == (240, 320)
        halved = before.reshape(240, 2, 320, 2).mean((1, 3))
        # Another random picture would be some 80 away.
        assert np.abs(halved - after).mean() < 5


def test_every_example_is_described_and_tested() -> None:
    described = (EXAMPLES / "README.md").read_text()
    here = Path(__file__).read_text()
    for path in EXAMPLES.iterdir():
        if path.suffix == ".py" or path.is_dir():
            assert f"`{path.name}" in described
            assert path.name in here
