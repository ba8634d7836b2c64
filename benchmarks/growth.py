"""Memory between an early and a late request on one stream: nothing may be left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks import backend, models
from benchmarks.harness import Row, Settings, Spread, flatten

PAGE = 4096
REQUESTS = 10_000
BATCH = 100  # requests in flight at most: a deeper queue later would look like growth
# The smallest block malloc gives is 32 bytes: a leak of one per request is more than this.
LIMIT_BYTES_PER_REQUEST = 16

CASE = f"growth from request {REQUESTS // 10:,} to {REQUESTS:,}"

environment = backend.environment


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def live_objects() -> dict[str, int]:
    """What softnpu says is alive: allocations, bytes, handles by kind."""
    import acl_fast as af

    counters = af.softnpu.counters()
    return {name: value for name, value in counters.items() if name.startswith("live")}


def watch(name: str, submit: Callable[[], object], drain: Callable[[], object]) -> list[Row]:
    """Submit requests, waiting after each batch; compare the state early on and at the end."""

    def submit_until(first: int, end: int) -> None:
        for index in range(first, end):
            submit()
            if index % BATCH == BATCH - 1:
                drain()
        drain()

    early = REQUESTS // 10
    submit_until(0, early)
    objects, memory = live_objects(), resident()
    submit_until(early, REQUESTS)
    grown = (resident() - memory) / 1024
    changed = {key: value - objects[key] for key, value in live_objects().items()}
    changed = {key: value for key, value in changed.items() if value}
    limit = (REQUESTS - early) * LIMIT_BYTES_PER_REQUEST / 1024
    return [
        Row(CASE, f"{name}: memory", "KiB", Spread.of([grown]), limit=limit),
        Row(
            CASE,
            f"{name}: live objects",
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

    def again() -> None:
        request.run_async(stream)

    def fresh() -> None:
        model.create_request().run_async(stream)

    return flatten(
        [
            watch("one request", again, stream.synchronize),
            watch("create, run, drop", fresh, stream.synchronize),
        ]
    )
