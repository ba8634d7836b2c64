"""A device and a report thread for each test; everything must be returned."""

from __future__ import annotations

import ctypes as C
from collections.abc import Iterator

import pytest

from tests.raw_device import device
from tests.softnpu_model.acl import acl
from tests.vdec.vdec import ReportThread, live

__all__ = ["device", "report"]


@pytest.fixture
def report() -> Iterator[ReportThread]:
    """The report thread; checks that the test left nothing."""
    before = live()
    context = C.c_void_p()
    acl.aclrtGetCurrentContext(C.byref(context))
    assert context.value
    thread = ReportThread(context.value)
    yield thread
    thread.end()
    assert live() == before
