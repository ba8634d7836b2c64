"""Files and networks that several tests of the demonstration share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from acl_fast import media
from acl_fast._demo import assets, darknet
from tests.demo import reference

STREET_FRAME = 120


@dataclass(frozen=True)
class Detector:
    """The real detector as ONNX, with ONNX Runtime to run it."""

    network: darknet.Network
    model: onnx.ModelProto
    session: onnxruntime.InferenceSession
    names: list[str]

    def run(self, tensor: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Run the model on ONNX Runtime."""
        return self.session.run(None, {"input": tensor})


@pytest.fixture(scope="session")
def detector() -> Detector:
    cfg, weights = assets.fetch("yolov3-tiny.cfg"), assets.fetch("yolov3-tiny.weights")
    network, model = darknet.read_network(cfg, weights)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = assets.fetch("coco.names").read_text().splitlines()
    return Detector(network, model, session, names)


@dataclass(frozen=True)
class StreetFrame:
    """Frame 120 of the street video as a network input."""

    tensor: NDArray[np.float32]
    box: media.Letterbox


@pytest.fixture(scope="session")
def street_frame(detector: Detector) -> StreetFrame:
    *_, frame = reference.frames(assets.fetch("bikes.mp4"), STREET_FRAME + 1)
    size = (detector.network.width, detector.network.height)
    box = media.Letterbox.fit(frame.width, frame.height, *size)
    return StreetFrame(reference.network_input(frame, box, size), box)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the test a cache of its own, and pip no configuration but the environment."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("ACL_FAST_CACHE", str(cache))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_NO_INDEX", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    return cache
