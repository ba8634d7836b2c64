"""What steps 2, 4 and 5 of docs/pyacl.md, "Moving hot loops", gain on softnpu with a real network.

The device has one engine thread, so that the program's own thread has a core to itself, as the
host has beside a card.
"""

from __future__ import annotations

import io
import math
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Any

from benchmarks import backend, models
from benchmarks.harness import UNITS, Contestant, Row, Settings, Spread, contest, flatten

FRAMES = 6  # of one run
H2D, D2H = 1, 2


def environment() -> dict[str, str]:
    return {**backend.environment(), "SOFTNPU_THREADS": "1"}


class Host:
    """What a program does itself with a frame: a 1080p JPEG in, objects out."""

    def __init__(self) -> None:
        from acl_fast._demo import model, yolo
        from benchmarks import jpeg

        self.picture = jpeg.picture(1920, 1080)
        self.network, self.detect = model.read().network, yolo.detect

    def before(self) -> Any:
        """Decode, resize, normalise, transpose."""
        import numpy as np
        from PIL import Image

        small = Image.open(io.BytesIO(self.picture)).convert("RGB").resize((416, 416))
        return np.ascontiguousarray((np.array(small, np.float32) / 255).transpose(2, 0, 1)[None])

    def after(self, outputs: list[Any]) -> None:
        """Boxes, and which of them are the same object."""
        self.detect(outputs, self.network, 0.02)


def check(*codes: int) -> None:
    """A call that fails would be quick."""
    if any(codes):
        from acl_fast import pyacl

        acl: Any = pyacl
        raise RuntimeError(f"{codes}: {acl.get_recent_err_msg()}")


class PyACL:
    """The network with kept datasets, as pyACL programs write it, and two sets of results."""

    def __init__(self, path: str) -> None:
        from acl_fast import pyacl

        self.acl: Any = pyacl
        acl = self.acl
        self.id, _ = acl.mdl.load_from_file(path)
        self.stream, _ = acl.rt.create_stream()
        desc = acl.mdl.create_desc()
        acl.mdl.get_desc(desc, self.id)
        self.inputs, self.ins = self.dataset([acl.mdl.get_input_size_by_index(desc, 0)])
        sizes = [acl.mdl.get_output_size_by_index(desc, index) for index in range(2)]
        self.outputs, self.outs = self.dataset(sizes)
        shapes = [(1, 255, 13, 13), (1, 255, 26, 26)]
        # Where an asynchronous copy may be under way: one to any other memory waits.
        self.results = [[self.array(shape) for shape in shapes] for _ in range(2)]
        self.taken = [self.array((1, 3, 416, 416)) for _ in range(2)]

    def array(self, shape: tuple[int, ...]) -> Any:
        """Host memory of the runtime's own, seen by numpy."""
        import numpy as np

        room, code = self.acl.rt.malloc_host(4 * math.prod(shape))
        check(code)
        return self.acl.util.ptr_to_numpy(room, shape, np.float32)

    def dataset(self, sizes: list[int]) -> tuple[int, list[tuple[int, int]]]:
        acl, made, memory = self.acl, self.acl.mdl.create_dataset(), []
        for size in sizes:
            memory.append((acl.rt.malloc(size, 0)[0], size))
            acl.mdl.add_dataset_buffer(made, acl.create_data_buffer(*memory[-1]))
        return made, memory

    def wait(self, array: Any, results: list[Any]) -> None:
        acl, pointer = self.acl, self.acl.util.numpy_to_ptr
        (room, size), *_ = self.ins
        check(acl.rt.memcpy(room, size, pointer(array), size, H2D))
        check(acl.mdl.execute(self.id, self.inputs, self.outputs))
        for (room, size), result in zip(self.outs, results, strict=True):
            check(acl.rt.memcpy(pointer(result), size, room, size, D2H))

    def queue(self, array: Any, results: list[Any]) -> None:
        acl, pointer, stream = self.acl, self.acl.util.numpy_to_ptr, self.stream
        (room, size), *_ = self.ins
        check(acl.rt.memcpy_async(room, size, pointer(array), size, H2D, stream))
        check(acl.mdl.execute_async(self.id, self.inputs, self.outputs, stream))
        for (room, size), result in zip(self.outs, results, strict=True):
            check(acl.rt.memcpy_async(pointer(result), size, room, size, D2H, stream))


def pairs(case: str, names: tuple[str, str], samples: list[list[float]], unit: str) -> list[Row]:
    """Rows of what was noted beside the contest, round by round."""
    ours, theirs = samples[1], samples[0]
    ratio = Spread.of([b / a for a, b in zip(theirs, ours, strict=True)])
    return [
        Row(case, names[0], unit, Spread.of(theirs), samples=theirs),
        Row(case, names[1], unit, Spread.of(ours), versus=names[0], comparison=ratio, samples=ours),
    ]


def queueing(settings: Settings) -> list[Row]:
    """Step 2: one thread works on a frame's neighbours while the device has the frame."""
    # One model each: synchronous and asynchronous execution of one model id must not mix.
    plain, model = PyACL(str(models.yolo())), PyACL(str(models.yolo()))
    host = Host()
    held: list[list[float]] = [[], []]  # milliseconds of a frame that the thread is in calls

    def waiting(n: int) -> float:
        calls, begin = 0.0, perf_counter()
        for _ in range(FRAMES * n):
            array, start = host.before(), perf_counter()
            plain.wait(array, plain.results[0])
            calls += perf_counter() - start
            host.after(plain.results[0])
        held[0].append(calls / n / FRAMES * UNITS["ms"])
        return (perf_counter() - begin) / FRAMES

    def queued(n: int) -> float:
        calls, begin = 0.0, perf_counter()
        model.taken[0][:] = host.before()
        for frame in range(FRAMES * n):
            start = perf_counter()
            model.queue(model.taken[frame % 2], model.results[frame % 2])
            calls += perf_counter() - start
            model.taken[1 - frame % 2][:] = host.before()
            if frame:
                host.after(model.results[1 - frame % 2])
            start = perf_counter()
            check(model.acl.rt.synchronize_stream(model.stream))
            calls += perf_counter() - start
        host.after(model.results[1 - FRAMES * n % 2])
        held[1].append(calls / n / FRAMES * UNITS["ms"])
        return (perf_counter() - begin) / FRAMES

    case, names = "pyACL step 2, a frame", ("memcpy, execute, memcpy", "queued, one synchronize")
    contestants = [Contestant(names[0], waiting), Contestant(names[1], queued)]
    settings = settings.fewer(50)
    rows = contest(case, "ms", contestants, settings)
    last = [samples[-settings.rounds :] for samples in held]
    inside = (f"{names[0]}: the thread waits", f"{names[1]}: the thread waits")
    return [*rows, *pairs(case, inside, last, "ms")]


def ring(settings: Settings) -> list[Row]:
    """Step 4: three requests in flight against one."""
    import acl_fast as af

    device = af.Device(0)
    stream, model, host = device.create_stream(), device.load_model(str(models.yolo())), Host()

    def with_depth(depth: int) -> Callable[[int], float]:
        slots = [(model.create_request(), stream.record()) for _ in range(depth)]
        idle, flying = deque(slots), deque[Any]()

        def collect() -> None:
            request, done = flying.popleft()
            done.synchronize()
            host.after([output.download() for output in request.outputs])
            idle.append((request, done))

        def run(n: int) -> float:
            begin = perf_counter()
            for _ in range(FRAMES * n):
                if not idle:
                    collect()
                request, done = idle.popleft()
                request.inputs[0].upload(host.before())
                request.run_async(stream)
                stream.record(done)
                flying.append((request, done))
            while flying:
                collect()
            return (perf_counter() - begin) / FRAMES

        return run

    contestants = [
        Contestant("one request", with_depth(1)),
        Contestant("ring of three", with_depth(3)),
    ]
    return contest("pyACL step 4, a frame", "ms", contestants, settings.fewer(50))


def measure(settings: Settings) -> list[Row]:
    from acl_fast import pyacl
    from benchmarks import pyacl_video

    acl: Any = pyacl
    check(acl.init(), acl.rt.set_device(0))
    return flatten([queueing(settings), ring(settings), pyacl_video.chain(settings)])
