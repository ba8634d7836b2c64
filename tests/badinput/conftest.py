"""After every test here the device must work as before and hold nothing more than before."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import acl_fast as af

from . import networks
from .capi import Api


@pytest.fixture(scope="session")
def device() -> Iterator[af.Device]:
    with af.Device(0) as opened:
        yield opened


@pytest.fixture(scope="session")
def api(device: af.Device) -> Api:
    """The C interface, with the device's default context current on this thread."""
    return Api(af.info().library)


@dataclass(frozen=True)
class Oms:
    """Converted models: paths of .om files."""

    fixed: Path
    batch: Path
    image: Path
    dims: Path
    ranged: Path


@pytest.fixture(scope="session")
def oms(tmp_path_factory: pytest.TempPathFactory) -> Oms:
    folder = tmp_path_factory.mktemp("oms")
    convert = networks.convert
    return Oms(
        fixed=convert(folder, "fixed", networks.product(2)),
        batch=convert(
            folder,
            "batch",
            networks.product("n"),
            input_shape="x:-1,3",
            dynamic_batch_size="1,2,4",
        ),
        image=convert(
            folder,
            "image",
            networks.negate((1, 3, "h", "w")),
            input_format="NCHW",
            input_shape="x:1,3,-1,-1",
            dynamic_image_size="8,8;16,12",
        ),
        dims=convert(
            folder,
            "dims",
            networks.negate(("a", "b")),
            input_format="ND",
            input_shape="x:-1,-1",
            dynamic_dims="2,3;4,5",
        ),
        ranged=convert(
            folder, "ranged", networks.negate(("n", 3)), input_format="ND", input_shape="x:1~4,3"
        ),
    )


@pytest.fixture(scope="session")
def slow_bytes() -> bytes:
    return networks.slow()


def works(device: af.Device) -> None:
    """The proof that the device is usable: a model is loaded, run both ways, and unloaded."""
    x = np.arange(6, dtype=np.float32).reshape(networks.SHAPE)
    with device.load_model(networks.affine()) as model, model.create_request() as request:
        request.inputs[0].upload(x)
        request.run()
        np.testing.assert_array_equal(request.outputs[0].download(), 2 * x + 1)
        with device.create_stream() as stream:
            request.inputs[0].upload(-x)
            request.run_async(stream)
            stream.synchronize()
            np.testing.assert_array_equal(request.outputs[0].download(), -2 * x + 1)


def live() -> dict[str, int]:
    return {k: v for k, v in af.softnpu.counters().items() if k.startswith("live_")}


@pytest.fixture(autouse=True)
def unharmed(request: pytest.FixtureRequest, device: af.Device) -> Iterator[None]:
    """Compare everything that lives on the device, and run a model, after each test."""
    # Fixtures that live longer than the test must exist before counting begins.
    for name in ("oms", "slow_bytes", "api"):
        if name in request.fixturenames:
            request.getfixturevalue(name)
    device.make_current()
    before = live()
    yield
    device.make_current()
    if live() != before:
        gc.collect()
    after = live()
    changed = {k: (before[k], after[k]) for k in after if after[k] != before[k]}
    assert not changed, f"alive (before, after): {changed}"
    works(device)
    assert live() == before
