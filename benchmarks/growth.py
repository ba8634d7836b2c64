"""Memory between an early and a late request on one stream: nothing may be left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks import backend, models
from benchmarks.harness import Row, Settings, Spread

PAGE = 4096
SYNCHRONISE_EVERY = 100
# The smallest block malloc gives is 32 bytes: a leak of one per request is more than this.
LIMIT_BYTES_PER_REQUEST = 16

CASE = "growth between the first tenth of the requests and the last"

environment = backend.environment


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def live_objects() -> dict[str, int]:
    """What softnpu says is alive: allocations, bytes, handles by kind."""
    import acl_fast as af

    counters = af.softnpu.counters()
    return {name: value for name, value in counters.items() if name.startswith("live")}


def watch(
    name: str, submit: Callable[[], object], drain: Callable[[], object], last: int
) -> list[Row]:
    """Submit ``last`` requests; compare the state at a tenth of them with the state at the end."""

    def submit_until(first: int, end: int) -> None:
        for index in range(first, end):
            submit()
            if index % SYNCHRONISE_EVERY == SYNCHRONISE_EVERY - 1:
                drain()
        drain()

    early = last // 10
    submit_until(0, early)
    objects, memory = live_objects(), resident()
    submit_until(early, last)
    grown = (resident() - memory) / 1024
    changed = {key: value - objects[key] for key, value in live_objects().items()}
    changed = {key: value for key, value in changed.items() if value}
    limit = (last - early) * LIMIT_BYTES_PER_REQUEST / 1024
    requests = f"{last} x {name}"
    return [
        Row(CASE, f"{requests}: memory", "KiB", Spread.of([grown]), limit=limit),
        Row(
            CASE,
            f"{requests}: live objects",
            "more",
            Spread.of([sum(map(abs, changed.values()))]),
            limit=0,
            note=str(changed) if changed else "",
        ),
    ]


def measure(settings: Settings) -> list[Row]:
    import acl_fast as af

    device = af.Device(0)
    stream = device.create_stream()
    model = device.load_model(str(models.add()))
    request = model.create_request()
    last = settings.requests

    def fresh() -> None:
        model.create_request().run_async(stream)

    return [
        *watch("one request", lambda: request.run_async(stream), stream.synchronize, last),
        *watch("create, run, drop", fresh, stream.synchronize, last),
    ]
