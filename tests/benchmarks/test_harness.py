"""The arithmetic of the benchmarks: no clock is involved."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import report
from benchmarks.__main__ import main
from benchmarks.harness import Contestant, Row, Settings, Spread, Target, contest, statement


def steady(seconds: float) -> Contestant:
    """A contestant that claims to take exactly this long per operation."""
    return Contestant(f"{seconds}", lambda n: n * seconds)


def test_spread_agrees_with_numpy() -> None:
    samples = np.random.default_rng(0).exponential(size=37)
    spread = Spread.of(list(samples))
    expected = np.percentile(samples, [50, 25, 75])
    assert [spread.median, spread.low, spread.high] == pytest.approx(expected)


def test_ratio_is_taken_within_each_round() -> None:
    """A machine that slows down for both during the run leaves the ratio alone."""
    clock = {"slow": 0, "fast": 0}

    def drifting(name: str, seconds: float) -> Contestant:
        def run(count: int) -> float:
            clock[name] += 1
            return count * seconds * 1.1 ** clock[name]

        return Contestant(name, run, Target(1.0))

    # Turns are counted per contestant, and warming up takes fewer turns of the slower one.
    rows = contest(
        "case", "us", [drifting("slow", 2e-6), drifting("fast", 1e-6)], Settings(rounds=9)
    )
    comparison = rows[1].comparison
    assert comparison is not None
    assert comparison.low == pytest.approx(comparison.high)
    assert rows[0].value.low < rows[0].value.high


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target(1.6), True),
        (Target(1.4), False),
        (Target(0.6, "+"), True),
        (Target(0.4, "+"), False),
        (None, None),
    ],
)
def test_verdict(target: Target | None, met: bool | None) -> None:
    other = Contestant("other", lambda n: n * 1.5e-6, target)
    row = contest("case", "us", [steady(1e-6), other], Settings.short())[1]
    assert row.met is met


def test_statement_counts_every_execution() -> None:
    calls: list[int] = []
    seconds = statement("calls.append(1)", "calls.append(-1)", calls=calls)(200)
    assert calls == [1] * 200 + [-1]
    assert seconds > 0


def test_rows_survive_the_way_from_the_worker() -> None:
    rows = contest("case", "ns", [steady(1e-9), steady(2e-9)], Settings.short())
    assert [Row.from_dict(row.as_dict()) for row in rows] == rows


def test_table_names_what_was_missed() -> None:
    slow = Contestant("slow", lambda n: n * 3e-9, Target(2.0))
    text = report.table(contest("case", "ns", [steady(1e-9), slow], Settings.short()))
    line = next(line for line in text.splitlines() if line.startswith("slow"))
    assert "3.00 x" in line
    assert line.endswith("NOT MET")


def test_list_names_every_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    names = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    folder = Path(__file__).parents[2] / "benchmarks"
    cases = {
        path.stem for path in folder.glob("*.py") if "\ndef measure(settings" in path.read_text()
    }
    assert names == cases
