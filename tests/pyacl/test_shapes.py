"""Shapes of calls that public programs use, each as short as it can be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from acl_fast import pyacl as acl
from tests.softnpu_model import models

INVALID = 100000
media = acl.media


def nothing(*_: Any) -> None:
    """A callback."""


# What programs pass is the value itself, or the function.
@pytest.mark.parametrize(("kind", "number", "value"), [
    ("venc", 0, 1 << 40), ("venc", 2, 1), ("venc", 11, 2000), ("vdec", 2, 1 << 40), ("vdec", 4, 7),
    ("vdec", 6, np.int32(2)), ("dvpp", 1, 4), ("venc", 1, nothing), ("vdec", 3, nothing),
])  # fmt: skip
def test_channel_parameters_themselves(kind: str, number: int, value: Any) -> None:
    desc = getattr(media, f"{kind}_create_channel_desc")()
    put = getattr(media, f"{kind}_set_channel_desc_param")
    get = getattr(media, f"{kind}_get_channel_desc_param")
    assert get(desc, number)[1] == 0
    assert put(desc, number, value) == 0
    assert get(desc, number) == (value, 0)
    if callable(value):
        assert getattr(media, f"{kind}_get_channel_desc_callback")(desc) is value
    assert put(0, number, value) == get(0, number)[1] == INVALID
    assert put(desc, 99, 1) == get(desc, 99)[1] == INVALID
    with pytest.raises(TypeError, match=f"{kind}_set_channel_desc_param"):
        put(desc, number, "1")
    assert getattr(media, f"{kind}_destroy_channel_desc")(desc) == 0


def test_numpy_types_as_such() -> None:
    values = np.arange(6, dtype=np.float16)
    for kind in (np.float16, np.dtype("float16"), 23):
        view = acl.util.ptr_to_numpy(acl.util.numpy_to_ptr(values), (2, 3), kind)
        assert view.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_parameters_of_an_operator_are_updated_first(stream: int) -> None:
    """Programs call update_params, then execute_v2."""
    size = 24
    descs = [acl.create_tensor_desc(0, [2, 3], 2) for _ in range(3)]
    places = [acl.rt.malloc(size, 0)[0] for _ in range(3)]
    buffers = [acl.create_data_buffer(place, size) for place in places]
    values = np.arange(6, dtype=np.float32)
    for place in places[:2]:
        assert acl.rt.memcpy(place, size, acl.util.numpy_to_ptr(values), size, 1) == 0
    attr = acl.op.create_attr()
    assert acl.op.update_params("Add", descs[:2], descs[2:], attr) == 0
    assert acl.op.update_params("Add", descs[:1], descs[2:], attr) != 0
    assert acl.op.update_params(None, descs[:2], descs[2:], attr) != 0
    arguments = descs[:2], buffers[:2], descs[2:], buffers[2:], attr, stream
    assert acl.op.execute_v2("Add", *arguments) == acl.rt.synchronize_stream(stream) == 0
    result = np.empty_like(values)
    assert acl.rt.memcpy(acl.util.numpy_to_ptr(result), size, places[2], size, 2) == 0
    assert result.tolist() == (2 * values).tolist()
    acl.op.destroy_attr(attr)
    for desc, place, buffer in zip(descs, places, buffers, strict=True):
        assert acl.destroy_data_buffer(buffer) == acl.rt.free(place) == 0
        acl.destroy_tensor_desc(desc)


def test_gear_models_tell_their_largest_outputs() -> None:
    """Programs view output memory by get_output_dims: there is no -1 in it."""
    y = models.value("y", ("n", 4))
    proto = models.model(
        [models.helper.make_node("Relu", ["x"], ["y"])], [models.value("x", ("n", 4))], [y]
    )
    data = models.gear_om(proto, "batch", [[1], [2], [8]], [(0, 0)], [[[n, 4] for n in (1, 2, 8)]])
    address = acl.util.bytes_to_ptr(data)
    model_id, ret = acl.mdl.load_from_mem(address, len(data))
    assert ret == 0
    desc = acl.mdl.create_desc()
    assert acl.mdl.get_desc(desc, model_id) == 0
    assert acl.mdl.get_input_dims(desc, 0)[0]["dims"] == [-1, 4]
    shown, ret = acl.mdl.get_output_dims(desc, 0)
    assert (shown["dims"], ret) == ([8, 4], 0)
    assert acl.mdl.get_output_size_by_index(desc, 0) == 8 * 4 * 4
    assert acl.mdl.get_cur_output_dims(desc, 0)[0]["dims"] == [8, 4]
    assert acl.mdl.destroy_desc(desc) == acl.mdl.unload(model_id) == 0
