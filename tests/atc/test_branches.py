"""Branches: what shapes decide, what only an execution does, and what cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper


def graph(nodes):
    outputs = [helper.make_tensor_value_info(nodes[-1].output[0], T.FLOAT, None)]
    return helper.make_graph(nodes, "branch", [], outputs)


def branching(save_onnx, name, then, otherwise, decide, inputs, **extra):
    """A model with one If: lists of nodes for its branches and for its condition."""
    choice = helper.make_node(
        "If",
        [decide[-1].output[0] if decide else "c"],
        ["y"],
        then_branch=graph(then),
        else_branch=graph(otherwise),
    )
    after = [helper.make_node("Conv", ["y", "w"], ["z"], name="conv")]
    return save_onnx(name, [*decide, choice, *after], inputs, [("z", T.FLOAT, None)], **extra)


def test_shapes_decide_a_branch_that_asks_for_them(save_onnx, convert, run_om, run_onnx, random):
    """PyTorch's squeeze(): one rank or another, by a dimension; only the shape tells which."""
    node = helper.make_node
    path = branching(
        save_onnx,
        "squeeze",
        [node("Squeeze", ["x", "axis"], ["three"])],
        [node("Identity", ["x"], ["all"])],
        [
            node("Shape", ["x"], ["s"]),
            node("Gather", ["s", "zero"], ["n"]),
            node("Equal", ["n", "one"], ["c"]),
        ],
        [("x", T.FLOAT, ["a", "n", 3, 8, 8])],
        constants={
            "axis": np.array([0]),
            "zero": np.array(0),
            "one": np.array(1),
            "w": random(2, 3, 3, 3),
        },
    )
    x = random(1, 4, 3, 8, 8)
    for shape in ("x:1,4,3,8,8", "x:1,-1,3,8,8"):
        om = convert(path, input_shape=shape)
        np.testing.assert_allclose(run_om(om, x)[0], run_onnx(path, x)[0], rtol=1e-4, atol=1e-5)


def test_a_condition_may_have_any_shape_of_one_element(
    save_onnx, convert, run_om, run_onnx, random
):
    node = helper.make_node
    path = branching(
        save_onnx,
        "verified",
        [node("Neg", ["x"], ["less"])],
        [node("Abs", ["x"], ["more"])],
        [
            node("ReduceMax", ["x"], ["highest"], keepdims=1),
            node("Greater", ["highest", "limit"], ["c"]),
        ],
        [("x", T.FLOAT, [1, 3, 8, 8])],
        constants={
            "limit": np.float32([[[[2]]]]),
            "w": random(2, 3, 3, 3),
        },
    )
    om = convert(path)
    for highest in (1, 3):
        x = np.clip(random(1, 3, 8, 8), -1, 1)
        x[0, 0, 0, 0] = highest
        np.testing.assert_allclose(run_om(om, x)[0], run_onnx(path, x)[0], rtol=1e-4, atol=1e-5)


def test_a_known_operator_that_cannot_be_translated_says_why(save_onnx, fails):
    node = helper.make_node
    path = branching(
        save_onnx,
        "ranks",
        [node("Unsqueeze", ["x", "axes"], ["four"])],
        [node("Identity", ["x"], ["three"])],
        [],
        [("x", T.FLOAT, [3, 8, 8]), ("c", T.BOOL, [1]), ("w", T.FLOAT, [2, 3, 3, 3])],
        constants={"axes": np.array([0])},
    )
    error = fails(path)
    assert error.error == "E19000"
    assert "Node(Conv)" in str(error)
    assert "rank has to be known" in str(error)


def test_a_branch_that_cannot_take_the_shape_is_named(save_onnx, fails):
    node = helper.make_node
    path = branching(
        save_onnx,
        "rates",
        [node("Transpose", ["x"], ["t"], perm=[0, 1, 3, 2])],
        [node("Transpose", ["x"], ["u"], perm=[2, 0, 1], name="odd")],
        [],
        [("x", T.FLOAT, [1, 3, 8, 8]), ("c", T.BOOL, [1]), ("w", T.FLOAT, [2, 3, 3, 3])],
    )
    error = fails(path)
    assert error.error == "E19000"
    assert "Node(Transpose): u" in error.out
    assert "Every branch of an If" in error.out


@pytest.mark.parametrize("rate", [8, 16])
def test_a_constant_decides_and_the_other_branch_may_be_impossible(
    save_onnx, convert, fails, run_om, random, rate
):
    """Names of the two branches are the same, and a branch in the branch reads one of them."""
    node = helper.make_node
    pick = [node("Neg", ["part"], ["inner"])], [node("Identity", ["x"], ["inner"])]
    then, otherwise = (
        [
            node("Transpose", ["x"], ["part"], perm=perm),
            node("ReduceMax", ["part"], ["top"], keepdims=1),
            node("Greater", ["top", "limit"], ["more"]),
            node("If", ["more"], ["all"], then_branch=graph(pick[0]), else_branch=graph(pick[1])),
        ]
        for perm in ([0, 1, 3, 2], [2, 0, 1])
    )
    path = branching(
        save_onnx,
        "rates",
        then,
        otherwise,
        [node("Div", ["rate", "two"], ["half"]), node("Equal", ["half", "eight"], ["c"])],
        [("x", T.FLOAT, [1, 3, 8, 8])],
        constants={
            "rate": np.array(rate),
            "two": np.array(2),
            "eight": np.array(8),
            "limit": np.float32([[[[0]]]]),
            "w": np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1),
        },
    )
    if rate == 8:
        # The branch that is taken is the impossible one.
        assert "Node(Transpose)" in fails(path).out
        return
    om = convert(path)
    for sign in (1, -1):
        x = sign * np.abs(random(1, 3, 8, 8)) - sign
        expected = -x.transpose(0, 1, 3, 2) if x.max() > 0 else x
        np.testing.assert_allclose(run_om(om, x)[0], expected, rtol=1e-6)
