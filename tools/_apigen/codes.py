"""Names of status codes and enumeration constants, for C++ and for Python."""

from __future__ import annotations

from .api import Api

SUCCESS = "ACL_SUCCESS"
CORE_ERRORS = ("error_codes/", "acl_base.h")
LAYERS = ("ACL_ERROR_RT_", "ACL_ERROR_GE_")


def errors(api: Api) -> dict[int, str]:
    """Return the name of each status code; AscendCL's own name where two headers share a value."""
    names: dict[int, str] = {}
    for header, table in sorted(api.tables.items(), key=lambda item: "dvpp/" in item[0]):
        if not header.startswith((*CORE_ERRORS, "dvpp/")):
            continue
        for name, value in table.get("constant", {}).items():
            if name.startswith("ACL_ERROR_") or (name.startswith("HI_ERR_") and value > 0xA0000000):
                own = name.startswith("ACL_ERROR_") and not name.startswith(LAYERS)
                if value not in names or own:
                    names[value] = name
    names[0] = SUCCESS
    return dict(sorted((code - (1 << 32) * (code >> 31), name) for code, name in names.items()))


def cpp_names(api: Api) -> str:
    """Render the lookup for C++."""
    rows = [f'        case {code}: return "{name}";' for code, name in errors(api).items()]
    return "\n".join(
        [
            '#include "table/error_names.hpp"',
            "",
            "namespace aclfast {",
            "",
            "const char *error_name(int code) noexcept {",
            "    switch (code) {",
            *rows,
            "        default: return nullptr;",
            "    }",
            "}",
            "",
            "}  // namespace aclfast",
            "",
        ]
    )


def python_codes(api: Api) -> str:
    """Render the names and meanings of the status codes for Python."""
    names = errors(api)
    lines = ['"""Status codes of the C interface: their names, and what some of them mean."""', ""]
    lines += ["CODES: dict[int, str] = {", *(f'    {k}: "{v}",' for k, v in names.items()), "}", ""]
    lines += ["MEANINGS: dict[int, str] = {"]
    values = {name: code for code, name in names.items()}
    for name, meaning in api.meanings.items():
        lines += [f'    {values[name]}: "{meaning}",']
    return "\n".join([*lines, "}", ""])


def python_enums(api: Api) -> str:
    """Render every enumeration constant as a plain integer, and the groups by name."""
    enums = api.kind("enum")
    lines = [
        '"""Enumeration constants of the C interface as plain integers, by enumeration."""',
        "",
    ]
    for enum, constants in enums.items():
        lines += [f"# {enum}", *(f"{name} = {value}" for name, value in constants.items()), ""]
    lines += [
        "# The names of each enumeration's constants.",
        "ENUMS: dict[str, tuple[str, ...]] = {",
    ]
    for enum, constants in enums.items():
        if len(constants) == 1:
            lines += [f'    "{enum}": ("{next(iter(constants))}",),']
        else:
            lines += [f'    "{enum}": (', *(f'        "{name}",' for name in constants), "    ),"]
    return "\n".join([*lines, "}", ""])


def render(api: Api) -> dict[str, str]:
    """Return the generated files by path."""
    return {
        "src/table/error_names_gen.cpp": cpp_names(api),
        "acl_fast/_codes_gen.py": python_codes(api),
        "acl_fast/_enums.py": python_enums(api),
    }
