"""Threads that share models and their input memory, with a lock of their own or without."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from acl_fast import _pyacl_models
from acl_fast import pyacl as acl
from acl_fast._atc.convert import Request, convert
from tests.core import models

H2D, D2H = 1, 2
SHAPE = (8, 128)
NBYTES = 8 * 128 * 4
STREAM_CONTEXT = 107003
FACTORS = (2.0, 3.0, 5.0, 7.0)


@pytest.fixture(scope="module")
def oms(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("shared")
    made = []
    for factor in FACTORS:
        path = folder / f"scale_{factor:g}.onnx"
        path.write_bytes(models.scale(SHAPE, factor))
        made.append(convert(Request(path, path.with_suffix(""))).path)
    return made


class Shared:
    """A model id with one input memory that all threads use."""

    def __init__(self, path: Path, kind: str = "device") -> None:
        self.id, ret = acl.mdl.load_from_file(str(path))
        assert ret == 0
        self.kind = kind
        self.input = allocate(kind, NBYTES)
        self.inputs = dataset(self.input)
        self.lock = threading.Lock()

    def close(self) -> None:
        destroy(self.inputs)
        release(self.kind, self.input)
        assert acl.mdl.unload(self.id) == 0


def allocate(kind: str, nbytes: int) -> int:
    calls: dict[str, Callable[[], tuple[int, int]]] = {
        "device": lambda: acl.rt.malloc(nbytes, 0),
        "cached": lambda: acl.rt.malloc_cached(nbytes, 0),
        "host": lambda: acl.rt.malloc_host(nbytes),
        "dvpp": lambda: acl.media.dvpp_malloc(nbytes),
        "himpi": lambda: acl.himpi.dvpp_malloc(0, nbytes),
    }
    address, ret = calls[kind]()
    assert ret == 0
    return address


def release(kind: str, address: int) -> None:
    functions = {"host": acl.rt.free_host, "dvpp": acl.media.dvpp_free}
    functions["himpi"] = acl.himpi.dvpp_free
    assert functions.get(kind, acl.rt.free)(address) == 0


def dataset(*addresses: int, nbytes: int = NBYTES) -> int:
    made: int = acl.mdl.create_dataset()
    for address in addresses:
        acl.mdl.add_dataset_buffer(made, acl.create_data_buffer(address, nbytes))
    return made


def destroy(made: int) -> None:
    for index in range(acl.mdl.get_dataset_num_buffers(made)):
        acl.destroy_data_buffer(acl.mdl.get_dataset_buffer(made, index))
    assert acl.mdl.destroy_dataset(made) == 0


def deliver(model: Shared, outputs: int, stream: int, config: int) -> int:
    """By execute_async(), or its second version with a configuration."""
    if config:
        code: int = acl.mdl.execute_async_v2(model.id, model.inputs, outputs, stream, config)
    else:
        code = acl.mdl.execute_async(model.id, model.inputs, outputs, stream)
    return code


class Worker(threading.Thread):
    """A thread with its own stream, output and host memory."""

    def __init__(
        self, number: int, shared: list[Shared], rounds: int, locked: bool, config: int = 0
    ) -> None:
        super().__init__()
        self.number, self.shared, self.rounds, self.locked = number, shared, rounds, locked
        self.config = config
        self.wrong: list[tuple[int, int]] = []
        self.failures: list[int] = []
        self.done = 0

    def run(self) -> None:
        acl.rt.set_device(0)
        self.stream, _ = acl.rt.create_stream()
        self.output = allocate("device", NBYTES)
        self.outputs = dataset(self.output)
        self.source, self.result = allocate("host", NBYTES), allocate("host", NBYTES)
        try:
            for turn in range(self.rounds):
                self.one(turn)
        finally:
            destroy(self.outputs)
            for kind, address in (
                ("device", self.output), ("host", self.source), ("host", self.result)
            ):  # fmt: skip
                release(kind, address)
            acl.rt.destroy_stream(self.stream)
            acl.rt.reset_device(0)

    def one(self, turn: int) -> None:
        which = (turn + self.number) % len(self.shared)
        model = self.shared[which]
        given = acl.util.ptr_to_numpy(self.source, SHAPE, 11)
        given[...] = self.number * 1000 + turn
        with model.lock if self.locked else contextlib.nullcontext():
            codes = [
                acl.rt.memcpy_async(model.input, NBYTES, self.source, NBYTES, H2D, self.stream),
                deliver(model, self.outputs, self.stream, self.config),
            ]
        codes.append(
            acl.rt.memcpy_async(self.result, NBYTES, self.output, NBYTES, D2H, self.stream)
        )
        codes.append(acl.rt.synchronize_stream(self.stream))
        self.failures += [code for code in codes if code]
        got = acl.util.ptr_to_numpy(self.result, SHAPE, 11)
        if not (got == given * np.float32(FACTORS[which])).all():
            self.wrong.append((which, turn))
        self.done += 1


def run_all(workers: list[Worker]) -> None:
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert not worker.is_alive()
        assert not worker.failures
        assert not worker.wrong
        assert worker.done == worker.rounds


@pytest.fixture
def shared(oms: list[Path]) -> Iterator[list[Shared]]:
    made = [Shared(path) for path in oms]
    yield made
    for model in made:
        model.close()


@pytest.mark.parametrize("locked", [True, False], ids=["locked", "unlocked"])
def test_eight_threads_four_models_shared_memory(shared: list[Shared], locked: bool) -> None:
    run_all([Worker(number, shared, 150, locked) for number in range(8)])


def test_both_versions_mixed(shared: list[Shared]) -> None:
    config = acl.mdl.create_exec_config_handle()
    run_all([Worker(n, shared, 60, False, config if n % 2 else 0) for n in range(8)])
    assert acl.mdl.destroy_exec_config_handle(config) == 0


def test_synchronous_threads_share_a_model(oms: list[Path]) -> None:
    """memcpy, execute, memcpy without any stream or lock; each thread has its own output."""
    model = Shared(oms[0])
    wrong: list[int] = []
    right: list[int] = []

    def work(number: int) -> None:
        acl.rt.set_device(0)
        output = allocate("device", NBYTES)
        outputs = dataset(output)
        for turn in range(80):
            given = np.full(SHAPE, number * 100 + turn, np.float32)
            got = np.empty_like(given)
            pointer, target = acl.util.numpy_to_ptr(given), acl.util.numpy_to_ptr(got)
            codes = [
                acl.rt.memcpy(model.input, NBYTES, pointer, NBYTES, H2D),
                acl.mdl.execute(model.id, model.inputs, outputs),
                acl.rt.memcpy(target, NBYTES, output, NBYTES, D2H),
            ]
            fine = not any(codes) and (got == 2 * given).all()
            (right if fine else wrong).append(turn)
        destroy(outputs)
        release("device", output)
        acl.rt.reset_device(0)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    model.close()
    assert not wrong
    assert len(right) == 6 * 80


def refresh(target: int, host: int) -> int:
    """Copy and do not execute: whoever copies there next waits."""
    acl.rt.set_device(0)
    own, _ = acl.rt.create_stream()
    code: int = acl.rt.memcpy_async(target, NBYTES, host, NBYTES, H2D, own)
    acl.rt.synchronize_stream(own)
    acl.rt.destroy_stream(own)
    acl.rt.reset_device(0)
    return code


def in_thread(function: Callable[..., int], *arguments: int) -> list[int]:
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(function(*arguments)))
    thread.start()
    thread.join(60)
    return results


def test_who_does_not_execute_loses_the_memory(oms: list[Path], stream: int) -> None:
    model = Shared(oms[0])
    output = allocate("device", NBYTES)
    outputs, host = dataset(output), allocate("host", NBYTES)
    assert acl.mdl.execute_async(model.id, model.inputs, outputs, stream) == 0
    assert in_thread(refresh, model.input, host) == [0]
    begun = time.monotonic()
    assert acl.rt.memcpy_async(model.input, NBYTES, host, NBYTES, H2D, stream) == 0
    assert 0.5 < time.monotonic() - begun < 10
    assert acl.mdl.execute_async(model.id, model.inputs, outputs, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    destroy(outputs)
    release("device", output)
    release("host", host)
    model.close()


def test_who_waits_for_memory_that_is_freed_goes_on(oms: list[Path], stream: int) -> None:
    model = Shared(oms[0])
    outputs, host = dataset(model.input), allocate("host", NBYTES)
    assert acl.mdl.execute_async(model.id, model.inputs, outputs, stream) == 0
    assert acl.rt.memcpy_async(model.input, NBYTES, host, NBYTES, H2D, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    results: list[int] = []
    waiting = threading.Thread(target=lambda: results.append(refresh(model.input, host)))
    waiting.start()
    time.sleep(0.15)
    # Taken anew, it is ours for another second.
    assert acl.rt.memcpy_async(model.input, NBYTES, host, NBYTES, H2D, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    assert waiting.is_alive()
    begun = time.monotonic()
    assert acl.rt.free(model.input) == 0
    waiting.join(60)
    assert time.monotonic() - begun < 0.9
    # Whether the copy came before the end of the memory is the program's affair.
    assert len(results) == 1
    destroy(outputs)
    release("host", host)
    model.input = allocate("device", NBYTES)
    model.close()


@pytest.mark.parametrize("kind", ["device", "cached", "host", "dvpp", "himpi"])
def test_every_kind_of_memory_is_input_and_output(
    oms: list[Path], stream: int, kind: str, unified: bool
) -> None:
    if kind == "himpi":
        acl.himpi.sys_init()
    model = Shared(oms[1], kind)
    output = allocate(kind, NBYTES)
    outputs = dataset(output)
    given = np.arange(1024, dtype=np.float32).reshape(SHAPE)
    got = np.empty_like(given)
    into, back = (0, 0) if kind == "host" else (H2D, D2H)
    pointer = acl.util.numpy_to_ptr(given)
    assert acl.rt.memcpy(model.input, NBYTES, pointer, NBYTES, into) == 0
    assert acl.mdl.execute_async(model.id, model.inputs, outputs, stream) == 0
    done = acl.rt.synchronize_stream(stream)
    if kind == "host" and not unified:
        # A card with memory of its own reads no host memory.
        assert done == 145007
        assert "host" in acl.get_recent_err_msg()
    else:
        assert done == 0
        assert acl.rt.memcpy(acl.util.numpy_to_ptr(got), NBYTES, output, NBYTES, back) == 0
        np.testing.assert_array_equal(got, 3 * given)
    destroy(outputs)
    release(kind, output)
    model.close()


def test_pieces_of_one_block(oms: list[Path], stream: int) -> None:
    """Secondary allocation: each piece begins at a multiple of 64 and is padded by 32."""
    step = (NBYTES + 32 + 63) // 64 * 64
    block = allocate("device", 4 * step)
    model = Shared(oms[0])
    given = np.random.default_rng(1).random(SHAPE, np.float32)
    for first in (0, 2):
        inputs = dataset(block + first * step)
        outputs = dataset(block + (first + 1) * step)
        pointer = acl.util.numpy_to_ptr(given)
        assert acl.rt.memcpy(block + first * step, NBYTES, pointer, NBYTES, H2D) == 0
        assert acl.mdl.execute_async(model.id, inputs, outputs, stream) == 0
        assert acl.rt.synchronize_stream(stream) == 0
        got = np.empty_like(given)
        target = acl.util.numpy_to_ptr(got)
        assert acl.rt.memcpy(target, NBYTES, block + (first + 1) * step, NBYTES, D2H) == 0
        np.testing.assert_array_equal(got, 2 * given)
        destroy(inputs)
        destroy(outputs)
    model.close()
    known = _pyacl_models.remembered()
    release("device", block)
    # The block went, and the four pieces that datasets named, of which one begins it.
    assert _pyacl_models.remembered() == (known[0] - 4, known[1] - 1)


def test_contexts(oms: list[Path]) -> None:
    """A model executes in any context of its device, but on the streams of the current one."""
    first, _ = acl.rt.create_context(0)
    model = Shared(oms[0])
    output = allocate("device", NBYTES)
    outputs = dataset(output)
    own, _ = acl.rt.create_stream()
    second, _ = acl.rt.create_context(0)
    other, _ = acl.rt.create_stream()
    given, got = np.arange(1024, dtype=np.float32).reshape(SHAPE), np.empty(SHAPE, np.float32)

    def execute(made: int) -> int:
        """Return the code; the result is there if it is 0."""
        got.fill(-1)
        pointer, target = acl.util.numpy_to_ptr(given), acl.util.numpy_to_ptr(got)
        assert acl.rt.memcpy(model.input, NBYTES, pointer, NBYTES, H2D) == 0
        assert acl.rt.memcpy(output, NBYTES, target, NBYTES, H2D) == 0
        code: int = acl.mdl.execute_async(model.id, model.inputs, outputs, made)
        assert acl.rt.synchronize_stream(made) == 0
        assert acl.rt.memcpy(target, NBYTES, output, NBYTES, D2H) == 0
        return code

    # The documentation wants load, execute and unload in one context; CANN does not check it.
    assert execute(other) == 0
    np.testing.assert_array_equal(got, 2 * given)
    assert execute(own) == STREAM_CONTEXT
    assert (got == -1).all()
    assert acl.rt.set_context(first) == 0
    assert execute(other) == STREAM_CONTEXT
    assert (got == -1).all()
    assert execute(own) == 0
    np.testing.assert_array_equal(got, 2 * given)
    assert acl.rt.set_context(second) == 0
    assert acl.rt.destroy_stream(other) == 0
    assert acl.rt.set_context(first) == 0
    destroy(outputs)
    release("device", output)
    model.close()
    assert acl.rt.destroy_stream(own) == 0
    assert acl.rt.destroy_context(second) == 0
    assert acl.rt.set_context(first) == 0
    assert acl.rt.destroy_context(first) == 0
    assert acl.rt.set_device(0) == 0
    assert acl.rt.reset_device(0) == 0


def test_a_thread_that_executes_without_pause_leaves_others_their_turn(oms: list[Path]) -> None:
    """It keeps the GIL from one call to the next, and the model whenever it lets the GIL go."""
    model = Shared(oms[0])
    outputs = [allocate("device", NBYTES) for _ in range(2)]
    datasets = [dataset(address) for address in outputs]
    context, ret = acl.rt.get_context()
    assert ret == 0
    begun, over = threading.Event(), threading.Event()
    codes: set[int] = set()

    def without_pause() -> None:
        acl.rt.set_context(context)
        while not over.is_set():
            codes.add(acl.mdl.execute(model.id, model.inputs, datasets[1]))
            begun.set()

    def some() -> None:
        acl.rt.set_context(context)
        codes.update(acl.mdl.execute(model.id, model.inputs, datasets[0]) for _ in range(20))

    busy = threading.Thread(target=without_pause)
    other = threading.Thread(target=some, daemon=True)
    busy.start()
    begun.wait()
    other.start()
    other.join(20)
    is_late = other.is_alive()
    over.set()
    busy.join()
    other.join()
    assert not is_late
    assert codes == {0}
    for made, address in zip(datasets, outputs, strict=True):
        destroy(made)
        release("device", address)
    model.close()
