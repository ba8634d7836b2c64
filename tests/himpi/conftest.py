"""A device with the second media interface ready; counters must come back after each test."""

from __future__ import annotations

import pytest

from tests.himpi.himpi import mpi
from tests.raw_device import device

__all__ = ["device", "himpi"]


@pytest.fixture(scope="module", autouse=True)
def himpi(device: None) -> None:
    """Other folders end the interface for the process: each module begins it anew."""
    assert mpi.hi_mpi_sys_init() == 0
