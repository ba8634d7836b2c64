"""The Cython side: declarations of all types, and every function as a nogil call by table."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from typing import Any

from .api import Api, Function

PXD_HEAD = """\
# The C interface for Cython: ``from acl_fast cimport abi``, then ``abi.aclrtMalloc(...)`` without
# the GIL and without linking anything. Compile with the folder that acl_fast.get_include() gives.
from libc.stddef cimport size_t
from libc.stdint cimport (int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t)
"""

PYX_HEAD = """\
\"\"\"The C interface, callable from any Cython module by ``from acl_fast cimport abi``.

Each function forwards through the function table, so nothing is loaded before the first call.
It holds nothing for Python.
\"\"\"

from acl_fast._table cimport table as table_address

cdef extern from "acl_fast/table.h" nogil:
    ctypedef struct aclfast_table:"""

PYX_TABLE = """
cdef const aclfast_table *table = <const aclfast_table *>table_address
"""

PYI = '"""The C interface for Cython code; see abi.pxd. It holds nothing for Python."""\n'


def argument(name: str) -> str:
    """Return a parameter name that Python accepts."""
    return name + "_" if keyword.iskeyword(name) else name


def declaration(text: str) -> str:
    """Turn one C parameter declaration into one that Cython parses: arrays become pointers."""
    if "(*" in text:
        return re.sub(r"\(\*\s*const\s+", "(*", text) + " noexcept nogil"
    text = re.sub(r"(\w+)\[\]\[(\d+)\]$", r"(*\1)[\2]", text)
    match = re.fullmatch(r"(.*?)(\w+)\[\d*\]", text)
    if match:
        before, name = match.groups()
        text = f"{before.rstrip()} *{name}" if not before.endswith("*") else f"{before}*{name}"
    match = re.fullmatch(r"(.*\W)(\w+)", text)
    return match.group(1) + argument(match.group(2)) if match else text


def field(name: str, row: list[Any]) -> str:
    """Render one struct member."""
    ctype = str(row[0])
    if "(*)" in ctype:
        return ctype.replace("(*)", f"(*{name})") + " noexcept nogil"
    match = re.fullmatch(r"(.*?)((?:\[\d*\])*)", ctype)
    assert match
    spelled = f'{name}_ "{name}"' if keyword.iskeyword(name) else name
    return f"{match.group(1)} {spelled}{match.group(2)}"


def types(table: dict[str, Any]) -> Iterator[str]:
    """Render the types of one header, without indentation."""
    for name, values in table.get("enum", {}).items():
        yield f"ctypedef enum {name}:"
        yield from (f"    {value}" for value in values)
    for name in table.get("opaque", {}):
        yield f"ctypedef struct {name}:"
        yield "    pass"
    aliases, structs = table.get("alias", {}), table.get("struct", {})
    scalars = {n: t for n, t in aliases.items() if "(*)" not in t and t not in structs}
    for name in sorted(scalars, key=lambda n: scalars[n] in scalars):
        yield f"ctypedef {scalars[name]} {name}"
    for name, struct in ordered(structs, aliases):
        yield f"ctypedef {struct.get('kind', 'struct')} {name}:"
        yield from (f"    {field(*item)}" for item in struct["fields"].items())
        yield from (f"ctypedef {name} {alias}" for alias, t in aliases.items() if t == name)
    for name, target in aliases.items():
        if "(*)" in target:
            yield f"ctypedef {target.replace('(*)', f'(*{name})')} noexcept nogil"
    for name, value in table.get("constant", {}).items():
        yield constant(name, value)


def constant(name: str, value: int | str) -> str:
    """Render a macro or static constant as a variable of the narrowest type that holds it."""
    if isinstance(value, str):
        return f"const char *{name}"
    bounds = {"int": 1 << 31, "unsigned int": 1 << 32, "unsigned long long": 1 << 64}
    return f"const {next(ctype for ctype, bound in bounds.items() if value < bound)} {name}"


def ordered(structs: dict[str, Any], aliases: dict[str, str]) -> list[tuple[str, Any]]:
    """Order structs so that each follows those it contains."""
    result: dict[str, Any] = {}

    def place(name: str) -> None:
        name = aliases.get(name, name)
        if name in result or name not in structs:
            return
        for row in structs[name]["fields"].values():
            for word in re.findall(r"\w+", row[0]):
                if word != name:
                    place(word)
        result[name] = structs[name]

    for name in structs:
        place(name)
    return list(result.items())


def extern(api: Api) -> Iterator[str]:
    """Render the declarations of all headers."""
    for header, table in api.tables.items():
        lines = list(types(table))
        if lines:
            yield f'\ncdef extern from "acl/{header}" nogil:'
            yield from (f"    {line}" for line in lines)


def signature(function: Function) -> str:
    """Render the parameter list of a forwarding function."""
    return ", ".join(declaration(param.text) for param in function.params)


def result(function: Function) -> str:
    """Return type and the blank before the name."""
    return function.ret if function.ret.endswith("*") else function.ret + " "


def slot(function: Function) -> str:
    """Render the table's member."""
    parameters = signature(function) + (", ..." if function.variadic else "")
    return f"{result(function)}(*{function.name})({parameters}) noexcept nogil"


def call(function: Function) -> str:
    """Render the body: one call through the table.

    A variadic function takes its finished text, because C cannot pass on a list of arguments.
    """
    names = [argument(param.name) for param in function.params]
    if function.variadic:
        names[-1:] = ['b"%s"', names[-1]]
    arguments = ", ".join(names)
    verb = "" if function.ret == "void" else "return "
    return f"{verb}table.{function.name}({arguments})"


def prototype(function: Function) -> str:
    """Render the head of one forwarding function."""
    return f"cdef {result(function)}{function.name}({signature(function)}) noexcept nogil"


def render(api: Api) -> dict[str, str]:
    """Return the generated files by path."""
    pxd = [PXD_HEAD, *extern(api), "", *map(prototype, api.functions), ""]
    pyx = [PYX_HEAD]
    pyx += [f"        {slot(function)}" for function in api.functions]
    pyx.append(PYX_TABLE)
    for function in api.functions:
        pyx += ["", f"{prototype(function)}:", f"    {call(function)}"]
    return {
        "pyx/acl_fast/abi.pxd": "\n".join(pxd),
        "pyx/acl_fast/abi.pyx": "\n".join(pyx) + "\n",
        "acl_fast/abi.pyi": PYI,
    }
