"""The same as `vpc` with SOFTNPU_VPC=fast, which a process reads once."""

from __future__ import annotations

from dataclasses import replace

from benchmarks import vpc
from benchmarks.harness import Row, Settings


def environment() -> dict[str, str]:
    return {**vpc.environment(), "SOFTNPU_VPC": "fast"}


def measure(settings: Settings) -> list[Row]:
    rows = vpc.measure_with(vpc.FAST, settings)
    return [replace(row, case=f"{row.case}, fast") for row in rows]
