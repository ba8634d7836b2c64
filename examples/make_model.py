"""Make a small model: the mean colour of a picture.

    python make_model.py mean.om

The same two steps as for any model: write ONNX, then compile it with ``acl-fast atc``, which
takes the options of CANN's atc. For a card, compile the .onnx with CANN's atc instead.
"""

import subprocess
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

target = Path(sys.argv[1] if len(sys.argv) > 1 else "mean.om")

graph = helper.make_graph(
    [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["mean"]),
    ],
    "mean",
    [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 240, 320])],
    [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, 3])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
onnx.save(model, target.with_suffix(".onnx"))

command = [
    *(sys.executable, "-m", "acl_fast", "atc"),
    f"--model={target.with_suffix('.onnx')}",
    "--framework=5",  # 5 is ONNX
    f"--output={target.with_suffix('')}",  # atc adds .om
    "--soc_version=Ascend310P3",
]
sys.exit(subprocess.run(command, check=False).returncode)
