"""A device opened through the C interface, for tests that call it through ctypes.

A conftest imports the fixtures that its folder needs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.softnpu_model.acl import acl, counters


@pytest.fixture(scope="session", autouse=True)
def device() -> Iterator[None]:
    assert acl.code.aclInit(None) in (0, 100002)  # other folders open it too
    acl.aclrtSetDevice(0)
    yield
    acl.aclrtResetDevice(0)


@pytest.fixture(autouse=True)
def nothing_left(device: None) -> Iterator[None]:
    """Prove after each test that what lives on the device is what lived before it."""
    acl.aclrtSetDevice(0)
    before = _live()
    yield
    after = _live()
    acl.aclrtResetDevice(0)
    assert after == before


def _live() -> dict[str, int]:
    return {name: count for name, count in counters().items() if name.startswith("live_")}
