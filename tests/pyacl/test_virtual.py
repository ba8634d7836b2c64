"""Addresses and memory apart, and copies whose addresses lie in device memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from acl_fast import pyacl as acl
from acl_fast import softnpu
from acl_fast._atc.convert import Request, convert
from tests.core import models

H2D, D2H, D2D = 1, 2, 3
NULL, BAD, NO_DEVICE, UNSUPPORTED, NO_ROOM = 100000, 107000, 107001, 207000, 207001
MIB2 = 2 << 20
HUGE, NORMAL, ON_DEVICE = 4, 5, 1


def properties(**changes: object) -> dict[str, object]:
    return {
        "handleType": 0, "allocationType": 0, "memAttr": HUGE,
        "location": {"id": 0, "type": ON_DEVICE}, "reserve": 0, **changes,
    }  # fmt: skip


def physical(size: int = MIB2) -> int:
    handle, ret = acl.rt.malloc_physical(size, properties(), 0)
    assert ret == 0
    return int(handle)


@pytest.fixture
def place() -> Iterator[int]:
    """Addresses for four pieces."""
    address, ret = acl.rt.reserve_mem_address(4 * MIB2, 0, 0, 1)
    assert ret == 0
    assert address % MIB2 == 0
    yield address
    assert acl.rt.release_mem_address(address) == 0


def write(address: int, array: np.ndarray) -> int:
    pointer = acl.util.numpy_to_ptr(array)
    code: int = acl.rt.memcpy(address, array.nbytes, pointer, array.nbytes, H2D)
    return code


def read(address: int, count: int) -> np.ndarray:
    got = np.empty(count, np.uint8)
    assert acl.rt.memcpy(acl.util.numpy_to_ptr(got), count, address, count, D2H) == 0
    return got


def test_pieces_become_one_block(place: int) -> None:
    """The usual growth of an arena: more memory behind the same addresses."""
    counters = softnpu.counters()
    free, _, _ = acl.rt.get_mem_info(0)
    assert acl.rt.mem_get_allocation_granularity(properties(), 0) == (MIB2, 0)
    first, second = physical(), physical(2 * MIB2)
    assert acl.rt.get_mem_info(0)[0] == free - 3 * MIB2
    data = np.random.default_rng(1).integers(0, 256, 3 * MIB2).astype(np.uint8)
    assert acl.rt.map_mem(place, MIB2, 0, first, 0) == 0
    assert write(place, data[:MIB2]) == 0
    # Nothing lies behind the rest yet.
    assert write(place, data) == BAD
    assert write(place + 2 * MIB2, data[:1]) == BAD
    assert acl.rt.map_mem(place + MIB2, 2 * MIB2, 0, second, 0) == 0
    np.testing.assert_array_equal(read(place, MIB2), data[:MIB2])
    assert write(place, data) == 0
    np.testing.assert_array_equal(read(place, data.size), data)
    assert acl.rt.unmap_mem(place) == 0
    assert acl.rt.unmap_mem(place + MIB2) == 0
    assert acl.rt.free_physical(first) == 0
    assert acl.rt.free_physical(second) == 0
    assert acl.rt.get_mem_info(0)[0] == free
    after = softnpu.counters()
    assert after["live_physical_memory"] == counters["live_physical_memory"]
    assert after["live_reserved_addresses"] == counters["live_reserved_addresses"]


def test_memory_moves_and_is_seen_twice(place: int) -> None:
    memory = physical()
    data = np.arange(256, dtype=np.uint8)
    assert acl.rt.map_mem(place, MIB2, 0, memory, 0) == 0
    assert write(place + 100, data) == 0
    assert acl.rt.map_mem(place + 3 * MIB2, MIB2, 0, memory, 0) == 0
    np.testing.assert_array_equal(read(place + 3 * MIB2 + 100, 256), data)
    assert write(place + 3 * MIB2 + 100, data[::-1].copy()) == 0
    np.testing.assert_array_equal(read(place + 100, 256), data[::-1])
    assert acl.rt.unmap_mem(place) == 0
    # The handle ends, the memory stays while it is mapped.
    assert acl.rt.free_physical(memory) == 0
    assert acl.rt.free_physical(memory) == BAD
    np.testing.assert_array_equal(read(place + 3 * MIB2 + 100, 256), data[::-1])
    assert acl.rt.unmap_mem(place + 3 * MIB2) == 0


def test_a_model_reads_and_writes_across_pieces(place: int, stream: int, tmp_path: Path) -> None:
    path = tmp_path / "scale.onnx"
    shape = (1024, 768)  # 3 MiB
    path.write_bytes(models.scale(shape, 2.0))
    model, ret = acl.mdl.load_from_file(str(convert(Request(path, path.with_suffix(""))).path))
    assert ret == 0
    handles = [physical() for _ in range(4)]
    for index, handle in enumerate(handles):
        assert acl.rt.map_mem(place + index * MIB2, MIB2, 0, handle, 0) == 0
    given = np.random.default_rng(2).random(shape, np.float32)
    buffers, sets = [], []
    for address in (place, place + given.nbytes):
        buffers.append(acl.create_data_buffer(address, given.nbytes))
        sets.append(acl.mdl.create_dataset())
        acl.mdl.add_dataset_buffer(sets[-1], buffers[-1])
    assert write(place, given) == 0
    assert acl.mdl.execute_async(model, *sets, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    got = read(place + given.nbytes, given.nbytes).view(np.float32).reshape(shape)
    np.testing.assert_array_equal(got, 2 * given)
    for made, buffer in zip(sets, buffers, strict=True):
        acl.destroy_data_buffer(buffer)
        acl.mdl.destroy_dataset(made)
    assert acl.mdl.unload(model) == 0
    for index, handle in enumerate(handles):
        assert acl.rt.unmap_mem(place + index * MIB2) == 0
        assert acl.rt.free_physical(handle) == 0


def test_misuse(place: int) -> None:
    rt = acl.rt
    memory = physical()
    for changes in (
        {"handleType": 1}, {"allocationType": 1}, {"memAttr": 0},
        {"location": {"id": 0, "type": 0}},
    ):  # fmt: skip
        assert rt.malloc_physical(MIB2, properties(**changes), 0) == (0, BAD)
        assert rt.mem_get_allocation_granularity(properties(**changes), 0) == (0, BAD)
    nowhere = properties(location={"id": 77, "type": ON_DEVICE})
    assert rt.malloc_physical(MIB2, nowhere, 0) == (0, NO_DEVICE)
    assert rt.mem_get_allocation_granularity(properties(memAttr=NORMAL), 2) == (0, BAD)
    for arguments, code in (
        ((0, properties(), 0), NULL), ((MIB2 + 1, properties(), 0), BAD),
        ((MIB2, properties(), 1), BAD), ((1 << 50, properties(), 0), NO_ROOM),
    ):  # fmt: skip
        assert rt.malloc_physical(*arguments) == (0, code)
    for arguments, code in (
        ((0, 0, 0, 0), NULL), ((MIB2, 64, 0, 0), BAD), ((MIB2, 0, place, 0), BAD),
        ((MIB2, 0, 0, 2), BAD), ((1 << 60, 0, 0, 0), NO_ROOM), ((2**64 - 1, 0, 0, 0), BAD),
    ):  # fmt: skip
        assert rt.reserve_mem_address(*arguments) == (0, code)
    for at, size, offset, handle, flags, code in (
        (0, MIB2, 0, memory, 0, NULL), (place, 0, 0, memory, 0, NULL),
        (place, MIB2, 0, 0, 0, NULL), (place, MIB2, MIB2, memory, 0, BAD),
        (place, MIB2, 0, memory, 1, BAD), (place, MIB2, 0, 12345, 0, BAD),
        (place, 2 * MIB2, 0, memory, 0, BAD), (place + 4096, MIB2, 0, memory, 0, BAD),
        (place + 4 * MIB2, MIB2, 0, memory, 0, BAD), (MIB2, MIB2, 0, memory, 0, BAD),
    ):  # fmt: skip
        assert rt.map_mem(at, size, offset, handle, flags) == code, (at, size, offset)
    assert rt.map_mem(place + MIB2, MIB2, 0, memory, 0) == 0
    assert rt.map_mem(place + MIB2, MIB2, 0, memory, 0) == BAD
    assert "mapped already" in acl.get_recent_err_msg()
    larger = physical(2 * MIB2)
    assert rt.map_mem(place, 2 * MIB2, 0, larger, 0) == BAD
    assert rt.free(place + MIB2) == BAD
    assert "aclrtUnmapMem" in acl.get_recent_err_msg()
    assert rt.release_mem_address(place) == BAD
    assert "aclrtUnmapMem" in acl.get_recent_err_msg()
    assert rt.release_mem_address(place + MIB2) == BAD
    assert rt.unmap_mem(place) == BAD
    assert rt.unmap_mem(place + MIB2) == 0
    assert rt.unmap_mem(place + MIB2) == BAD
    assert rt.unmap_mem(64) == BAD
    for handle in (memory, larger):
        assert rt.free_physical(handle) == 0
    for function in (rt.unmap_mem, rt.free_physical, rt.release_mem_address):
        assert function(0) == NULL


RESET = """
import json
from acl_fast import pyacl as acl, softnpu
acl.init()
acl.rt.set_device(0)
before = acl.rt.get_mem_info(0)[0]
size = 2 << 20
prop = {"memAttr": 4, "location": {"id": 0, "type": 1}}
place, _ = acl.rt.reserve_mem_address(4 * size, 0, 0, 0)
for index in range(3):
    handle, ret = acl.rt.malloc_physical(size, prop, 0)
    assert ret == 0
    if index:
        assert acl.rt.map_mem(place + index * size, size, 0, handle, 0) == 0
assert acl.rt.reset_device(0) == 0
counters = softnpu.counters()
assert (counters["live_physical_memory"], counters["live_reserved_addresses"]) == (0, 0)
acl.rt.set_device(0)
assert acl.rt.get_mem_info(0)[0] == before
assert acl.rt.map_mem(place, size, 0, handle, 0) == 107000
again, _ = acl.rt.malloc(4 * size, 0)
assert acl.rt.memset(again, 4 * size, 1, 4 * size) == 0
acl.rt.free(again)
acl.rt.reset_device(0)
"""
DESCS = """
import numpy as np
from acl_fast import pyacl as acl
acl.init()
acl.rt.set_device(0)
INNER, NULL, BAD = 6, 100000, 107000
size, ret = acl.rt.get_memcpy_desc_size(INNER)
assert (size > 0, ret) == (True, 0)
assert acl.rt.get_memcpy_desc_size(3) == (0, NULL)
desc, source, target = (acl.rt.malloc(n, 0)[0] for n in (size, 4096, 4096))
stream, _ = acl.rt.create_stream()
given, got = np.arange(4096, dtype=np.uint8), np.zeros(4096, np.uint8)
acl.rt.memset(desc, size, 0, size)
assert acl.rt.memcpy_async_with_desc(desc, INNER, stream) == 0
assert acl.rt.synchronize_stream(stream) == BAD
assert "aclrtSetMemcpyDesc" in acl.get_recent_err_msg()
set_desc = acl.rt.set_memcpy_desc
host, _ = acl.rt.malloc_host(64)
for arguments, code in (
    ((0, INNER, source, target, 64, 0), NULL), ((desc, INNER, 0, target, 64, 0), NULL),
    ((desc, INNER, source, 0, 64, 0), NULL), ((desc, 3, source, target, 64, 0), NULL),
    ((desc, INNER, source, target, 64, 1), NULL), ((desc, INNER, source, target, 1 << 20, 0), BAD),
    ((desc, INNER, host, target, 64, 0), BAD), ((host, INNER, source, target, 64, 0), BAD),
):
    assert set_desc(*arguments) == code, arguments
assert set_desc(desc, INNER, source, target, 4096, 0) == 0
assert acl.rt.memcpy_async_with_desc(0, INNER, stream) == NULL
assert acl.rt.memcpy_async_with_desc(desc, 3, stream) == NULL
assert acl.rt.memcpy_async_with_desc(host, INNER, stream) == BAD
# The addresses are read when the copy runs, and the bytes then.
notify, _ = acl.rt.create_notify(0)
assert acl.rt.wait_and_reset_notify(notify, stream, 0) == 0
assert acl.rt.memcpy_async_with_desc(desc, INNER, stream) == 0
acl.rt.memcpy(source, 4096, acl.util.numpy_to_ptr(given), 4096, 1)
helper, _ = acl.rt.create_stream()
assert acl.rt.record_notify(notify, helper) == 0
assert acl.rt.synchronize_stream(stream) == 0
acl.rt.memcpy(acl.util.numpy_to_ptr(got), 4096, target, 4096, 2)
assert (got == given).all()
acl.rt.reset_device(0)
"""


def run(program: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]


def test_a_device_that_closes_takes_it_back() -> None:
    run(RESET, ASCEND_GLOBAL_LOG_LEVEL="4")


def test_copies_by_descriptor() -> None:
    run(DESCS, SOFTNPU_SOC="Ascend910B1")


def test_chips_that_lack_them() -> None:
    assert acl.rt.get_memcpy_desc_size(6) == (0, UNSUPPORTED)
    program = (
        "from acl_fast import pyacl as acl; acl.init(); acl.rt.set_device(0);"
        "assert acl.rt.reserve_mem_address(1 << 21, 0, 0, 0) == (0, 207000)"
    )
    run(program, SOFTNPU_SOC="Ascend310")


def test_there_are_no_memory_errors() -> None:
    array = np.zeros(16 * 4, np.uint64)
    at = acl.util.numpy_to_ptr(array)
    t = SimpleNamespace(get=acl.rt.get_mem_uce_info, repair=acl.rt.mem_uce_repair)
    assert t.get(0, at, 4) == (0, 0)
    assert t.get(0, 0, 4) == (0, NULL)
    assert t.get(0, at, 0) == (0, NULL)
    assert t.get(99, at, 4) == (0, NO_DEVICE)
    assert t.repair(0, at, 1) == BAD
    assert t.repair(0, 0, 1) == NULL
    assert t.repair(0, at, 0) == NULL
    assert t.repair(99, at, 1) == NO_DEVICE
