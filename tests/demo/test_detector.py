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
from acl_fast import media
from acl_fast._demo import assets, model, summary, video, yolo
from acl_fast._demo.detector import Detector, ModelMismatchError, Thresholds
from tests.demo import reference

from .conftest import STREET_FRAME, StreetFrame
from .conftest import Detector as Reference

FloatArray = NDArray[np.float32]
FRAMES = 12


@pytest.fixture(scope="module")
def om(detector: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The detector with tensors as its input."""
    return reference.compile_tensors(detector.model, tmp_path_factory.mktemp("tensors"))


@pytest.fixture(scope="module")
def chain_om(detector: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The detector with pictures as its input, in a cache folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACL_FAST_CACHE", str(tmp_path_factory.mktemp("cache")))
        source = model.Source(detector.network, tuple(detector.names), detector.model)
        return model.write_om(source, "Ascend310P3")


@pytest.fixture(scope="module")
def device() -> Iterator[af.Device]:
    with af.Device(0) as opened:
        yield opened


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
    onnx: Reference, frame: VideoFrame, box: media.Letterbox, limits: Thresholds
) -> yolo.Detections:
    """Detect with ONNX Runtime and the same decoding, one frame at a time."""
    size = (onnx.network.width, onnx.network.height)
    heads = onnx.run(reference.network_input(frame, box, size))
    found = yolo.detect(heads, onnx.network, limits.conf, limits.iou)
    return yolo.Detections(box.to_source(found.boxes), found.scores, found.classes)


def overlap(one: FloatArray, other: FloatArray) -> float:
    """Intersection over union of two boxes."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    common = np.prod(np.clip(high - low, 0, None))
    areas = np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])
    return float(common / (areas - common))


def agreeing(ours: yolo.Detections, theirs: yolo.Detections) -> tuple[int, int]:
    """Of the boxes of ``ours`` that are sure, how many the other path has too, and of how many."""
    sure = np.flatnonzero(ours.scores > 0.5)
    found = sum(
        any(
            theirs.classes[other] == ours.classes[index]
            and overlap(ours.boxes[index], theirs.boxes[other]) > 0.8
            for other in range(len(theirs))
        )
        for index in sure
    )
    return found, len(sure)


def run_ring(ring: Detector[int], device: af.Device, limit: int | None) -> list[yolo.Detections]:
    """Push the street video through and check that results come back in order."""
    results = []
    with video.VideoReader(assets.fetch("bikes.mp4"), limit) as reader:
        for number, image in enumerate(reader.frames(device)):
            results.append(ring.submit(image, number))
    while (last := ring.collect()) is not None:
        results.append(last)
    done = [result for result in results if result is not None]
    assert [result.item for result in done] == list(range(len(done)))
    return [result.found for result in done]


def street_box() -> media.Letterbox:
    return media.Letterbox.fit(640, 272, 416, 416)


def test_detections_of_the_whole_video_match_the_reference_path(
    device: af.Device, chain_om: Path, detector: Reference
) -> None:
    """VDEC, VPC and AIPP against FFmpeg's decoder, FFmpeg's scaler and ONNX Runtime."""
    limits, box = Thresholds(), street_box()
    with device.load_model(str(chain_om)) as loaded:
        ring: Detector[int] = Detector(device, loaded, detector.network, box, limits)
        found = run_ring(ring, device, None)
        ring.close()
    frames = reference.frames(assets.fetch("bikes.mp4"))
    expected = [reference_detections(detector, frame, box, limits) for frame in frames]
    assert len(found) == len(expected) == 250
    pairs = list(zip(found, expected, strict=True))
    ours_found, ours_all = np.sum([agreeing(a, b) for a, b in pairs], axis=0)
    their_found, their_all = np.sum([agreeing(b, a) for a, b in pairs], axis=0)
    assert ours_all > 100
    assert ours_found >= 0.97 * ours_all
    assert their_found >= 0.97 * their_all
    street = found[STREET_FRAME]
    people = street.scores[street.classes == detector.names.index("person")]
    bicycles = street.scores[street.classes == detector.names.index("bicycle")]
    assert people[0] == pytest.approx(0.98, abs=0.02)
    assert len(bicycles) >= 2


@pytest.mark.parametrize("depth", [1, 3, FRAMES + 1])
def test_depth_of_the_ring_changes_nothing(
    device: af.Device, chain_om: Path, detector: Reference, depth: int
) -> None:
    with device.load_model(str(chain_om)) as loaded:
        results = []
        for size in (2, depth):
            ring: Detector[int] = Detector(
                device, loaded, detector.network, street_box(), depth=size
            )
            results.append(run_ring(ring, device, FRAMES))
            ring.close()
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.scores, other.scores)


def test_no_frame_is_copied(device: af.Device, chain_om: Path, detector: Reference) -> None:
    """In unified memory nothing is; a card gets packets and gives results, and nothing else."""
    with device.load_model(str(chain_om)) as loaded:
        ring: Detector[int] = Detector(device, loaded, detector.network, street_box())
        before, counters = summary.copied_bytes(), af.softnpu.counters()
        run_ring(ring, device, FRAMES)
        copied = summary.difference(summary.copied_bytes(), before)
        after = af.softnpu.counters()
        ring.close()
        results = sum(tensor.nbytes for tensor in loaded.outputs)
    assert copied is not None
    assert set(copied) == set(summary.COPY_COUNTERS.values())
    packets = copied.pop("host to device")
    expected = dict.fromkeys(copied, 0)
    if os.environ.get("SOFTNPU_MODE") == "discrete":
        expected["device to host"] = FRAMES * results
        assert 0 < packets < FRAMES * 20_000  # compressed; a frame has 261,120 bytes
    else:
        assert packets == 0
    assert copied == expected
    # One picture scaled by VPC and one taken in by AIPP for each frame, none besides.
    assert after["images_processed"] - counters["images_processed"] == 2 * FRAMES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 320}, r"inputs \[\(1, 624, 416, 1\)\].*\(1, 624, 320, 1\)"),
        ({"heads": ()}, r"0 heads"),
    ],
)
def test_model_of_another_network_is_refused(
    device: af.Device,
    chain_om: Path,
    detector: Reference,
    change: dict[str, object],
    message: str,
) -> None:
    network = replace(detector.network, **change)
    loaded = device.load_model(str(chain_om))
    with pytest.raises(ModelMismatchError, match=message):
        Detector(device, loaded, network, media.Letterbox.fit(64, 64, 416, 416))
