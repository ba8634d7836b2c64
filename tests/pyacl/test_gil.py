"""Whoever waits in a call leaves the other threads of Python running."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from acl_fast import pyacl as acl
from tests.core import models
from tests.pyacl.test_sharing import allocate, dataset, destroy, release

REPORT_TIMEOUT = 507012
# With the GIL held the other thread counts to 1 or 2, before the call begins and as it ends.
HELD = 3


class Counter(threading.Thread):
    """Notes the time about every millisecond."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.times: list[float] = []
        self.running = True

    def run(self) -> None:
        while self.running:
            self.times.append(time.monotonic())
            time.sleep(0.001)


def during(call: Callable[[], int]) -> tuple[int, int, float]:
    """Return the code of a call, how far another thread counted meanwhile, and the seconds."""
    counter = Counter()
    counter.start()
    while not counter.times:
        time.sleep(0.001)
    begin = time.monotonic()
    code = call()
    end = time.monotonic()
    counter.running = False
    counter.join()
    return code, sum(begin < at < end for at in counter.times), end - begin


class Slow:
    """A model that takes some tenths of a second."""

    def __init__(self, path: Path) -> None:
        self.id, ret = acl.mdl.load_from_file(str(path))
        assert ret == 0
        desc = acl.mdl.create_desc()
        acl.mdl.get_desc(desc, self.id)
        self.nbytes = acl.mdl.get_input_size_by_index(desc, 0)
        acl.mdl.destroy_desc(desc)
        self.memory = [allocate("device", self.nbytes) for _ in range(2)]
        zeros = np.zeros(self.nbytes, np.uint8)
        acl.rt.memcpy(self.memory[0], self.nbytes, acl.util.numpy_to_ptr(zeros), self.nbytes, 1)
        self.input, self.output = (dataset(at, nbytes=self.nbytes) for at in self.memory)

    def close(self) -> None:
        destroy(self.input)
        destroy(self.output)
        for address in self.memory:
            release("device", address)
        assert acl.mdl.unload(self.id) == 0


@pytest.fixture(scope="module")
def om(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.convert(tmp_path_factory.mktemp("slow"), models.slow())


@pytest.fixture
def slow(om: Path) -> Iterator[Slow]:
    made = Slow(om)
    yield made
    made.close()


def test_synchronize_stream(slow: Slow, stream: int) -> None:
    assert acl.mdl.execute_async(slow.id, slow.input, slow.output, stream) == 0
    code, counted, seconds = during(lambda: acl.rt.synchronize_stream(stream))
    assert code == 0
    assert seconds > 0.02
    assert counted > HELD


def test_execute(slow: Slow) -> None:
    code, counted, seconds = during(lambda: acl.mdl.execute(slow.id, slow.input, slow.output))
    assert code == 0
    assert seconds > 0.02
    assert counted > HELD


def test_process_report(stream: int) -> None:
    here = threading.get_ident()
    assert acl.rt.subscribe_report(here, stream) == 0
    code, counted, seconds = during(lambda: acl.rt.process_report(200))
    assert acl.rt.unsubscribe_report(here, stream) == 0
    assert code == REPORT_TIMEOUT
    assert seconds > 0.15
    assert counted > HELD
