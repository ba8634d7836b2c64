"""--singleop: operators described in JSON, each written as an .om of its own.

softnpu compiles an operator at its first use, with the shapes it is used with. The file keeps the
description: aclopSetModelDir and aclopLoad check it and compile ahead what has fixed shapes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from . import om
from .errors import AtcError, invalid_value

TYPES = (
    *("float", "float32", "float16", "bfloat16", "double", "float64", "bool", "int8", "int16"),
    *("int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
FORMATS = ("ND", "NCHW", "NHWC")
ATTRIBUTES = (
    *("bool", "int", "float", "string", "data_type", "list_bool", "list_int", "list_float"),
    *("list_string", "list_list_int"),
)
ABSENT = "UNDEFINED"


class _Description:
    """One entry of the file, checked field by field."""

    def __init__(self, file: str, index: int, entry: Any) -> None:
        self.file = file
        self.where = f"operator {index}"
        self.index = index
        self.entry = self._mapping(entry, self.where)
        self.op = self._text(self.entry, "op", self.where)

    def fault(self, reason: str) -> AtcError:
        return invalid_value("singleop", self.file, reason, "Correct the JSON file.")

    def _mapping(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.fault(f"{where} is no object.")
        return value

    def _text(self, entry: dict[str, Any], key: str, where: str) -> str:
        value = entry.get(key)
        if not isinstance(value, str) or not value:
            raise self.fault(f'{where} has no text "{key}".')
        return value

    def _list(self, key: str, *, required: bool) -> list[Any]:
        value = self.entry.get(key, None if required else [])
        if not isinstance(value, list):
            raise self.fault(f'{self.where} ({self.op}) has no list "{key}".')
        return value

    def _tensor(self, value: Any, where: str) -> dict[str, Any]:
        tensor = self._mapping(value, where)
        kind = self._text(tensor, "type", where)
        if kind.upper() in (ABSENT, "RESERVED"):
            return {"type": ABSENT}
        if kind.lower() not in TYPES:
            raise self.fault(f"{where} has type [{kind}], which is none of {', '.join(TYPES)}.")
        layout = tensor.get("format", "ND")
        if layout not in FORMATS:
            raise self.fault(f"{where} has format [{layout}]; softnpu has {', '.join(FORMATS)}.")
        shape = tensor.get("shape")
        if not isinstance(shape, list) or not all(type(d) is int and d >= -2 for d in shape):
            raise self.fault(f'{where} has no "shape" that is a list of whole numbers.')
        made = {"type": kind.lower(), "format": layout, "shape": shape}
        if "const_value" in tensor:
            made |= {"is_const": True, "const_value": tensor["const_value"]}
        elif tensor.get("is_const"):
            raise self.fault(f'{where} is constant but has no "const_value".')
        return made

    def _attribute(self, value: Any, where: str) -> dict[str, Any]:
        attribute = self._mapping(value, where)
        kind = self._text(attribute, "type", where)
        if kind not in ATTRIBUTES:
            raise self.fault(f"{where} has type [{kind}], none of {', '.join(ATTRIBUTES)}.")
        if "value" not in attribute:
            raise self.fault(f'{where} has no "value".')
        name = self._text(attribute, "name", where)
        return {"name": name, "type": kind, "value": attribute["value"]}

    def content(self) -> dict[str, Any]:
        """Return what goes into the file."""
        made: dict[str, Any] = {"op": self.op}
        for key in ("input_desc", "output_desc"):
            made[key] = [
                self._tensor(value, f"{key} {i} of {self.where} ({self.op})")
                for i, value in enumerate(self._list(key, required=True))
            ]
        made["attr"] = [
            self._attribute(value, f"attr {i} of {self.where} ({self.op})")
            for i, value in enumerate(self._list("attr", required=False))
        ]
        return made

    def name(self, content: dict[str, Any]) -> str:
        """Return the name of the file: the one given, else made of number, type and tensors."""
        given = self.entry.get("name")
        if given is not None:
            if not isinstance(given, str) or not re.fullmatch(r"[\w.-]+", given):
                raise self.fault(f'the "name" of {self.where} is no name for a file.')
            return given.removesuffix(".om")
        parts = [str(self.index), self.op]
        for tensor in (*content["input_desc"], *content["output_desc"]):
            parts += [tensor["type"], *(str(dim) for dim in tensor.get("shape", ()))]
        return re.sub(r"[^\w.-]", "_", "_".join(parts))


def compile_operators(file: str, folder: Path, soc: str) -> list[tuple[Path, int]]:
    """Write an .om for each operator of a file; return their paths and sizes.

    Raises
    ------
    AtcError
        E10024 when the file cannot be opened, E10001 for what is wrong in it. Nothing is written
        then.
    """
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AtcError(
            "E10024",
            f"Failed to open file [{file}] specified by [--singleop]: {error}",
            "Check the path and its permissions.",
        ) from None
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise invalid_value("singleop", file, f"it is no JSON ({error}).") from None
    if not isinstance(entries, list) or not entries:
        raise invalid_value("singleop", file, "it is no list of operators.")
    made: dict[str, dict[str, Any]] = {}
    for index, entry in enumerate(entries):
        description = _Description(file, index, entry)
        content = description.content()
        name = description.name(content)
        if name in made:
            raise description.fault(f"two operators have the name [{name}].")
        made[name] = {"name": name, "soc": soc, "single_op": content}
    folder.mkdir(parents=True, exist_ok=True)
    paths = [(folder / f"{name}.om", manifest) for name, manifest in made.items()]
    return [(path, om.write(path, manifest)) for path, manifest in paths]
