"""Darknet's forward pass in NumPy, float64, written from its rules and not from the converter.

It reads the two files on its own and keeps batch normalisation apart from the convolution.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Block = tuple[str, dict[str, str]]


def read_blocks(path: Path) -> list[Block]:
    blocks: list[Block] = []
    for line in path.read_text().splitlines():
        line = line.replace(" ", "")
        if line.startswith("["):
            blocks.append((line.strip("[]"), {}))
        elif "=" in line and not line.startswith("#"):
            key, value = line.split("=")
            blocks[-1][1][key] = value
    return blocks


def convolve(x: Array, kernel: Array, stride: int, pad: int) -> Array:
    size = kernel.shape[2]
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (1, 2))
    windows = windows[:, ::stride, ::stride]
    return np.einsum("chwyx,ocyx->ohw", windows, kernel, optimize=True)


def maxpool(x: Array, size: int, stride: int, padding: int) -> Array:
    channels, height, width = x.shape
    out_height = (height + padding - size) // stride + 1
    out_width = (width + padding - size) // stride + 1
    out = np.full((channels, out_height, out_width), -np.inf)
    for row in range(out_height):
        for column in range(out_width):
            for dy in range(size):
                for dx in range(size):
                    y = row * stride - padding // 2 + dy
                    z = column * stride - padding // 2 + dx
                    if 0 <= y < height and 0 <= z < width:
                        out[:, row, column] = np.maximum(out[:, row, column], x[:, y, z])
    return out


def forward(cfg: Path, weights: Path, image: Array) -> list[Array]:
    """Return the input of each [yolo] layer for one (channels, height, width) image."""
    data = weights.read_bytes()
    major, minor, _ = struct.unpack_from("<3i", data)
    stream = np.frombuffer(data, "<f4", offset=20 if (major, minor) >= (0, 2) else 16)
    position = 0

    def take(*shape: int) -> Array:
        nonlocal position
        count = int(np.prod(shape))
        position += count
        return stream[position - count : position].reshape(shape).astype(np.float64)

    outputs: list[Array] = []
    heads: list[Array] = []
    x = image.astype(np.float64)
    for kind, options in read_blocks(cfg)[1:]:
        if kind == "convolutional":
            filters, size = int(options["filters"]), int(options["size"])
            bias = take(filters, 1, 1)
            if int(options.get("batch_normalize", 0)):
                scale, mean, variance = (
                    take(filters, 1, 1),
                    take(filters, 1, 1),
                    take(filters, 1, 1),
                )
                kernel = take(filters, x.shape[0], size, size)
                pad = size // 2 if int(options.get("pad", 0)) else 0
                x = convolve(x, kernel, int(options["stride"]), pad)
                x = (x - mean) / (np.sqrt(variance) + 0.000001) * scale + bias
            else:
                kernel = take(filters, x.shape[0], size, size)
                pad = size // 2 if int(options.get("pad", 0)) else 0
                x = convolve(x, kernel, int(options["stride"]), pad) + bias
            if options["activation"] == "leaky":
                x = np.where(x > 0, x, 0.1 * x)
        elif kind == "maxpool":
            size, stride = int(options["size"]), int(options["stride"])
            x = maxpool(x, size, stride, int(options.get("padding", size - 1)))
        elif kind == "route":
            chosen = [int(part) for part in options["layers"].split(",")]
            x = np.concatenate([outputs[index] for index in chosen])
        elif kind == "upsample":
            stride = int(options["stride"])
            x = x.repeat(stride, axis=1).repeat(stride, axis=2)
        elif kind == "yolo":
            heads.append(x)
        outputs.append(x)
    assert position == stream.size
    return heads
