"""64-bit integers keep all their bits; numpy says what the results are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.op.run import run
from tests.op.test_ops import BINARY

I32, I64, U64 = np.int32, np.int64, np.uint64
RANDOM = np.random.default_rng(64)
TYPES = [I64, U64]


def numbers(shape: tuple[int, ...], dtype: Any, bits: int = 62) -> np.ndarray:
    least = -(2**bits) if dtype == I64 else 0
    return RANDOM.integers(least, 2**bits, shape, dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", [k for k in BINARY if k != "RealDiv"])
def test_two_inputs(kind: str, dtype: Any) -> None:
    x, y = numbers((3, 4, 5), dtype), numbers((3, 4, 5), dtype, 33)
    y[y == 0] = 1
    for a, b in ((x, y), (x, y[:1, :, :1]), (x[0, 0], y), (x, y[0, 0, 0])):
        with np.errstate(over="ignore"):
            expected = BINARY[kind](a, b)
        (got,) = run(kind, [a, b], [(expected.shape, dtype)])
        np.testing.assert_array_equal(got, expected)


COMPARISONS = {
    "Equal": np.equal, "NotEqual": np.not_equal, "Greater": np.greater, "Less": np.less,
    "GreaterEqual": np.greater_equal, "LessEqual": np.less_equal,
}  # fmt: skip


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", COMPARISONS)
def test_comparisons(kind: str, dtype: Any) -> None:
    x = numbers((40,), dtype)
    y = x + RANDOM.integers(0, 2, 40).astype(dtype)  # differs in the lowest bit or not at all
    (got,) = run(kind, [x, y], [(x.shape, np.bool_)])
    np.testing.assert_array_equal(got, COMPARISONS[kind](x, y))


def test_division() -> None:
    x, y = numbers((100,), I64), numbers((100,), I64, 20)
    y[y == 0] = 7
    exact = [
        abs(int(a)) // abs(int(b)) * (-1 if (a < 0) != (b < 0) else 1)
        for a, b in zip(x, y, strict=True)
    ]
    for kind in ("Div", "RealDiv"):
        (got,) = run(kind, [x, y], [(x.shape, I64)])
        np.testing.assert_array_equal(got, exact)
    (got,) = run("Mod", [x, y], [(x.shape, I64)])
    np.testing.assert_array_equal(got, np.fmod(x, y))
    # What the processor would stop at.
    least = np.array([np.iinfo(I64).min, 5, 0], I64)
    (got,) = run("Div", [least, np.array([-1, 0, 0], I64)], [((3,), I64)])
    np.testing.assert_array_equal(got, [np.iinfo(I64).min, 0, 0])


def test_powers() -> None:
    x = np.array([3, -3, 2, 10, 1, -1, 7], I64)
    y = np.array([39, 39, 62, 18, -5, -5, -1], I64)
    (got,) = run("Pow", [x, y], [(x.shape, I64)])
    assert got.tolist() == [3**39, -(3**39), 2**62, 10**18, 1, -1, 0]


ONE: dict[str, Callable[..., Any]] = {
    "Abs": np.abs, "Neg": np.negative, "Sign": np.sign, "Square": np.square,
    "Relu": lambda x: np.maximum(x, 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", ONE)
def test_one_input(kind: str) -> None:
    x = numbers((7, 9), I64)
    with np.errstate(over="ignore"):
        expected = ONE[kind](x)
    (got,) = run(kind, [x], [(x.shape, I64)])
    np.testing.assert_array_equal(got, expected)


def test_several_inputs() -> None:
    x, y, z = (numbers((4, 6), I64, 60) for _ in range(3))
    (got,) = run("AddN", [x, y, z], [(x.shape, I64)])
    np.testing.assert_array_equal(got, x + y + z)
    low, high = np.array([-(2**60)], I64), np.array([2**59 + 1], I64)
    (got,) = run("ClipByValue", [x, low, high], [(x.shape, I64)])
    np.testing.assert_array_equal(got, np.clip(x, low, high))
    which = RANDOM.integers(0, 2, x.shape).astype(np.bool_)
    (got,) = run("SelectV2", [which, x, y], [(x.shape, I64)])
    np.testing.assert_array_equal(got, np.where(which, x, y))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", ["Sum", "Max", "Min", "Prod", "Mean"])
def test_reduce(name: str, dtype: Any) -> None:
    x = numbers((3, 5, 4), dtype, 61)
    for axes, keep in (((0, 2), False), ((1,), True), ((-1,), False), ((0, 1, 2), True)):
        if name == "Mean":
            whole = x.astype(object).sum(axes, keepdims=keep)
            count = x.size // np.size(whole)
            exact = np.vectorize(lambda v, n=count: abs(v) // n * (-1 if v < 0 else 1))(whole)
            expected = np.asarray(exact).astype(dtype)
        else:
            with np.errstate(over="ignore"):
                expected = getattr(np, name.lower())(x, axes, keepdims=keep)
        values = {"keep_dims": keep}
        (got,) = run(f"Reduce{name}", [x, np.array(axes, I32)], [(expected.shape, dtype)], values)
        np.testing.assert_array_equal(got, expected)
        values_d = {"axes": list(axes), "keep_dims": keep}
        (got,) = run(f"Reduce{name}D", [x], [(expected.shape, dtype)], values_d)
        np.testing.assert_array_equal(got, expected)


def test_running_sums() -> None:
    x = numbers((3, 5, 2), I64, 59)
    (got,) = run("Cumsum", [x, np.array([1], I32)], [(x.shape, I64)])
    np.testing.assert_array_equal(got, np.cumsum(x, 1))
    values = {"axis": -1, "exclusive": True, "reverse": True}
    (got,) = run("CumsumD", [x], [(x.shape, I64)], values)
    expected = np.cumsum(x[..., ::-1], -1)[..., ::-1] - x
    np.testing.assert_array_equal(got, expected)


CASTS: list[tuple[Any, Any]] = [
    (I64, np.float32), (I64, np.float64), (U64, np.float64), (I64, I32), (I64, U64), (U64, I64),
    (I64, np.uint8), (I64, np.bool_), (np.float64, I64), (np.float32, I64), (np.uint32, I64),
    (np.int8, I64), (np.float64, U64), (I64, np.float16), (np.bool_, I64), (np.float16, I64),
]  # fmt: skip


@pytest.mark.parametrize(("source", "target"), CASTS)
def test_casts(source: Any, target: Any) -> None:
    top = 60000 if np.float16 in (source, target) else 2**52
    x = RANDOM.integers(0, top, 60).astype(source)
    if source == I64 and target != U64:
        x[::2] *= -1
    x[:2] = 0, 1
    (got,) = run("Cast", [x], [(x.shape, target)])
    np.testing.assert_array_equal(got, x.astype(target))


def test_casts_of_what_does_not_fit() -> None:
    x = np.array([1e30, -1e30, np.nan, 2.0**63, -(2.0**63), -1.9], np.float64)
    (got,) = run("Cast", [x], [(x.shape, I64)])
    most, least = np.iinfo(I64).max, np.iinfo(I64).min
    assert got.tolist() == [most, least, 0, most, least, -1]
    (got,) = run("Cast", [x], [(x.shape, U64)])
    assert got.tolist() == [2**64 - 1, 0, 0, 2**63, 0, 0]


X = numbers((2, 3, 4), I64)
MOVES: dict[str, tuple[str, list[Any], dict[str, Any], np.ndarray]] = {
    "Transpose": ("Transpose", [X, np.array([2, 0, 1])], {}, X.transpose(2, 0, 1)),
    "Permute": ("Permute", [X], {"order": [1, 2, 0]}, X.transpose(1, 2, 0)),
    "TransposeD": ("TransposeD", [X], {"perm": [1, 2, 0]}, X.transpose(1, 2, 0)),
    "ConcatD": ("ConcatD", [X, -X], {"concat_dim": 1}, np.concatenate([X, -X], 1)),
    "ConcatV2": ("ConcatV2", [X, -X, np.array([-1], I32)], {}, np.concatenate([X, -X], 2)),
    "Pack": ("Pack", [X, -X], {"axis": 0}, np.stack([X, -X])),
    "Pad": ("Pad", [X, np.array([[0, 1], [2, 0], [1, 1]])], {},
            np.pad(X, ((0, 1), (2, 0), (1, 1)))),
    "PadV2": ("PadV2", [X, np.array([[0, 1], [2, 0], [1, 1]]), np.array([2**61 + 1])], {},
              np.pad(X, ((0, 1), (2, 0), (1, 1)), constant_values=2**61 + 1)),
    "TileD": ("TileD", [X], {"multiples": [2, 1, 3]}, np.tile(X, (2, 1, 3))),
    "BroadcastToD": ("BroadcastToD", [X[:1]], {"shape": [5, 3, 4]},
                     np.broadcast_to(X[:1], (5, 3, 4))),
    "SliceD": ("SliceD", [X], {"offsets": [0, 1, 1], "size": [2, -1, 2]}, X[:, 1:, 1:3]),
    "GatherV2": ("GatherV2", [X, np.array([[2, 0], [1, 1]]), np.array([1])], {},
                 X[:, [[2, 0], [1, 1]]]),
}  # fmt: skip


@pytest.mark.parametrize("name", MOVES)
def test_moves(name: str) -> None:
    kind, inputs, values, expected = MOVES[name]
    (got,) = run(kind, inputs, [(expected.shape, I64)], values)
    np.testing.assert_array_equal(got, expected)


def test_parts() -> None:
    got = run("SplitD", [X], [((2, 3, 2), I64)] * 2, {"split_dim": 2, "num_split": 2})
    np.testing.assert_array_equal(np.concatenate(got, 2), X)
    got = run("Unpack", [X], [((2, 4), I64)] * 3, {"axis": 1, "num": 3})
    np.testing.assert_array_equal(np.stack(got, 1), X)


@pytest.mark.parametrize("dtype", TYPES)
def test_extremes(dtype: Any) -> None:
    """Neighbours differ in the lowest bit alone, which float64 would lose."""
    x = (RANDOM.permutation(60).reshape(3, 5, 4) + 2**61).astype(dtype)
    (got,) = run("ArgMaxV2", [x, np.array([-2], I32)], [((3, 4), I32)])
    np.testing.assert_array_equal(got, x.argmax(1))
    (got,) = run("ArgMinD", [x], [((3, 5), I64)], {"dimension": 2})
    np.testing.assert_array_equal(got, x.argmin(2))
    values = {"dimension": 0, "keep_dims": True}
    where, value = run("ArgMaxWithValue", [x], [((1, 5, 4), I32), ((1, 5, 4), dtype)], values)
    np.testing.assert_array_equal(where, x.argmax(0)[None])
    np.testing.assert_array_equal(value, x.max(0)[None])
    value, where = run("TopKD", [x], [((3, 3, 4), dtype), ((3, 3, 4), I32)], {"k": 3, "dim": 1})
    order = np.argsort(x, 1)[:, ::-1][:, :3]
    np.testing.assert_array_equal(where, order)
    np.testing.assert_array_equal(value, np.take_along_axis(x, order, 1))
    equal = np.zeros((1, 4), dtype)
    value, where = run("TopKV2", [equal, np.array([2], I32)], [((1, 2), dtype), ((1, 2), I32)])
    assert where.tolist() == [[0, 1]]
