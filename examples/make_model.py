"""Make a small model: the mean colour of a picture.

    python make_model.py mean.om
    python make_model.py mean-nv12.om --nv12

The same two steps as for any model: write ONNX, then compile it with ``acl-fast atc``, which
takes the options of CANN's atc. For a card, compile the .onnx with CANN's atc instead. With
``--nv12`` the input takes what the video decoder writes, and AIPP turns it into RGB from 0 to 1
inside the model's input.
"""

import subprocess
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

arguments = [word for word in sys.argv[1:] if word != "--nv12"]
target = Path(arguments[0] if arguments else "mean.om")

# BT.601, limited range: what most video is.
NV12 = """
aipp_op {
    aipp_mode : static
    input_format : YUV420SP_U8
    csc_switch : true
    matrix_r0c0 : 298  matrix_r0c1 : 0     matrix_r0c2 : 409
    matrix_r1c0 : 298  matrix_r1c1 : -100  matrix_r1c2 : -208
    matrix_r2c0 : 298  matrix_r2c1 : 516   matrix_r2c2 : 0
    input_bias_0 : 16  input_bias_1 : 128  input_bias_2 : 128
    var_reci_chn_0 : 0.00392157
    var_reci_chn_1 : 0.00392157
    var_reci_chn_2 : 0.00392157
}
"""

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
if "--nv12" in sys.argv:
    target.with_suffix(".cfg").write_text(NV12)
    command.append(f"--insert_op_conf={target.with_suffix('.cfg')}")
sys.exit(subprocess.run(command, check=False).returncode)
