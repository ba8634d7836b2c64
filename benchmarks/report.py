"""What a run leaves behind: a table on the terminal, JSON, Markdown and a plot."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.harness import UNITS, Row, Spread, significant
from benchmarks.native import ROOT

RESULTS = ROOT / "benchmarks" / "results"
RECORD = ROOT / "benchmarks" / "RESULTS.md"
HEADINGS = ("", "median", "quartiles", "against", "median", "quartiles", "target", "")


def processor() -> str:
    """The processor's marketing name; /proc names it on x86 only."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def machine() -> dict[str, Any]:
    """Where and on what the figures were taken."""
    describe = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    commit = subprocess.run(describe, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "python": platform.python_version(),
        "commit": commit,
        "date": datetime.now(timezone.utc).isoformat(timespec="minutes"),
        "load": os.getloadavg()[0],
    }


def spread_text(spread: Spread) -> str:
    return f"{significant(spread.low)} .. {significant(spread.high)}"


def comparison_cells(row: Row) -> tuple[str, str, str]:
    """Counterpart, median and quartiles of the comparison."""
    if row.comparison is None:
        return "", "", ""
    median = significant(row.comparison.median)
    median = f"{median} x" if row.kind == "x" else f"{row.comparison.median:+.3g} {row.unit}"
    return row.versus or "", median, spread_text(row.comparison)


def cells(row: Row) -> tuple[str, ...]:
    """One row of the table as text."""
    target, verdict = "", ""
    if row.limit is not None:
        bound = f"{row.limit:g}"
        relative = row.comparison is not None and row.kind == "x"
        target = f"<= {bound} x" if relative else f"<= {bound} {row.unit}"
        verdict = "met" if row.met else "NOT MET"
    value = f"{significant(row.value.median)} {row.unit}"
    extent = spread_text(row.value) if row.value.low != row.value.high else ""
    return (row.name, value, extent, *comparison_cells(row), target, verdict)


def by_case(rows: Sequence[Row]) -> dict[str, list[Row]]:
    cases: dict[str, list[Row]] = {}
    for row in rows:
        cases.setdefault(row.case, []).append(row)
    return cases


def notes(rows: Sequence[Row]) -> list[str]:
    return [f"{row.name}: {row.note}" for row in rows if row.note]


def table(rows: Sequence[Row]) -> str:
    """Aligned text for a terminal."""
    lines = []
    grid = [HEADINGS, *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
    for case, members in by_case(rows).items():
        first = (case, *HEADINGS[1:])
        for line in (first, *map(cells, members)):
            padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
            lines.append("  ".join(padded).rstrip())
        lines += [*(f"  {note}" for note in notes(members)), ""]
    return "\n".join(lines)


def markdown(rows: Sequence[Row], facts: dict[str, Any]) -> str:
    """The same table for reading on a page, under a line that names the machine."""
    lines = [
        "# Benchmark results",
        "",
        f"`python -m benchmarks` at {facts['commit']}, {facts['date']}: {facts['processor']}, "
        f"{facts['cores']} cores, {facts['system']}, CPython {facts['python']}, "
        f"load average {facts['load']:.1f} at the start.",
        "",
        "Medians and quartiles over rounds in which all contestants of a case take turns; "
        "comparisons are taken within each round.",
    ]
    for case, members in by_case(rows).items():
        lines += ["", f"## {case}", "", "| " + " | ".join(HEADINGS) + " |"]
        lines.append("|" + "---|" * len(HEADINGS))
        lines += ["| " + " | ".join(cells(row)) + " |" for row in members]
        lines += ["", *notes(members)] if notes(members) else []
    return "\n".join(lines) + "\n"


def plot(rows: Sequence[Row], facts: dict[str, Any], path: Path) -> None:
    """One panel per case with times: medians as bars, quartiles as whiskers, verdict as colour."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    colours = {True: "tab:green", False: "tab:red", None: "tab:blue"}
    cases = by_case([row for row in rows if row.unit in UNITS])
    heights = [len(members) + 1.2 for members in cases.values()]
    figure, axes = pyplot.subplots(
        len(cases),
        figsize=(10, 0.45 * sum(heights) + 0.8),
        gridspec_kw={"height_ratios": heights},
        squeeze=False,
        layout="constrained",
    )
    for axis, (case, members) in zip(axes[:, 0], cases.items(), strict=True):
        medians = [row.value.median for row in members]
        whiskers = [
            [max(0.0, row.value.median - row.value.low) for row in members],
            [max(0.0, row.value.high - row.value.median) for row in members],
        ]
        names = [row.name for row in members]
        axis.barh(names, medians, xerr=whiskers, color=[colours[row.met] for row in members])
        for index, row in enumerate(members):
            text = comparison_cells(row)[1]
            axis.annotate(
                text, (row.value.high, index), (6, 0), textcoords="offset points", va="center"
            )
        axis.invert_yaxis()
        axis.margins(x=0.15)
        axis.set_title(f"{case} [{members[0].unit}]", loc="left", fontsize=10)
    title = f"{facts['processor']}, {facts['cores']} cores, {facts['commit']}"
    figure.suptitle(f"{title}; green: target met, red: missed", fontsize=9)
    figure.savefig(path, dpi=110)


def write(rows: Sequence[Row], facts: dict[str, Any], record: bool) -> list[Path]:
    """Write all forms of the result and return their paths."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / ".gitignore").write_text("*\n")
    stem = RESULTS / "latest"
    written = [stem.with_suffix(suffix) for suffix in (".json", ".md", ".png")]
    document = {"machine": facts, "rows": [row.as_dict() for row in rows]}
    written[0].write_text(json.dumps(document, indent=1) + "\n")
    written[1].write_text(markdown(rows, facts))
    if any(row.unit in UNITS for row in rows):
        plot(rows, facts, written[2])
    else:
        del written[2]
    if record:
        RECORD.write_text(markdown(rows, facts))
        written.append(RECORD)
    return written
