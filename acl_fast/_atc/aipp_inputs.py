"""AIPP in the description of a model: inputs that take pictures instead of tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from . import soc
from .aipp import (
    LARGEST_SOURCE,
    LEAST_RESIZED,
    MOST_RATIO,
    PICTURES,
    WIDEST_RESIZED,
    YUV420SP,
    Block,
    invalid,
)
from .dtypes import BY_IR, FORMATS

# Chips whose AIPP pads to this width at most; the others to LARGEST_SOURCE.
NARROW_PADDING = {"Ascend310": 1080, "Ascend310P": 1080, "Ascend910": 1080}


def attach(
    blocks: Sequence[Block],
    inputs: list[dict[str, Any]],
    gears: Any,
    *,
    soc_name: str,
    fp16_inputs: Sequence[str] = (),
) -> None:
    """Turn the inputs that blocks are for into inputs that take pictures."""
    if gears is not None and gears.kind == "dims":
        raise invalid("AIPP goes with batch and image size gears, not with --dynamic_dims")
    widest = NARROW_PADDING.get(soc.family(soc_name), LARGEST_SOURCE)
    for block in blocks:
        if block.rank >= len(inputs):
            raise invalid(f"related_input_rank is {block.rank}; the model has {len(inputs)} inputs")
        network = inputs[block.rank]
        if network["name"] in fp16_inputs:
            raise invalid(f"input {network['name']} is in --input_fp16_nodes, which excludes AIPP")
        if block.is_dynamic:
            inputs[block.rank] = _any_picture(block, network, gears)
            continue
        if gears is not None and gears.kind == "image" and -1 in network["dims"]:
            inputs[block.rank] = _gear_picture(block, network, gears)
            continue
        inputs[block.rank] = _picture(block, network, widest)


def _check_network(network: dict[str, Any]) -> None:
    name, dims = network["name"], network["dims"]
    if len(dims) != 4 or network["dtype"] not in {BY_IR[t].acl for t in ("f32", "f16", "u8")}:
        raise invalid(f"input {name} of shape {dims} takes no pictures")


def _any_picture(block: Block, network: dict[str, Any], gears: Any) -> dict[str, Any]:
    """Describe an input of dynamic AIPP: memory for the largest pictures, as bytes."""
    _check_network(network)
    nhwc = network["format"] == FORMATS["NHWC"]
    channels = network["dims"][3 if nhwc else 1]
    if channels not in (1, 3):
        raise invalid(f"input {network['name']} has {channels} channels: AIPP gives 1 or 3")
    if gears is None and network["range"] and network["range"][0][1] < 0:
        raise invalid(
            f"input {network['name']} reads any number of images: dynamic AIPP needs to know the "
            "most",
            "Give a range such as 1~8 in --input_shape.",
        )
    size = block.integer("max_src_image_size")
    return {
        "name": network["name"],
        "dtype": BY_IR["u8"].acl,
        "format": FORMATS["ND"],
        "dims": [size],
        "range": None,
        "size": size,
        "aipp": {"dynamic": True, "network": network},
    }


def _gear_picture(block: Block, network: dict[str, Any], gears: Any) -> dict[str, Any]:
    """Describe an input whose pictures are as large as the gear of the execution says."""
    _check_network(network)
    sizes = ("src_image_size_w", "src_image_size_h")
    switches = ("crop", "resize", "padding")
    if any(map(block.switch, switches)) or any(map(block.integer, sizes)):
        raise invalid(
            "with --dynamic_image_size the pictures have the size of the gear: neither crop nor "
            "resize nor padding nor src_image_size_w and src_image_size_h may be set"
        )
    width, height = (max(gear[axis] for gear in gears.values) for axis in (1, 0))
    for gear in gears.values:
        if block.format == YUV420SP and any(side % 2 for side in gear):
            raise invalid(f"the gear {gear[0]},{gear[1]} is odd: YUV420SP_U8 wants even sizes")
        if min(gear[1] - 1, gear[0]) < 1 or max(gear) > LARGEST_SOURCE:
            raise invalid(f"pictures of {gear[1]}x{gear[0]} are not possible here")
    per_pixel, rows, channels = PICTURES[block.format]
    nhwc = network["format"] == FORMATS["NHWC"]
    if network["dims"][3 if nhwc else 1] not in _channels(block, channels):
        raise invalid(f"input {network['name']} does not have {channels} channels")
    _check_padding_value(block, network)
    batch = network["dims"][0]
    return {
        "name": network["name"],
        "dtype": BY_IR["u8"].acl,
        "format": FORMATS["NHWC"],
        "dims": [batch, -1, -1, per_pixel],
        "range": None,
        "size": max(batch * int(h * rows) * w * per_pixel for h, w in gears.values),
        "aipp": {**_settings_values(block, [0, 0, width, height], [0] * 4), "network": network},
    }


def _picture(block: Block, network: dict[str, Any], widest: int) -> dict[str, Any]:
    name, dims = network["name"], network["dims"]
    per_pixel, rows, channels = PICTURES[block.format]
    nhwc = network["format"] == FORMATS["NHWC"]
    _check_network(network)
    if network["range"]:
        raise invalid(
            f"input {name} has the shape {dims}: static AIPP needs a fixed one",
            "Use aipp_mode: dynamic, which goes with shape ranges.",
        )
    batch, height, width = dims[0], dims[1 if nhwc else 2], dims[2 if nhwc else 3]
    if min(height, width) < 1:
        raise invalid(f"input {name} has the shape {dims}: AIPP needs fixed height and width")
    if dims[3 if nhwc else 1] not in _channels(block, channels):
        raise invalid(
            f"{block.words['input_format']} gives {channels} channels, input {name} has "
            f"{dims[3 if nhwc else 1]}"
        )
    settings = _settings(block, width, height, widest)
    _check_padding_value(block, network)
    src_w, src_h = settings["src"]
    shape = [batch, int(src_h * rows), src_w, per_pixel]
    # The largest batch is what the network's own size was made for.
    largest = network["size"] // (
        next(t.nbytes for t in BY_IR.values() if t.acl == network["dtype"]) * math.prod(dims[1:])
    )
    return {
        "name": name,
        "dtype": BY_IR["u8"].acl,
        "format": FORMATS["NHWC"],
        "dims": shape,
        "range": None,
        "size": largest * math.prod(shape[1:]),
        "aipp": {**settings, "network": network},
    }


def _channels(block: Block, channels: int) -> tuple[int, ...]:
    """Channels the network may have: those of the picture, or one that a matrix makes gray."""
    rest = [block.integer(f"matrix_r{i // 3}c{i % 3}") for i in range(3, 9)]
    return (channels, 1) if block.switch("csc_switch") and not any(rest) else (channels,)


def _check_padding_value(block: Block, network: dict[str, Any]) -> None:
    """The value is of the type that the network reads."""
    value = block.number("padding_value")
    if network["dtype"] == BY_IR["u8"].acl and (not 0 <= value <= 255 or value != int(value)):
        raise invalid(
            f"padding_value is {value:g}: the network reads UINT8, so want a whole number from "
            "0 to 255"
        )


def _settings(block: Block, width: int, height: int, widest: int) -> dict[str, Any]:
    pads = [block.integer(f"{side}_padding_size") for side in ("left", "right", "top", "bottom")]
    pads = pads if block.switch("padding") else [0, 0, 0, 0]
    rest = [width - pads[0] - pads[1], height - pads[2] - pads[3]]
    crop, src = _geometry(block, width, height, rest)
    inner = _resized(block, crop[2:], rest) if block.switch("resize") else crop[2:]
    out = (inner[0] + pads[0] + pads[1], inner[1] + pads[2] + pads[3])
    if out != (width, height):
        done = "crop, resize and padding" if block.switch("resize") else "crop and padding"
        raise invalid(
            f"after {done} the picture is {out[0]}x{out[1]}; the model wants {width}x{height}"
        )
    if any(pads) and out[0] > widest:
        raise invalid(f"the padded picture is {out[0]} wide: at most {widest} on this SoC")
    resize = {"resize": inner} if block.switch("resize") else {}
    return {**_settings_values(block, crop, pads), "src": src, **resize}


def _resized(block: Block, size: list[int], rest: list[int]) -> list[int]:
    """Size after the resize: what the file says, or what is left of the model's."""
    result = []
    most = {"w": WIDEST_RESIZED, "h": LARGEST_SOURCE}
    for side, before, wanted in zip("wh", size, rest, strict=True):
        after = block.integer(f"resize_output_{side}") or wanted
        if not LEAST_RESIZED <= before <= LARGEST_SOURCE:
            raise invalid(
                f"what is resized has the size {size[0]}x{size[1]}: want {LEAST_RESIZED} to "
                f"{LARGEST_SOURCE} in width and height"
            )
        if not LEAST_RESIZED <= after <= most[side]:
            raise invalid(f"resize_output_{side} is {after}: want {LEAST_RESIZED} to {most[side]}")
        if max(before, after) > MOST_RATIO * min(before, after):
            raise invalid(
                f"resize_output_{side} is {after}, of {before}: want a ratio of "
                f"1/{MOST_RATIO} to {MOST_RATIO}"
            )
        result.append(after)
    return result


def _settings_values(block: Block, crop: list[int], pads: list[int]) -> dict[str, Any]:
    return {
        "format": block.format,
        "src": crop[2:],
        "crop_switch": block.switch("crop"),
        "crop": crop,
        "padding_switch": block.switch("padding"),
        "padding": pads,
        "padding_value": [block.number("padding_value")],
        "csc_switch": block.switch("csc_switch"),
        "matrix": [block.integer(f"matrix_r{i // 3}c{i % 3}") for i in range(9)],
        "output_bias": block.integers("output_bias_{}", 3),
        "input_bias": block.integers("input_bias_{}", 3),
        "rbuv_swap_switch": block.switch("rbuv_swap_switch"),
        "ax_swap_switch": block.switch("ax_swap_switch"),
        "mean": block.integers("mean_chn_{}", 4),
        "min": [block.number(f"min_chn_{i}") for i in range(4)],
        "var_reci": [block.number(f"var_reci_chn_{i}") for i in range(4)],
    }


def _geometry(
    block: Block, width: int, height: int, rest: list[int]
) -> tuple[list[int], list[int]]:
    """Crop area and source size; ``rest`` is what padding leaves of the model's."""
    src = [block.integer("src_image_size_w"), block.integer("src_image_size_h")]
    if 0 in src:
        if any(map(block.switch, ("crop", "resize", "padding"))):
            raise invalid("crop, resize and padding need src_image_size_w and src_image_size_h")
        src = [width, height]
    if (
        src[0] < 2
        or max(src) > LARGEST_SOURCE
        or (block.format == YUV420SP and any(side % 2 for side in src))
    ):
        raise invalid(f"pictures of {src[0]}x{src[1]} are not possible here")
    if not block.switch("crop"):
        return [0, 0, *src], src
    start = [block.integer("load_start_pos_w"), block.integer("load_start_pos_h")]
    size = [block.integer("crop_size_w"), block.integer("crop_size_h")]
    if block.switch("resize") and 0 in size:
        raise invalid("crop before a resize needs crop_size_w and crop_size_h")
    size = [given or wanted for given, wanted in zip(size, rest, strict=True)]
    if block.format == YUV420SP and size[0] % 2:
        raise invalid(f"the crop is {size[0]} wide: YUV420SP_U8 wants it even")
    for axis, side in enumerate("wh"):
        if start[axis] + size[axis] > src[axis] or size[axis] < 1:
            raise invalid(
                f"load_start_pos_{side} {start[axis]} + crop_size_{side} {size[axis]} exceeds "
                f"src_image_size_{side} {src[axis]}"
            )
    return [*start, *size], src
