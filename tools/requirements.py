"""Print the requirements of the named extras of pyproject.toml, for ``pip install -r``.

``pip install -e .[extras]`` would build the package before its dependencies are there.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def table(text: str, heading: str) -> str:
    """Return the body of one table of a TOML text (3.10 has no tomllib)."""
    match = re.search(rf"^\[{re.escape(heading)}\]\n(.*?)(?=^\[)", text, re.M | re.S)
    if match is None:
        raise SystemExit(f"pyproject.toml has no table [{heading}]")
    return match.group(1)


def array(body: str, key: str) -> list[str]:
    """Return the strings of one array of a table."""
    match = re.search(rf"^{key} = \[(.*?)\]\s*$", body, re.M | re.S)
    if match is None:
        raise SystemExit(f"pyproject.toml names no '{key}'")
    return re.findall(r'"([^"]+)"', match.group(1))


def main() -> None:
    text = Path(__file__).parents[1].joinpath("pyproject.toml").read_text()
    wanted = array(table(text, "project"), "dependencies")
    extras = table(text, "project.optional-dependencies")
    for extra in sys.argv[1].split(","):
        wanted += array(extras, extra)
    print("\n".join(wanted))


if __name__ == "__main__":
    main()
