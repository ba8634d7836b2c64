"""The published formula of AIPP on whole numpy arrays, as plainly as possible."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FORMATS = ("YUV420SP_U8", "RGB888_U8", "XRGB8888_U8", "YUV400_U8")


@dataclass
class Config:
    """What a configuration file says; None leaves a part out of it."""

    input_format: str
    width: int
    height: int
    crop: tuple[int, int, int, int] | None = None
    resize: tuple[int, int] | None = None
    padding: tuple[int, int, int, int] | None = None
    padding_value: float = 0
    matrix: list[int] | None = None
    input_bias: list[int] = field(default_factory=lambda: [0, 128, 128])
    output_bias: list[int] = field(default_factory=lambda: [0, 0, 0])
    rbuv: bool = False
    ax: bool = False
    mean: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    minimum: list[float] = field(default_factory=lambda: [0.0] * 4)
    reciprocal: list[float] = field(default_factory=lambda: [1.0] * 4)

    def text(self) -> str:
        """Write it in CANN's syntax."""
        lines = ["aipp_mode : static", f"input_format : {self.input_format}"]
        lines += [f"src_image_size_w : {self.width}", f"src_image_size_h : {self.height}"]
        if self.crop:
            names = ("load_start_pos_w", "load_start_pos_h", "crop_size_w", "crop_size_h")
            lines += ["crop : true"]
            lines += [f"{n} : {v}" for n, v in zip(names, self.crop, strict=True)]
        if self.resize:
            lines += ["resize : true"]
            lines += [f"resize_output_{n} : {v}" for n, v in zip("wh", self.resize, strict=True)]
        if self.padding:
            sides = ("left", "right", "top", "bottom")
            lines += ["padding : true", f"padding_value : {self.padding_value}"]
            lines += [
                f"{side}_padding_size : {v}" for side, v in zip(sides, self.padding, strict=True)
            ]
        if self.matrix:
            lines += ["csc_switch : true"]
            lines += [f"matrix_r{i // 3}c{i % 3} : {v}" for i, v in enumerate(self.matrix)]
        for i in range(3):
            lines += [f"input_bias_{i} : {self.input_bias[i]}"]
            lines += [f"output_bias_{i} : {self.output_bias[i]}"]
        lines += [f"rbuv_swap_switch : {str(self.rbuv).lower()}"]
        lines += [f"ax_swap_switch : {str(self.ax).lower()}"]
        for i in range(4):
            lines += [f"mean_chn_{i} : {self.mean[i]}", f"min_chn_{i} : {self.minimum[i]}"]
            lines += [f"var_reci_chn_{i} : {self.reciprocal[i]}"]
        return "aipp_op {\n  " + "\n  ".join(lines) + "\n}\n"

    def picture_shape(self) -> tuple[int, int, int]:
        rows = self.height * 3 // 2 if self.input_format == "YUV420SP_U8" else self.height
        channels = {"RGB888_U8": 3, "XRGB8888_U8": 4}.get(self.input_format, 1)
        return rows, self.width, channels

    def result_size(self) -> tuple[int, int]:
        """Return (width, height) of what the network reads."""
        width, height = self.crop[2:] if self.crop else (self.width, self.height)
        width, height = self.resize or (width, height)
        left, right, top, bottom = self.padding or (0, 0, 0, 0)
        return width + left + right, height + top + bottom


def channels_of(config: Config, picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Unpack into (h, w, c), chroma repeated, swapped, the fourth channel dropped."""
    if config.input_format == "YUV400_U8":
        return picture.astype(np.int64)
    if config.input_format == "YUV420SP_U8":
        luma = picture[: config.height, :, 0]
        pairs = picture[config.height :, :, 0].reshape(config.height // 2, config.width // 2, 2)
        chroma = pairs.repeat(2, 0).repeat(2, 1)
        if config.rbuv:
            chroma = chroma[..., ::-1]
        return np.concatenate([luma[..., None], chroma], -1).astype(np.int64)
    pixels = picture
    if pixels.shape[2] == 4:
        pixels = pixels[..., 1:] if config.ax else pixels[..., :3]
    if config.rbuv:
        pixels = pixels[..., ::-1]
    return pixels.astype(np.int64)


def resized(data: NDArray[np.float64], size: int, axis: int) -> NDArray[np.float64]:
    """Interpolate along an axis between the centres of pixels; beyond the outermost they repeat."""
    before = data.shape[axis]
    at = np.clip((np.arange(size) + 0.5) * before / size - 0.5, 0, before - 1)
    first = np.floor(at).astype(int)
    share = (at - first).reshape([-1 if i == axis else 1 for i in range(data.ndim)])
    following = np.minimum(first + 1, before - 1)
    result: NDArray[np.float64] = data.take(first, axis) * (1 - share)
    result += data.take(following, axis) * share
    return result


def run(config: Config, picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return float64 (c, h, w)."""
    data = channels_of(config, picture)
    if config.crop:
        x, y, width, height = config.crop
        data = data[y : y + height, x : x + width]
    if config.matrix:
        matrix = np.array(config.matrix, np.int64).reshape(3, 3)
        if config.input_format == "YUV420SP_U8":
            data = ((data - np.array(config.input_bias)) @ matrix.T) >> 8
        else:
            data = ((data @ matrix.T) >> 8) + np.array(config.output_bias)
        data = np.clip(data, 0, 255)
    values: NDArray[np.float64] = data.astype(np.float64)
    if config.resize:  # not rounded to bytes: a test allows for that
        values = resized(resized(values, config.resize[0], 1), config.resize[1], 0)
    count = data.shape[2]
    result: NDArray[np.float64] = values - np.array(config.mean[:count])
    result = (result - np.array(config.minimum[:count])) * np.array(config.reciprocal[:count])
    if config.padding:
        left, right, top, bottom = config.padding
        result = np.pad(
            result,
            ((top, bottom), (left, right), (0, 0)),
            constant_values=config.padding_value,
        )
    planes: NDArray[np.float64] = result.transpose(2, 0, 1)
    return planes
