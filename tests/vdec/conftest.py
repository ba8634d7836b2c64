"""A device and a report thread for each test; everything must be returned."""

from __future__ import annotations

import ctypes as C
from collections.abc import Iterator

import pytest

from tests.softnpu_model.acl import acl
from tests.vdec.vdec import ReportThread, live


@pytest.fixture(scope="session", autouse=True)
def device() -> Iterator[None]:
    assert acl.code.aclInit(None) in (0, 100002)  # other folders open it too
    acl.aclrtSetDevice(0)
    yield
    acl.aclrtResetDevice(0)


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
