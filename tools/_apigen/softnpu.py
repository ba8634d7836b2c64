"""softnpu's exports: per library a file of weak stubs and a version script."""

from __future__ import annotations

from .api import Api, Function

FAILURE = {
    "void": "",
    "aclDataType": " return ACL_DT_UNDEFINED;",
    "aclFormat": " return ACL_FORMAT_UNDEFINED;",
}
STATUS = ("aclError", "hi_s32")

PREAMBLE = """\
// A stub is only a weak alias: a strong definition of the same name anywhere in the library wins.
#include <cstring>

#include "acl/acl.h"
{includes}
extern "C" {{

int softnpu_unsupported(const char *name);

#pragma GCC visibility push(hidden)
"""

IS_STUB = """
__attribute__((visibility("default"))) int softnpu_is_stub(const char *name);
int softnpu_is_stub(const char *name) {
    for (const Entry &entry : kEntries) {
        if (std::strcmp(entry.name, name) == 0) return entry.exported == entry.stub;
    }
    return -1;
}
"""


def stub(function: Function) -> str:
    """Render the function that runs when softnpu has no implementation."""
    types = ", ".join(p.type for p in function.params) + (", ..." if function.variadic else "")
    head = f"{function.ret} stub_{function.name}({types})"
    call = f'softnpu_unsupported("{function.name}");'
    if function.ret in STATUS:
        return f"{head} {{ return {call} }}"
    return f"{head} {{ {call}{FAILURE.get(function.ret, ' return {};')} }}"


def alias(function: Function) -> str:
    """Render the weak export that falls back to the stub."""
    return (
        f"{function.ret} {function.name}({function.declaration}) "
        f'__attribute__((weak, alias("stub_{function.name}")));'
    )


def stubs(functions: list[Function]) -> str:
    """Render the stub file of one library."""
    headers = dict.fromkeys(f.header for f in functions if f.header != "acl.h")
    lines = [PREAMBLE.format(includes="".join(f'#include "acl/{h}"\n' for h in headers))]
    lines += map(stub, functions)
    lines += ["", "#pragma GCC visibility pop", ""]
    lines += map(alias, functions)
    lines += ["", '}  // extern "C"', "", "namespace {", ""]
    lines += ["struct Entry {", "    const char *name;", "    void *exported, *stub;", "};", ""]
    lines += ["const Entry kEntries[] = {"]
    lines += [
        f'    {{"{f.name}", reinterpret_cast<void *>({f.name}),\n'
        f"     reinterpret_cast<void *>(stub_{f.name})}},"
        for f in functions
    ]
    lines += ["};", "", "}  // namespace", ""]
    lines += ["// 1: the entry is still the stub, 0: implemented, -1: no entry of this library."]
    lines += ['extern "C" {', IS_STUB.strip(), "}", ""]
    return "\n".join(lines)


def version_script(library: str, functions: list[Function]) -> str:
    """Render the export list of one library."""
    names = [f"        {f.name};" for f in functions]
    own = "softnpu*" if library == "ascendcl" else "softnpu_is_stub"
    lines = ["{", "    global:", *names, f"        {own};", "    local:", "        *;", "};", ""]
    return "\n".join(lines)


def states(api: Api) -> str:
    """Render library and state of every function for Python."""
    lines = ['"""Per function: the library that exports it and what softnpu makes of it."""', ""]
    lines += ["STATES: dict[str, tuple[str, str]] = {"]
    lines += [f'    "{f.name}": ("lib{f.library}.so", "{f.softnpu}"),' for f in api.functions]
    return "\n".join([*lines, "}", ""])


def page(api: Api) -> str:
    """Render the page that says what softnpu makes of each function."""
    kinds = [function.softnpu.partition(":")[0] for function in api.functions]
    lines = [
        "# Conformance of softnpu",
        "",
        "Per function of the C interface: *exact* behaves as documented, *approximate* says where "
        "it differs, *unsupported* returns ACL_ERROR_FEATURE_UNSUPPORTED and says so once. "
        "`acl_fast.softnpu.conformance()` gives the same from Python.",
        "",
        "| state | functions |",
        "|---|--:|",
        *(f"| {kind} | {kinds.count(kind)} |" for kind in ("exact", "approximate", "unsupported")),
    ]
    for header in dict.fromkeys(function.header for function in api.functions):
        functions = [function for function in api.functions if function.header == header]
        lines += ["", f"## {header} (lib{functions[0].library}.so)", ""]
        lines += ["| function | state | how |", "|---|---|---|"]
        for function in functions:
            kind, _, how = function.softnpu.partition(": ")
            lines.append(f"| {function.name} | {kind} | {how} |")
    return "\n".join([*lines, ""])


def render(api: Api) -> dict[str, str]:
    """Return the generated files by path."""
    files = {}
    for library in api.libraries:
        functions = [f for f in api.functions if f.library == library]
        files[f"softnpu/api/stubs_{library}_gen.cpp"] = stubs(functions)
        files[f"softnpu/api/{library}.map"] = version_script(library, functions)
    files["acl_fast/softnpu/_conformance_gen.py"] = states(api)
    files["docs/conformance.md"] = page(api)
    return files
