"""Results of the operators against numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.softnpu_model.acl import AclError

from .run import NCHW, NHWC, run

RANDOM = np.random.default_rng(7)
F32, F16, I32, I64 = np.float32, np.float16, np.int32, np.int64
X = RANDOM.uniform(-3, 3, (2, 3, 5)).astype(F32)
Y = RANDOM.uniform(0.5, 3, (2, 3, 5)).astype(F32)
INTS = RANDOM.integers(-100, 100, (4, 6)).astype(I32)
MORE = RANDOM.integers(1, 9, (4, 6)).astype(I32)


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    powers = np.exp(x - x.max(axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis, keepdims=True))


UNARY: dict[str, tuple[Callable[..., Any], np.ndarray]] = {
    "Abs": (np.abs, X),
    "Neg": (np.negative, X),
    "Relu": (lambda x: np.maximum(x, 0), X),
    "Relu6": (lambda x: np.clip(x, 0, 6), X * 4),
    "Sigmoid": (lambda x: 1 / (1 + np.exp(-x)), X),
    "Tanh": (np.tanh, X),
    "Exp": (np.exp, X),
    "Log": (np.log, Y),
    "Sqrt": (np.sqrt, Y),
    "Rsqrt": (lambda x: 1 / np.sqrt(x), Y),
    "Square": (np.square, X),
    "Reciprocal": (np.reciprocal, Y),
    "Floor": (np.floor, X),
    "Ceil": (np.ceil, X),
    "Round": (np.round, X),
    "Sign": (np.sign, X),
    "Softplus": (lambda x: np.log1p(np.exp(x)), X),
    "SoftmaxV2": (softmax, X),
    "Identity": (lambda x: x, X),
}


@pytest.mark.parametrize("kind", UNARY)
def test_one_input(kind: str) -> None:
    function, x = UNARY[kind]
    (got,) = run(kind, [x], [(x.shape, F32)])
    np.testing.assert_allclose(got, function(x), rtol=2e-5, atol=1e-6)
    half = x.astype(F16)
    (got,) = run(kind, [half], [(x.shape, F16)])
    np.testing.assert_allclose(got, function(half.astype(F32)), rtol=2e-3, atol=2e-3)


BINARY: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "RealDiv": np.divide,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "FloorDiv": np.floor_divide,
    "FloorMod": np.mod,
    "SquaredDifference": lambda x, y: np.square(x - y),
}


@pytest.mark.parametrize("kind", BINARY)
def test_two_inputs(kind: str) -> None:
    function = BINARY[kind]
    for x, y in ((X, Y), (X, Y[:1, :, :1]), (X.astype(F16), Y.astype(F16))):
        (got,) = run(kind, [x, y], [(x.shape, x.dtype)])
        tolerance = 1e-5 if x.dtype == F32 else 4e-3
        expected = function(x.astype(F32), y.astype(F32))
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, I32, I64])
@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Maximum", "Minimum"])
def test_integers(kind: str, dtype: Any) -> None:
    x = RANDOM.integers(6, 11, (3, 17)).astype(dtype)
    y = RANDOM.integers(1, 5, (3, 17)).astype(dtype)
    (got,) = run(kind, [x, y], [(x.shape, dtype)])
    np.testing.assert_array_equal(got, BINARY[kind](x, y))


def test_large_integers_are_exact() -> None:
    x = np.array([2**24 + 1, -(2**30) - 7, 123456789], I32)
    y = np.array([1, 3, -987654], I32)
    (got,) = run("Add", [x, y], [(x.shape, I32)])
    np.testing.assert_array_equal(got, x + y)


def test_division_of_integers_cuts_towards_zero() -> None:
    (got,) = run("Div", [INTS, MORE], [(INTS.shape, I32)])
    np.testing.assert_array_equal(got, np.trunc(INTS / MORE).astype(I32))
    (got,) = run("FloorDiv", [INTS, MORE], [(INTS.shape, I32)])
    np.testing.assert_array_equal(got, INTS // MORE)


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        ("Equal", np.equal),
        ("NotEqual", np.not_equal),
        ("Greater", np.greater),
        ("GreaterEqual", np.greater_equal),
        ("Less", np.less),
        ("LessEqual", np.less_equal),
    ],
)
def test_comparisons(kind: str, function: Callable[..., Any]) -> None:
    x, y = np.round(X), np.round(Y)
    for dtype in (F32, I32):
        (got,) = run(kind, [x.astype(dtype), y.astype(dtype)], [(x.shape, np.bool_)])
        np.testing.assert_array_equal(got, function(x, y))


def test_logic() -> None:
    x, y = X > 0, Y > 1.5
    for kind, function in (("LogicalAnd", np.logical_and), ("LogicalOr", np.logical_or)):
        (got,) = run(kind, [x, y], [(x.shape, np.bool_)])
        np.testing.assert_array_equal(got, function(x, y))
    (got,) = run("LogicalNot", [x], [(x.shape, np.bool_)])
    np.testing.assert_array_equal(got, ~x)


CASTS = [
    (F32, F16),
    (F16, F32),
    (F32, I32),
    (I32, F32),
    (np.uint8, F32),
    (F32, np.uint8),
    (np.uint8, F16),
    (np.int8, I32),
    (I32, I64),
    (I64, I32),
    (np.bool_, F32),
    (I32, np.bool_),
    (F32, F32),
]


@pytest.mark.parametrize(("source", "target"), CASTS)
def test_cast(source: Any, target: Any) -> None:
    x = RANDOM.uniform(0, 100, (3, 40)).astype(source)
    (got,) = run("Cast", [x], [(x.shape, target)])
    np.testing.assert_array_equal(got, x.astype(target))


@pytest.mark.parametrize("dtype", [F32, F16])
def test_matrices(dtype: Any) -> None:
    a = RANDOM.uniform(-1, 1, (16, 24)).astype(dtype)
    b = RANDOM.uniform(-1, 1, (24, 8)).astype(dtype)
    bias = RANDOM.uniform(-1, 1, (8,)).astype(dtype)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    options: dict[str, float] = {"rtol": 2e-3, "atol": 2e-3 if dtype == F16 else 1e-5}
    (got,) = run("MatMul", [a, b], [(exact.shape, dtype)])
    np.testing.assert_allclose(got, exact, **options)
    values = {"transpose_x1": True, "transpose_x2": True}
    (got,) = run("MatMulV2", [a.T, b.T, bias], [(exact.shape, dtype)], values)
    np.testing.assert_allclose(got, exact + bias, **options)
    stack = np.stack([a, -a])
    (got,) = run("BatchMatMul", [stack, np.stack([b, b])], [((2, 16, 8), dtype)])
    np.testing.assert_allclose(got, np.stack([exact, -exact]), **options)
    one = np.array([0.5], dtype), np.array([2], dtype)
    c = np.ones((16, 8), dtype)
    (got,) = run("GEMM", [a, b, c, *one], [(exact.shape, dtype)])
    np.testing.assert_allclose(got, 0.5 * exact + 2, **options)


def test_values_in_device_host_and_constant_memory() -> None:
    order = np.array([2, 0, 1], I64)
    expected = X.transpose(2, 0, 1)
    for options in ({}, {"host": [1]}, {"constant": [1]}):
        (got,) = run("Transpose", [X, order], [((5, 2, 3), F32)], **options)  # type: ignore[arg-type]
        np.testing.assert_array_equal(got, expected)
    (got,) = run("Permute", [X], [((5, 2, 3), F32)], {"order": [2, 0, 1]})
    np.testing.assert_array_equal(got, X.transpose(2, 0, 1))
    (got,) = run("TransposeD", [X], [((5, 2, 3), F32)], {"perm": [2, 0, 1]})
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", [F32, F16, I32, np.uint8])
def test_moving(dtype: Any) -> None:
    x = RANDOM.integers(0, 99, (2, 3, 4)).astype(dtype)
    y = RANDOM.integers(0, 99, (2, 1, 4)).astype(dtype)
    both = np.concatenate([x, y], 1)
    axis = np.array(1, I32)
    (got,) = run("Concat", [axis, x, y], [(both.shape, dtype)], {"N": 2}, host=[0])
    np.testing.assert_array_equal(got, both)
    (got,) = run("ConcatD", [x, y], [(both.shape, dtype)], {"concat_dim": 1, "N": 2})
    np.testing.assert_array_equal(got, both)
    (got,) = run("Reshape", [x, np.array([4, -1], I32)], [((4, 6), dtype)])
    np.testing.assert_array_equal(got, x.reshape(4, 6))
    pairs = np.array([[0, 1], [2, 0], [1, 1]], I32)
    padded = np.pad(x, pairs)
    (got,) = run("Pad", [x, pairs], [(padded.shape, dtype)])
    np.testing.assert_array_equal(got, padded)
    (got,) = run("PadD", [x], [(padded.shape, dtype)], {"paddings": pairs.tolist()})
    np.testing.assert_array_equal(got, padded)
    (got,) = run("Tile", [x, np.array([1, 2, 3], I32)], [((2, 6, 12), dtype)])
    np.testing.assert_array_equal(got, np.tile(x, (1, 2, 3)))
    (got,) = run("SliceD", [x], [((1, 2, 4), dtype)], {"offsets": [1, 0, 0], "size": [1, 2, -1]})
    np.testing.assert_array_equal(got, x[1:, :2])
    rows = np.array([1, 0, 1], I32)
    (got,) = run("GatherV2", [x, rows, np.array(0, I32)], [((3, 3, 4), dtype)])
    np.testing.assert_array_equal(got, x[rows])
    (got,) = run("Pack", [x, x], [((2, 2, 3, 4), dtype)], {"axis": 1, "N": 2})
    np.testing.assert_array_equal(got, np.stack([x, x], 1))


def test_cutting() -> None:
    x = RANDOM.uniform(-1, 1, (2, 6, 4)).astype(F32)
    thirds = np.split(x, 3, 1)
    outputs = [((2, 2, 4), F32)] * 3
    for got in (
        run("SplitD", [x], outputs, {"split_dim": 1, "num_split": 3}),
        run("Split", [np.array(1, I32), x], outputs, {"num_split": 3}),
    ):
        for part, expected in zip(got, thirds, strict=True):
            np.testing.assert_array_equal(part, expected)
    for i, part in enumerate(run("Unpack", [x], [((6, 4), F32)] * 2, {"axis": 0, "num": 2})):
        np.testing.assert_array_equal(part, x[i])
    (got,) = run("ZerosLike", [x], [(x.shape, F32)])
    np.testing.assert_array_equal(got, 0 * x)
    slope = np.array([0.25], F32)
    (got,) = run("PRelu", [x, slope], [(x.shape, F32)])
    np.testing.assert_array_equal(got, np.where(x < 0, x * slope, x))


@pytest.mark.parametrize("dtype", [F32, F16])
@pytest.mark.parametrize("groups", [1, 2])
def test_convolution(groups: int, dtype: Any) -> None:
    x = RANDOM.uniform(-1, 1, (1, 4, 7, 6)).astype(dtype)
    w = RANDOM.uniform(-1, 1, (6, 4 // groups, 3, 3)).astype(dtype)
    bias = RANDOM.uniform(-1, 1, (6,)).astype(dtype)
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 0), (1, 2)))
    expected = np.zeros((1, 6, 3, 7))
    for o in range(6):
        first = o // (6 // groups) * (4 // groups)
        for r in range(3):
            for c in range(7):
                window = padded[0, first : first + 4 // groups, 2 * r : 2 * r + 3, c : c + 3]
                expected[0, o, r, c] = (window * w[o].astype(np.float64)).sum() + bias[o]
    values = {"strides": [1, 1, 2, 1], "pads": [1, 0, 1, 2], "groups": groups}
    (got,) = run("Conv2D", [x, w, bias], [(expected.shape, dtype)], values, layout=NCHW)
    np.testing.assert_allclose(got, expected, rtol=5e-3, atol=5e-3)


def test_integers_that_the_engine_would_cut_are_refused() -> None:
    large = np.array([5 * 10**9, 1], I64)
    with pytest.raises(AclError, match="input 0 holds 5000000000") as caught:
        run("BiasAdd", [large[None], large], [((1, 2), I64)])
    assert caught.value.code == 100026
    (got,) = run("Reshape", [large, np.array([1, 2])], [((1, 2), I64)])
    np.testing.assert_array_equal(got, large[None])


@pytest.mark.parametrize("name", ["Sum", "Mean", "Max", "Min", "Prod"])
def test_reduce(name: str) -> None:
    function = getattr(np, name.lower())
    axes = np.array([0, 2], I32)
    (got,) = run(f"Reduce{name}", [X, axes], [((3,), F32)])
    np.testing.assert_allclose(got, function(X, (0, 2)), rtol=1e-5)
    (got,) = run(f"Reduce{name}D", [X], [((2, 3, 1), F32)], {"axes": [-1], "keep_dims": True})
    np.testing.assert_allclose(got, function(X, 2, keepdims=True), rtol=1e-5)


def test_extremes() -> None:
    ties = np.array([[1, 3, 3, 2], [5, 5, 0, 5]], F32)
    (got,) = run("ArgMaxV2", [ties, np.array(1, I32)], [((2,), I32)], host=[1])
    np.testing.assert_array_equal(got, [1, 0])
    (got,) = run("ArgMaxD", [X], [((2, 5), I32)], {"dimension": 1})
    np.testing.assert_array_equal(got, X.argmax(1))
    (got,) = run("ArgMaxV2", [X, np.array([-1], I64)], [((2, 3), I64)])
    np.testing.assert_array_equal(got, X.argmax(-1))
    where, value = run("ArgMaxWithValue", [X], [((2, 3), I32), ((2, 3), F32)], {"dimension": 2})
    np.testing.assert_array_equal(where, X.argmax(2))
    np.testing.assert_array_equal(value, X.max(2))


@pytest.mark.parametrize("dtype", [F32, F16, I32])
def test_top_k(dtype: Any) -> None:
    x = np.stack([RANDOM.permutation(50) for _ in range(3)]).astype(dtype)
    shapes = [((3, 4), dtype), ((3, 4), I32)]
    for kind in ("TopK", "TopKV2"):
        value, where = run(kind, [x, np.array(4, I32)], shapes)
        np.testing.assert_array_equal(where, np.argsort(-x.astype(F32))[:, :4])
        np.testing.assert_array_equal(value, np.take_along_axis(x, where, 1))
    value, _ = run("TopKD", [x], shapes, {"k": 4, "largest": False})
    np.testing.assert_array_equal(value, np.sort(x)[:, :4])


def bilinear(x: np.ndarray, height: int, width: int, half: bool) -> np.ndarray:
    """TensorFlow's: NCHW, in float64."""
    for axis, size in ((2, height), (3, width)):
        scale = x.shape[axis] / size
        at = (np.arange(size) + 0.5) * scale - 0.5 if half else np.arange(size) * scale
        low = np.floor(at).astype(int)
        part = (at - low).reshape([-1 if i == axis else 1 for i in range(4)])
        first = np.take(x, np.clip(low, 0, x.shape[axis] - 1), axis)
        second = np.take(x, np.clip(low + 1, 0, x.shape[axis] - 1), axis)
        x = first * (1 - part) + second * part
    return x


@pytest.mark.parametrize("half", [False, True])
def test_resize(half: bool) -> None:
    x = RANDOM.uniform(0, 255, (1, 3, 6, 8)).astype(F32)
    size = np.array([9, 5], I32)
    values = {"half_pixel_centers": half}
    expected = bilinear(x.astype(np.float64), 9, 5, half)
    (got,) = run("ResizeBilinearV2", [x, size], [((1, 3, 9, 5), F32)], values, layout=NCHW)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-3)
    last = x.transpose(0, 2, 3, 1)
    (got,) = run("ResizeBilinearV2", [last, size], [((1, 9, 5, 3), F32)], values, layout=NHWC)
    np.testing.assert_allclose(got.transpose(0, 3, 1, 2), expected, rtol=1e-4, atol=1e-3)


def test_resize_nearest() -> None:
    x = RANDOM.integers(0, 255, (1, 3, 6, 8)).astype(np.uint8)
    rows, columns = np.arange(9) * 6 // 9, np.arange(5) * 8 // 5
    (got,) = run(
        "ResizeNearestNeighborV2D",
        [x],
        [((1, 3, 9, 5), np.uint8)],
        {"size": [9, 5]},
        layout=NCHW,
    )
    np.testing.assert_array_equal(got, x[:, :, rows][:, :, :, columns])
