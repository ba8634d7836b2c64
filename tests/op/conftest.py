"""A device for the operator tests, and proof after each test that nothing was left behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.softnpu_model.acl import acl, counters


@pytest.fixture(scope="session", autouse=True)
def _device() -> Iterator[None]:
    assert acl.code.aclInit(None) in (0, 100002)
    acl.aclrtSetDevice(0)
    yield
    acl.aclrtResetDevice(0)


@pytest.fixture(autouse=True)
def _nothing_left(_device: None) -> Iterator[None]:
    acl.aclrtSetDevice(0)
    before = _live()
    yield
    after = _live()
    acl.aclrtResetDevice(0)
    assert after == before


def _live() -> dict[str, int]:
    return {name: count for name, count in counters().items() if name.startswith("live_")}
