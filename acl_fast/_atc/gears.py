"""Gears: the list of sizes that --dynamic_batch_size, --dynamic_image_size, --dynamic_dims give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import AtcError, invalid_value
from .shapes import ANY, Dim, Dims

MIN_GEARS = 2
MAX_GEARS = 100
MAX_GEARS_950 = 256

OPTION_OF_KIND = {
    "batch": "dynamic_batch_size",
    "image": "dynamic_image_size",
    "dims": "dynamic_dims",
}
# Positions of height and width.
IMAGE_DIMS = {"NCHW": (2, 3), "NHWC": (1, 2)}


@dataclass(frozen=True)
class Gears:
    """The gears of a model and the dimensions that they fill.

    ``where`` lists (input, dimension) pairs. Value ``k`` of a gear fills pair ``k``; when there
    are more pairs than values (batch and image gears of several inputs) the values repeat.
    """

    kind: str
    values: tuple[tuple[int, ...], ...]
    where: tuple[tuple[int, int], ...]

    def fill(self, shapes: Sequence[Dims], gear: tuple[int, ...]) -> list[Dims]:
        """Shapes of all inputs under one gear."""
        filled = [list(dims) for dims in shapes]
        for position, (index, dim) in enumerate(self.where):
            size = gear[position % len(gear)]
            filled[index][dim] = Dim(size, size)
        return [tuple(dims) for dims in filled]

    def envelope(self, shapes: Sequence[Dims]) -> list[Dims]:
        """Shapes whose gear dimensions span all gears: what the stored IR declares."""
        spanned = [list(dims) for dims in shapes]
        for position, (index, dim) in enumerate(self.where):
            sizes = [gear[position % len(gear)] for gear in self.values]
            spanned[index][dim] = Dim(min(sizes), max(sizes))
        return [tuple(dims) for dims in spanned]

    def manifest(self) -> dict[str, Any]:
        """The ``gear`` entry of the manifest."""
        return {
            "kind": self.kind,
            "gears": [list(gear) for gear in self.values],
            "where": [list(pair) for pair in self.where],
        }

    def __str__(self) -> str:
        return "; ".join(",".join(map(str, gear)) for gear in self.values)


def parse_values(kind: str, value: str, max_gears: int) -> tuple[tuple[int, ...], ...]:
    """The gear list of an option, checked by itself (E10035 to E10039)."""
    option = OPTION_OF_KIND[kind]
    separator = "," if kind == "batch" else ";"
    parts = [part.strip() for part in value.strip().rstrip(";,").split(separator)]
    gears = []
    for part in parts:
        numbers = [part] if kind == "batch" else part.split(",")
        try:
            gear = tuple(int(number) for number in numbers)
        except ValueError:
            raise _illegal(option, value, f"[{part}] is not a list of numbers") from None
        if min(gear) < 1:
            raise _illegal(option, value, f"[{part}] holds a size below 1")
        gears.append(gear)
    if kind == "image" and any(len(gear) != 2 for gear in gears):
        raise AtcError(
            "E10037",
            f"Value [{value}] for parameter [--{option}] is invalid. "
            "Reason: every gear is a height and a width.",
            'Write it as "h1,w1;h2,w2", in quotes.',
        )
    if len({len(gear) for gear in gears}) > 1:
        raise AtcError(
            "E10037",
            f"Value [{value}] for parameter [--{option}] is invalid. "
            "Reason: its gears have different numbers of values.",
            "Give each gear one value per -1 in --input_shape.",
        )
    _check_count(option, value, gears, max_gears)
    return tuple(gears)


def _illegal(option: str, value: str, reason: str) -> AtcError:
    return AtcError(
        "E10038",
        f"Value [{value}] for parameter [--{option}] is invalid. Reason: {reason}.",
        "Gear values are whole numbers from 1 up.",
    )


def _check_count(option: str, value: str, gears: list[tuple[int, ...]], max_gears: int) -> None:
    doubled = [gear for i, gear in enumerate(gears) if gear in gears[:i]]
    if doubled:
        raise AtcError(
            "E10039",
            f"Value [{value}] for parameter [--{option}] is invalid. "
            f"Reason: gear [{','.join(map(str, doubled[0]))}] is given twice.",
            "Give each gear once.",
        )
    if len(gears) < MIN_GEARS:
        raise AtcError(
            "E10035",
            f"Parameter [--{option}] has {len(gears)} gear, fewer than the minimum of {MIN_GEARS}.",
            "Give more gears, or fix the shape with --input_shape.",
        )
    if len(gears) > max_gears:
        raise AtcError(
            "E10036",
            f"Parameter [--{option}] has {len(gears)} gears, more than the maximum of {max_gears}.",
            "Give fewer gears, or a range such as 1~64 in --input_shape.",
        )


def place(
    kind: str,
    value: str,
    names: Sequence[str],
    shapes: Sequence[Dims],
    order: Sequence[str],
    *,
    input_format: str,
    max_gears: int = MAX_GEARS,
) -> Gears:
    """Tie the gear list to the dimensions that are -1.

    Parameters
    ----------
    kind : str
        ``batch``, ``image`` or ``dims``.
    value : str
        Text of the gear option.
    names, shapes
        Inputs of the model in their order.
    order : sequence of str
        Input names in the order of --input_shape: the order of the values of ``dims`` gears.
    input_format : str
        Says where height and width are.
    """
    option = OPTION_OF_KIND[kind]
    gears = parse_values(kind, value, max_gears)
    ranged = [names[i] for i, dims in enumerate(shapes) for d in dims if not d.fixed and d != ANY]
    if ranged:
        raise AtcError(
            "E10009",
            f"Parameter [--{option}] excludes the range that --input_shape gives for "
            f"input [{ranged[0]}].",
            "Use gears with -1, or ranges without gears.",
        )
    marked = [
        (index, dim)
        for index in sorted(range(len(names)), key=lambda i: _rank(order, names[i]))
        for dim, bounds in enumerate(shapes[index])
        if bounds == ANY
    ]
    if not marked:
        raise invalid_value(
            "input_shape", "", f"--{option} is given, but no dimension of an input is -1."
        )
    if kind == "batch":
        _check_batch(marked, names)
    elif kind == "image":
        _check_image(marked, names, shapes, input_format)
    elif len(marked) != len(gears[0]):
        raise invalid_value(
            option,
            value,
            f"each gear has {len(gears[0])} values, but --input_shape marks {len(marked)} "
            "dimensions with -1.",
        )
    return Gears(kind, gears, tuple(marked))


def _rank(order: Sequence[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _check_batch(marked: list[tuple[int, int]], names: Sequence[str]) -> None:
    for index, dim in marked:
        if dim != 0:
            raise invalid_value(
                "input_shape",
                "",
                f"--dynamic_batch_size fills the first dimension only, "
                f"but dimension {dim} of input [{names[index]}] is -1.",
                "Fix that dimension, or use --dynamic_dims.",
            )


def _check_image(
    marked: list[tuple[int, int]],
    names: Sequence[str],
    shapes: Sequence[Dims],
    input_format: str,
) -> None:
    height_width = IMAGE_DIMS.get(input_format)
    if height_width is None:
        raise invalid_value(
            "input_format",
            input_format,
            "--dynamic_image_size needs NCHW or NHWC, to know which dimensions are height and "
            "width.",
        )
    for index in sorted({index for index, _ in marked}):
        dims = tuple(dim for i, dim in marked if i == index)
        if len(shapes[index]) != 4 or dims != height_width:
            raise invalid_value(
                "input_shape",
                "",
                f"--dynamic_image_size fills dimensions {height_width[0]} and {height_width[1]} "
                f"of a 4-D {input_format} input, but input [{names[index]}] has -1 at "
                f"{', '.join(map(str, dims))} of {len(shapes[index])} dimensions.",
                "Mark height and width with -1 and fix the others, or use --dynamic_dims.",
            )
