"""One model id on several streams: the second waits on the device; errors name the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from acl_fast import pyacl as acl
from tests.pyacl.test_sharing import (
    D2H,
    H2D,
    NBYTES,
    SHAPE,
    STREAM_CONTEXT,
    Shared,
    allocate,
    dataset,
    deliver,
    destroy,
    oms,
    release,
)

__all__ = ["oms"]
COMPLETE, NOT_READY = 0, 1


class Side:
    """A stream with an output and two arrays in pinned memory."""

    def __init__(self, value: float) -> None:
        self.stream, ret = acl.rt.create_stream()
        assert ret == 0
        self.output = allocate("device", NBYTES)
        self.outputs = dataset(self.output)
        self.source, self.target = allocate("host", NBYTES), allocate("host", NBYTES)
        acl.util.ptr_to_numpy(self.source, SHAPE, 11)[...] = value
        self.result = acl.util.ptr_to_numpy(self.target, SHAPE, 11)
        self.result[...] = -1

    def deliver(self, model: Shared, config: int) -> list[int]:
        return [
            acl.rt.memcpy_async(model.input, NBYTES, self.source, NBYTES, H2D, self.stream),
            deliver(model, self.outputs, self.stream, config),
            acl.rt.memcpy_async(self.target, NBYTES, self.output, NBYTES, D2H, self.stream),
        ]

    def close(self) -> None:
        destroy(self.outputs)
        for kind, address in (
            ("device", self.output), ("host", self.source), ("host", self.target)
        ):  # fmt: skip
            release(kind, address)
        assert acl.rt.destroy_stream(self.stream) == 0


@pytest.fixture
def model(oms: list[Path]) -> Iterator[Shared]:
    made = Shared(oms[0])
    yield made
    made.close()


@pytest.fixture(params=["v1", "v2"])
def config(request: pytest.FixtureRequest) -> Iterator[int]:
    made = acl.mdl.create_exec_config_handle() if request.param == "v2" else 0
    yield made
    if made:
        assert acl.mdl.destroy_exec_config_handle(made) == 0


@pytest.fixture(params=["context", "other_context"])
def sides(request: pytest.FixtureRequest) -> Iterator[tuple[Side, Side, int, int]]:
    """Two streams, of one context or of two, with the contexts."""
    here, ret = acl.rt.get_context()
    assert ret == 0
    first = Side(1)
    there = here
    if request.param == "other_context":
        there, ret = acl.rt.create_context(0)
        assert ret == 0
    second = Side(10)
    yield first, second, here, there
    second.close()
    if there != here:
        assert acl.rt.destroy_context(there) == 0
    assert acl.rt.set_context(here) == 0
    first.close()


def test_the_second_stream_waits_for_the_first(
    model: Shared, config: int, sides: tuple[Side, Side, int, int]
) -> None:
    """The first is held up, and its input written anew by the second, which must wait."""
    first, second, here, there = sides
    assert acl.rt.set_context(here) == 0
    notify, ret = acl.rt.create_notify(0)
    assert ret == 0
    # The first delivery lets the memory be known as an input.
    assert first.deliver(model, config) == [0, 0, 0]
    assert acl.rt.wait_and_reset_notify(notify, first.stream, 0) == 0
    assert first.deliver(model, config) == [0, 0, 0]
    assert acl.rt.set_context(there) == 0
    assert second.deliver(model, config) == [0, 0, 0]
    assert acl.rt.get_context() == (there, 0)
    assert acl.rt.stream_query(second.stream) == (NOT_READY, 0)
    assert (second.result == -1).all()
    assert acl.rt.set_context(here) == 0
    helper, _ = acl.rt.create_stream()
    assert acl.rt.record_notify(notify, helper) == 0
    assert acl.rt.synchronize_stream(first.stream) == 0
    assert acl.rt.synchronize_stream(second.stream) == 0
    np.testing.assert_array_equal(first.result, np.full(SHAPE, 2, np.float32))
    np.testing.assert_array_equal(second.result, np.full(SHAPE, 20, np.float32))
    assert acl.rt.destroy_stream(helper) == 0
    assert acl.rt.destroy_notify(notify) == 0
    assert acl.rt.set_context(there) == 0


WRITES: dict[str, Callable[[int, Side], int]] = {
    "memcpy_with_condition": lambda at, side: acl.rt.memcpy_async_with_condition(
        at, NBYTES, side.source, NBYTES, H2D, side.stream
    ),
    "memcpy2d": lambda at, side: acl.rt.memcpy2d_async(
        at, NBYTES // 8, side.source, NBYTES // 8, NBYTES // 8, 8, H2D, side.stream
    ),
    "memset": lambda at, side: acl.rt.memset_async(at, NBYTES, 0, NBYTES, side.stream),
}


@pytest.mark.parametrize("name", WRITES)
def test_whatever_writes_the_input_waits(model: Shared, name: str) -> None:
    first, second = Side(1), Side(10)
    notify, _ = acl.rt.create_notify(0)
    assert first.deliver(model, 0) == [0, 0, 0]
    assert acl.rt.wait_and_reset_notify(notify, first.stream, 0) == 0
    assert first.deliver(model, 0) == [0, 0, 0]
    assert WRITES[name](model.input, second) == 0
    assert acl.rt.stream_query(second.stream) == (NOT_READY, 0)
    helper, _ = acl.rt.create_stream()
    assert acl.rt.record_notify(notify, helper) == 0
    assert acl.rt.synchronize_stream(first.stream) == 0
    assert acl.rt.synchronize_stream(second.stream) == 0
    np.testing.assert_array_equal(first.result, np.full(SHAPE, 2, np.float32))
    assert deliver(model, second.outputs, second.stream, 0) == 0
    assert acl.rt.synchronize_stream(second.stream) == 0
    got = np.empty(SHAPE, np.float32)
    assert acl.rt.memcpy(acl.util.numpy_to_ptr(got), NBYTES, second.output, NBYTES, D2H) == 0
    np.testing.assert_array_equal(got, np.full(SHAPE, 0 if name == "memset" else 20, np.float32))
    assert acl.rt.destroy_stream(helper) == 0
    assert acl.rt.destroy_notify(notify) == 0
    first.close()
    second.close()


def test_an_error_names_the_call_that_the_program_made(model: Shared, config: int) -> None:
    here, _ = acl.rt.get_context()
    first = Side(1)
    assert first.deliver(model, config) == [0, 0, 0]
    other, _ = acl.rt.create_context(0)
    foreign, _ = acl.rt.create_stream()
    assert acl.rt.set_context(here) == 0
    name = "aclmdlExecuteAsyncV2" if config else "aclmdlExecuteAsync"
    assert deliver(model, first.outputs, foreign, config) == STREAM_CONTEXT
    said = acl.get_recent_err_msg()
    assert f"{name}:" in said or f"{name}(" in said
    assert "another context" in said
    assert acl.rt.memcpy_async(
        model.input, NBYTES, first.source, NBYTES, H2D, foreign
    ) == STREAM_CONTEXT  # fmt: skip
    said = acl.get_recent_err_msg()
    assert "aclrtMemcpyAsync" in said
    assert "another context" in said
    # Nothing was delivered there: the order that the model has is kept.
    assert first.deliver(model, config) == [0, 0, 0]
    assert acl.rt.synchronize_stream(first.stream) == 0
    np.testing.assert_array_equal(first.result, np.full(SHAPE, 2, np.float32))
    assert acl.rt.set_context(other) == 0
    assert acl.rt.destroy_stream(foreign) == 0
    assert acl.rt.destroy_context(other) == 0
    assert acl.rt.set_context(here) == 0
    first.close()
