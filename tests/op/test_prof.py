"""Profiling: rows in files, records in pipes, and what is refused."""

from __future__ import annotations

import csv
import ctypes as C
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from tests.softnpu_model import models
from tests.softnpu_model.acl import (
    INVALID_PARAM,
    LIBRARY,
    RESULTS,
    Library,
    Model,
    Run,
    acl,
    counters,
    new_stream,
)

from .run import Operator

RESULTS.update(
    {
        "aclprofCreateConfig": C.c_void_p,
        "aclprofCreateSubscribeConfig": C.c_void_p,
        "aclprofCreateStepInfo": C.c_void_p,
        "aclprofDestroyStepInfo": None,
        "aclprofCreateStamp": C.c_void_p,
        "aclprofDestroyStamp": None,
        "aclprofGetOpStart": C.c_uint64,
        "aclprofGetOpEnd": C.c_uint64,
        "aclprofGetOpDuration": C.c_uint64,
        "aclprofGetModelId": C.c_size_t,
    }
)
prof = Library(LIBRARY.with_name("libmsprofiler.so"))
NONE = 255
ALREADY, NOT_RUN, REPEATED, CONFLICT = 100042, 100043, 148046, 148047


@pytest.fixture
def model() -> Iterator[Model]:
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    made = models.model(nodes, [models.value("x", [2, 3])], [models.value("y", [2, 3])])
    with Model(made.SerializeToString()) as loaded:
        yield loaded


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    (made,) = folder.glob("PROF_*")
    with (made / name).open() as file:
        return list(csv.DictReader(file))


def new_config() -> int:
    return int(prof.aclprofCreateConfig((C.c_uint32 * 1)(0), 1, NONE, None, 3))


def test_files(model: Model, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path)
    config = new_config()
    assert prof.code.aclprofStart(config) == NOT_RUN
    prof.aclprofInit(path, len(path))
    assert prof.code.aclprofInit(path, len(path)) == ALREADY
    x = np.ones((2, 3), np.float32)
    with Run(model) as run, new_stream() as stream, Operator([x], [((2, 3), np.float32)]) as op:
        run.execute()  # before the start: leaves no row
        prof.aclprofStart(config)
        assert prof.code.aclprofStart(config) == ALREADY
        begin = time.monotonic_ns()
        step, stamp = prof.aclprofCreateStepInfo(), prof.aclprofCreateStamp()
        prof.aclprofSetStampTraceMessage(stamp, b'say "hi", twice', 15)
        number = C.c_uint32()
        prof.aclprofRangeStart(stamp, C.byref(number))
        prof.aclprofPush(stamp)
        prof.aclprofGetStepTimestamp(step, 0, stream)
        for _ in range(3):
            run.execute()
            acl.aclopExecuteV2(*op.arguments("Relu", None, stream))
        prof.aclprofGetStepTimestamp(step, 1, stream)
        prof.aclprofMarkEx(b"mark", 4, stream)
        acl.aclrtSynchronizeStream(stream)
        prof.aclprofPop()
        prof.aclprofRangeStop(number)
        prof.aclprofMark(stamp)
        end = time.monotonic_ns()
        prof.aclprofStop(config)
        assert prof.code.aclprofStop(config) == NOT_RUN
        run.execute()  # after the stop: leaves no row
    prof.aclprofDestroyStepInfo(step)
    prof.aclprofDestroyStamp(stamp)
    prof.aclprofFinalize()
    assert prof.code.aclprofFinalize() == NOT_RUN
    prof.aclprofDestroyConfig(config)
    executed = rows(tmp_path, "model_executions.csv")
    assert [int(row["model_id"]) for row in executed] == [model.id] * 3
    operators = rows(tmp_path, "op_executions.csv")
    assert [row["op_type"] for row in operators] == ["Relu"] * 3
    (timed,) = rows(tmp_path, "steps.csv")
    ranges = rows(tmp_path, "ranges.csv")
    assert [row["kind"] for row in ranges] == ["mark", "push", "range", "mark"]
    assert ranges[1]["message"] == 'say "hi", twice'
    for row in (*executed, *operators, timed, *ranges):
        first, last = int(row["start_ns"]), int(row["end_ns"])
        assert begin <= first <= last <= end
        assert float(row["duration_us"]) == pytest.approx((last - first) / 1e3, abs=1e-3)
    assert int(timed["start_ns"]) <= int(operators[0]["start_ns"])
    assert int(timed["end_ns"]) >= int(operators[2]["end_ns"])


def test_subscription(model: Model) -> None:
    reading, writing = os.pipe()
    config = prof.aclprofCreateSubscribeConfig(C.c_int8(1), NONE, C.byref(C.c_int(writing)))
    prof.aclprofModelSubscribe(model.id, config)
    assert prof.code.aclprofModelSubscribe(model.id, config) == REPEATED
    assert prof.code.aclprofInit(b"/tmp", 4) == CONFLICT
    assert prof.code.aclprofModelSubscribe(10**6, config) == 100011
    with Run(model) as run:
        begin = time.monotonic_ns()
        for _ in range(3):
            run.execute()
        end = time.monotonic_ns()
        prof.aclprofModelUnSubscribe(model.id)
        run.execute()
    assert prof.code.aclprofModelUnSubscribe(model.id) == 100011
    prof.aclprofDestroySubscribeConfig(config)
    os.close(writing)
    size, number = C.c_size_t(), C.c_uint32()
    prof.aclprofGetOpDescSize(C.byref(size))
    data = os.read(reading, size.value * 10)
    os.close(reading)
    prof.aclprofGetOpNum(data, len(data), C.byref(number))
    assert number.value == 3
    text, length = C.create_string_buffer(300), C.c_size_t()
    for i in range(3):
        assert prof.aclprofGetModelId(data, len(data), i) == model.id
        first = prof.aclprofGetOpStart(data, len(data), i)
        last = prof.aclprofGetOpEnd(data, len(data), i)
        assert begin <= first <= last <= end
        assert prof.aclprofGetOpDuration(data, len(data), i) == last - first
        prof.aclprofGetOpType(data, len(data), i, text, 65)
        assert text.value == b"Model"
        prof.aclprofGetOpTypeLen(data, len(data), i, C.byref(length))
        assert length.value == 6
        prof.aclprofGetOpNameLen(data, len(data), i, C.byref(length))
        prof.aclprofGetOpName(data, len(data), i, text, length)
    assert prof.aclprofGetOpStart(data, len(data), 3) == 0
    assert prof.code.aclprofGetOpType(data, len(data), 3, text, 65) == INVALID_PARAM
    assert prof.code.aclprofGetOpType(data, len(data), 0, text, 2) == INVALID_PARAM
    assert prof.code.aclprofGetOpNum(data, len(data) - 1, C.byref(number)) == INVALID_PARAM
    assert prof.code.aclprofGetOpNum(None, len(data), C.byref(number)) == INVALID_PARAM


def test_full_and_closed_pipes_do_not_stop_the_device(model: Model) -> None:
    reading, writing = os.pipe()
    config = prof.aclprofCreateSubscribeConfig(C.c_int8(1), NONE, writing)  # as pyACL passes it
    prof.aclprofModelSubscribe(model.id, config)
    with Run(model) as run:
        for _ in range(400):
            run.execute()
        os.close(reading)
        run.execute()
    prof.aclprofModelUnSubscribe(model.id)
    prof.aclprofDestroySubscribeConfig(config)
    os.close(writing)


def test_misuse(tmp_path: Path) -> None:
    devices = (C.c_uint32 * 1)(99)
    assert prof.code.aclprofInit(None, 3) == INVALID_PARAM
    assert prof.code.aclprofInit(b"/tmp", 0) == INVALID_PARAM
    missing = os.fsencode(tmp_path / "a" / "b")
    assert prof.code.aclprofInit(missing, len(missing)) == 100003
    assert not prof.aclprofCreateConfig(devices, 1, NONE, None, 3)
    assert not prof.aclprofCreateConfig(None, 1, NONE, None, 3)
    assert not prof.aclprofCreateConfig((C.c_uint32 * 1)(0), 1, 77, None, 3)
    assert not prof.aclprofCreateSubscribeConfig(C.c_int8(1), NONE, None)
    assert not prof.aclprofCreateSubscribeConfig(C.c_int8(1), NONE, 1000)
    for name in ("Start", "Stop", "DestroyConfig", "DestroySubscribeConfig"):
        assert prof.code.__getattr__(f"aclprof{name}")(None) == INVALID_PARAM
    assert prof.code.aclprofDestroyConfig(12345) == INVALID_PARAM
    assert prof.code.aclprofStart(12345) == 100010
    assert prof.code.aclprofModelSubscribe(1, None) == INVALID_PARAM
    assert prof.code.aclprofPop() == 500001
    assert prof.code.aclprofRangeStop(77) == 500001
    assert prof.code.aclprofPush(None) == INVALID_PARAM
    assert prof.code.aclprofMark(12345) == INVALID_PARAM
    assert prof.code.aclprofMarkEx(None, 1, None) == INVALID_PARAM
    step = prof.aclprofCreateStepInfo()
    assert counters()["live_prof_objects"] == 1
    assert prof.code.aclprofGetStepTimestamp(step, 2, None) == INVALID_PARAM
    assert prof.code.aclprofGetStepTimestamp(None, 0, None) == INVALID_PARAM
    assert prof.code.aclprofGetStepTimestamp(step, 0, 12345) == 107000
    prof.aclprofDestroyStepInfo(step)
    assert prof.code.aclprofSetConfig(0, b"1", 1) == INVALID_PARAM
    assert prof.code.aclprofSetConfig(1, b"1", 1) == 0
