"""Progress bar and tables for a terminal of 80 columns."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TextIO

EIGHTHS = " ▏▎▍▌▋▊▉█"
BAR_CELLS = 28
REDRAW_SECONDS = 0.1


class ProgressBar:
    """One line that grows; on a file or pipe, four plain lines instead.

    Parameters
    ----------
    label
        What is being done.
    total
        Number of steps; 0 if unknown.
    unit
        What one step is, in the plural.
    scale
        Steps per ``unit``, for example 1e6 to show bytes as MB.
    stream
        Where to write; standard error by default, so that output can be piped.
    """

    def __init__(
        self,
        label: str,
        total: int = 0,
        unit: str = "frames",
        scale: float = 1,
        stream: TextIO | None = None,
    ) -> None:
        self.label, self.total, self.unit, self.scale = label, total, unit, scale
        self.done = 0
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._unicode = "utf" in (getattr(self._stream, "encoding", None) or "").lower()
        self._start = time.monotonic()
        self._drawn = float("-inf")
        self._quarter = 0

    def update(self, done: int, total: int | None = None) -> None:
        """Set how many steps are done, and the total where it became known."""
        self.done = done
        self.total = self.total if total is None else total
        now = time.monotonic()
        if self._live:
            if now - self._drawn >= REDRAW_SECONDS:
                self._drawn = now
                self._stream.write("\r" + self.line())
                self._stream.flush()
        elif self.total and self.done * 4 // self.total > self._quarter:
            self._quarter = self.done * 4 // self.total
            if self._quarter < 4:
                self._stream.write(self.line() + "\n")

    def close(self) -> None:
        """Write the last state and end the line."""
        self.total = max(self.total, self.done) if self.done else self.total
        self._stream.write(("\r" if self._live else "") + self.line() + "\n")
        self._stream.flush()

    def line(self) -> str:
        """Return the line for the present state, 79 columns wide at most."""
        seconds = max(time.monotonic() - self._start, 1e-9)
        rate = self.done / self.scale / seconds
        number = "{:.1f}" if self.scale > 1 else "{:.0f}"
        count = number.format(self.done / self.scale)
        if self.total:
            share = min(1.0, self.done / self.total)
            count += "/" + number.format(self.total / self.scale)
            head = f"{self.label:<12.12} {self._bar(share)} {count:>9} "
        else:
            head = f"{self.label:<12.12} {count} "
        return f"{head}{rate:7.1f} {self.unit}/s".ljust(79)[:79]

    def _bar(self, share: float) -> str:
        if not self._unicode:
            return "[" + ("#" * round(share * BAR_CELLS)).ljust(BAR_CELLS) + "]"
        eighths = round(share * BAR_CELLS * 8)
        full, rest = divmod(eighths, 8)
        bar = "█" * full + (EIGHTHS[rest] if rest else "")
        return "▕" + bar.ljust(BAR_CELLS) + "▏"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table: the first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        first, *rest = (
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(["  " + first, *rest]).rstrip()

    rule = "  " + "-" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([line(header), rule, *map(line, rows)])


def size_text(count: float) -> str:
    """Return a number of bytes as a person reads it, in powers of 1000."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
