"""A device and a channel; what a test leaves is found by the leak gate of the counters."""

from __future__ import annotations

import ctypes as C
from collections.abc import Iterator

import pytest

from tests.dvpp import pictures
from tests.raw_device import device
from tests.vdec.vdec import live

__all__ = ["channel", "device"]


@pytest.fixture
def channel() -> Iterator[C.c_void_p]:
    before = live()
    with pictures.channel() as desc:
        yield desc
    assert live() == before
