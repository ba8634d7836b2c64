"""Several threads and streams: results are right whatever the order."""

from __future__ import annotations

import ctypes as C
import threading
from collections.abc import Callable

import numpy as np

from . import models
from .acl import BAD_ID, Model, Run, acl, counters, new_stream

THREADS = 4
ROUNDS = 25
ADD = models.binary(shape=(64, 33)).SerializeToString()


def in_threads(body: Callable[[int], None]) -> None:
    failures: list[BaseException] = []

    def guarded(index: int) -> None:
        try:
            acl.aclrtSetDevice(0)
            body(index)
            acl.aclrtResetDevice(0)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def data(index: int, turn: int) -> np.ndarray:
    return np.full((64, 33), index * 1000 + turn, np.float32)


def test_one_model_id_on_several_streams() -> None:
    """A real device forbids it; here executions are done one after the other."""
    with Model(ADD) as model:
        streams = [C.c_void_p() for _ in range(3)]
        for stream in streams:
            acl.aclrtCreateStream(C.byref(stream))
        runs = [Run(model) for _ in streams]
        for i, run in enumerate(runs):
            run.write(data(i, 0), data(i, 1))
        for _ in range(ROUNDS):
            for run, stream in zip(runs, streams, strict=True):
                run.submit(stream.value)
        for stream in streams:
            acl.aclrtSynchronizeStream(stream.value)
            acl.aclrtDestroyStream(stream.value)
        for i, run in enumerate(runs):
            np.testing.assert_array_equal(run.read(), data(i, 0) + data(i, 1))
            run.close()


def test_one_model_id_in_several_threads() -> None:
    with Model(ADD) as model:

        def body(index: int) -> None:
            with Run(model) as run:
                for turn in range(ROUNDS):
                    run.write(data(index, turn), data(turn, index))
                    run.execute()
                    np.testing.assert_array_equal(run.read(), data(index, turn) + data(turn, index))

        in_threads(body)


def test_replicas_in_several_threads() -> None:
    def body(index: int) -> None:
        with Model(ADD) as model, Run(model) as run, new_stream() as stream:
            for turn in range(ROUNDS):
                run.write(data(index, turn), data(turn, index))
                run.submit(stream)
                acl.aclrtSynchronizeStream(stream)
                np.testing.assert_array_equal(run.read(), data(index, turn) + data(turn, index))

    in_threads(body)


def test_loading_and_unloading_while_others_execute() -> None:
    om = models.static_om(models.convolution())
    expected = models.reference(models.convolution(), np.ones((1, 3, 16, 16), np.float32))[0]

    def body(index: int) -> None:
        for _ in range(8):
            with Model(om) as model, Run(model) as run:
                run.write(np.ones((1, 3, 16, 16), np.float32))
                run.execute()
                np.testing.assert_allclose(run.read(), expected, rtol=1e-4, atol=1e-4)

    in_threads(body)


def test_unloading_what_others_execute() -> None:
    """An execution either happens or is told that the model is gone."""
    for _ in range(10):
        model = Model(ADD)
        barrier = threading.Barrier(THREADS)

        def body(index: int, model: Model = model, barrier: threading.Barrier = barrier) -> None:
            with Run(model) as run:
                run.write(data(index, 1), data(index, 2))
                barrier.wait()
                if index == 0:
                    acl.aclmdlUnload(model.id)
                    return
                code = acl.code.aclmdlExecute(model.id, run.input.handle, run.output.handle)
                assert code in (0, BAD_ID)
                if code == 0:
                    np.testing.assert_array_equal(run.read(), data(index, 1) + data(index, 2))

        in_threads(body)
        acl.aclmdlDestroyDesc(model.desc)


def test_many_executions_in_flight_leave_nothing() -> None:
    with Model(ADD) as model, Run(model) as run, new_stream() as stream:
        run.write(data(1, 1), data(2, 2))
        for _ in range(3):
            for _ in range(1500):
                run.submit(stream)
            acl.aclrtSynchronizeStream(stream)
        np.testing.assert_array_equal(run.read(), data(1, 1) + data(2, 2))


def test_aborted_executions_let_go_of_the_model() -> None:
    with new_stream() as stream:
        model = Model(models.convolution((1, 3, 128, 128), 32).SerializeToString())
        run = Run(model)
        run.write(np.ones((1, 3, 128, 128), np.float32))
        for _ in range(50):
            run.submit(stream)
        acl.aclrtStreamAbort(stream)
        model.unload()
        run.close()
        assert counters()["live_models"] == 0
