"""Element types and formats: one row per type ties aclDataType, OpenVINO, ONNX and atc together."""

from __future__ import annotations

from typing import NamedTuple


class DType(NamedTuple):
    """One element type under all its names.

    Attributes
    ----------
    acl : int
        Value of ``aclDataType``.
    name : str
        Name that atc's options use (``FP32``, ``INT8``, ...).
    ir : str
        Name of the type in OpenVINO's IR and in ``openvino.Type``.
    onnx : int
        Value of ``onnx.TensorProto.DataType``.
    nbytes : int
        Bytes of one element.
    """

    acl: int
    name: str
    ir: str
    onnx: int
    nbytes: int


DTYPES = (
    DType(0, "FP32", "f32", 1, 4),
    DType(1, "FP16", "f16", 10, 2),
    DType(2, "INT8", "i8", 3, 1),
    DType(3, "INT32", "i32", 6, 4),
    DType(4, "UINT8", "u8", 2, 1),
    DType(6, "INT16", "i16", 5, 2),
    DType(7, "UINT16", "u16", 4, 2),
    DType(8, "UINT32", "u32", 12, 4),
    DType(9, "INT64", "i64", 7, 8),
    DType(10, "UINT64", "u64", 13, 8),
    DType(11, "DOUBLE", "f64", 11, 8),
    DType(12, "BOOL", "boolean", 9, 1),
    DType(27, "BF16", "bf16", 16, 2),
)

BY_ACL = {row.acl: row for row in DTYPES}
BY_IR = {row.ir: row for row in DTYPES}
BY_NAME = {row.name: row for row in DTYPES}

# aclFormat values, and the rank that a tensor must have to carry the name.
FORMATS = {"NCHW": 0, "NHWC": 1, "ND": 2, "NCDHW": 30, "NDHWC": 27}
FORMAT_NAMES = {value: name for name, value in FORMATS.items()}
FORMAT_RANK = {"NCHW": 4, "NHWC": 4, "NCDHW": 5, "NDHWC": 5}


def tensor_format(input_format: str, rank: int) -> int:
    """aclFormat of a tensor: the model's format where the rank fits it, else ND."""
    return FORMATS[input_format] if FORMAT_RANK.get(input_format) == rank else FORMATS["ND"]
