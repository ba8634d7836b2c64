"""The module as programs see it, with the device opened once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from acl_fast import pyacl as acl


@pytest.fixture(scope="session", autouse=True)
def opened() -> Iterator[None]:
    assert acl.init() in (0, 100002)
    assert acl.rt.set_device(0) == 0
    yield
    assert acl.rt.reset_device(0) == 0


@pytest.fixture
def stream() -> Iterator[int]:
    made, ret = acl.rt.create_stream()
    assert ret == 0
    yield made
    assert acl.rt.destroy_stream(made) == 0
