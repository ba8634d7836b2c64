"""What all tests share: softnpu as the backend, and a gate that nothing leaks through.

The device is used in the mode that SOFTNPU_MODE names; run.sh runs the suite in both.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator

import hypothesis
import pytest

from tests.stalls import watch_stalls

# A worker per core shares the machine with others: no example is wrong for being slow.
hypothesis.settings.register_profile("shared", deadline=None)
hypothesis.settings.load_profile("shared")

os.environ.setdefault("ACL_FAST_BACKEND", "softnpu")

# A shell starts background jobs with Ctrl-C ignored, which the programs under test would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    watch_stalls(config)


def live_objects() -> dict[str, int]:
    """What softnpu says exists: handles and allocations by kind; {} before it is loaded."""
    from acl_fast import _runtime, softnpu

    if not _runtime.is_initialized():
        return {}
    return {name: value for name, value in softnpu.counters().items() if name.startswith("live_")}


@pytest.fixture(autouse=True)
def leak_gate(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test after which more lives on the device than before it."""
    try:
        before = live_objects()
    except ImportError:
        # The package is not built: tests that need no device still run.
        yield
        return
    yield
    after = live_objects()
    if any(after[name] > before.get(name, 0) for name in after):
        gc.collect()
        after = live_objects()
    left = {name: (before.get(name, 0), value) for name, value in after.items()}
    left = {name: pair for name, pair in left.items() if pair[1] > pair[0]}
    assert not left, f"left on the device (before, after): {left}"


@pytest.fixture(params=["v1", "v2"])
def interface(request: pytest.FixtureRequest) -> str:
    """Which media interface a test goes through: acldvpp, or hi_mpi."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def unified() -> bool:
    """Whether host and device share memory in this run."""
    import acl_fast as af

    return af.run_mode() == "unified"
