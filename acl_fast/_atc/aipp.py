"""``--insert_op_conf``: what AIPP does to pictures before an input of the network reads them.

The file is protobuf text: blocks ``aipp_op { key : value ... }``, ``#`` comments, blanks free.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .errors import AtcError

FORMAT_NUMBERS = {"YUV420SP_U8": 1, "XRGB8888_U8": 2, "RGB888_U8": 3, "YUV400_U8": 4}
# Values per pixel as the input reports them, rows per picture row, channels that reach the network.
PICTURES = {1: (1, 1.5, 3), 2: (4, 1.0, 3), 3: (3, 1.0, 3), 4: (1, 1.0, 1)}
YUV420SP = 1
LARGEST_SOURCE = 4096
# YUV to BGR, BT.601 narrow: what applies where the file gives no matrix.
MATRIX = (298, 516, 0, 298, -100, -208, 298, 0, 409)
BIAS = (16, 128, 128)

# Cards refuse resize today; this switches on what the reserved fields are documented for.
RESIZE_VARIABLE = "SOFTNPU_AIPP_RESIZE"
LEAST_RESIZED, WIDEST_RESIZED, MOST_RATIO = 16, 1920, 16

SWITCHES = (
    "support_rotation",
    "crop",
    "resize",
    "padding",
    "csc_switch",
    "rbuv_swap_switch",
    "ax_swap_switch",
    "single_line_mode",
)
# Integer keys, their ranges and defaults.
INTEGERS: dict[str, tuple[int, int, int]] = {
    "related_input_rank": (0, 2**31 - 1, 0),
    "max_src_image_size": (0, 2**31 - 1, 0),
    "src_image_size_w": (0, LARGEST_SOURCE, 0),
    "src_image_size_h": (0, LARGEST_SOURCE, 0),
    "load_start_pos_w": (0, 4095, 0),
    "load_start_pos_h": (0, 4095, 0),
    "crop_size_w": (0, LARGEST_SOURCE, 0),
    "crop_size_h": (0, LARGEST_SOURCE, 0),
    "resize_output_w": (0, WIDEST_RESIZED, 0),
    "resize_output_h": (0, LARGEST_SOURCE, 0),
    "left_padding_size": (0, 32, 0),
    "right_padding_size": (0, 32, 0),
    "top_padding_size": (0, 32, 0),
    "bottom_padding_size": (0, 32, 0),
    "rotation_angle": (0, 3, 0),
    "raw_rgbir_to_f16_n": (0, 31, 8),
    **{f"matrix_r{i // 3}c{i % 3}": (-32677, 32676, value) for i, value in enumerate(MATRIX)},
    **{f"output_bias_{i}": (0, 255, value) for i, value in enumerate(BIAS)},
    **{f"input_bias_{i}": (0, 255, value) for i, value in enumerate(BIAS)},
    **{f"mean_chn_{i}": (0, 255, 0) for i in range(4)},
}
FLOATS: dict[str, tuple[float, float, float]] = {
    "cpadding_value": (-65504, 65504, 0.0),
    "padding_value": (-65504, 65504, 0.0),
    **{f"min_chn_{i}": (0, 255, 0.0) for i in range(4)},
    **{f"var_reci_chn_{i}": (-65504, 65504, 1.0) for i in range(4)},
}
WORDS = ("aipp_mode", "related_input_name", "input_format")

# What a block of dynamic AIPP may say: the rest comes with each execution.
DYNAMIC_KEYS = ("aipp_mode", "related_input_rank", "max_src_image_size", "support_rotation")

TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<mark>[{}:,;])|"(?P<text>[^"\n]*)"|'(?P<quoted>[^'\n]*)'"""
    r"""|(?P<word>[^\s{}:\#"',;]+)"""
)


def invalid(reason: str, solution: str = "") -> AtcError:
    """E10052: the configuration cannot be used."""
    return AtcError(
        "E10052",
        f"AIPP configuration is invalid. Reason: {reason}",
        solution or "Correct the file given to --insert_op_conf.",
    )


@dataclass(frozen=True)
class Block:
    """One ``aipp_op``; what the file does not set has its default."""

    words: dict[str, str] = field(default_factory=dict)
    switches: dict[str, bool] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)

    def integer(self, key: str) -> int:
        return int(self.numbers.get(key, INTEGERS[key][2]))

    def integers(self, pattern: str, count: int) -> list[int]:
        return [self.integer(pattern.format(i)) for i in range(count)]

    def number(self, key: str) -> float:
        return float(self.numbers.get(key, FLOATS[key][2]))

    def switch(self, key: str) -> bool:
        return self.switches.get(key, False)

    @property
    def rank(self) -> int:
        return self.integer("related_input_rank")

    @property
    def is_dynamic(self) -> bool:
        return self.words["aipp_mode"] == "dynamic"

    @property
    def format(self) -> int:
        return FORMAT_NUMBERS[self.words["input_format"]]


def read(path: Path) -> tuple[Block, ...]:
    """Read a configuration file and check each block by itself."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise invalid(f"{path} cannot be read: {error}") from error
    return parse(text)


def parse(text: str) -> tuple[Block, ...]:
    """Parse the text of a configuration file."""
    tokens = list(_tokens(text))
    blocks = []
    position = 0
    while position < len(tokens):
        if tokens[position : position + 2] == ["aipp_op", ":"]:
            del tokens[position + 1]
        if tokens[position : position + 2] != ["aipp_op", "{"]:
            raise invalid(f"'aipp_op {{' is expected before '{tokens[position]}'")
        position, block = _block(tokens, position + 2)
        blocks.append(block)
        position = _skip_separator(tokens, position)
    if not blocks:
        raise invalid("the file has no aipp_op")
    if len({block.is_dynamic for block in blocks}) > 1:
        raise invalid("static and dynamic AIPP cannot be in one file")
    ranks = [block.rank for block in blocks]
    for rank in ranks:
        if ranks.count(rank) > 1:
            raise invalid(f"two aipp_op are for input {rank}; each needs a related_input_rank")
    return tuple(blocks)


def _tokens(text: str) -> Iterator[str]:
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise invalid(f"'{text[position : position + 10]}' cannot be read")
        position = match.end()
        for name in ("mark", "text", "quoted", "word"):
            if (token := match.group(name)) is not None:
                yield token


def _skip_separator(tokens: Sequence[str], position: int) -> int:
    """Fields of protobuf text may be separated by a comma or a semicolon."""
    return position + (tokens[position : position + 1] in ([","], [";"]))


def _block(tokens: Sequence[str], position: int) -> tuple[int, Block]:
    block = Block()
    while position < len(tokens) and tokens[position] != "}":
        if len(tokens) < position + 3 or tokens[position + 1] != ":":
            raise invalid(f"'{tokens[position]}' is not followed by ': value'")
        _set(block, tokens[position], tokens[position + 2])
        position = _skip_separator(tokens, position + 3)
    if position >= len(tokens):
        raise invalid("an aipp_op has no closing brace")
    _check(block)
    return position + 1, block


def _set(block: Block, key: str, text: str) -> None:
    if key in block.words or key in block.switches or key in block.numbers:
        raise invalid(f"{key} is given twice in one aipp_op")
    if key in WORDS:
        block.words[key] = text
    elif key in SWITCHES:
        if text.lower() not in ("true", "false", "1", "0"):
            raise invalid(f"{key} is '{text}': want true or false")
        block.switches[key] = text.lower() in ("true", "1")
    elif key in INTEGERS or key in FLOATS:
        block.numbers[key] = _number(key, text)
    else:
        raise invalid(f"{key} is no field of aipp_op")


def _number(key: str, text: str) -> float:
    low, high, _ = INTEGERS.get(key) or FLOATS[key]
    try:
        value = int(text, 0) if key in INTEGERS else float(text)
    except ValueError:
        kind = "an integer" if key in INTEGERS else "a number"
        raise invalid(f"{key} is '{text}': want {kind}") from None
    if not low <= value <= high:
        raise invalid(f"{key} is {text}: want {low:g} to {high:g}")
    return value


def _check(block: Block) -> None:
    mode = block.words.get("aipp_mode")
    if mode not in ("static", "dynamic"):
        raise invalid(f"aipp_mode is '{mode or ''}': want static or dynamic")
    if mode == "dynamic":
        _check_dynamic(block)
        return
    if "related_input_name" in block.words:
        raise invalid("related_input_name is for Caffe models; use related_input_rank")
    if block.words.get("input_format") not in FORMAT_NUMBERS:
        raise invalid(
            f"input_format is '{block.words.get('input_format', '')}': "
            f"want {', '.join(FORMAT_NUMBERS)}"
        )
    for key in ("support_rotation", "single_line_mode"):
        if block.switch(key):
            raise invalid(f"{key} is reserved and not supported")
    if block.switch("resize") and os.environ.get(RESIZE_VARIABLE) != "1":
        raise invalid(
            "resize is reserved and not supported",
            f"Resize with the VPC, or try it on softnpu with {RESIZE_VARIABLE}=1.",
        )
    if block.format == YUV420SP:
        keys = ("src_image_size_{}", "load_start_pos_{}", "crop_size_{}")
        for key in (key.format(side) for key in keys for side in "wh"):
            if block.integer(key) % 2:
                raise invalid(f"{key} is {block.integer(key)}: YUV420SP_U8 wants it even")


def _check_dynamic(block: Block) -> None:
    for key in (*block.words, *block.switches, *block.numbers):
        if key not in DYNAMIC_KEYS:
            raise invalid(
                f"{key} is no field of dynamic AIPP, whose settings come with each execution",
                "Leave it out, or use aipp_mode: static.",
            )
    if block.integer("max_src_image_size") < 1:
        raise invalid("dynamic AIPP needs max_src_image_size, the bytes of the largest picture")
