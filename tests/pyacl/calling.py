"""Call any function of pyACL by name, with as little as it takes."""

from __future__ import annotations

import re
from typing import Any

from acl_fast import pyacl as acl

WANTED: dict[str, Any] = {"a list": [], "a dict": {}, "a function": lambda *_: None}


def find(name: str) -> Any:
    found: Any = acl
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    return found


def parameters(function: Any) -> list[str]:
    """Names of what it is called with, out of the first line of its docstring."""
    head = (function.__doc__ or "").strip().split("\n")[0]
    names = [p.strip() for p in head[head.index("(") + 1 : head.index(")")].split(",")]
    return [n for n in names if n and not n.startswith("*")]


def call_with_nothing(name: str, number: int = 0) -> Any:
    """Call with one number for everything, or an empty list or dict where one is asked for."""
    function = find(name)
    names = parameters(function)
    arguments: list[Any] = [number] * len(names)
    while True:
        try:
            return function(*arguments)
        except TypeError as error:
            text = str(error)
            said = re.fullmatch(
                re.escape(name) + r"\(\): (?:the )?(\w+) is (a list|a dict|a function)"
                r"(?: of \w+)?, not int",
                text,
            )
            if not said:
                return "raised " + text
            known = (said[1], "fn", "func") if said[1] == "callback" else (said[1],)
            index = next(i for i, n in enumerate(names) if n in known)
            if arguments[index] != number:
                return "raised " + text
            arguments[index] = WANTED[said[2]]
