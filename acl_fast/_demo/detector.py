"""A ring of requests: while the device executes one frame, the host prepares the next.

Where host and device share memory, the scaler writes straight into a request's input and the
heads are decoded from its output in place. On a discrete card each request has pinned memory,
and one queued copy in each direction.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from av.video.frame import VideoFrame

import acl_fast as af
from acl_fast._demo import yolo
from acl_fast._demo.darknet import Network
from acl_fast._demo.letterbox import FrameScaler, Letterbox
from acl_fast._demo.stages import Stages

Item = TypeVar("Item")


class ModelMismatchError(ValueError):
    """A model does not have the inputs and outputs of the network."""


@dataclass(frozen=True)
class Thresholds:
    """Smallest score to keep, and overlap above which the less sure of two boxes goes."""

    conf: float = 0.3
    iou: float = 0.45


class Slot:
    """One request with its memory and the events around its execution."""

    def __init__(self, device: af.Device, model: af.Model, stream: af.Stream) -> None:
        self.request = model.create_request()
        self.stream = stream
        self.started, self.executed, self.finished = (stream.record() for _ in range(3))
        self.pinned: list[af.Buffer] = []
        if not device.is_unified:
            tensors = (*model.inputs, *model.outputs)
            self.pinned = [device.empty(t.shape, t.dtype, kind="host") for t in tensors]

    @property
    def input(self) -> Any:
        """The array to write the picture to."""
        return self.pinned[0].array if self.pinned else self.request.inputs[0].array

    def launch(self) -> None:
        """Queue the execution, and the copies around it where the device has its own memory."""
        if self.pinned:
            self.request.inputs[0].upload(self.pinned[0], self.stream)
        self.stream.record(self.started)
        self.request.run_async(self.stream)
        self.stream.record(self.executed)
        for number, buffer in enumerate(self.pinned[1:]):
            self.request.outputs[number].download(buffer, self.stream)
        self.stream.record(self.finished)

    def wait(self) -> None:
        """Wait for this request alone; later ones go on."""
        self.finished.synchronize()

    def outputs(self) -> list[Any]:
        """The raw heads as arrays."""
        if self.pinned:
            return [buffer.array for buffer in self.pinned[1:]]
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
    box: Letterbox
    thresholds: Thresholds = Thresholds()
    depth: int = 3
    stages: Stages = field(default_factory=Stages)

    def __post_init__(self) -> None:
        check_model(self.model, self.network)
        self.stream = self.device.create_stream()
        self._scaler = FrameScaler(self.box)
        self._free = deque(Slot(self.device, self.model, self.stream) for _ in range(self.depth))
        self._busy: deque[tuple[Slot, Item]] = deque()
        for slot in self._free:
            self._scaler.prepare(slot.input)

    def submit(self, frame: VideoFrame, item: Item) -> Result[Item] | None:
        """Queue a frame; return the oldest result where the ring was full."""
        done = self.collect() if not self._free else None
        slot = self._free.popleft()
        with self.stages("letterbox"):
            self._scaler.write(frame, slot.input)
        with self.stages("launch"):
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
            found = yolo.Detections(self.box.to_picture(found.boxes), found.scores, found.classes)
        self._free.append(slot)
        return Result(item, found)


def check_model(model: af.Model, network: Network) -> None:
    """Refuse a model whose tensors are not those of the network."""
    expected = [(1, network.channels, network.height, network.width)]
    actual = [tuple(tensor.shape) for tensor in model.inputs]
    kinds = {np.dtype(tensor.dtype) for tensor in (*model.inputs, *model.outputs)}
    channels = [len(head.anchors) * (5 + head.classes) for head in network.heads]
    outputs = [tuple(tensor.shape) for tensor in model.outputs]
    if actual != expected or kinds != {np.dtype(np.float32)}:
        raise ModelMismatchError(
            f"the model has inputs {actual} of {', '.join(map(str, kinds))}; "
            f"{expected[0]} of float32 is needed"
        )
    if [shape[1:2] for shape in outputs] != [(count,) for count in channels]:
        raise ModelMismatchError(
            f"the model has outputs {outputs}; {len(channels)} heads with "
            f"{', '.join(map(str, channels))} channels are needed"
        )
