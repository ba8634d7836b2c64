from __future__ import annotations

from collections.abc import Iterator

import pytest

import acl_fast as af

from . import models


@pytest.fixture(scope="session")
def device() -> Iterator[af.Device]:
    with af.Device(0) as opened:
        yield opened


@pytest.fixture
def stream(device: af.Device) -> Iterator[af.Stream]:
    with device.create_stream() as opened:
        yield opened


@pytest.fixture(scope="session")
def slow_bytes() -> bytes:
    """A model that computes for some tenths of a second."""
    return models.slow()


@pytest.fixture
def add_model(device: af.Device) -> Iterator[af.Model]:
    """y = a + b on float32 [2, 3]."""
    with device.load_model(models.add((2, 3))) as loaded:
        yield loaded


@pytest.fixture
def slow_model(device: af.Device, slow_bytes: bytes) -> Iterator[af.Model]:
    with device.load_model(slow_bytes) as loaded:
        yield loaded


@pytest.fixture(scope="session")
def unified_only(unified: bool) -> None:
    """For the few tests about memory that the host can read."""
    if not unified:
        pytest.skip("device memory has no host view in discrete mode")
