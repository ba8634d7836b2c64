"""Products of matrices through libacl_cblas.so, against numpy."""

from __future__ import annotations

import ctypes as C
from typing import Any

import numpy as np
import pytest

from tests.softnpu_model.acl import ACL_TYPES, LIBRARY, Library, Memory, acl

from .run import array_of

blas = Library(LIBRARY.with_name("libacl_cblas.so"))
RANDOM = np.random.default_rng(3)
F32, F16, I8, I32 = np.float32, np.float16, np.int8, np.int32
N, T, NZ = 0, 1, 2
M_, N_, K_ = 9, 17, 40


def matrix(rows: int, columns: int, dtype: Any) -> np.ndarray:
    if dtype == I8:
        return RANDOM.integers(-128, 128, (rows, columns)).astype(I8)
    return RANDOM.uniform(-1, 1, (rows, columns)).astype(dtype)


def types(*dtypes: Any) -> list[int]:
    return [ACL_TYPES[np.dtype(dtype)] for dtype in dtypes]


@pytest.mark.parametrize(("a_type", "c_type"), [(F16, F16), (F16, F32), (F32, F32), (I8, I32)])
@pytest.mark.parametrize(("turn_a", "turn_b"), [(N, N), (T, N), (N, T), (T, T)])
def test_gemm(a_type: Any, c_type: Any, turn_a: int, turn_b: int) -> None:
    a, b, c = matrix(M_, K_, a_type), matrix(K_, N_, a_type), matrix(M_, N_, a_type).astype(c_type)
    alpha, beta = np.array([2], c_type), np.array([3], c_type)
    wide = np.int64 if a_type == I8 else np.float64
    expected = 2 * (a.astype(wide) @ b.astype(wide)) + 3 * c.astype(wide)
    arrays = [a.T if turn_a else a, b.T if turn_b else b, c, alpha, beta]
    memory = [Memory.of(np.ascontiguousarray(array)) for array in arrays]
    m_a, m_b, m_c, m_alpha, m_beta = (part.address for part in memory)
    ta, tb, tc = types(a_type, a_type, c_type)
    shape = (turn_a, turn_b, N, M_, N_, K_)
    ld = [M_ if turn_a else K_, -1, N_]
    blas.aclblasGemmEx(
        *shape, m_alpha, m_a, ld[0], ta, m_b, ld[1], tb, m_beta, m_c, ld[2], tc, 0, None
    )
    acl.aclrtSynchronizeStream(None)
    tolerance = 0 if a_type == I8 else 2e-2 if c_type == F16 else 1e-3
    got = memory[2].read(c.shape, c_type)
    np.testing.assert_allclose(got.astype(wide), expected, rtol=tolerance, atol=tolerance)
    # Through a handle, with the same operands in the operator's order.
    memory[2].write(c)
    handle = C.c_void_p()
    blas.aclblasCreateHandleForGemmEx(*shape, ta, tb, tc, 0, C.byref(handle))
    buffers = [acl.aclCreateDataBuffer(part.address, part.nbytes) for part in memory]
    acl.aclopExecWithHandle(handle, 5, array_of(buffers), 1, array_of(buffers[2:3]), None)
    acl.aclrtSynchronizeStream(None)
    np.testing.assert_array_equal(memory[2].read(c.shape, c_type), got)
    acl.aclopDestroyHandle(handle)
    for buffer in buffers:
        acl.aclDestroyDataBuffer(buffer)
    for part in memory:
        part.free()


def test_long_int8_sums_are_exact_and_scalars_may_lie_in_host_memory() -> None:
    k = 4099
    a, b = np.full((2, k), -128, I8), np.full((k, 3), -127, I8)
    b[0] = 1
    alpha, beta = np.array([1], I32), np.array([0], I32)
    memory = [Memory.of(a), Memory.of(b), Memory(2 * 3 * 4)]
    blas.aclblasS8gemm(
        *(N, N, N, 2, 3, k, alpha.ctypes.data, memory[0].address, -1, memory[1].address, -1),
        *(beta.ctypes.data, memory[2].address, -1, 0, None),
    )
    alpha[:] = 7  # was read by the call
    acl.aclrtSynchronizeStream(None)
    got = memory[2].read((2, 3), I32)
    np.testing.assert_array_equal(got, a.astype(np.int64) @ b.astype(np.int64))
    for part in memory:
        part.free()


@pytest.mark.parametrize("turn", [N, T])
@pytest.mark.parametrize("kind", ["Hgemv", "S8gemv", "GemvEx"])
def test_gemv(kind: str, turn: int) -> None:
    source, target = {"Hgemv": (F16, F16), "S8gemv": (I8, I32), "GemvEx": (F32, F32)}[kind]
    a = matrix(M_, K_, source)
    x = matrix(M_ if turn else K_, 1, source)
    y = matrix(K_ if turn else M_, 1, source).astype(target)
    wide = np.int64 if source == I8 else np.float64
    expected = (a.T if turn else a).astype(wide) @ x.astype(wide) + 2 * y.astype(wide)
    memory = [Memory.of(v) for v in (a, x, y, np.array([1], target), np.array([2], target))]
    m_a, m_x, m_y, alpha, beta = (part.address for part in memory)
    if kind == "GemvEx":
        ta, tx, ty = types(source, source, target)
        blas.aclblasGemvEx(
            *(turn, M_, K_, alpha, m_a, -1, ta, m_x, 1, tx, beta, m_y, 1, ty, 0, None)
        )
    else:
        call = getattr(blas, f"aclblas{kind}")
        call(turn, M_, K_, alpha, m_a, K_, m_x, -1, beta, m_y, -1, 0, None)
    acl.aclrtSynchronizeStream(None)
    tolerance = 0 if source == I8 else 2e-2 if target == F16 else 1e-4
    got = memory[2].read(y.shape, target).astype(wide)
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
    for part in memory:
        part.free()


def test_misuse() -> None:
    memory = Memory(4096)
    at = memory.address
    good = [N, N, N, 4, 4, 4, at, at, -1, 1, at, -1, 1, at, at, -1, 1, 0, None]
    for position, value, code in (
        (0, NZ, 200006),
        (0, 9, 100000),
        (2, T, 100000),
        (3, 0, 100000),
        (6, None, 100000),
        (6, 4096, 100000),  # no memory there
        (7, None, 100000),
        (8, 5, 100000),
        (9, 2, 100026),
        (13, None, 100000),
        (14, None, 100000),
        (17, 5, 100000),
    ):
        arguments = list(good)
        arguments[position] = value
        assert blas.code.aclblasGemmEx(*arguments) == code, (position, acl.message())
        assert "aclblasGemmEx" in acl.message()
    assert blas.code.aclblasCreateHandleForHgemm(N, N, N, 4, 4, 4, 0, None) == 100000
    too_large = [N, N, N, 64, 64, 64, *good[6:]]
    assert blas.code.aclblasGemmEx(*too_large) == 107000
    memory.free()
