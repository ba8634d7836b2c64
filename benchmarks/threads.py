"""Threads that each run a model of their own, hand-over to a stream, and copies."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks import backend, models
from benchmarks.harness import Contestant, Row, Settings, Target, contest, flatten, statement

THREADS = 8
FRAME = 1920 * 1080 * 3 // 2  # bytes of one 1080p frame in NV12

environment = backend.environment


def python_threads(requests: Sequence[Any], pool: ThreadPoolExecutor) -> Callable[[int], float]:
    """``run(n)``: one thread per request, each calling ``request.run()`` n times."""

    def repeat(request: Any, count: int) -> None:
        for _ in range(count):
            request.run()

    def run(count: int) -> float:
        start = time.perf_counter()
        for done in [pool.submit(repeat, request, count) for request in requests]:
            done.result()
        return time.perf_counter() - start

    return run


class PyaclModel:
    """A model with its datasets, made and executed as programs written for pyACL do."""

    def __init__(self, path: Path) -> None:
        from acl_fast import pyacl as acl

        self.id, _ = acl.mdl.load_from_file(str(path))
        desc = acl.mdl.create_desc()
        acl.mdl.get_desc(desc, self.id)
        inputs = [
            acl.mdl.get_input_size_by_index(desc, index)
            for index in range(acl.mdl.get_num_inputs(desc))
        ]
        outputs = [
            acl.mdl.get_output_size_by_index(desc, index)
            for index in range(acl.mdl.get_num_outputs(desc))
        ]
        self.inputs, self.outputs = self._dataset(inputs), self._dataset(outputs)

    @staticmethod
    def _dataset(sizes: Sequence[int]) -> int:
        from acl_fast import pyacl as acl

        dataset: int = acl.mdl.create_dataset()
        for size in sizes:
            memory, _ = acl.rt.malloc(size, 0)
            acl.mdl.add_dataset_buffer(dataset, acl.create_data_buffer(memory, size))
        return dataset


def pyacl_threads(loaded: Sequence[PyaclModel], pool: ThreadPoolExecutor) -> Callable[[int], float]:
    """``run(n)``: one thread per model, each calling ``acl.mdl.execute()`` n times."""
    from acl_fast import pyacl as acl

    context, _ = acl.rt.get_context()

    def repeat(model: PyaclModel, count: int) -> None:
        acl.rt.set_context(context)
        for _ in range(count):
            if acl.mdl.execute(model.id, model.inputs, model.outputs) != 0:
                raise RuntimeError(acl.get_recent_err_msg())

    def run(count: int) -> float:
        start = time.perf_counter()
        for done in [pool.submit(repeat, model, count) for model in loaded]:
            done.result()
        return time.perf_counter() - start

    return run


def parallel(
    name: str, unit: str, path: Path, settings: Settings, target: Target | None = None
) -> list[Row]:
    """The time all threads together take for one execution each.

    A turn is long: to set eight threads of Python going takes as long as many small executions.
    """
    import acl_fast as af

    device = af.Device(0)
    acl = backend.acl_direct()
    direct = [acl.Model(str(path)) for _ in range(THREADS)]
    requests = [device.load_model(str(path)).create_request() for _ in range(THREADS)]
    loaded = [PyaclModel(path) for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        contestants = [
            Contestant("C++ threads, aclmdlExecute", acl.Crew(direct).run),
            Contestant("Python threads, request.run()", python_threads(requests, pool)),
            Contestant("Python threads, acl.mdl.execute()", pyacl_threads(loaded, pool), target),
        ]
        return contest(f"{THREADS} threads, {name}", unit, contestants, settings, turn=0.1)


def hand_over(settings: Settings) -> list[Row]:
    """To an idle stream and back; two C++ threads and a condition variable are the floor."""
    import acl_fast as af

    device = af.Device(0)
    stream, event = device.create_stream(), device.create_event()
    threads = backend.acl_direct().HandOver()
    record = statement("stream.record(event); event.synchronize()", stream=stream, event=event)
    contestants = [
        Contestant("C++ threads, condition variable", threads.run),
        Contestant("record() + event.synchronize()", record),
        Contestant(
            "synchronize() with nothing queued",
            statement("synchronize()", synchronize=stream.synchronize),
        ),
    ]
    return contest("hand-over to a stream", "us", contestants, settings)


def copies(settings: Settings) -> list[Row]:
    """One 1080p NV12 frame to the device and back, against memcpy between the same addresses."""
    import numpy as np

    import acl_fast as af

    device = af.Device(0)
    buffer = device.empty((FRAME,), np.uint8)
    array = np.ones(FRAME, np.uint8)
    memcpy = backend.acl_direct().copy
    there, here = buffer.address_int, array.ctypes.data
    to_device, from_device = "memcpy to the buffer", "memcpy from the buffer"
    names = {"buffer": buffer, "array": array}
    upload = statement("buffer.upload(array)", **names)
    download = statement("buffer.download(array)", **names)
    contestants = [
        Contestant(to_device, lambda n: memcpy(there, here, FRAME, n)),
        Contestant("buffer.upload(array)", upload, versus=to_device),
        Contestant(from_device, lambda n: memcpy(here, there, FRAME, n), versus=from_device),
        Contestant("buffer.download(array)", download, versus=from_device),
    ]
    return contest("copy of 3.1 MB", "us", contestants, settings)


def measure(settings: Settings) -> list[Row]:
    throughput, few = Target(1 / 0.95), settings.fewer(6)
    return flatten(
        [
            # No network, but what the calls themselves cost.
            parallel("one Add", "us", models.add(), few),
            parallel("PP-OCR's classifier", "ms", models.text_direction(), few, throughput),
            parallel("YOLOv3-tiny", "ms", models.yolo(), settings.fewer(10), throughput),
            hand_over(settings),
            copies(settings),
        ]
    )
