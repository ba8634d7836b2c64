"""Darknet's two files, a ``.cfg`` network and its ``.weights``, as one ONNX model.

The network becomes plain ONNX nodes (Conv, LeakyRelu, MaxPool, Concat, Resize); each ``[yolo]``
layer becomes a graph output that holds the raw head, so boxes are decoded by the program.

Batch normalisation is folded into the convolution, in float64. Darknet divides by
``sqrt(variance) + 1e-6``, while ONNX's BatchNormalization has its epsilon inside the root; only
folding reproduces Darknet's numbers, and a device that does not fuse the two gets one node less.

    python -m acl_fast._demo.darknet yolov3-tiny.cfg yolov3-tiny.weights yolov3-tiny.onnx
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

# Old enough for every converter of the field; the first opset whose Resize needs no roi input.
OPSET = 13
IR_VERSION = 7
BN_EPSILON = 1e-6
LEAKY_SLOPE = 0.1

FloatArray = NDArray[np.float32]


class DarknetError(ValueError):
    """The cfg or weights file cannot be converted; the message says where and why."""


@dataclass
class Section:
    """One ``[kind]`` of a cfg file with its options; errors name its line."""

    kind: str
    line: int
    options: dict[str, str] = field(default_factory=dict)

    def integer(self, key: str, default: int | None = None) -> int:
        text = self.options.get(key)
        if text is None:
            if default is None:
                self.fail(f"option {key} is missing")
            return default
        try:
            return int(text)
        except ValueError:
            self.fail(f"{key}={text} is not an integer")

    def integers(self, key: str) -> list[int]:
        text = self.options.get(key)
        if text is None:
            self.fail(f"option {key} is missing")
        try:
            return [int(part) for part in text.split(",") if part.strip()]
        except ValueError:
            self.fail(f"{key}={text} is not a list of integers")

    def fail(self, reason: str) -> NoReturn:
        raise DarknetError(f"cfg line {self.line}, [{self.kind}]: {reason}")


@dataclass(frozen=True)
class Head:
    """One ``[yolo]`` layer: what is needed to decode its raw output.

    ``anchors`` are (width, height) pairs in pixels of the network input.
    """

    output: str
    anchors: tuple[tuple[int, int], ...]
    classes: int


@dataclass(frozen=True)
class Network:
    """Input size and heads of a network, in the order of the ONNX model's outputs."""

    width: int
    height: int
    channels: int
    heads: tuple[Head, ...]


def parse_cfg(text: str) -> list[Section]:
    """Split a cfg file into its sections; the first is ``[net]``."""
    sections: list[Section] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].partition(";")[0].strip()
        if not line:
            continue
        if line.startswith("[") and line.endswith("]"):
            sections.append(Section(line[1:-1].strip(), number))
            continue
        key, equals, value = line.partition("=")
        if not equals or not sections:
            raise DarknetError(f"cfg line {number}: {line!r} is neither [section] nor key=value")
        sections[-1].options[key.strip()] = value.strip()
    if not sections or sections[0].kind not in ("net", "network"):
        raise DarknetError("cfg file does not begin with a [net] section")
    return sections


class Weights:
    """The float32 stream of a weights file, read front to back."""

    def __init__(self, data: bytes) -> None:
        if len(data) < 12:
            raise DarknetError(f"weights file has {len(data)} bytes, less than its header")
        major, minor, _ = np.frombuffer(data, "<i4", 3).tolist()
        # From version 0.2 on, the count of images seen in training is 64 bits wide.
        header = 20 if major * 10 + minor >= 2 else 16
        body = len(data) - header
        if body < 0 or body % 4:
            raise DarknetError(
                f"weights file of version {major}.{minor} has {len(data)} bytes: not a "
                f"{header}-byte header and whole float32 values"
            )
        self._values = np.frombuffer(data, "<f4", body // 4, header)
        self._used = 0

    @property
    def leftover(self) -> int:
        """Number of values not read yet."""
        return self._values.size - self._used

    def take(self, section: Section, what: str, *shape: int) -> FloatArray:
        """Return the next array."""
        count = int(np.prod(shape))
        if count > self.leftover:
            section.fail(
                f"{what} need {count} values, but only {self.leftover} are left in the weights "
                "file: it is cut short or belongs to another cfg"
            )
        part = self._values[self._used : self._used + count]
        self._used += count
        return part.reshape(shape)


@dataclass(frozen=True)
class Layer:
    """Output of one cfg section: tensor name and (channels, height, width)."""

    name: str
    channels: int
    height: int
    width: int


class Converter:
    """Turns sections into ONNX nodes, one method per kind of section."""

    def __init__(self, sections: list[Section], weights: Weights) -> None:
        net = sections[0]
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.layers: list[Layer] = []
        self.heads: list[tuple[Head, Layer]] = []
        sizes = [net.integer(key) for key in ("channels", "height", "width")]
        if min(sizes) <= 0:
            net.fail(f"channels, height and width must be positive, not {sizes}")
        self.input = Layer("input", *sizes)
        for section in sections[1:]:
            self._convert(section)

    @property
    def network(self) -> Network:
        heads = tuple(head for head, _ in self.heads)
        return Network(self.input.width, self.input.height, self.input.channels, heads)

    @property
    def previous(self) -> Layer:
        return self.layers[-1] if self.layers else self.input

    def _convert(self, section: Section) -> None:
        convert = KINDS.get(section.kind)
        if convert is None:
            section.fail(f"this kind of section is not supported ({', '.join(KINDS)} are)")
        if section.kind != "route":
            self._refuse_head(section, self.previous)
        layer = convert(self, section)
        if min(layer.height, layer.width) <= 0:
            section.fail(f"output would be {layer.height}x{layer.width}: the input is too small")
        self.layers.append(layer)

    def _refuse_head(self, section: Section, layer: Layer) -> None:
        # Darknet would hand on the decoded head here, which this model does not compute.
        if any(layer is head for _, head in self.heads):
            section.fail(f"cannot continue from {layer.name}, an output of the network")

    def _name(self, section: Section) -> str:
        return f"{section.kind}_{len(self.layers)}"

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))

    def convolutional(self, section: Section) -> Layer:
        source, name = self.previous, self._name(section)
        filters, size = section.integer("filters", 1), section.integer("size", 1)
        stride = section.integer("stride", 1)
        if section.integer("groups", 1) != 1 or section.integer("dilation", 1) != 1:
            section.fail("groups and dilation are not supported")
        pad = size // 2 if section.integer("pad", 0) else section.integer("padding", 0)
        kernel, bias = self._folded(section, filters, source.channels, size)
        activation = section.options.get("activation", "logistic")
        if activation not in ("linear", "leaky"):
            section.fail(f"activation={activation} is not supported (linear and leaky are)")
        convolved = name if activation == "linear" else f"{name}_conv"
        self._node(
            "Conv",
            [
                source.name,
                self._constant(f"{name}_weight", kernel),
                self._constant(f"{name}_bias", bias),
            ],
            convolved,
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[pad] * 4,
        )
        if activation == "leaky":
            self._node("LeakyRelu", [convolved], name, alpha=LEAKY_SLOPE)
        height, width = ((n + 2 * pad - size) // stride + 1 for n in (source.height, source.width))
        return Layer(name, filters, height, width)

    def _folded(
        self, section: Section, filters: int, channels: int, size: int
    ) -> tuple[FloatArray, FloatArray]:
        """Read a convolution's arrays in file order and fold its batch normalisation."""
        take = self.weights.take
        bias = take(section, "biases", filters).astype(np.float64)
        normalised = section.integer("batch_normalize", 0)
        if normalised:
            scale, mean, variance = take(section, "batch norm values", 3, filters).astype(float)
        kernel = take(section, "weights", filters, channels, size, size).astype(np.float64)
        if normalised:
            factor = scale / (np.sqrt(variance) + BN_EPSILON)
            kernel *= factor[:, None, None, None]
            bias -= mean * factor
        return kernel.astype(np.float32), bias.astype(np.float32)

    def maxpool(self, section: Section) -> Layer:
        source, name = self.previous, self._name(section)
        stride = section.integer("stride", 1)
        size = section.integer("size", stride)
        # Darknet pads by size-1 in all, the odd element at the bottom and right; ONNX too
        # treats padding as minus infinity, so it never wins.
        total = section.integer("padding", size - 1)
        begin = total // 2
        height, width = ((n + total - size) // stride + 1 for n in (source.height, source.width))
        ends = [
            max(0, (out - 1) * stride + size - begin - n)
            for out, n in ((height, source.height), (width, source.width))
        ]
        self._node(
            "MaxPool",
            [source.name],
            name,
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[begin, begin, *ends],
        )
        return Layer(name, source.channels, height, width)

    def route(self, section: Section) -> Layer:
        if section.integer("groups", 1) != 1:
            section.fail("groups are not supported")
        parts = [self._earlier(section, index) for index in section.integers("layers")]
        if not parts:
            section.fail("layers is empty")
        if len(parts) == 1:
            return parts[0]
        if len({(part.height, part.width) for part in parts}) > 1:
            sizes = ", ".join(f"{part.name} {part.height}x{part.width}" for part in parts)
            section.fail(f"its layers differ in size: {sizes}")
        name = self._name(section)
        self._node("Concat", [part.name for part in parts], name, axis=1)
        return Layer(name, sum(part.channels for part in parts), parts[0].height, parts[0].width)

    def _earlier(self, section: Section, index: int) -> Layer:
        """Look up a layer by absolute number, or relative to this one if negative."""
        absolute = index if index >= 0 else len(self.layers) + index
        if not 0 <= absolute < len(self.layers):
            section.fail(f"layer {index} does not exist before layer {len(self.layers)}")
        self._refuse_head(section, self.layers[absolute])
        return self.layers[absolute]

    def upsample(self, section: Section) -> Layer:
        source, name = self.previous, self._name(section)
        stride = section.integer("stride", 2)
        if stride < 1:
            section.fail(f"stride={stride} is not supported (positive ones are)")
        if section.options.get("scale", "1") not in ("1", "1."):
            section.fail("scale other than 1 is not supported")
        scales = np.array([1, 1, stride, stride], np.float32)
        self._node(
            "Resize",
            [source.name, "", self._constant(f"{name}_scales", scales)],
            name,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        return Layer(name, source.channels, source.height * stride, source.width * stride)

    def yolo(self, section: Section) -> Layer:
        source = self.previous
        flat = section.integers("anchors")
        pairs = list(zip(flat[0::2], flat[1::2], strict=False))
        if len(flat) != 2 * section.integer("num", 1):
            section.fail(f"num={section.integer('num', 1)}, but there are {len(flat) / 2} anchors")
        mask = section.integers("mask") if "mask" in section.options else range(len(pairs))
        if any(not 0 <= index < len(pairs) for index in mask):
            section.fail(f"mask has a number that is no anchor (0 to {len(pairs) - 1})")
        classes = section.integer("classes", 20)
        expected = len(mask) * (5 + classes)
        if source.channels != expected:
            section.fail(
                f"{len(mask)} anchors with 5+{classes} values need {expected} channels, but "
                f"{source.name} has {source.channels}"
            )
        name = self._name(section)
        self._node("Identity", [source.name], name)
        layer = Layer(name, source.channels, source.height, source.width)
        head = Head(name, tuple(pairs[index] for index in mask), classes)
        self.heads.append((head, layer))
        return layer

    def model(self, name: str) -> onnx.ModelProto:
        """Return the checked ONNX model."""
        if not self.heads:
            raise DarknetError("the network has no [yolo] section, so no output")
        if self.weights.leftover:
            raise DarknetError(
                f"{self.weights.leftover} values of the weights file are left over: it belongs "
                "to another cfg"
            )
        graph = helper.make_graph(
            self.nodes,
            name,
            [_value(self.input)],
            [_value(layer) for _, layer in self.heads],
            self.initializers,
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="acl_fast",
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def _value(layer: Layer) -> onnx.ValueInfoProto:
    shape = [1, layer.channels, layer.height, layer.width]
    return helper.make_tensor_value_info(layer.name, TensorProto.FLOAT, shape)


KINDS: dict[str, Callable[[Converter, Section], Layer]] = {
    "convolutional": Converter.convolutional,
    "maxpool": Converter.maxpool,
    "route": Converter.route,
    "upsample": Converter.upsample,
    "yolo": Converter.yolo,
}


def read_network(cfg: Path, weights: Path) -> tuple[Network, onnx.ModelProto]:
    """Convert a network.

    Parameters
    ----------
    cfg, weights
        Darknet's two files.

    Returns
    -------
    Network
        Input size, and per head its anchors and number of classes.
    onnx.ModelProto
        Input ``input`` float32 (1, channels, height, width), RGB in 0..1; one output
        ``yolo_<layer>`` float32 (1, anchors * (5 + classes), rows, columns) per head.

    Raises
    ------
    DarknetError
        A section or option is unknown, or the weights do not fit the cfg.
    """
    converter = Converter(parse_cfg(cfg.read_text()), Weights(weights.read_bytes()))
    return converter.network, converter.model(cfg.stem)


def main(arguments: list[str] | None = None) -> int:
    """Convert from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m acl_fast._demo.darknet", description="Convert Darknet cfg+weights to ONNX."
    )
    for name in ("cfg", "weights", "output"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args(arguments)
    try:
        network, model = read_network(options.cfg, options.weights)
        onnx.save(model, options.output)
    except (DarknetError, OSError) as error:
        print(f"darknet: {error}", file=sys.stderr)
        return 1
    print(f"{options.output}: input {network.width}x{network.height}, {len(network.heads)} heads")
    return 0


if __name__ == "__main__":
    sys.exit(main())
