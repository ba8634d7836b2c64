"""Interleaved measurement: a case and its counterparts take turns, round by round.

On a shared machine the clock drifts by more than the differences of interest. Within one round all
contestants meet the same weather, so the figure to trust is the median over rounds of the *ratio*
(or difference) to the counterpart measured in the same round.
"""

from __future__ import annotations

import math
import operator
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, repeat
from typing import Any

UNITS = {"ns": 1e9, "us": 1e6, "ms": 1e3, "s": 1.0}


@dataclass(frozen=True)
class Settings:
    """How long to measure.

    A turn is much shorter than a time slice of the system, so that a neighbour on the same core
    spoils some turns altogether and leaves the others, and with them the median, alone.
    """

    rounds: int = 300
    turn: float = 0.0005  # seconds one contestant runs within one round

    @classmethod
    def short(cls) -> Settings:
        """A look at the figures, not a measurement."""
        return cls(rounds=30)

    def fewer(self, divisor: int) -> Settings:
        """For work that takes milliseconds by itself."""
        return replace(self, rounds=max(3, self.rounds // divisor))


@dataclass(frozen=True)
class Spread:
    """Median and quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Spread:
        if len(samples) < 2:
            return cls(samples[0], samples[0], samples[0])
        low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
        return cls(median, low, high)


@dataclass(frozen=True)
class Target:
    """An upper bound of a ratio (``x``) to the counterpart, or of the excess (``+``) over it."""

    limit: float
    kind: str = "x"


@dataclass(frozen=True)
class Contestant:
    """One way to do the work: ``run(n)`` does it ``n`` times and returns the seconds it took."""

    name: str
    run: Callable[[int], float]
    target: Target | None = None
    versus: str | None = None  # the counterpart, when it is not the contest's first contestant


@dataclass
class Row:
    """One line of the report. Times are in ``unit``; so is an excess, while a ratio has none."""

    case: str
    name: str
    unit: str
    value: Spread
    versus: str | None = None
    kind: str = "x"
    comparison: Spread | None = None
    limit: float | None = None
    note: str = ""
    samples: list[float] = field(default_factory=list, repr=False)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        if self.limit is None:
            return None
        measured = self.comparison.median if self.comparison else self.value.median
        return measured <= self.limit

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Row:
        fields = {name: value for name, value in data.items() if name != "met"}
        fields["value"] = Spread(**fields["value"])
        if fields["comparison"]:
            fields["comparison"] = Spread(**fields["comparison"])
        return cls(**fields)


def statement(
    code: str, after: str = "pass", unroll: int = 10, /, **names: Any
) -> Callable[[int], float]:
    """Time a Python statement, unrolled so that the loop around it hardly counts.

    ``after`` runs once per turn inside the measured time: what the statement leaves for later
    (a synchronise that collects completed work) belongs to its cost.
    """
    body = "\n".join(["        " + code] * unroll)
    source = f"""
def run(n):
    loops = max(1, n // {unroll})
    start = now()
    for _ in repeat(None, loops):
{body}
    {after}
    return (now() - start) * n / (loops * {unroll})
"""
    scope = {"now": time.perf_counter, "repeat": repeat, **names}
    exec(compile(source, f"<{code}>", "exec"), scope)
    run: Callable[[int], float] = scope["run"]
    return run


def turns(contestants: Sequence[Contestant], seconds: float) -> dict[str, int]:
    """How often each contestant repeats its work to fill one turn; warms it up on the way."""
    counts = {}
    for contestant in contestants:
        count = 1
        while (elapsed := contestant.run(count)) < seconds / 4 and count < 1 << 24:
            count *= 4
        elapsed = min(elapsed, contestant.run(count), contestant.run(count))
        counts[contestant.name] = max(1, round(count * seconds / max(elapsed, 1e-9)))
    return counts


def interleave(
    contestants: Sequence[Contestant], settings: Settings, turn: float | None = None
) -> dict[str, list[float]]:
    """Seconds per operation of every contestant in every round.

    The order within a round is shuffled (reproducibly): nobody always runs after the same other.
    """
    counts = turns(contestants, turn or settings.turn)
    samples: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    order = list(contestants)
    shuffle = random.Random(0).shuffle
    for _ in range(settings.rounds):
        shuffle(order)
        for contestant in order:
            count = counts[contestant.name]
            samples[contestant.name].append(contestant.run(count) / count)
    return samples


def contest(
    case: str,
    unit: str,
    contestants: Sequence[Contestant],
    settings: Settings,
    turn: float | None = None,
) -> list[Row]:
    """Measure the contestants against each other; the first one is the default counterpart."""
    scale = UNITS[unit]
    samples = interleave(contestants, settings, turn)
    rows = []
    for contestant in contestants:
        own = [seconds * scale for seconds in samples[contestant.name]]
        row = Row(case, contestant.name, unit, Spread.of(own), samples=own)
        versus = contestant.versus or contestants[0].name
        if versus != contestant.name:
            other = [seconds * scale for seconds in samples[versus]]
            row.versus = versus
            row.kind = contestant.target.kind if contestant.target else "x"
            compare = operator.truediv if row.kind == "x" else operator.sub
            row.comparison = Spread.of(list(map(compare, own, other)))
            row.limit = contestant.target.limit if contestant.target else None
        rows.append(row)
    return rows


def significant(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0 or not math.isfinite(value):
        return str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def flatten(groups: Sequence[Sequence[Row]]) -> list[Row]:
    """Rows of several contests as one list."""
    return list(chain.from_iterable(groups))
