"""The plain functions of pyACL: conversions of arguments and results that follow from the row."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .api import ROOT, Api, Function, Param, load_toml
from .pyacl_types import C_WORDS, RANGES, SIZES, WIDE, Types, snake, struct_layouts

MODULES = ("top", "rt", "mdl", "media", "op", "prof", "blas", "fv", "himpi")
# pyACL's functions are built-in ones that take what they take by place.
HEAD = '''\
# cython: binding=False, always_allow_keywords=False, embedsignature=False
"""acl{dot}: the functions whose wrappers follow from the table of the C interface."""

from libc.stddef cimport size_t
from libc.stdint cimport (int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t,
                          uintptr_t)
# Some functions here have the names of libc's.
from libc.string cimport memset as c_memset, strlen

from acl_fast cimport abi
from acl_fast._pyacl_args cimport (as_double, as_i64, as_int, as_u64, text_from, text_or_none)
from acl_fast._pyacl_models cimport (begin_refresh, datasets_changed, forget_dataset,
                                     forget_memory, note_block, note_buffer)
from acl_fast._pyacl_structs cimport (Pack, pack_floats, pack_ints, pack_pointers, pack_room,
                                      pack_structs, read_struct, squeeze, struct_pointer,
                                      write_struct)
from acl_fast._runtime cimport forget_binding
'''


def load_rules() -> dict[str, Any]:
    """Read api/pyacl.toml."""
    return load_toml(ROOT / "api" / "pyacl.toml")


@dataclass
class Lines:
    """The body of one wrapper, in the order of execution."""

    declare: list[str] = field(default_factory=list)
    call: list[str] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)  # (expression, type in stubs)
    arguments: list[tuple[str, str]] = field(default_factory=list)  # (name, type in stubs)
    # Lengths of lists: (place in C, place among the arguments and lengths of Python).
    absorbed: list[tuple[int, int]] = field(default_factory=list)
    counts: dict[str, list[str]] = field(default_factory=dict)  # lists of one length
    late: list[str] = field(default_factory=list)  # declarations that need all arguments


class Wrapper:
    """Everything about the Python function of one row."""

    def __init__(self, function: Function, types: Types, rules: dict[str, Any]) -> None:
        self.function, self.types, self.rules = function, types, rules
        parts = function.python.split(".")
        self.module = parts[1] if len(parts) == 3 else "top"
        self.name = parts[-1] + "_" * keyword.iskeyword(parts[-1])
        self.where = function.python

    @cached_property
    def is_hand_written(self) -> bool:
        return self.name in self.rules["hand"].get(self.module, []) or self.function.variadic

    @cached_property
    def is_quick(self) -> bool:
        quick, path = self.rules["quick"], f"{self.module}.{self.name}"
        if path in quick["slow"] or self.module in ("himpi", "blas"):
            return False
        named = self.module == "top" and self.name in quick["names"]
        return named or any(re.search(pattern, path) for pattern in quick["patterns"])

    @cached_property
    def echoed(self) -> str:
        """Name of the argument that comes back first."""
        echo, name = self.rules["echo"], self.function.name
        if name in echo["arguments"]:
            return str(echo["arguments"][name])
        first = name in echo["functions"] or name.startswith(tuple(echo["prefixes"]))
        return self.function.params[0].name if first else ""

    @cached_property
    def lines(self) -> Lines:
        lines = Lines()
        params = self.function.params
        for place, param in enumerate(params):
            self.convert(lines, param, place)
        return lines

    # ---- parameters ----

    def is_address(self, param: Param) -> bool:
        rules = self.rules["addresses"]
        named = param.name in rules.get(self.function.name, [])
        return named or self.function.name.startswith(tuple(rules["prefixes"]))

    def count_of(self, place: int) -> int:
        """Return where the number of elements of the list at ``place`` is; -1: nowhere."""
        params = self.function.params
        for before in range(place - 1, -1, -1):
            if self.is_count(params[before], r"^num[A-Z]"):
                return before
        after = place + 1
        counting = r"(?i)(num|count|cnt|nums|size)$|^(num|count)"
        return after if after < len(params) and self.is_count(params[after], counting) else -1

    def is_count(self, param: Param, pattern: str) -> bool:
        scalar = self.types.scalar(param.type)
        return bool(scalar) and scalar != "float" and re.search(pattern, param.name) is not None

    def list_element(self, param: Param) -> str:
        """The element type of a parameter that is an array the program gives; empty: none."""
        text = param.type.replace(" const[", "[").replace("*const[", "*[")
        match = re.fullmatch(r"(.*?)\s*(?:\[\d*\])+", text)
        if match:
            return match.group(1).replace("const ", "").strip()
        if param.name in self.rules["lists"].get(self.function.name, []):
            return text.rstrip(" *")
        match = re.fullmatch(r"const (\w+) \*", text) or re.fullmatch(r"(\w+) \*", text)
        if not match or not self.types.scalar(match.group(1)) or self.is_address(param):
            return ""
        name = param.name
        plural = re.search(r"(?i)(list|dims|values|sizes|nums|inputQ|outputQ|pid)$", name)
        if match.group(1) == "char" or not plural:
            return ""
        return str(match.group(1))

    def convert(self, lines: Lines, param: Param, place: int) -> None:
        """Add what one C parameter needs."""
        counted = [
            self.count_of(n) for n, p in enumerate(self.function.params) if self.list_element(p)
        ]
        before = self.function.params[place - 1] if place else None
        measures = (
            before is not None
            and before.type == "const char *"
            and re.fullmatch(r"length|\w+(Len|Length)", param.name)
        )
        if measures and before:
            # A text with its length is one str.
            lines.absorbed.append((place, len(lines.arguments) + len(lines.absorbed)))
            lines.declare.append(
                f"cdef size_t count{place} = strlen(c_{snake(before.name)}) "
                f"if c_{snake(before.name)} != NULL else 0"
            )
            lines.call.append(f"count{place}")
        elif place in counted:
            lines.absorbed.append((place, len(lines.arguments) + len(lines.absorbed)))
            lines.call.append(f"count{place}")
        elif element := self.list_element(param):
            self.convert_list(lines, param, element, self.count_of(place))
        elif "(*" in param.type or "(*)" in self.types.resolve(param.type):
            self.take(lines, param, "int", param.type, "as_u64")
        elif scalar := self.types.scalar(param.type):
            self.convert_scalar(lines, param, scalar)
        elif struct := self.types.struct(param.type.replace("const ", "")):
            name = snake(param.name)
            lines.arguments.append((name, "dict[str, Any]"))
            lines.declare += [
                f"cdef abi.{struct} v_{name}",
                f"c_memset(&v_{name}, 0, sizeof(v_{name}))",
                f"write_struct({struct!r}, {name}, &v_{name}, {self.texts(name)})",
            ]
            lines.call.append(f"v_{name}")
        else:
            self.convert_pointer(lines, param, place)

    def texts(self, name: str) -> str:
        return f'b"{self.where}", b"{name}"'

    def take(self, lines: Lines, param: Param, stub: str, ctype: str, converter: str) -> None:
        """An argument that becomes a pointer-sized value."""
        name = snake(param.name)
        lines.arguments.append((name, stub))
        lines.declare.append(f"cdef uint64_t c_{name} = {converter}({name}, {self.texts(name)})")
        lines.call.append(f"<{self.ctype(ctype)}><uintptr_t>c_{name}")

    def ctype(self, text: str) -> str:
        """Qualify the names of a C type."""

        def qualify(match: re.Match[str]) -> str:
            word = match.group(0)
            return word if word in C_WORDS or word in SIZES or word.isdigit() else f"abi.{word}"

        return re.sub(r"\w+", qualify, text.replace("*const", "*"))

    def convert_scalar(self, lines: Lines, param: Param, scalar: str) -> None:
        name = snake(param.name)
        texts = self.texts(name)
        ctype = self.ctype(param.type.replace("const ", ""))
        if scalar in ("float", "double"):
            lines.arguments.append((name, "float"))
            lines.declare.append(f"cdef double c_{name} = as_double({name}, {texts})")
        elif scalar in WIDE:
            lines.arguments.append((name, "int"))
            kind = "uint64_t" if WIDE[scalar] == "as_u64" else "int64_t"
            lines.declare.append(f"cdef {kind} c_{name} = {WIDE[scalar]}({name}, {texts})")
        else:
            lines.arguments.append((name, "int"))
            low, high = RANGES[scalar]
            lines.declare.append(f"cdef int64_t c_{name} = as_int({name}, {low}, {high}, {texts})")
        lines.call.append(f"<{ctype}>c_{name}")

    def convert_list(self, lines: Lines, param: Param, element: str, count: int) -> None:
        name = snake(param.name)
        texts = self.texts(name)
        struct = self.types.struct(element.rstrip(" *"))
        scalar = self.types.scalar(element)
        if struct:
            lines.arguments.append((name, "Sequence[dict[str, Any]]"))
            pointers = element.endswith("*")
            pack = f"pack_structs({name}, {struct!r}, {pointers}, {texts})"
        elif scalar in ("float", "double"):
            lines.arguments.append((name, "Sequence[float]"))
            pack = f"pack_floats({name}, {texts})"
        elif scalar:
            lines.arguments.append((name, "Sequence[int]"))
            pack = f"pack_ints({name}, {SIZES[scalar]}, {texts})"
        else:
            lines.arguments.append((name, "Sequence[int]"))
            pack = f"pack_pointers({name}, {texts})"
        lines.declare.append(f"cdef Pack p_{name} = {pack}")
        if count >= 0:
            lines.counts.setdefault(f"count{count}", []).append(name)
        lines.call.append(f"<{self.ctype(self.decayed(param))}>p_{name}.data")

    def decayed(self, param: Param) -> str:
        """The type of an array parameter as a pointer."""
        text = param.type.replace(" const[", "[").replace("*const[", "*[")
        rows = re.fullmatch(r"(.*?)\s*\[\d*\]\[(\d+)\]", text)
        if rows:
            return f"{rows.group(1)} (*)[{rows.group(2)}]".replace("const ", "")
        return re.sub(r"\s*\[\d*\]$", " *", text).replace("const ", "")

    def convert_pointer(self, lines: Lines, param: Param, place: int) -> None:
        """A pointer: text, a handle, a struct, or where a result goes."""
        text = param.type
        constant = text.startswith("const ")
        base = self.types.resolve(text.replace("const ", "").strip())
        inner = base[:-1].strip().replace("const", "").strip() if base.endswith("*") else ""
        target = self.types.resolve(inner)
        name = snake(param.name)
        if target == "char" and constant:
            lines.arguments.append((name, "str | bytes | None"))
            lines.declare.append(
                f"cdef const char *c_{name} = text_from({name}, {self.texts(name)})"
            )
            lines.call.append(f"c_{name}")
        elif target == "char" and not self.is_address(param):
            self.convert_text_room(lines, param)
        elif (struct := self.types.struct(inner)) and not self.is_address(param):
            self.convert_struct(lines, param, struct, constant)
        elif target.endswith("*") and not constant:
            lines.declare.append(f"cdef void *o_{name} = NULL")
            lines.call.append(f"<{self.ctype(inner)} *>&o_{name}")
            lines.results.append((f"<uintptr_t>o_{name}", "int"))
        elif self.types.scalar(inner) and not constant and not self.is_address(param):
            scalar = self.types.scalar(inner)
            lines.declare.append(f"cdef {self.ctype(inner)} o_{name}")
            lines.declare.append(f"c_memset(&o_{name}, 0, sizeof(o_{name}))")
            lines.call.append(f"&o_{name}")
            is_float = scalar in ("float", "double")
            value = f"o_{name}" if is_float else f"<{scalar}>o_{name}"
            lines.results.append((value, "float" if is_float else "int"))
        else:
            self.take(lines, param, "int", text, "as_u64")

    def convert_text_room(self, lines: Lines, param: Param) -> None:
        """Room for a text; how long it is at most comes next and is an argument."""
        name = snake(param.name)
        place = self.function.params.index(param)
        length = snake(self.function.params[place + 1].name)
        lines.late.append(f"cdef Pack p_{name} = pack_room(c_{length})")
        lines.call.append(f"<char *>p_{name}.data")
        lines.results.append((f"text_or_none(<const char *>p_{name}.data)", "str | None"))

    def convert_struct(self, lines: Lines, param: Param, struct: str, constant: bool) -> None:
        name = snake(param.name)
        filled = self.rules["filled"].get(self.function.name, [])
        given = param.name in self.rules["given"].get(self.function.name, [])
        getter = re.search(r"_(get|query)_", self.function.name) or re.match(
            r"acl[a-z]*(Get|Query)", self.function.name
        )
        lines.declare += [
            f"cdef abi.{struct} v_{name}",
            f"c_memset(&v_{name}, 0, sizeof(v_{name}))",
        ]
        if not constant and not given and (param.name in filled or getter):
            lines.call.append(f"&v_{name}")
            lines.results.append((f"read_struct({struct!r}, &v_{name})", "dict[str, Any]"))
            return
        kind = "int" if struct.endswith("Handle") else "dict[str, Any] | None"
        lines.arguments.append((name, kind))
        if param.name in self.rules["both"].get(self.function.name, []):
            lines.results.append((f"read_struct({struct!r}, &v_{name})", "dict[str, Any]"))
        held = ""
        if struct in self.rules["arrays"]:
            held = ", held"
            lines.declare.append("cdef list held = []")
        lines.declare.append(
            f"cdef void *c_{name} = struct_pointer({struct!r}, {name}, &v_{name}, "
            f"{self.texts(name)}{held})"
        )
        lines.call.append(f"<{self.ctype(param.type.replace('const ', ''))}>c_{name}")

    # ---- results ----

    @cached_property
    def returned(self) -> tuple[str, str]:
        """(expression, stub type) of the C result; ("", "None") for void."""
        ret = self.function.ret
        base = self.types.resolve(ret.replace("const ", "").strip())
        if ret == "void":
            return "", "None"
        if ret == "const char *":
            return "text_or_none(ret)", "str | None"
        if base.endswith("*"):
            return "<uintptr_t>ret", "int"
        if base == "float":
            return "ret", "float"
        if "(*)" in base:
            return "<uintptr_t><void *>ret", "int"
        if self.module == "himpi" and ret == "hi_s32" and self.function.name.startswith("hi_mpi"):
            return "<uint32_t>ret", "int"
        return f"<{self.types.scalar(ret)}>ret", "int"

    def results(self) -> list[tuple[str, str]]:
        results = list(self.lines.results)
        if self.echoed:
            results.insert(0, (snake(self.echoed), "int"))
        if self.returned[0]:
            results.append(self.returned)
        return results

    def stub_result(self) -> str:
        kinds = [stub for _, stub in self.results()]
        if not kinds:
            return "None"
        return kinds[0] if len(kinds) == 1 else f"tuple[{', '.join(kinds)}]"

    def signature(self, stub: bool) -> str:
        """Parameters as Python writes them."""
        defaults = {"aclInit": " = None"}.get(self.function.name, "")
        if not self.lines.arguments:
            # Programs give some of these an argument that means nothing.
            return "ignored: object = None, /" if stub else "ignored=None"
        texts = [
            f"{name}: {kind}{defaults}" if stub else f"{name}{defaults.replace(' ', '')}"
            for name, kind in self.lines.arguments
        ]
        return ", ".join([*texts, "/"] if stub and not self.lines.absorbed else texts)

    def doc(self) -> list[str]:
        gil = "Keeps the GIL" if self.is_quick else "Releases the GIL"
        return [f"C function: {self.function.name}. {gil}."]

    def stub_signature(self) -> str:
        """Parameters for type checkers; lists may come with their lengths."""
        return "*args: Any" if self.lines.absorbed else self.signature(True)

    def stub_doc(self) -> str:
        names = ", ".join(name for name, _ in self.lines.arguments)
        return f"{self.name}({names})\n\n    {self.doc()[0]}\n    "

    def body(self) -> Iterator[str]:
        """The statements of the wrapper."""
        lines, function = self.lines, self.function
        for count in lines.counts:
            yield f"cdef size_t {count}"
        yield from lines.declare
        yield from lines.late
        for count, names in lines.counts.items():
            yield f"{count} = p_{names[0]}.count"
            for other in names[1:]:
                yield f"if p_{other}.count != {count}:"
                yield (
                    f'    raise ValueError("{self.where}(): {names[0]} and {other} have '
                    f'different lengths")'
                )
        for place, _ in lines.absorbed:
            ctype = self.ctype(function.params[place].type.replace("const ", ""))
            index = lines.call.index(f"count{place}")
            lines.call[index] = f"<{ctype}>count{place}"
        call = f"abi.{function.name}({', '.join(lines.call)})"
        target = "" if function.ret == "void" else "ret = "
        if function.ret != "void":
            yield f"cdef {self.ctype(function.ret)} ret"
        yield from self.forgetting()
        if self.is_quick:
            yield target + call
        else:
            yield "with nogil:"
            yield f"    {target}{call}"
        if function.name in self.rules["context"]["functions"]:
            yield "forget_binding()"
        yield from self.learning()
        expressions = [expression for expression, _ in self.results()]
        if expressions:
            yield f"return {', '.join(expressions)}"

    def forgetting(self) -> Iterator[str]:
        """What _pyacl_models forgets or waits for; addresses come again after the call."""
        forget, name = self.rules["forget"], self.function.name
        first = snake(self.function.params[0].name) if self.function.params else ""
        if name in forget["memory"]:
            yield f"forget_memory(c_{first})"
        if name in forget["dataset"]:
            yield f"forget_dataset(c_{first})"
        if name in self.rules["refresh"]["queued"]:
            yield f"begin_refresh(c_{first}, <abi.aclrtStream><uintptr_t>c_stream, True)"
        if name in self.rules["refresh"]["direct"]:
            yield f"begin_refresh(c_{first}, NULL, False)"

    def learning(self) -> Iterator[str]:
        """What _pyacl_models must know after the call."""
        learn, params = self.rules["learn"], self.function.params
        if self.function.name in learn["block"]:
            made = next(snake(p.name) for p in params if p.type.replace(" ", "") == "void**")
            yield f"note_block(<uintptr_t>o_{made}, c_size)"
        if self.function.name in learn["contents"]:
            yield "datasets_changed()"
        if self.function.name in learn["joining"]:
            yield f"note_buffer(c_{snake(params[1].name)})"

    def render(self) -> Iterator[str]:
        """The wrapper as Cython."""
        counts = self.lines.absorbed
        names = [name for name, _ in self.lines.arguments]
        # Programs give lists with or without their lengths.
        parameters = "*args" if counts else self.signature(False)
        yield f"def {self.name}({parameters}):"
        # What is before the dashes is for inspect.signature(), as built-in functions have it.
        signature = f"{self.name}({parameters}{'' if counts else ', /'})"
        yield f'    """{signature}\\n--\\n'
        yield f"    {self.name}({', '.join(names)})"
        yield ""
        yield from (f"    {line}" for line in self.doc())
        yield '    """'
        if counts:
            places = tuple(place for _, place in counts)
            yield (
                f"    {', '.join(names)}{',' if len(names) == 1 else ''} = squeeze(args, "
                f'{len(names)}, {places}, b"{self.where}")'
            )
        yield from (f"    {line}" for line in self.body())


def wrappers(api: Api) -> dict[str, list[Wrapper]]:
    """All functions that have a name in pyACL, by module."""
    types, rules = Types(api), load_rules()
    result: dict[str, list[Wrapper]] = {module: [] for module in MODULES}
    for function in api.functions:
        if function.python:
            wrapper = Wrapper(function, types, rules)
            result[wrapper.module].append(wrapper)
    return result


def render_module(module: str, rows: list[Wrapper]) -> str:
    """One Cython module."""
    dot = "" if module == "top" else f".{module}"
    plain = [row for row in rows if not row.is_hand_written]
    lines = [HEAD.replace("{dot}", dot)]
    names = ", ".join(f'"{row.name}"' for row in plain)
    lines.append(f"__all__ = [{names}]")
    for row in plain:
        lines += ["", "", *row.render()]
    return "\n".join(lines) + "\n"


def stubs(module: str, rows: list[Wrapper]) -> str:
    """Type stubs of one compiled module."""
    lines = [
        "from collections.abc import Sequence",
        "from typing import Any",
        "",
        "__all__: list[str]",
    ]
    for row in rows:
        if row.is_hand_written:
            continue
        lines += ["", f"def {row.name}({row.stub_signature()}) -> {row.stub_result()}:"]
        lines += [f'    """{row.stub_doc()}"""', "    ..."]
    return "\n".join(lines) + "\n"


def coverage(rows: dict[str, list[Wrapper]]) -> str:
    """Every function with its C function and what softnpu makes of it."""
    lines = [
        '"""Every function of pyACL: its C function and its state on softnpu."""',
        "",
        "FUNCTIONS: dict[str, tuple[str, str]] = {",
    ]
    for module in rows.values():
        lines += [
            f"    {row.where!r}: ({row.function.name!r}, {row.function.softnpu!r}),"
            for row in module
        ]
    return "\n".join([*lines, "}"]) + "\n"


def render(api: Api) -> dict[str, str]:
    """Return the text of every file by its path in the repository."""
    rows = wrappers(api)
    rules = load_rules()
    layouts = struct_layouts(api, rules["arrays"], rules["renamed"]["structs"])
    files = {
        "acl_fast/pyacl/_layouts_gen.py": layouts,
        "acl_fast/pyacl/_coverage_gen.py": coverage(rows),
    }
    for module, functions in rows.items():
        files[f"pyx/acl_fast/_pyacl_{module}_gen.pyx"] = render_module(module, functions)
        files[f"acl_fast/_pyacl_{module}_gen.pyi"] = stubs(module, functions)
    return files
