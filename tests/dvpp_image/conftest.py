"""A device; what a test leaves is found by the leak gate of the counters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dvpp_image import still
from tests.raw_device import device
from tests.vdec.vdec import live

__all__ = ["device", "engine"]


@pytest.fixture
def engine() -> Iterator[still.Engine]:
    """A channel; afterwards it still decodes, and everything is given back."""
    before = live()
    with still.Engine() as opened:
        yield opened
        assert opened.decode(still.jpeg(64, 48)).code == 0
    assert live() == before
