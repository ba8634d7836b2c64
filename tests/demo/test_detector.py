"""The detector on the device, against ONNX Runtime on the same model and input."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray

import acl_fast as af
from acl_fast._demo import assets, model, summary, video, yolo
from acl_fast._demo.detector import Detector, ModelMismatchError, Thresholds
from acl_fast._demo.letterbox import FrameScaler, Letterbox

from .conftest import STREET_FRAME, StreetFrame
from .conftest import Detector as Reference

FloatArray = NDArray[np.float32]
FRAMES = 12


@pytest.fixture(scope="module")
def om(detector: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the detector in a cache folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACL_FAST_CACHE", str(tmp_path_factory.mktemp("cache")))
        source = model.Source(detector.network, tuple(detector.names), detector.model)
        return model.write_om(source, "Ascend310P3")


@pytest.fixture(scope="module")
def device() -> Iterator[af.Device]:
    with af.Device(0) as opened:
        yield opened


@pytest.fixture(scope="module")
def frames() -> list[VideoFrame]:
    """Frames around the one with the cyclist."""
    first = STREET_FRAME - FRAMES // 2
    with video.VideoReader(assets.fetch("bikes.mp4"), first + FRAMES) as reader:
        return [frame for number, frame in enumerate(reader) if number >= first]


def assert_agrees(ours: FloatArray, theirs: FloatArray) -> None:
    """Relative error below 1e-3 everywhere.

    A value near zero is the difference of thousands of terms of ordinary size, and float32 rounds
    relative to those: two correct orders of summation differ there by any factor. So the error is
    measured against the value, or a hundredth of the tensor's root mean square if that is larger.
    """
    floor = 0.01 * np.sqrt(np.mean(np.square(theirs, dtype=np.float64)))
    error = np.abs(ours.astype(np.float64) - theirs) / np.maximum(np.abs(theirs), floor)
    assert error.max() < 1e-3


def picture(kind: str, street_frame: StreetFrame) -> FloatArray:
    shape = street_frame.tensor.shape
    if kind == "street":
        return street_frame.tensor
    if kind == "noise":
        return np.random.default_rng(5).random(shape, dtype=np.float32)
    return np.full(shape, {"black": 0, "grey": 0.5, "white": 1}[kind], np.float32)


@pytest.mark.parametrize("kind", ["street", "noise", "black", "grey", "white"])
@pytest.mark.parametrize("queued", [False, True], ids=["run", "run_async"])
def test_outputs_agree_with_onnx_runtime(
    device: af.Device,
    om: Path,
    detector: Reference,
    street_frame: StreetFrame,
    kind: str,
    queued: bool,
) -> None:
    tensor = picture(kind, street_frame)
    loaded = device.load_model(str(om))
    request = loaded.create_request()
    request.inputs[0].upload(tensor)
    if queued:
        with device.create_stream() as stream:
            request.run_async(stream)
            stream.synchronize()
    else:
        request.run()
    expected = detector.run(tensor)
    assert [tuple(output.shape) for output in loaded.outputs] == [e.shape for e in expected]
    for output, theirs in zip(request.outputs, expected, strict=True):
        assert_agrees(output.download(), theirs)


def reference_detections(
    reference: Reference, frame: VideoFrame, box: Letterbox, limits: Thresholds
) -> yolo.Detections:
    """Detect with ONNX Runtime and the same decoding, one frame at a time."""
    tensor = np.empty((1, 3, reference.network.height, reference.network.width), np.float32)
    scaler = FrameScaler(box)
    scaler.prepare(tensor)
    scaler.write(frame, tensor)
    found = yolo.detect(reference.run(tensor), reference.network, limits.conf, limits.iou)
    return yolo.Detections(box.to_picture(found.boxes), found.scores, found.classes)


def assert_same_detections(ours: yolo.Detections, theirs: yolo.Detections) -> None:
    assert ours.classes.tolist() == theirs.classes.tolist()
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-3)
    np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=0.2)


def run_ring(ring: Detector[int], frames: list[VideoFrame]) -> list[yolo.Detections]:
    """Push frames through and check that they come back in order."""
    results = [ring.submit(frame, number) for number, frame in enumerate(frames)]
    while (last := ring.collect()) is not None:
        results.append(last)
    done = [result for result in results if result is not None]
    assert [result.item for result in done] == list(range(len(frames)))
    return [result.found for result in done]


@pytest.mark.parametrize("depth", [1, 3, FRAMES + 1])
def test_ring_finds_what_onnx_runtime_finds(
    device: af.Device,
    om: Path,
    detector: Reference,
    frames: list[VideoFrame],
    depth: int,
) -> None:
    limits = Thresholds()
    box = Letterbox.fit((frames[0].width, frames[0].height), (416, 416))
    loaded = device.load_model(str(om))
    ring: Detector[int] = Detector(device, loaded, detector.network, box, limits, depth)
    found = run_ring(ring, frames)
    for ours, frame in zip(found, frames, strict=True):
        assert_same_detections(ours, reference_detections(detector, frame, box, limits))
    street = found[FRAMES // 2]
    people = street.scores[street.classes == detector.names.index("person")]
    bicycles = street.scores[street.classes == detector.names.index("bicycle")]
    assert people[0] == pytest.approx(0.98, abs=0.01)
    assert len(bicycles) >= 2


def test_only_what_a_card_needs_is_copied(
    device: af.Device, om: Path, detector: Reference, frames: list[VideoFrame]
) -> None:
    box = Letterbox.fit((frames[0].width, frames[0].height), (416, 416))
    loaded = device.load_model(str(om))
    ring: Detector[int] = Detector(device, loaded, detector.network, box)
    before = summary.copied_bytes()
    run_ring(ring, frames)
    copied = summary.difference(summary.copied_bytes(), before)
    assert copied is not None
    assert set(copied) == set(summary.COPY_COUNTERS.values())
    expected = dict.fromkeys(copied, 0)
    if os.environ.get("SOFTNPU_MODE") == "discrete":
        expected["host to device"] = FRAMES * sum(tensor.nbytes for tensor in loaded.inputs)
        expected["device to host"] = FRAMES * sum(tensor.nbytes for tensor in loaded.outputs)
    assert copied == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 320}, r"inputs \[\(1, 3, 416, 416\)\].*\(1, 3, 416, 320\)"),
        ({"heads": ()}, r"0 heads"),
    ],
)
def test_model_of_another_network_is_refused(
    device: af.Device,
    om: Path,
    detector: Reference,
    change: dict[str, object],
    message: str,
) -> None:
    network = replace(detector.network, **change)
    loaded = device.load_model(str(om))
    with pytest.raises(ModelMismatchError, match=message):
        Detector(device, loaded, network, Letterbox.fit((64, 64), (416, 416)))
