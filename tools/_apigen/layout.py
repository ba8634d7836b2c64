"""The compile-time proof that the headers have the layout that types.toml records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .api import Api

HEAD = """\
#include <cstddef>
#include <type_traits>

#include "acl_fast/table.h"

#define SAME(what, ...) static_assert(std::is_same_v<what, __VA_ARGS__>, #what)
#define SIZE(type, size, align) \\
    static_assert(sizeof(type) == size && alignof(type) == align, "size of " #type)
#define FIELD(owner, name, offset, size, ...)                                         \\
    static_assert(offsetof(owner, name) == offset, #owner "." #name);                 \\
    static_assert(sizeof(owner::name) == size, "size of " #owner "." #name);          \\
    static_assert(std::is_same_v<decltype(owner::name), __VA_ARGS__>, "type of " #owner "." #name)
#define VALUE(name, value) static_assert(name == value, #name)
#define FUNCTION(name, ...)                                                            \\
    static_assert(std::is_same_v<decltype(&name), __VA_ARGS__>, "type of " #name);     \\
    static_assert(std::is_same_v<decltype(aclfast_table::name), __VA_ARGS__>, "slot of " #name)

constexpr bool equal(const char *a, const char *b) {
    return *a == *b && (*a == 0 || equal(a + 1, b + 1));
}
"""


def literal(value: int) -> str:
    """Write an integer so that C++ gives it a type wide enough."""
    suffix = "" if abs(value) < 1 << 31 else "U" if value < 1 << 32 else "ULL"
    return f"{value}{suffix}"


def struct(name: str, row: dict[str, Any]) -> Iterator[str]:
    """Render size, alignment and members of one struct or union."""
    yield f"SIZE({name}, {row['size']}, {row['align']});"
    for member, (ctype, offset, size) in row["fields"].items():
        yield f"FIELD({name}, {member}, {offset}, {size}, {ctype});"


def asserts(api: Api) -> Iterator[str]:
    """Render one assertion per fact."""
    for name, target in api.kind("alias").items():
        yield f"SAME({name}, {target});"
    for name, target in api.kind("opaque").items():
        yield f"SAME({name}, {target});"
    for name, value in api.kind("constant").items():
        if isinstance(value, str):
            yield f'static_assert(equal({name}, "{value}"), "{name}");'
        else:
            yield f"VALUE({name}, {literal(value)});"
    for name, constants in api.kind("enum").items():
        yield f"SIZE({name}, 4, 4);"
        yield from (f"VALUE({constant}, {literal(v)});" for constant, v in constants.items())
        yield f"SAME(decltype({next(iter(constants))}), {name});"
    for name, row in api.kind("struct").items():
        yield from struct(name, row)
    for function in api.functions:
        yield f"FUNCTION({function.name}, {function.ret} (*)({function.types}));"


def render(api: Api) -> dict[str, str]:
    """Return the generated file by path."""
    return {"tests/abi/layout_gen.cpp": "\n".join([HEAD, *asserts(api), ""])}
