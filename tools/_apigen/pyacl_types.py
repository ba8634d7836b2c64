"""What C types are to pyACL's wrappers: ranges, kinds, and the layouts of structs."""

from __future__ import annotations

import keyword
import re

from .api import Api

RANGES = {
    "uint32_t": (-(1 << 31), (1 << 32) - 1),
    "unsigned int": (-(1 << 31), (1 << 32) - 1),
    "int32_t": (-(1 << 31), (1 << 31) - 1),
    "int": (-(1 << 31), (1 << 31) - 1),
    "uint16_t": (-(1 << 15), (1 << 16) - 1),
    "int16_t": (-(1 << 15), (1 << 15) - 1),
    "uint8_t": (-(1 << 7), (1 << 8) - 1),
    "int8_t": (-(1 << 7), (1 << 7) - 1),
    "char": (-(1 << 7), (1 << 8) - 1),
    "signed char": (-(1 << 7), (1 << 7) - 1),
    "unsigned char": (-(1 << 7), (1 << 8) - 1),
    "short": (-(1 << 15), (1 << 15) - 1),
    "unsigned short": (-(1 << 15), (1 << 16) - 1),
    "bool": (0, 1),
}
WIDE = {"size_t": "as_u64", "uint64_t": "as_u64", "unsigned long": "as_u64"}
WIDE |= {"unsigned long long": "as_u64", "int64_t": "as_i64", "long long": "as_i64"}
# Bytes of the elements of lists.
SIZES = {
    **dict.fromkeys(("uint8_t", "int8_t", "signed char", "unsigned char"), 1),
    **dict.fromkeys(("uint16_t", "int16_t", "short", "unsigned short"), 2),
    **dict.fromkeys(("uint32_t", "int32_t", "int", "unsigned int"), 4),
    **dict.fromkeys(("uint64_t", "int64_t", "size_t"), 8),
}
C_WORDS = {"const", "void", "char", "int", "float", "double", "long", "unsigned", "signed", "short"}


def snake(name: str) -> str:
    """Turn a C parameter name into Python's spelling."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return text + "_" if keyword.iskeyword(text) else text


class Types:
    """What the C types of parameters are."""

    def __init__(self, api: Api) -> None:
        self.alias = api.kind("alias")
        self.opaque = api.kind("opaque")
        self.enums = api.kind("enum")
        self.structs = api.kind("struct")

    def resolve(self, name: str) -> str:
        """Follow typedefs."""
        while name in self.alias:
            name = self.alias[name].strip()
        return name

    def scalar(self, name: str) -> str:
        """The C integer or float type behind a name; empty when it is neither."""
        base = self.resolve(name.replace("const ", "").strip())
        if base in self.enums:
            return "int"
        known = base in RANGES or base in WIDE or base in ("float", "double")
        return base if known else ""

    def struct(self, name: str) -> str:
        """The struct behind a name; empty when there is none."""
        base = self.resolve(name)
        return base if base in self.structs else ""


def struct_layouts(api: Api, arrays: dict[str, str], renamed: list[str]) -> str:
    """The members of all structs: (name, offset, kind, bytes of one, count), for the dict codec.

    ``arrays`` names the members that point to arrays of structs, which lists may stand for;
    ``renamed`` the structs whose keys are not as C writes them but with underscores.
    """
    types = Types(api)
    lines = [
        '"""Layouts of the C structs, for conversion from and to dicts."""',
        "",
        "LAYOUTS: dict[str, tuple[int, tuple[tuple[str, int, str, int, int], ...]]] = {",
    ]
    for name, struct in sorted(types.structs.items()):
        members = []
        for member, (ctype, offset, size) in struct["fields"].items():
            match = re.fullmatch(r"(.*?)((?:\[\d+\])*)", str(ctype))
            assert match
            count = 1
            for number in re.findall(r"\d+", match.group(2)):
                count *= int(number)
            element, each = match.group(1).strip(), size // max(count, 1)
            kind = element_kind(types, element)
            if member == arrays.get(name):
                kind = "*" + types.struct(element.rstrip(" *"))
            if kind == "s" and match.group(2):
                kind, each, count = "text", size, 1
            key = snake(member) if name in renamed else member
            members.append((key, offset, kind, each, count if match.group(2) else 0))
        lines.append(f"    {name!r}: ({struct['size']}, {tuple(members)!r}),")
    lines.append("}")
    return "\n".join(lines) + "\n"


def element_kind(types: Types, element: str) -> str:
    """'u', 'i', 'f', 'p', 's' (a char), or the name of a struct; '*' and one: an array of it."""
    base = types.resolve(element.replace("const ", "").strip())
    if base in types.structs:
        return base
    if base.endswith("*") or "(*" in base:
        return "p"
    if base in ("float", "double"):
        return "f"
    if base == "char":
        return "s"
    if base in types.enums or base in ("int", "int8_t", "int16_t", "int32_t", "int64_t"):
        return "i"
    return "u"
