"""Descriptions and datasets: every getter, and its answer to nonsense."""

from __future__ import annotations

import ctypes as C
import os
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from . import models
from .acl import (
    BAD_ID,
    INVALID_PARAM,
    AclError,
    Dataset,
    IODims,
    IODimsRange,
    Memory,
    Model,
    acl,
    infer,
)

STALE = 0x1234


def test_names_dims_sizes_formats_types() -> None:
    with Model(models.convolution().SerializeToString()) as model:
        desc = model.desc
        assert (model.inputs, model.outputs) == (1, 1)
        assert acl.aclmdlGetInputNameByIndex(desc, 0) == b"x"
        assert acl.aclmdlGetOutputNameByIndex(desc, 0) == b"y"
        assert model.input_dims(0) == (1, 3, 16, 16)
        assert model.output_dims(0) == (1, 8, 16, 16)
        assert model.current_output_dims(0) == (1, 8, 16, 16)
        assert (model.input_size(0), model.output_size(0)) == (3072, 8192)
        assert acl.aclmdlGetInputFormat(desc, 0) == 0
        assert acl.aclmdlGetOutputFormat(desc, 0) == 2
        assert acl.aclmdlGetInputDataType(desc, 0) == 0
        index = C.c_size_t(9)
        acl.aclmdlGetOutputIndexByName(desc, b"y", C.byref(index))
        assert index.value == 0
        second = IODims()
        acl.aclmdlGetInputDimsV2(desc, 0, C.byref(second))
        assert second.shape() == (1, 3, 16, 16)
        assert second.name == b"x"
        limits = IODimsRange()
        acl.aclmdlGetInputDimsRange(desc, 0, C.byref(limits))
        assert [tuple(limits.range[i]) for i in range(limits.count)] == [
            (1, 1),
            (3, 3),
            (16, 16),
            (16, 16),
        ]


@pytest.mark.parametrize("case", ["null", "stale", "empty", "index"])
def test_getters_answer_nonsense_with_nothing(case: str) -> None:
    with Model(models.binary().SerializeToString()) as model:
        empty = acl.aclmdlCreateDesc()
        handle = {"null": None, "stale": STALE, "empty": empty, "index": model.desc}[case]
        index = 2 if case == "index" else 0
        assert acl.aclmdlGetInputSizeByIndex(handle, index) == 0
        assert acl.aclmdlGetOutputSizeByIndex(handle, index) == 0
        assert acl.aclmdlGetInputNameByIndex(handle, index) == b""
        assert acl.aclmdlGetOutputNameByIndex(handle, index) == b""
        for getter in ("InputFormat", "OutputFormat", "InputDataType", "OutputDataType"):
            assert getattr(acl, f"aclmdlGet{getter}")(handle, index) == -1
        dims = IODims()
        for getter in ("InputDims", "InputDimsV2", "OutputDims", "CurOutputDims"):
            call = getattr(acl.code, f"aclmdlGet{getter}")
            assert call(handle, index, C.byref(dims)) == INVALID_PARAM
            assert call(handle, index, None) == INVALID_PARAM
        limits = IODimsRange()
        assert acl.code.aclmdlGetInputDimsRange(handle, index, C.byref(limits)) == INVALID_PARAM
        number = C.c_size_t()
        for name in ("Input", "Output"):
            call = getattr(acl.code, f"aclmdlGet{name}IndexByName")
            assert call(handle, b"none", C.byref(number)) == INVALID_PARAM
            assert call(handle, None, C.byref(number)) == INVALID_PARAM
            assert call(handle, b"a", None) == INVALID_PARAM
        assert acl.aclmdlGetTensorRealName(handle, b"none") is None
        assert acl.aclmdlGetTensorRealName(handle, None) is None
        if case != "index":
            assert acl.aclmdlGetNumInputs(handle) == 0
            assert acl.aclmdlGetNumOutputs(handle) == 0
        acl.aclmdlDestroyDesc(empty)


def test_life_of_a_desc() -> None:
    assert acl.code.aclmdlDestroyDesc(None) == INVALID_PARAM
    desc = acl.aclmdlCreateDesc()
    assert acl.code.aclmdlGetDesc(desc, 2**31) == BAD_ID
    assert acl.code.aclmdlGetDesc(None, 1) == INVALID_PARAM
    acl.aclmdlDestroyDesc(desc)
    assert acl.code.aclmdlDestroyDesc(desc) == INVALID_PARAM
    assert acl.aclmdlGetNumInputs(desc) == 0


def test_desc_of_a_file_or_memory_without_loading(tmp_path: Path) -> None:
    data = models.static_om(models.convolution())
    path = tmp_path / "model.om"
    path.write_bytes(data)
    desc = acl.aclmdlCreateDesc()
    acl.aclmdlGetDescFromFile(desc, os.fsencode(path))
    assert acl.aclmdlGetInputSizeByIndex(desc, 0) == 3072
    onnx_data = models.binary().SerializeToString()
    acl.aclmdlGetDescFromMem(desc, onnx_data, len(onnx_data))
    assert acl.aclmdlGetNumInputs(desc) == 2
    acl.aclmdlDestroyDesc(desc)


def test_long_names() -> None:
    long_input, long_output, limit = "i" * 300, "o" * 128, "l" * 127
    proto = models.binary(names=(long_input, limit, long_output))
    with Model(proto.SerializeToString()) as model:
        dims = IODims()
        acl.aclmdlGetInputDims(model.desc, 0, C.byref(dims))
        short = dims.name
        assert short.startswith(b"acl_modelId_%d_input_0_" % model.id)
        assert acl.aclmdlGetTensorRealName(model.desc, short) == long_input.encode()
        acl.aclmdlGetInputDims(model.desc, 1, C.byref(dims))
        assert dims.name == limit.encode()
        acl.aclmdlGetOutputDims(model.desc, 0, C.byref(dims))
        assert dims.name.startswith(b"acl_modelId_%d_output_0_" % model.id)
        assert acl.aclmdlGetTensorRealName(model.desc, dims.name) == long_output.encode()
        assert acl.aclmdlGetTensorRealName(model.desc, limit.encode()) == limit.encode()
        index = C.c_size_t()
        for name in (short, long_input.encode()):
            acl.aclmdlGetInputIndexByName(model.desc, name, C.byref(index))
            assert index.value == 0


def test_a_short_name_never_equals_a_name_of_the_model() -> None:
    taken = "acl_modelId_%d_input_0_0"
    with Model(models.binary().SerializeToString()) as probe:
        following = probe.id + 1
    names = ("x" * 200, taken % following, "c")
    with Model(models.binary(names=names).SerializeToString()) as model:
        assert model.id == following
        dims = IODims()
        acl.aclmdlGetInputDims(model.desc, 0, C.byref(dims))
        assert dims.name != names[1].encode()
        assert acl.aclmdlGetTensorRealName(model.desc, dims.name) == names[0].encode()


def test_names_of_tensors_that_are_only_passed_on() -> None:
    """ONNX outputs keep their names even when several name the same value."""
    proto = models.model(
        [
            helper.make_node("Relu", ["a"], ["h"]),
            helper.make_node("Identity", ["h"], ["z"]),
            helper.make_node("Identity", ["a"], ["copy"]),
        ],
        [models.value("a", (4,))],
        [models.value(name, (4,)) for name in ("z", "h", "copy")],
    )
    a = np.array([-1, 2, -3, 4], np.float32)
    with Model(proto.SerializeToString()) as model:
        names = [acl.aclmdlGetOutputNameByIndex(model.desc, i) for i in range(3)]
        assert names == [b"z", b"h", b"copy"]
        for result, expected in zip(infer(model, a), models.reference(proto, a), strict=True):
            np.testing.assert_array_equal(result, expected)


def test_datasets_hold_buffers_in_order() -> None:
    data = Dataset((4096, 10), (None, 0), (8192, 20))
    assert acl.aclmdlGetDatasetNumBuffers(data.handle) == 3
    for i, buffer in enumerate(data.buffers):
        assert acl.aclmdlGetDatasetBuffer(data.handle, i) == buffer
    assert acl.aclmdlGetDatasetBuffer(data.handle, 3) is None
    assert acl.aclmdlGetDatasetBuffer(None, 0) is None
    assert acl.aclmdlGetDatasetNumBuffers(None) == 0
    handle = data.handle
    data.destroy()
    assert acl.code.aclmdlDestroyDataset(handle) == INVALID_PARAM
    assert acl.code.aclmdlDestroyDataset(None) == INVALID_PARAM
    assert acl.aclmdlGetDatasetNumBuffers(handle) == 0


def test_adding_nonsense_to_a_dataset() -> None:
    data = Dataset((4096, 10))
    add = acl.code.aclmdlAddDatasetBuffer
    assert add(None, data.buffers[0]) == INVALID_PARAM
    assert add(data.handle, None) == INVALID_PARAM
    assert add(data.handle, data.handle) == INVALID_PARAM
    assert add(STALE, data.buffers[0]) == INVALID_PARAM
    assert acl.aclmdlGetDatasetNumBuffers(data.handle) == 1
    data.destroy()


def test_tensor_descs_of_a_dataset_are_copies() -> None:
    data = Dataset((4096, 10), (8192, 10))
    assert acl.aclmdlGetDatasetTensorDesc(data.handle, 0) is None
    data.set_shape(0, (2, 3))
    assert data.shape(0) == (2, 3)
    kept = acl.aclmdlGetDatasetTensorDesc(data.handle, 0)
    data.set_shape(0, (4, 5, 6))
    assert acl.aclmdlGetDatasetTensorDesc(data.handle, 0) == kept
    assert data.shape(0) == (4, 5, 6)
    assert acl.aclmdlGetDatasetTensorDesc(data.handle, 1) is None
    with pytest.raises(AclError) as caught:
        data.set_shape(2, (1,))
    assert caught.value.code == INVALID_PARAM
    acl.aclmdlSetDatasetTensorDesc(data.handle, None, 0)
    assert acl.aclmdlGetDatasetTensorDesc(data.handle, 0) is None
    assert acl.code.aclmdlSetDatasetTensorDesc(None, None, 0) == INVALID_PARAM
    assert acl.aclmdlGetDatasetTensorDesc(data.handle, 7) is None
    data.destroy()


def test_buffers_survive_their_dataset() -> None:
    memory = Memory.of(np.arange(4, dtype=np.float32))
    data = Dataset((memory.address, 16))
    acl.aclmdlDestroyDataset(data.handle)
    assert acl.aclGetDataBufferAddr(data.buffers[0]) == memory.address
    acl.aclDestroyDataBuffer(data.buffers[0])
    np.testing.assert_array_equal(memory.read((4,), np.float32), np.arange(4))
    memory.free()
