"""A device and a channel; what a test leaves is found by the leak gate of the counters."""

from __future__ import annotations

import ctypes as C
from collections.abc import Iterator

import pytest

from tests.dvpp import pictures
from tests.softnpu_model.acl import acl
from tests.vdec.vdec import live


@pytest.fixture(scope="session", autouse=True)
def device() -> Iterator[None]:
    assert acl.code.aclInit(None) in (0, 100002)  # other folders open it too
    acl.aclrtSetDevice(0)
    yield
    acl.aclrtResetDevice(0)


@pytest.fixture
def channel() -> Iterator[C.c_void_p]:
    before = live()
    with pictures.channel() as desc:
        yield desc
    assert live() == before
