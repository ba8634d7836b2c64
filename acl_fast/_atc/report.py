"""Everything that atc prints, in the order and with the words that scripts look for."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Sequence
from typing import Any

from .dtypes import BY_ACL, FORMAT_NAMES
from .errors import AtcError

START = "ATC start working now, please wait for a moment."
SUCCESS = "ATC run success, welcome to the next use."
FAILED = "ATC run failed, Please check the detail log, Try 'atc --help' for more information"
INDENT = " " * 8
LEVELS = ("debug", "info", "warning", "error", "null")


class Report:
    """Writes to standard output, where scripts that drive atc read."""

    def __init__(self) -> None:
        self.level = "null"
        self._stage = ""
        self._began = 0.0

    def line(self, text: str = "") -> None:
        print(text, flush=True)

    def start(self) -> None:
        self.line(START)

    def success(self) -> None:
        self.line(SUCCESS)

    def wants(self, level: str) -> bool:
        """Whether messages of this level are to be shown."""
        return LEVELS.index(self.level) <= LEVELS.index(level)

    def failure(self, error: AtcError) -> None:
        """The block that tools parse: E-code at column 0, the rest indented."""
        self.end_stage()
        self.line(FAILED)
        self.line(f"{error.code}: {error.message}")
        self.line(f"{INDENT}Solution: {error.solution}")
        self.line(f"{INDENT}TraceBack (most recent call last):")
        self.line(f"{INDENT}{error.where or 'read the command line'}")

    def note(self, text: str) -> None:
        """A sentence about something accepted but not done, or worth knowing."""
        self.line(f"Note: {text}")

    # ---- progress ----

    def stage(self, name: str) -> None:
        """A stage begins; the one before has ended."""
        self.end_stage()
        self._stage, self._began = name, time.monotonic()
        if sys.stdout.isatty():
            print(f"  {name} ...", end="", flush=True)

    def end_stage(self) -> None:
        """Print how long the current stage took."""
        if self._stage:
            start = "\r" if sys.stdout.isatty() else ""
            seconds = time.monotonic() - self._began
            self.line(f"{start}  {self._stage:<24}{seconds:7.2f} s")
        self._stage = ""

    # ---- tables ----

    def without_effect(self, names: Sequence[str]) -> None:
        """One line for all options that only steer a real chip."""
        if names:
            listed = ", ".join(f"--{name}" for name in names)
            self.note(
                f"accepted, without effect on softnpu (it computes in FP32 on the CPU): {listed}"
            )

    def summary(self, manifest: dict[str, Any]) -> None:
        """Inputs, outputs and gears of a model."""
        rows = [("", "name", "shape", "type", "format", "bytes")]
        for kind in ("input", "output"):
            for index, tensor in enumerate(manifest[kind + "s"]):
                rows.append((f"{kind} {index}", *_cells(tensor)))
        self.line()
        self.table(rows)
        if gear := manifest["gear"]:
            text = "; ".join(",".join(map(str, values)) for values in gear["gears"])
            wrapped = textwrap.wrap(text, 80) or [""]
            self.line(f"  gears ({gear['kind']}, {len(gear['gears'])}): {wrapped[0]}")
            for more in wrapped[1:]:
                self.line(f"    {more}")
        self.line()

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as their widest cell; the last one is a number."""
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            cells[-1] = row[-1].rjust(widths[-1])
            self.line("  " + "  ".join(cells).rstrip())


def _cells(tensor: dict[str, Any]) -> tuple[str, str, str, str, str]:
    bounds = tensor["range"] or [[dim, dim] for dim in tensor["dims"]]
    dims = [str(lo) if lo == hi else "-1" if hi < 0 else f"{lo}~{hi}" for lo, hi in bounds]
    return (
        tensor["name"],
        ",".join(dims) or "scalar",
        BY_ACL[tensor["dtype"]].name,
        FORMAT_NAMES[tensor["format"]],
        str(tensor["size"]) if tensor["size"] else "unbounded",
    )
