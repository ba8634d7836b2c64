"""Operators of newer networks, which public wrappers call by name; numpy says what is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.op.run import run

F32, F16, I32, I64 = np.float32, np.float16, np.int32, np.int64
RANDOM = np.random.default_rng(5)
X = RANDOM.uniform(-2, 2, (4, 6)).astype(F32)
Y = RANDOM.uniform(0.5, 2, (4, 6)).astype(F32)
HALF = np.array([0.5], F32)
SIGMOID = 1 / (1 + np.exp(-X))
TURNED = np.concatenate([-X[:, 3:], X[:, :3]], 1)
WIDE = np.arange(24).reshape(4, 6) * 2**40

CASES: list[tuple[str, list[Any], dict[str, Any], np.ndarray]] = [
    ("Swish", [X], {}, X * SIGMOID),
    ("Swish", [X], {"scale": 2.0}, X / (1 + np.exp(-2 * X))),
    ("FastGelu", [X], {}, X / (1 + np.exp(-1.702 * X))),
    ("Softsign", [X], {}, X / (1 + abs(X))),
    ("Mish", [X], {}, X * np.tanh(np.log1p(np.exp(X)))),
    ("Selu", [X], {}, 1.0507009873554805 * np.where(X > 0, X, 1.6732632423543772 * np.expm1(X))),
    ("Expm1", [X * F32(1e-5)], {}, np.expm1(X * 1e-5)),
    ("Log1p", [X * F32(1e-5)], {}, np.log1p(X * 1e-5)),
    ("Log1p", [Y * F32(1e5)], {}, np.log1p(Y * 1e5)),
    ("OnesLike", [np.where(X > 0, X, F32(np.nan))], {}, np.ones((4, 6))),
    ("Adds", [X], {"value": 2.5}, X + 2.5),
    ("Muls", [X], {"value": 2.5}, X * 2.5),
    ("Axpy", [X, Y], {"alpha": 2.0}, X + 2 * Y),
    ("Addcmul", [X, Y, X, HALF], {}, X + Y * X / 2),
    ("Addcdiv", [X, X, Y, HALF], {}, X + X / Y / 2),
    ("Lerp", [X, Y, HALF], {}, (X + Y) / 2),
    ("DivNoNan", [X, np.where(X > 0, Y, F32(0))], {}, np.where(X > 0, X / Y, 0)),
    ("Xdivy", [np.where(X > 0, X, F32(0)), np.maximum(X, 0)], {}, 1.0 * (X > 0)),
    ("MaskedFill", [X, X > 0, HALF], {}, np.where(X > 0, 0.5, X)),
    ("RotaryMul", [X, Y, X], {}, X * Y + TURNED * X),
    ("SwiGlu", [X], {}, X[:, :3] * SIGMOID[:, :3] * X[:, 3:]),
    ("FillD", [HALF], {"dims": [2, 3]}, np.full((2, 3), 0.5)),
    ("Fill", [np.array([2, 3], I32), np.array([2**40])], {}, np.full((2, 3), 2**40)),
    ("Range", [np.array([10]), np.array([1]), np.array([-3])], {}, np.arange(10, 1, -3)),
    ("Range", [np.array([v], F32) for v in (0, 2, 0.5)], {}, np.arange(0, 2, 0.5)),
    ("OneHot", [np.array(v) for v in ([1, 0], [3], [5], [0])], {"axis": -1},
     5 * np.eye(3)[[1, 0]]),
    ("StridedSlice", [WIDE, *(np.array(v, I32) for v in ([1, 0], [3, 9], [1, 2]))],
     {"begin_mask": 2, "end_mask": 2}, WIDE[1:3, ::2]),
    ("StridedSliceD", [X], {"begin": [2, 1], "end": [3, 5], "shrink_axis_mask": 1}, X[2, 1:5]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "inputs", "values", "expected"), CASES)
def test_result(kind: str, inputs: list[Any], values: dict[str, Any], expected: Any) -> None:
    # The second operand of Fill and the third of OneHot are of the result's type, else the first.
    dtype = inputs[{"Fill": 1, "OneHot": 2}.get(kind, 0)].dtype
    (got,) = run(kind, inputs, [(expected.shape, dtype)], values)
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=1e-9 if "1" in kind else 1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [(F32, 1e-4), (F16, 4e-3)])
def test_normalisations(dtype: Any, tolerance: float) -> None:
    x, gamma, beta = X.astype(dtype), Y[0].astype(dtype), X[1].astype(dtype)
    mean, spread = X.mean(1, keepdims=True), X.var(1, keepdims=True)
    single = ((4, 1), dtype)
    got = run("LayerNorm", [x, gamma, beta], [(x.shape, dtype), single, single],
              {"begin_norm_axis": 1, "begin_params_axis": -1, "epsilon": 1e-5})  # fmt: skip
    expected = [(X - mean) / np.sqrt(spread + 1e-5) * Y[0] + X[1], mean, spread]
    for one, right in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, right, rtol=tolerance, atol=tolerance)
    inverse = 1 / np.sqrt((X**2).mean(1, keepdims=True) + 1e-6)
    got = run("RmsNorm", [x, gamma], [(x.shape, dtype), single], {"epsilon": 1e-6})
    for one, right in zip(got, [X * inverse * Y[0], inverse], strict=True):
        np.testing.assert_allclose(one, right, rtol=tolerance, atol=tolerance)
