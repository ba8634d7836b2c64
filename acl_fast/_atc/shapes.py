"""--input_shape and --input_shape_range: text to dimensions, and dimensions to inputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .errors import AtcError, invalid_value

SHAPE_FORM = "input_name1:n1,c1,h1,w1;input_name2:n2,c2,h2,w2"
RANGE_FORM = "input_name1:[1~20,3,5,-1];input_name2:[8,3~9]"
UNBOUNDED = -1


class Dim(NamedTuple):
    """Bounds of one dimension, both inclusive; ``hi`` is -1 when there is no upper bound."""

    lo: int
    hi: int

    @property
    def fixed(self) -> bool:
        return self.lo == self.hi

    def __str__(self) -> str:
        if self.fixed:
            return str(self.lo)
        return "-1" if self.hi == UNBOUNDED else f"{self.lo}~{self.hi}"


Dims = tuple[Dim, ...]

# "-1" in --input_shape: a gear fills it or, without gears, any size from 1 up may come.
ANY = Dim(1, UNBOUNDED)


def parse_dim(text: str) -> Dim:
    """One dimension: ``8``, ``-1`` or ``1~10`` (``1~-1`` has no upper bound).

    Raises
    ------
    ValueError
        The text is none of these.
    """
    text = text.strip()
    if text == "-1":
        return ANY
    match = re.fullmatch(r"(\d+)(?:\s*~\s*(-1|\d+))?", text)
    if not match:
        raise ValueError(f"[{text}] is no dimension: write a number, -1 or min~max")
    lo = int(match[1])
    hi = lo if match[2] is None else int(match[2])
    if hi != UNBOUNDED and hi < lo:
        raise ValueError(f"[{text}] ends below its start")
    if match[2] is None and lo == 0:
        raise ValueError("a dimension of 0 holds no data")
    return Dim(lo, hi)


def _parse(option: str, value: str, form: str) -> dict[str, Dims]:
    shapes: dict[str, Dims] = {}
    for entry in filter(None, (part.strip() for part in value.strip().strip(";").split(";"))):
        # Names of ONNX inputs may hold colons; the dimensions never do.
        name, colon, text = entry.rpartition(":")
        name = name.strip()
        try:
            if not colon or not name:
                raise ValueError(f"[{entry}] has no input name before a colon")
            if name in shapes:
                raise ValueError(f"input [{name}] is given twice")
            text = text.strip()
            if option == "input_shape_range":
                if not (text.startswith("[") and text.endswith("]")):
                    raise ValueError(f"the range of [{name}] is not in brackets")
                text = text[1:-1]
            shapes[name] = tuple(parse_dim(part) for part in text.split(",")) if text else ()
        except ValueError as error:
            raise AtcError(
                "E10002",
                f"Value [{value}] for parameter [--{option}] is invalid. Reason: {error}.",
                f'Write it as "{form}", in quotes.',
            ) from None
    return shapes


def parse_input_shape(value: str) -> dict[str, Dims]:
    """``name:n,c,h,w;name2:...`` in the order of writing."""
    return _parse("input_shape", value, SHAPE_FORM)


def parse_input_shape_range(value: str) -> dict[str, Dims]:
    """``name:[1~20,3,5,-1];...`` in the order of writing."""
    return _parse("input_shape_range", value, RANGE_FORM)


def resolve(
    option: str,
    given: Mapping[str, Dims],
    declared: Iterable[tuple[str, Dims | None]],
) -> list[Dims]:
    """Dimensions of every input: those given, else those of the model.

    Raises
    ------
    AtcError
        An unknown name (E10016), a wrong number of dimensions (E10002), or a dimension that
        neither the model nor the option fixes (E10001).
    """
    inputs = list(declared)
    names = [name for name, _ in inputs]
    for name in given:
        if name not in names:
            raise AtcError(
                "E10016",
                f"Operator [{name}] in parameter [--{option}] is not found in the model.",
                f"Its inputs are: {', '.join(names) or 'none'}.",
            )
    resolved = []
    for name, dims in inputs:
        wanted = given.get(name)
        if wanted is not None:
            if dims is not None and len(dims) != len(wanted):
                raise AtcError(
                    "E10002",
                    f"Value [{name}:{text(wanted)}] for parameter [--{option}] is invalid. "
                    f"Reason: input [{name}] of the model has {len(dims)} dimensions "
                    f"({text(dims)}), not {len(wanted)}.",
                    f"Give {len(dims)} dimensions.",
                )
            resolved.append(wanted)
        elif dims is None or not all(dim.fixed for dim in dims):
            raise invalid_value(
                "input_shape",
                "",
                f"input [{name}] has the shape [{'?' if dims is None else text(dims)}] "
                "in the model and no shape is given for it.",
                f'Fix it with --input_shape="{name}:...", or leave dimensions -1 and add one of '
                "--dynamic_batch_size, --dynamic_image_size, --dynamic_dims, or give ranges "
                "like 1~10.",
            )
        else:
            resolved.append(dims)
    return resolved


def text(dims: Dims) -> str:
    """The dimensions as --input_shape writes them."""
    return ",".join(str(dim) for dim in dims)
