"""The Darknet converter against an independent forward pass, and its refusals."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acl_fast._demo import assets, darknet

from . import darknet_reference
from .conftest import Detector, StreetFrame

ROOT = Path(__file__).resolve().parents[2]


def net(width: int = 8, height: int = 8, channels: int = 3) -> str:
    return f"[net]\nwidth={width}\nheight={height}\nchannels={channels}\n"


def conv(
    filters: int, size: int = 3, stride: int = 1, normalize: int = 1, activation: str = "leaky"
) -> str:
    return (
        f"[convolutional]\nbatch_normalize={normalize}\nfilters={filters}\nsize={size}\n"
        f"stride={stride}\npad=1\nactivation={activation}\n"
    )


YOLO = "[yolo]\nmask=0,1\nanchors=1,2, 3,4\nclasses=2\nnum=2\n"
HEAD = conv(14, 1, normalize=0, activation="linear") + YOLO
SMALL = net() + conv(4) + HEAD
# biases, scales, means, variances and kernel of the first layer; bias and kernel of the second.
SMALL_COUNT = 4 * 4 + 4 * 3 * 9 + 14 + 14 * 4


def weights(count: int, seed: int = 0, version: tuple[int, int] = (0, 2)) -> bytes:
    header = np.array([*version, 0], "<i4").tobytes()
    seen = np.array([32013312], "<u8" if version >= (0, 2) else "<u4").tobytes()
    # Positive throughout, since some of the values are variances.
    values = np.random.default_rng(seed).uniform(0.05, 1, count).astype("<f4")
    return header + seen + values.tobytes()


def convert(folder: Path, cfg: str, data: bytes) -> tuple[darknet.Network, onnx.ModelProto]:
    (folder / "n.cfg").write_text(cfg)
    (folder / "n.weights").write_bytes(data)
    return darknet.read_network(folder / "n.cfg", folder / "n.weights")


def assert_computes_the_same(folder: Path, cfg: str, count: int, seed: int = 0) -> None:
    """Compare the converted network with the reference on random weights and input."""
    network, model = convert(folder, cfg, weights(count, seed))
    shape = (network.channels, network.height, network.width)
    image = np.random.default_rng(seed + 1).uniform(-1, 1, shape).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    actual = session.run(None, {"input": image[None]})
    expected = darknet_reference.forward(folder / "n.cfg", folder / "n.weights", image)
    assert len(actual) == len(expected)
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours[0], theirs, rtol=1e-4, atol=1e-4 * np.abs(theirs).max())


def test_whole_detector_on_a_street_frame(detector: Detector, street_frame: StreetFrame) -> None:
    expected = darknet_reference.forward(
        assets.fetch("yolov3-tiny.cfg"),
        assets.fetch("yolov3-tiny.weights"),
        street_frame.tensor[0],
    )
    for ours, theirs in zip(detector.run(street_frame.tensor), expected, strict=True):
        assert ours.shape == (1, *theirs.shape)
        np.testing.assert_allclose(ours[0], theirs, rtol=1e-3, atol=1e-4)


def test_detector_has_the_published_size(detector: Detector) -> None:
    network = detector.network
    assert (network.width, network.height, network.channels) == (416, 416, 3)
    assert [head.anchors for head in network.heads] == [
        ((81, 82), (135, 169), (344, 319)),
        ((10, 14), (23, 27), (37, 58)),
    ]
    assert [head.classes for head in network.heads] == [80, 80]
    shapes = [
        [dim.dim_value for dim in output.type.tensor_type.shape.dim]
        for output in detector.model.graph.output
    ]
    assert shapes == [[1, 255, 13, 13], [1, 255, 26, 26]]
    assert [output.name for output in detector.model.graph.output] == [
        head.output for head in network.heads
    ]
    # 8,858,734 parameters are published; folding turns 4 values per normalised channel into 1.
    stored = sum(int(np.prod(item.dims)) for item in detector.model.graph.initializer)
    normalised = 16 + 32 + 64 + 128 + 256 + 512 + 1024 + 256 + 512 + 128 + 256
    scales_of_resize = 4
    assert stored - scales_of_resize == 8_858_734 - 3 * normalised


def test_small_network(tmp_path: Path) -> None:
    assert_computes_the_same(tmp_path, SMALL, SMALL_COUNT)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    width=st.integers(5, 17),
    height=st.integers(5, 17),
    size=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.none() | st.integers(0, 3),
    seed=st.integers(0, 99),
)
def test_maxpool_pads_like_darknet(
    tmp_path: Path, width: int, height: int, size: int, stride: int, padding: int | None, seed: int
) -> None:
    # A window must not lie wholly in the padding, where there is no maximum.
    if padding is not None and padding - padding // 2 >= size:
        padding = size - 1
    pool = f"[maxpool]\nsize={size}\nstride={stride}\n"
    pool += "" if padding is None else f"padding={padding}\n"
    cfg = net(width, height) + conv(4) + pool + HEAD
    assert_computes_the_same(tmp_path, cfg, SMALL_COUNT, seed)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(size=st.sampled_from([1, 3, 5]), stride=st.integers(1, 3), normalize=st.integers(0, 1))
def test_convolution_options(tmp_path: Path, size: int, stride: int, normalize: int) -> None:
    cfg = net(11, 9) + conv(4, size, stride, normalize) + HEAD
    count = 4 * (4 if normalize else 1) + 4 * 3 * size * size + 14 + 14 * 4
    assert_computes_the_same(tmp_path, cfg, count)


def test_route_and_upsample(tmp_path: Path) -> None:
    cfg = (
        net(8, 6)
        + conv(4)  # 0
        + "[maxpool]\nsize=2\nstride=2\n"  # 1
        + conv(5)  # 2
        + "[upsample]\nstride=2\n"  # 3
        + "[route]\nlayers=-1,0\n"  # 4: 9 channels
        + conv(14, 1, normalize=0, activation="linear")  # 5
        + YOLO  # 6
        + "[route]\nlayers=2\n"  # 7
        + conv(14, 1, normalize=0, activation="linear")
        + YOLO
    )
    count = (16 + 4 * 27) + (20 + 5 * 4 * 9) + (14 + 14 * 9) + (14 + 14 * 5)
    assert_computes_the_same(tmp_path, cfg, count)


def test_old_header_has_a_shorter_counter(tmp_path: Path) -> None:
    _, new = convert(tmp_path, SMALL, weights(SMALL_COUNT))
    _, old = convert(tmp_path, SMALL, weights(SMALL_COUNT, version=(0, 1)))
    assert new.graph == old.graph


CASES = {
    "unknown section": (net() + "[gru]\nx=1\n" + HEAD, None, r"line 5, \[gru\].*not supported"),
    "no net section": (conv(4), None, r"does not begin with a \[net\]"),
    "stray line": (net() + "hello\n", None, "line 5: 'hello'"),
    "no size": ("[net]\nchannels=3\nheight=8\n", None, "line 1.*width is missing"),
    "not a number": (net() + conv(4).replace("filters=4", "filters=x"), None, "filters=x"),
    "activation": (net() + conv(4, activation="mish") + HEAD, None, "activation=mish"),
    "grouped": (net() + conv(4) + "groups=2\n" + HEAD, None, "groups"),
    "no layer": (net() + conv(4) + "[route]\nlayers=-2\n" + HEAD, None, "layer -2 does not exist"),
    "sizes differ": (
        net() + conv(4) + "[maxpool]\nsize=2\nstride=2\n[route]\nlayers=-1,0\n" + HEAD,
        None,
        "maxpool_1 4x4.*convolutional_0 8x8",
    ),
    "too small": (net(1, 1) + "[maxpool]\nsize=4\nstride=1\npadding=0\n", None, "too small"),
    "head channels": (net() + conv(5, normalize=0) + YOLO, 5 * 27 + 5, "14 channels.* has 5"),
    "anchors": (SMALL.replace("num=2", "num=3"), None, "num=3, but there are 2"),
    "mask": (SMALL.replace("mask=0,1", "mask=0,2"), None, "mask"),
    "continued head": (SMALL + conv(4), None, "cannot continue from yolo_2"),
    "no head": (net() + conv(4), 16 + 4 * 27, r"no \[yolo\]"),
    "short weights": (SMALL, SMALL_COUNT - 1, r"line 12, \[convolutional\].*only 55 are left"),
    "leftover weights": (SMALL, SMALL_COUNT + 3, "3 values .* left over"),
}


@pytest.mark.parametrize("case", CASES)
def test_refusals_say_where_and_why(tmp_path: Path, case: str) -> None:
    cfg, count, message = CASES[case]
    with pytest.raises(darknet.DarknetError, match=message):
        convert(tmp_path, cfg, weights(SMALL_COUNT if count is None else count))


@pytest.mark.parametrize("data", [b"", b"\0" * 11, weights(1)[:-3], weights(0)[:14]])
def test_weights_file_that_is_no_float_stream(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(darknet.DarknetError, match="weights file"):
        convert(tmp_path, SMALL, data)


def run_command(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, where acl_fast is found even if it is not installed."""
    search = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-m", "acl_fast._demo.darknet", "n.cfg", "n.weights", "n.onnx"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_line(tmp_path: Path) -> None:
    (tmp_path / "n.cfg").write_text(SMALL)
    (tmp_path / "n.weights").write_bytes(weights(SMALL_COUNT))
    done = run_command(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "8x8, 1 heads" in done.stdout
    onnx.checker.check_model(str(tmp_path / "n.onnx"), full_check=True)
    (tmp_path / "n.weights").write_bytes(weights(3))
    done = run_command(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("darknet: cfg line 5")
