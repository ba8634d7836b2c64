"""The C function table: its struct for embedders and the macro list that src/table expands."""

from __future__ import annotations

from .api import Api, Function

STRUCT_HEAD = """\
#ifndef ACL_FAST_TABLE_GEN_H_INCLUDED
#define ACL_FAST_TABLE_GEN_H_INCLUDED

#ifndef ENABLE_DVPP_INTERFACE
#define ENABLE_DVPP_INTERFACE 1
#endif

"""

ROWS_HEAD = """\
// ACLFAST_LIBRARY(name): a library of the interface; the first is the core.
// ACLFAST_FUNCTION(name, library, required, since, parameter names): one function.
"""


def struct(api: Api) -> str:
    """Render the struct with one pointer per function."""
    lines = [f'#include "acl/{header}"' for header in api.headers if "error_codes" not in header]
    lines += ["", "typedef struct aclfast_table {"]
    lines += [f"    {f.ret} (*{f.name})({f.declaration});" for f in api.functions]
    lines += ["} aclfast_table;", "", "#endif", ""]
    return STRUCT_HEAD + "\n".join(lines)


def row(function: Function) -> str:
    """Render one function as a macro call."""
    names = " ".join(param.name for param in function.params)
    required = "true" if function.required else "false"
    return (
        f"ACLFAST_FUNCTION({function.name}, {function.library}, {required}, "
        f'"{function.since}", "{names}")'
    )


def rows(api: Api) -> str:
    """Render the macro list."""
    lines = ["#ifdef ACLFAST_LIBRARY"]
    lines += [f"ACLFAST_LIBRARY({library})" for library in api.libraries]
    lines += ["#endif", "#ifdef ACLFAST_FUNCTION", *map(row, api.functions), "#endif", ""]
    return ROWS_HEAD + "\n".join(lines)


def render(api: Api) -> dict[str, str]:
    """Return the generated files by path."""
    return {
        "include/acl_fast/table_gen.h": struct(api),
        "src/table/functions_gen.inc": rows(api),
    }
