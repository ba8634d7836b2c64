"""A device; what a test leaves is found by the leak gate of the counters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dvpp_image import still
from tests.softnpu_model.acl import acl
from tests.vdec.vdec import live


@pytest.fixture(scope="session", autouse=True)
def device() -> Iterator[None]:
    assert acl.code.aclInit(None) in (0, 100002)  # other folders open it too
    acl.aclrtSetDevice(0)
    yield
    acl.aclrtResetDevice(0)


@pytest.fixture
def engine() -> Iterator[still.Engine]:
    """A channel; afterwards it still decodes, and everything is given back."""
    before = live()
    with still.Engine() as opened:
        yield opened
        assert opened.decode(still.jpeg(64, 48)).code == 0
    assert live() == before
