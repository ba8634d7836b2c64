"""The table of the C interface as Python objects: what api/*.toml says, parsed once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

try:
    import tomllib  # type: ignore[import-not-found,unused-ignore]
except ModuleNotFoundError:  # CPython 3.10
    import tomli as tomllib  # type: ignore[import-not-found,no-redef,unused-ignore]

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Param:
    """One parameter: ``text`` is its C declaration, ``type`` what remains without the name."""

    name: str
    type: str
    text: str


@dataclass(frozen=True)
class Function:
    """One row of functions.toml."""

    name: str
    header: str
    ret: str
    params: tuple[Param, ...]
    variadic: bool
    library: str
    since: str
    required: bool
    python: str
    softnpu: str

    @property
    def declaration(self) -> str:
        """Parameter list as C writes it, with names."""
        texts = [param.text for param in self.params] + ["..."] * self.variadic
        return ", ".join(texts) or "void"

    @property
    def types(self) -> str:
        """Parameter list as C writes it, without names."""
        types = [param.type for param in self.params] + ["..."] * self.variadic
        return ", ".join(types) or "void"


def parse_param(text: str) -> Param:
    """Split one C parameter declaration into name and type."""
    pointer = re.search(r"\(\*\s*(?:const\s+)?(\w+)\)", text)
    if pointer:
        name = pointer.group(1)
        start, end = pointer.span(1)
        return Param(name, (text[:start].rstrip() + text[end:]), text)
    match = re.fullmatch(r"(.*?)(\w+)((?:\[\d*\])*)", text)
    if not match:
        raise ValueError(f"cannot parse the parameter {text!r}")
    return Param(match.group(2), match.group(1).rstrip() + match.group(3), text)


def split_params(text: str) -> list[str]:
    """Split a parameter list at its top-level commas."""
    parts, depth, start = [], 0, 0
    for position, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    last = text[start:].strip()
    return [*parts, last] if last else parts


def load_toml(path: Path) -> dict[str, Any]:
    """Read one table."""
    with path.open("rb") as file:
        table: dict[str, Any] = tomllib.load(file)
        return table


class Api:
    """The tables of one folder."""

    def __init__(self, folder: Path = ROOT / "api") -> None:
        self.tables: dict[str, dict[str, Any]] = load_toml(folder / "types.toml")
        self.meanings: dict[str, str] = load_toml(folder / "codes.toml")["meaning"]
        states = self._states(folder)
        self.functions = [
            self._function(name, header, row, states.get(name, "unsupported"))
            for header, rows in load_toml(folder / "functions.toml").items()
            for name, row in rows.items()
        ]
        unknown = set(states) - {function.name for function in self.functions}
        if unknown:
            raise ValueError(f"conformance rows name unknown functions: {sorted(unknown)}")

    def _states(self, folder: Path) -> dict[str, str]:
        """Merge conformance.toml and the file that each part of softnpu keeps for itself."""
        states: dict[str, str] = {}
        parts = sorted((folder.parent / "softnpu" / "conformance").glob("*.toml"))
        for path in [folder / "conformance.toml", *parts]:
            rows = load_toml(path)
            for name, state in rows.get("softnpu", rows).items():
                if states.setdefault(name, state) != state:
                    raise ValueError(f"{path}: {name} has another state elsewhere")
        return states

    @staticmethod
    def _function(name: str, header: str, row: dict[str, Any], state: str) -> Function:
        if not re.fullmatch(r"exact|unsupported|approximate: .+", state):
            raise ValueError(f"conformance: {name} has the state {state!r}")
        params = split_params(row["params"])
        variadic = params[-1:] == ["..."]
        return Function(
            name=name,
            header=header,
            ret=row["ret"],
            params=tuple(map(parse_param, params[:-1] if variadic else params)),
            variadic=variadic,
            library=row["library"],
            since=row["since"],
            required=row.get("required", False),
            python=row.get("python", ""),
            softnpu=state,
        )

    @cached_property
    def libraries(self) -> list[str]:
        """Library names without lib and .so, the core library first."""
        return list(dict.fromkeys(function.library for function in self.functions))

    @cached_property
    def headers(self) -> list[str]:
        """Every header that has functions or types."""
        return list(dict.fromkeys([*self.tables, *(f.header for f in self.functions)]))

    def kind(self, kind: str) -> dict[str, Any]:
        """All types of one kind (alias, constant, enum, opaque, struct) of all headers."""
        return {
            name: value
            for table in self.tables.values()
            for name, value in table.get(kind, {}).items()
        }
