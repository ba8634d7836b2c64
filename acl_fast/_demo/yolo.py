"""Boxes out of the raw heads of a YOLOv3 network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acl_fast._demo.darknet import Head, Network

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Detections:
    """Objects in one picture, the surest first.

    ``boxes`` are (x0, y0, x1, y1) rows in pixels, ``scores`` in 0..1, ``classes`` class numbers.
    """

    boxes: FloatArray
    scores: FloatArray
    classes: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: NDArray[np.intp]) -> Detections:
        return Detections(self.boxes[index], self.scores[index], self.classes[index])


def _sigmoid(values: FloatArray) -> FloatArray:
    # As tanh it neither overflows nor loses the small end to a division by infinity.
    result: FloatArray = np.float32(0.5) * (np.tanh(np.float32(0.5) * values) + np.float32(1))
    return result


def decode_head(raw: FloatArray, head: Head, size: tuple[int, int], conf: float) -> Detections:
    """Decode one head.

    Parameters
    ----------
    raw
        float32 (1, anchors * (5 + classes), rows, columns), as the network computes it.
    head
        Its anchors and number of classes.
    size
        Width and height of the network's input, the frame of the resulting boxes.
    conf
        Smallest score (objectness times class probability) to keep, in 0..1.

    Returns
    -------
    Detections
        Unsorted; a cell that is sure of several classes gives one box for each.
    """
    rows, columns = raw.shape[2:]
    cells = raw.reshape(len(head.anchors), 5 + head.classes, rows, columns)
    # A score cannot exceed its objectness, and few cells have any: decode only those.
    threshold = math.log(conf / (1 - conf)) if 0 < conf < 1 else math.copysign(math.inf, conf - 0.5)
    anchor, row, column = np.nonzero(cells[:, 4] >= threshold)
    values = cells[anchor, :, row, column]
    scores = _sigmoid(values[:, 4:5]) * _sigmoid(values[:, 5:])
    index, classes = np.nonzero(scores >= conf)
    boxes = _boxes(values, np.stack([column, row], 1), (columns, rows), head, anchor, size)
    return Detections(boxes[index], scores[index, classes], classes)


def _boxes(
    values: FloatArray,
    cell: NDArray[np.intp],
    grid: tuple[int, int],
    head: Head,
    anchor: NDArray[np.intp],
    size: tuple[int, int],
) -> FloatArray:
    """Turn (tx, ty, tw, th) into corners: a place within the cell, a multiple of the anchor."""
    pitch = np.array(size, np.float32) / np.array(grid, np.float32)
    centre = (_sigmoid(values[:, 0:2]) + cell.astype(np.float32)) * pitch
    half = np.exp(values[:, 2:4]) * np.array(head.anchors, np.float32)[anchor] / np.float32(2)
    return np.concatenate([centre - half, centre + half], axis=1)


def suppress(found: Detections, iou: float) -> Detections:
    """Non-maximum suppression within each class.

    Keeps a box unless a surer kept box of its class covers it with an intersection over union
    above ``iou``. Equal scores keep their order.
    """
    order = np.argsort(-found.scores, kind="stable")
    found = found[order]
    areas = _area(found.boxes)
    alive = np.ones(len(found), bool)
    for best in range(len(found)):
        if not alive[best]:
            continue
        rest = (
            best
            + 1
            + np.flatnonzero(alive[best + 1 :] & (found.classes[best + 1 :] == found.classes[best]))
        )
        low = np.maximum(found.boxes[best, :2], found.boxes[rest, :2])
        high = np.minimum(found.boxes[best, 2:], found.boxes[rest, 2:])
        common = _area(np.concatenate([low, high], axis=1))
        # Multiplied out, so that boxes without area do not divide by zero.
        alive[rest[common > iou * (areas[best] + areas[rest] - common)]] = False
    return found[np.flatnonzero(alive)]


def _area(boxes: FloatArray) -> FloatArray:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    area: FloatArray = sides[:, 0] * sides[:, 1]
    return area


def detect(
    outputs: Sequence[FloatArray], network: Network, conf: float = 0.3, iou: float = 0.45
) -> Detections:
    """Decode all heads of a network and remove duplicates; boxes in network pixels."""
    size = (network.width, network.height)
    parts = [
        decode_head(raw, head, size, conf) for raw, head in zip(outputs, network.heads, strict=True)
    ]
    everything = Detections(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.classes for part in parts]),
    )
    return suppress(everything, iou)
