"""The real detector, compiled to take pictures, and what the reference path finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import acl_fast as af
from acl_fast._demo import model
from tests.demo.conftest import Detector, detector

__all__ = ["detector"]  # a fixture of the demonstration's tests


@pytest.fixture(scope="session")
def device() -> Iterator[af.Device]:
    with af.Device(0) as opened:
        yield opened


@pytest.fixture(scope="session")
def chain_om(detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACL_FAST_CACHE", str(tmp_path_factory.mktemp("cache")))
        source = model.Source(detector.network, tuple(detector.names), detector.model)
        return model.write_om(source, "Ascend310P3")
