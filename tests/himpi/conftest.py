"""A device with the second media interface ready; counters must come back after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.himpi.himpi import mpi
from tests.softnpu_model.acl import acl


@pytest.fixture(scope="session", autouse=True)
def device() -> Iterator[None]:
    assert acl.code.aclInit(None) in (0, 100002)  # other folders open it too
    acl.aclrtSetDevice(0)
    yield
    acl.aclrtResetDevice(0)


@pytest.fixture(scope="module", autouse=True)
def himpi(device: None) -> None:
    """Other folders end the interface for the process: each module begins it anew."""
    assert mpi.hi_mpi_sys_init() == 0
