"""Single operators, matrices and profiling as programs of pyACL call them."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import acl_fast.pyacl as acl

H2D, D2H = 1, 2
FLOAT, FLOAT16, INT32, ND = 0, 1, 3, 2


@pytest.fixture
def stream() -> Iterator[int]:
    made, ret = acl.rt.create_stream()
    assert ret == 0
    yield made
    assert acl.rt.destroy_stream(made) == 0


class Tensor:
    """A desc, device memory and a data buffer."""

    def __init__(self, array: np.ndarray, kind: int) -> None:
        self.array = np.ascontiguousarray(array)
        self.memory, ret = acl.rt.malloc(max(self.array.nbytes, 1), 2)
        assert ret == 0
        size = self.array.nbytes
        source = acl.util.numpy_to_ptr(self.array)
        assert acl.rt.memcpy(self.memory, size, source, size, H2D) == 0
        self.desc = acl.create_tensor_desc(kind, list(array.shape), ND)
        self.buffer = acl.create_data_buffer(self.memory, size)

    def read(self) -> np.ndarray:
        size = self.array.nbytes
        target = acl.util.numpy_to_ptr(self.array)
        assert acl.rt.memcpy(target, size, self.memory, size, D2H) == 0
        return self.array

    def close(self) -> None:
        acl.destroy_tensor_desc(self.desc)
        assert acl.destroy_data_buffer(self.buffer) == 0
        assert acl.rt.free(self.memory) == 0


def test_operator(stream: int) -> None:
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    source, target = Tensor(x, FLOAT), Tensor(np.zeros((4, 2, 3), np.float32), FLOAT)
    attr = acl.op.create_attr()
    order = np.array([2, 0, 1], np.int64)
    assert acl.op.set_attr_list_int(attr, "perm", order) == 0
    lists = [source.desc], [source.buffer], [target.desc], [target.buffer]
    assert acl.op.execute_v2("TransposeD", *lists, attr, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    np.testing.assert_array_equal(target.read(), x.transpose(2, 0, 1))
    assert acl.op.execute_v2("MyOwn", *lists, attr, stream) == 100024
    assert "MyOwn" in acl.get_recent_err_msg()
    handle, ret = acl.op.create_handle("TransposeD", lists[0], lists[2], attr)
    assert ret == 0
    assert acl.op.execute_with_handle(handle, lists[1], lists[3], stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    acl.op.destroy_handle(handle)
    acl.op.destroy_attr(attr)
    source.close()
    target.close()


def test_cast_and_matrices(stream: int) -> None:
    x = np.linspace(-3, 3, 64, dtype=np.float32).reshape(8, 8)
    single, half = Tensor(x, FLOAT), Tensor(x.astype(np.float16) * 0, FLOAT16)
    assert acl.op.cast(single.desc, single.buffer, half.desc, half.buffer, 0, stream) == 0
    result = Tensor(np.zeros((8, 8), np.float16), FLOAT16)
    alpha, beta = (Tensor(np.array([v], np.float16), FLOAT16) for v in (1, 0))
    ret = acl.blas.gemm_ex(
        *(0, 1, 0, 8, 8, 8, alpha.memory, half.memory, 8, FLOAT16, half.memory, 8, FLOAT16),
        *(beta.memory, result.memory, 8, FLOAT16, 0, stream),
    )
    assert ret == 0
    assert acl.rt.synchronize_stream(stream) == 0
    rounded = half.read().astype(np.float64)
    np.testing.assert_array_equal(half.array, x.astype(np.float16))
    np.testing.assert_allclose(result.read(), rounded @ rounded.T, rtol=1e-3, atol=1e-2)
    for tensor in (single, half, result, alpha, beta):
        tensor.close()


def test_profiling(stream: int, tmp_path: Path) -> None:
    assert acl.prof.init(str(tmp_path)) == 0
    config = acl.prof.create_config([0], 255, 0, 3)
    assert config
    assert acl.prof.start(config) == 0
    x = Tensor(np.ones((4, 4), np.float32), FLOAT)
    y = Tensor(np.ones((4, 4), np.float32), FLOAT)
    lists = [x.desc], [x.buffer], [y.desc], [y.buffer]
    attr = acl.op.create_attr()
    assert acl.op.execute_v2("Sqrt", *lists, attr, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    acl.op.destroy_attr(attr)
    assert acl.prof.stop(config) == 0
    assert acl.prof.finalize() == 0
    assert acl.prof.destroy_config(config) == 0
    (file,) = tmp_path.glob(os.path.join("PROF_*", "op_executions.csv"))
    (row,) = csv.DictReader(file.read_text().splitlines())
    assert row["op_type"] == "Sqrt"
    x.close()
    y.close()
