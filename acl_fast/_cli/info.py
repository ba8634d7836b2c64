"""acl-fast info: what acl_fast runs on."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any


def lines(data: dict[str, Any], indent: str = "") -> Iterator[str]:
    """A nested dictionary as aligned lines."""
    width = max(map(len, data), default=0)
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{key}"
            yield from lines(value, indent + "  ")
        elif isinstance(value, list | tuple) and value and isinstance(value[0], dict):
            for index, item in enumerate(value):
                yield f"{indent}{key}[{index}]"
                yield from lines(item, indent + "  ")
        else:
            yield f"{indent}{key:<{width}}  {text(key, value)}"


def text(key: str, value: Any) -> str:
    """A leaf value for people; free and total are bytes."""
    if value is None or value == "":
        return "-"
    if key in ("free", "total") and isinstance(value, int):
        return f"{value / 2**30:.1f} GiB"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return str(value)


def main(argv: list[str]) -> int:
    """Run ``acl-fast info``; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="acl-fast info", description="Show backend, versions, devices, memory and engines."
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    try:
        import acl_fast

        data = acl_fast.info()
    except (ImportError, RuntimeError) as error:
        print(
            f"acl-fast info: {error}\nacl-fast doctor says what is missing and what mends it.",
            file=sys.stderr,
        )
        return 1
    print(json.dumps(data, indent=2, default=str) if options.json else "\n".join(lines(data)))
    return 0
