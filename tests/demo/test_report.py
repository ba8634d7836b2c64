"""The progress bar and tables keep within 80 columns, on a terminal and in a file."""

from __future__ import annotations

import io

import pytest

from acl_fast._demo import report


class Terminal(io.TextIOWrapper):
    """A terminal of the given encoding, in memory."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="")

    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


def test_terminal_line_is_rewritten_and_ended_once() -> None:
    terminal = Terminal()
    bar = report.ProgressBar("detecting", 250, stream=terminal)
    for done in range(251):
        bar.update(done)
    bar.close()
    text = terminal.text()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    lines = text.rstrip("\n").split("\r")[1:]
    assert {len(line) for line in lines} == {79}
    assert "250/250" in lines[-1]
    assert "█" * report.BAR_CELLS in lines[-1]


def test_file_gets_a_few_plain_lines() -> None:
    file = io.StringIO()
    bar = report.ProgressBar("detecting", 1000, stream=file)
    for done in range(1001):
        bar.update(done)
    bar.close()
    lines = file.getvalue().splitlines()
    counts = [line.split("]")[1].split()[0] for line in lines]
    assert counts == ["250/1000", "500/1000", "750/1000", "1000/1000"]
    assert "\r" not in file.getvalue()


def test_terminal_without_unicode() -> None:
    terminal = Terminal("ascii")
    bar = report.ProgressBar("detecting", 4, stream=terminal)
    bar.update(2)
    bar.close()
    assert "[" + "#" * (report.BAR_CELLS // 2) in terminal.text()


def test_unknown_total() -> None:
    bar = report.ProgressBar("detecting", stream=io.StringIO())
    bar.update(17)
    assert " 17 " in bar.line()
    assert "▏" not in bar.line()


@pytest.mark.parametrize("total", [0, 1, 250, 1_000_000])
@pytest.mark.parametrize("scale", [1, 1e6])
def test_line_never_wraps(total: int, scale: float) -> None:
    bar = report.ProgressBar("a label that is long", total, "MB", scale, io.StringIO())
    for done in (0, total // 3, total, 2 * total):
        bar.update(done)
        assert len(bar.line()) <= 79


def test_table_aligns_its_columns() -> None:
    text = report.table(("class", "n"), [("person", "12"), ("car", "3")])
    assert text.splitlines() == [
        "  class    n",
        "  ----------",
        "  person  12",
        "  car      3",
    ]


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2.1e6, "2.1 MB"), (7e9, "7.0 GB")],
)
def test_size_text(count: float, text: str) -> None:
    assert report.size_text(count) == text
