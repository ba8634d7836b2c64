"""A ring of requests: the picture engine scales a decoded frame into a request's picture, and the
model reads it there, AIPP doing colours and normalisation inside its input.

No frame is copied by the host. Where host and device share memory the heads are decoded in place;
a discrete card copies them, and nothing else, into pinned memory.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

import acl_fast as af
from acl_fast import media
from acl_fast._demo import yolo
from acl_fast._demo.darknet import Network
from acl_fast._demo.stages import Stages

Item = TypeVar("Item")

GREY = 126  # half of the narrow range; as chroma, nearly none


class ModelMismatchError(ValueError):
    """A model does not have the inputs and outputs of the network."""


@dataclass(frozen=True)
class Thresholds:
    """Smallest score to keep, and overlap above which the less sure of two boxes goes."""

    conf: float = 0.3
    iou: float = 0.45


class Slot:
    """One request with its picture, its memory for results and the events around its execution."""

    def __init__(self, device: af.Device, model: af.Model, stream: af.Stream) -> None:
        self.request = model.create_request()
        self.stream = stream
        self.started, self.executed, self.finished = (stream.record() for _ in range(3))
        rows, width = model.inputs[0].shape[1:3]
        self.picture = media.Image.empty(device, width, rows * 2 // 3)
        self.request.set_input(0, self.picture)
        self.pinned: list[af.Buffer] = []
        if not device.is_unified:
            self.pinned = [device.empty(t.shape, t.dtype, kind="host") for t in model.outputs]

    def launch(self) -> None:
        """Queue the execution, and the copies of results where the device has its own memory."""
        self.stream.record(self.started)
        self.request.run_async(self.stream)
        self.stream.record(self.executed)
        for number, buffer in enumerate(self.pinned):
            self.request.outputs[number].download(buffer, self.stream)
        self.stream.record(self.finished)

    def wait(self) -> None:
        """Wait for this request alone; later ones go on."""
        self.finished.synchronize()

    def outputs(self) -> list[Any]:
        """The raw heads as arrays."""
        if self.pinned:
            return [buffer.array for buffer in self.pinned]
        return [output.array for output in self.request.outputs]


@dataclass(frozen=True)
class Result(Generic[Item]):
    """What was found in one frame, in the order the frames came."""

    item: Item
    found: yolo.Detections


@dataclass
class Detector(Generic[Item]):
    """Detects objects in the frames of one video, several of them in flight.

    Parameters
    ----------
    device, model
        A loaded model with the inputs and outputs of ``network``.
    box
        Where a frame lies in the network's input.
    depth
        Number of requests in the ring.
    """

    device: af.Device
    model: af.Model
    network: Network
    box: media.Letterbox
    thresholds: Thresholds = Thresholds()
    depth: int = 3
    stages: Stages = field(default_factory=Stages)

    def __post_init__(self) -> None:
        check_model(self.model, self.network)
        self.stream = self.device.create_stream()
        self._vpc = media.Vpc(self.device, self.stream)
        self._free = deque(Slot(self.device, self.model, self.stream) for _ in range(self.depth))
        self._busy: deque[tuple[Slot, Item]] = deque()
        for slot in self._free:
            # Needed once, since frames never touch their surroundings.
            size = (slot.picture.height * 3 // 2, slot.picture.width)
            slot.picture.upload(np.full(size, GREY, np.uint8))

    def submit(self, frame: media.Image, item: Item) -> Result[Item] | None:
        """Queue a frame; return the oldest result where the ring was full."""
        done = self.collect() if not self._free else None
        slot = self._free.popleft()
        with self.stages("launch"):
            box = self.box
            place = (box.left, box.top, box.width, box.height)
            self._vpc.paste(frame, *place, out=slot.picture)
            slot.launch()
        self._busy.append((slot, item))
        return done

    def collect(self) -> Result[Item] | None:
        """Wait for the oldest frame and return what was found; None where none is in flight."""
        if not self._busy:
            return None
        slot, item = self._busy.popleft()
        with self.stages("wait for device"):
            slot.wait()
        self.stages.add("execute", slot.started.elapsed_time(slot.executed) / 1000)
        with self.stages("boxes"):
            limits = self.thresholds
            found = yolo.detect(slot.outputs(), self.network, limits.conf, limits.iou)
            boxes = self.box.to_source(found.boxes).astype(np.float32)
            found = yolo.Detections(boxes, found.scores, found.classes)
        self._free.append(slot)
        return Result(item, found)

    def close(self) -> None:
        """Wait for what is in flight and give everything back."""
        self.stream.synchronize()
        self._vpc.close()
        for slot in (*self._free, *(slot for slot, _ in self._busy)):
            slot.request.close()
            slot.picture.close()


def check_model(model: af.Model, network: Network) -> None:
    """Refuse a model whose tensors are not those of the network."""
    expected = [(1, network.height * 3 // 2, network.width, 1)]
    actual = [tuple(tensor.shape) for tensor in model.inputs]
    kinds = {np.dtype(tensor.dtype) for tensor in model.inputs}
    channels = [len(head.anchors) * (5 + head.classes) for head in network.heads]
    outputs = [tuple(tensor.shape) for tensor in model.outputs]
    if actual != expected or kinds != {np.dtype(np.uint8)}:
        raise ModelMismatchError(
            f"the model has inputs {actual} of {', '.join(map(str, kinds))}; {expected[0]} of "
            "uint8 is needed: NV12 pictures through AIPP (atc --insert_op_conf)"
        )
    if [shape[1:2] for shape in outputs] != [(count,) for count in channels] or {
        np.dtype(tensor.dtype) for tensor in model.outputs
    } != {np.dtype(np.float32)}:
        raise ModelMismatchError(
            f"the model has outputs {outputs}; {len(channels)} heads with "
            f"{', '.join(map(str, channels))} channels of float32 are needed"
        )
