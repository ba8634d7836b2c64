"""What the checks find, in the order in which one thing needs another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

OK, NOTE, WARN, FAIL = "ok", "note", "warn", "FAIL"


@dataclass(frozen=True)
class Finding:
    """One result.

    Attributes
    ----------
    area : str
        Heading: settings, CANN, driver, softnpu, ...
    state : str
        ``ok``, ``note``, ``warn`` (works, but is not as it should be) or ``FAIL``.
    text : str
        What was found and where.
    mend : str
        The one line that mends it.
    """

    area: str
    state: str
    text: str
    mend: str = ""


@dataclass
class Findings:
    """All results, and every place that the search for a backend tried."""

    items: list[Finding] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    def add(self, area: str, state: str, text: str, mend: str = "") -> None:
        """Record one result."""
        self.items.append(Finding(area, state, text, mend))

    @property
    def cause(self) -> Finding | None:
        """The first failure: what comes after it may only follow from it."""
        return next((item for item in self.items if item.state == FAIL), None)

    def lines(self) -> Iterator[str]:
        """The report for people."""
        for area in dict.fromkeys(item.area for item in self.items):
            yield f"{area}"
            for item in self.items:
                if item.area != area:
                    continue
                yield f"  {item.state:<5} {item.text}"
                if item.mend:
                    yield f"        -> {item.mend}"
        if self.places:
            yield "places tried for a backend"
            yield from (f"  {place}" for place in self.places)
        yield ""
        if self.cause is None:
            yield "Everything needed is in place."
            return
        yield f"First cause: {self.cause.area}: {self.cause.text}"
        if self.cause.mend:
            yield f"Mend it:     {self.cause.mend}"

    def document(self) -> dict[str, Any]:
        """The report for tools."""
        cause = self.cause
        return {
            "ok": cause is None,
            "first_cause": asdict(cause) if cause else None,
            "findings": [asdict(item) for item in self.items],
            "places": self.places,
        }
