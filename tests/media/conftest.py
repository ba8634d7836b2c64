from __future__ import annotations

from collections.abc import Iterator

import pytest

import acl_fast as af


@pytest.fixture(scope="session")
def device() -> Iterator[af.Device]:
    with af.Device(0) as opened:
        yield opened


@pytest.fixture
def stream(device: af.Device) -> Iterator[af.Stream]:
    with device.create_stream() as opened:
        yield opened


@pytest.fixture
def chosen(interface: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let everything of a test that is not told otherwise go through one media interface."""
    monkeypatch.setenv("ACL_FAST_MEDIA", interface)
    return interface


@pytest.fixture(autouse=True)
def closed_channels(leak_gate: None) -> Iterator[None]:
    """Give the channels of the module's functions back, so that the leak gate sees the rest."""
    yield
    from acl_fast.media import vpc

    vpc.close_all()
