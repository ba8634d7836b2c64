"""Small ONNX models, a driver for atc, and the two engines that its results are compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper

from acl_fast import _atc


class Run(NamedTuple):
    """What one call of atc gave."""

    code: int
    out: str

    @property
    def error(self) -> str:
        """The E-code, which has to stand at the start of a line."""
        lines = self.out.splitlines()
        codes = [line.split(":")[0] for line in lines if line[:1] == "E" and line[1:3].isdigit()]
        return codes[0] if codes else ""


def save(path: Path, nodes: Sequence[Any], inputs: Any, outputs: Any, **extra: Any) -> Path:
    """Write an ONNX model; inputs and outputs are (name, type, shape)."""
    constants = [numpy_helper.from_array(a, n) for n, a in extra.pop("constants", {}).items()]
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info(*entry) for entry in inputs],
        [helper.make_tensor_value_info(*entry) for entry in outputs],
        constants,
    )
    opsets = extra.pop("opsets", {"": 13})
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in opsets.items()],
        ir_version=8,
    )
    onnx.save(model, str(path))
    return path


@pytest.fixture
def save_onnx(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str, *args: Any, **extra: Any) -> Path:
        return save(tmp_path / f"{name}.onnx", *args, **extra)

    return make


@pytest.fixture
def conv(tmp_path: Path) -> Path:
    """Convolution, ReLU and a mean over the picture; every dimension but the channels is free."""
    random = np.random.default_rng(3)
    weights = random.standard_normal((5, 3, 3, 3)).astype(np.float32)
    return save(
        tmp_path / "conv.onnx",
        [
            helper.make_node("Conv", ["x", "w"], ["c"], name="conv", pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["c"], ["y"], name="relu"),
            helper.make_node("GlobalAveragePool", ["y"], ["mean"]),
        ],
        [("x", T.FLOAT, ["n", 3, "h", "w"])],
        [("y", T.FLOAT, ["n", 5, "h", "w"]), ("mean", T.FLOAT, ["n", 5, 1, 1])],
        constants={"w": weights},
    )


@pytest.fixture
def two_inputs(tmp_path: Path) -> Path:
    """A product and a sum over two inputs of free size."""
    return save(
        tmp_path / "two.onnx",
        [
            helper.make_node("MatMul", ["a", "b"], ["product"], name="mul"),
            helper.make_node("Add", ["product", "product"], ["twice"], name="add"),
        ],
        [("a", T.FLOAT, ["m", "k"]), ("b", T.FLOAT, ["k", "n"])],
        [("twice", T.FLOAT, ["m", "n"])],
    )


@pytest.fixture
def atc(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Run atc in this process; keyword arguments are options."""

    def run(*words: str, **options: object) -> Run:
        line = [*words, *(f"--{name}={value}" for name, value in options.items())]
        capsys.readouterr()
        code = _atc.main(line)
        captured = capsys.readouterr()
        assert captured.err == ""
        return Run(code, captured.out)

    return run


@pytest.fixture
def convert(atc: Callable[..., Run], tmp_path: Path) -> Callable[..., _atc.Om]:
    """Convert a model, expect success, open the result."""

    def run(model: Path, **options: object) -> _atc.Om:
        base = {"framework": 5, "soc_version": "Ascend310P3", "output": tmp_path / "out" / "m"}
        result = atc(model=model, **{**base, **options})
        assert result.code == 0, result.out
        made = [line.split(":")[0].strip() for line in result.out.splitlines() if ".om: " in line]
        return _atc.Om(made[0])

    return run


@pytest.fixture
def fails(atc: Callable[..., Run], tmp_path: Path) -> Callable[..., Run]:
    """Convert a model, expect failure and no file."""

    def run(model: Path | str, *words: str, **options: object) -> Run:
        base = {"framework": 5, "soc_version": "Ascend310P3", "output": tmp_path / "none" / "m"}
        result = atc(*words, model=model, **{**base, **options})
        assert result.code == 1, result.out
        assert not list((tmp_path / "none").glob("*")), "a failed conversion left something"
        return result

    return run


@pytest.fixture
def run_om() -> Callable[..., list[np.ndarray]]:
    """Run the IR of an .om with OpenVINO itself."""
    import openvino as ov

    def run(om: _atc.Om, *inputs: np.ndarray) -> list[np.ndarray]:
        model = om.read_model()
        model.reshape({i: ov.PartialShape(x.shape) for i, x in enumerate(inputs)})
        options = {"INFERENCE_PRECISION_HINT": "f32"}
        compiled = ov.Core().compile_model(model, "CPU", options)
        request = compiled.create_infer_request()
        request.infer(list(inputs))
        return [request.get_output_tensor(i).data.copy() for i in range(len(compiled.outputs))]

    return run


@pytest.fixture
def run_onnx() -> Callable[..., list[np.ndarray]]:
    """Run the ONNX model with ONNX Runtime."""
    import onnxruntime

    def run(path: Path, *inputs: np.ndarray, outputs: list[str] | None = None) -> list[np.ndarray]:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [entry.name for entry in session.get_inputs()]
        return session.run(outputs, dict(zip(names, inputs, strict=True)))

    return run


@pytest.fixture
def random() -> Callable[..., np.ndarray]:
    generator = np.random.default_rng(11)

    def make(*shape: int) -> np.ndarray:
        return generator.standard_normal(shape).astype(np.float32)

    return make
