"""Head decoding and suppression against plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from acl_fast._demo import yolo
from acl_fast._demo.darknet import Head, Network

from .conftest import Detector, StreetFrame

Box = tuple[float, float, float, float]
Found = tuple[Box, float, int]


class UndecidedError(Exception):
    """A value lies so near a threshold that float32 and float64 may differ about it."""


def above(value: float, threshold: float) -> bool:
    if abs(value - threshold) < 1e-5:
        raise UndecidedError
    return value > threshold


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def naive_decode(
    raw: NDArray[np.float32], head: Head, size: tuple[int, int], conf: float
) -> list[Found]:
    found: list[Found] = []
    rows, columns = raw.shape[2:]
    for a, (anchor_width, anchor_height) in enumerate(head.anchors):
        base = a * (5 + head.classes)
        for row in range(rows):
            for column in range(columns):
                tx, ty, tw, th, to, *logits = (
                    float(v) for v in raw[0, base : base + 5 + head.classes, row, column]
                )
                x = (sigmoid(tx) + column) / columns * size[0]
                y = (sigmoid(ty) + row) / rows * size[1]
                w, h = math.exp(tw) * anchor_width, math.exp(th) * anchor_height
                for number, logit in enumerate(logits):
                    score = sigmoid(to) * sigmoid(logit)
                    if above(score, conf):
                        found.append(((x - w / 2, y - h / 2, x + w / 2, y + h / 2), score, number))
    return found


def iou(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return common / (areas - common)


def naive_suppress(found: list[Found], threshold: float) -> list[Found]:
    kept: list[Found] = []
    for candidate in sorted(found, key=lambda item: -item[1]):
        same = [other for other in kept if other[2] == candidate[2]]
        if not any(above(iou(other[0], candidate[0]), threshold) for other in same):
            kept.append(candidate)
    return kept


def as_detections(found: list[Found]) -> yolo.Detections:
    return yolo.Detections(
        np.array([box for box, _, _ in found], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in found], np.float32),
        np.array([number for _, _, number in found], np.intp),
    )


def assert_same(ours: yolo.Detections, theirs: list[Found]) -> None:
    assert ours.classes.tolist() == [number for _, _, number in theirs]
    np.testing.assert_allclose(ours.scores, [score for _, score, _ in theirs], atol=1e-5)
    boxes = np.array([box for box, _, _ in theirs]).reshape(-1, 4)
    np.testing.assert_allclose(ours.boxes, boxes, rtol=1e-5, atol=1e-3)


def in_order(found: list[Found]) -> list[Found]:
    return sorted(found, key=lambda item: (item[2], *item[0]))


def order_of(found: yolo.Detections) -> NDArray[np.intp]:
    return np.lexsort((*found.boxes.T[::-1], found.classes))


@settings(max_examples=60, deadline=None)
@given(
    anchors=st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90)), min_size=1, max_size=3),
    classes=st.integers(1, 5),
    grid=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    conf=st.floats(0.01, 0.99),
    seed=st.integers(0, 10_000),
)
def test_decode(
    anchors: list[tuple[int, int]],
    classes: int,
    grid: tuple[int, int],
    conf: float,
    seed: int,
) -> None:
    head = Head("yolo", tuple(anchors), classes)
    shape = (1, len(anchors) * (5 + classes), *grid)
    raw = np.random.default_rng(seed).normal(0, 2.5, shape).astype(np.float32)
    ours = yolo.decode_head(raw, head, (64, 96), conf)
    try:
        theirs = naive_decode(raw, head, (64, 96), conf)
    except UndecidedError:
        reject()
    assert_same(ours[order_of(ours)], in_order(theirs))


@pytest.mark.parametrize(("conf", "expected"), [(0.0, 2 * 3 * 4), (1.0, 0)])
def test_decode_at_the_ends_of_the_scale(conf: float, expected: int) -> None:
    head = Head("yolo", ((10, 10),), 2)
    raw = np.zeros((1, 7, 3, 4), np.float32)
    assert len(yolo.decode_head(raw, head, (32, 32), conf)) == expected


def test_huge_values_do_not_overflow() -> None:
    head = Head("yolo", ((10, 10),), 1)
    raw = np.full((1, 6, 1, 1), 1000, np.float32)
    raw[:, 2:4] = 0
    found = yolo.decode_head(raw, head, (32, 32), 0.5)
    np.testing.assert_allclose(found.boxes, [[27, 27, 37, 37]])
    assert found.scores.tolist() == [1.0]


corner = st.integers(0, 30)
side = st.integers(0, 20)
candidates = st.lists(st.tuples(corner, corner, side, side, st.integers(0, 2)), max_size=25)


@settings(max_examples=200, deadline=None)
@given(places=candidates, threshold=st.floats(0.05, 0.95), seed=st.integers(0, 1000))
def test_suppress(
    places: list[tuple[int, int, int, int, int]], threshold: float, seed: int
) -> None:
    # Distinct scores, so that the order does not depend on how a sort breaks ties.
    scores = (np.random.default_rng(seed).permutation(len(places)) + 1) / 64
    found = [
        ((float(x), float(y), float(x + w), float(y + h)), float(score), number)
        for (x, y, w, h, number), score in zip(places, scores, strict=True)
    ]
    try:
        theirs = naive_suppress(found, threshold)
    except UndecidedError:
        reject()
    assert_same(yolo.suppress(as_detections(found), threshold), theirs)


def test_suppress_keeps_classes_apart() -> None:
    box = (0.0, 0.0, 10.0, 10.0)
    found = as_detections([(box, 0.9, 0), (box, 0.8, 1), (box, 0.7, 0)])
    assert yolo.suppress(found, 0.5).classes.tolist() == [0, 1]


def test_nothing_found() -> None:
    network = Network(32, 32, 3, (Head("a", ((4, 4),), 3), Head("b", ((8, 8),), 3)))
    outputs = [np.full((1, 8, n, n), -9, np.float32) for n in (1, 2)]
    assert len(yolo.detect(outputs, network)) == 0


def test_street_frame(detector: Detector, street_frame: StreetFrame) -> None:
    outputs = detector.run(street_frame.tensor)
    found = yolo.detect(outputs, detector.network, 0.3, 0.45)
    size = (detector.network.width, detector.network.height)
    everything: list[Found] = []
    for raw, head in zip(outputs, detector.network.heads, strict=True):
        everything += naive_decode(raw, head, size, 0.3)
    assert_same(found, naive_suppress(everything, 0.45))
    assert detector.names[found.classes[0]] == "person"
    assert found.scores[0] == pytest.approx(0.98, abs=0.01)
    assert sum(detector.names[number] == "bicycle" for number in found.classes) >= 2
