"""Right calls of what the other tables call wrongly only, and what holds for every function."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import acl_fast
from acl_fast import pyacl as acl
from acl_fast._atc.singleop import compile_operators
from acl_fast.pyacl import _coverage_gen
from tests.pyacl.calling import find

INVALID, NOT_FOUND, SUBSCRIBED = 100000, 100024, 100011
TESTS = Path(__file__).parents[1]
STATES = {name: state for name, (_, state) in _coverage_gen.FUNCTIONS.items()}


# ---- operators from files ----


@pytest.fixture
def adding() -> Any:
    """Two operands of 2 by 3 and the room for their sum."""
    t = SimpleNamespace(values=np.arange(6, dtype=np.float32).reshape(2, 3))
    t.descs = [acl.create_tensor_desc(0, [2, 3], 2) for _ in range(3)]
    t.places = [acl.rt.malloc(24, 0)[0] for _ in range(3)]
    t.buffers = [acl.create_data_buffer(place, 24) for place in t.places]
    for place in t.places[:2]:
        assert acl.rt.memcpy(place, 24, acl.util.numpy_to_ptr(t.values), 24, 1) == 0
    t.lists = t.descs[:2], t.buffers[:2], t.descs[2:], t.buffers[2:]
    yield t
    for desc, place, buffer in zip(t.descs, t.places, t.buffers, strict=True):
        assert acl.destroy_data_buffer(buffer) == acl.rt.free(place) == 0
        acl.destroy_tensor_desc(desc)


def operator_file(folder: Path) -> Path:
    tensor = '{"format": "ND", "shape": [2, 3], "type": "float"}'
    text = f'[{{"op": "Add", "input_desc": [{tensor}, {tensor}], "output_desc": [{tensor}]}}]'
    (folder / "add.json").write_text(text)
    made, *_ = compile_operators(str(folder / "add.json"), folder / "models", "Ascend310P3")
    return Path(made[0])


def test_operators_of_files(adding: SimpleNamespace, stream: int, tmp_path: Path) -> None:
    """The first programs for cards: a folder of operators, and execute() without a version."""
    file = operator_file(tmp_path)
    assert acl.op.set_model_dir(str(file.parent)) == 0
    data = file.read_bytes()
    assert acl.op.load(acl.util.bytes_to_ptr(data), len(data)) == 0
    assert acl.op.load(acl.util.bytes_to_ptr(data), 40) != 0
    assert acl.op.load(12345, len(data)) == 107000
    assert acl.op.load(0, 10) == acl.op.load(acl.util.bytes_to_ptr(data), 0) == INVALID
    assert acl.op.execute("Add", *adding.lists, 0, stream) == 0
    assert acl.op.execute("NoneSuch", *adding.lists, 0, stream) == NOT_FOUND
    assert acl.op.execute(None, *adding.lists, 0, stream) == INVALID
    assert acl.rt.synchronize_stream(stream) == 0
    found = np.empty_like(adding.values)
    assert acl.rt.memcpy(acl.util.numpy_to_ptr(found), 24, adding.places[2], 24, 2) == 0
    np.testing.assert_array_equal(found, 2 * adding.values)


def test_hgemm(stream: int) -> None:
    memory, _ = acl.rt.malloc(4096, 0)
    a = np.arange(6, dtype=np.float16).reshape(2, 3)
    b = np.arange(12, dtype=np.float16).reshape(3, 4)
    scalars = np.array([2, 0], np.float16)
    where = [memory + 512 * i for i in range(4)]
    for place, array in zip(where, (a, b, scalars[:1], scalars[1:]), strict=True):
        pointer = acl.util.numpy_to_ptr(array)
        assert acl.rt.memcpy(place, array.nbytes, pointer, array.nbytes, 1) == 0
    result = memory + 2048
    arguments = (0, 0, 0, 2, 4, 3, where[2], where[0], 3, where[1], 4, where[3], result, 4, 0)
    assert acl.blas.hgemm(*arguments, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    found = np.empty((2, 4), np.float16)
    assert acl.rt.memcpy(acl.util.numpy_to_ptr(found), 16, result, 16, 2) == 0
    np.testing.assert_array_equal(found, 2 * (a @ b))
    assert acl.blas.hgemm(*arguments[:3], 0, *arguments[4:], stream) == INVALID
    assert acl.rt.free(memory) == 0


# ---- what is small ----


def test_marks() -> None:
    stamp = acl.prof.create_stamp()
    assert acl.prof.set_stamp_trace_message(stamp, "here") == 0
    assert acl.prof.mark(stamp) == 0
    assert acl.prof.mark(0) == acl.prof.mark(12345) == INVALID
    acl.prof.destroy_stamp(stamp)
    assert acl.prof.model_un_subscribe(4242) == SUBSCRIBED


def test_ax_swap() -> None:
    parameters = acl.mdl.create_aipp(1)
    assert acl.mdl.set_aipp_ax_swap_switch(parameters, 1) == 0
    assert acl.mdl.set_aipp_ax_swap_switch(parameters, 2) == INVALID
    assert acl.mdl.set_aipp_ax_swap_switch(12345, 1) == INVALID
    assert acl.mdl.destroy_aipp(parameters) == 0


PEERS = """
from acl_fast import pyacl as acl

assert acl.init() == 0 and acl.rt.get_device_count() == (2, 0)
places = []
for device in (1, 0):
    assert acl.rt.set_device(device) == 0
    place, ret = acl.rt.malloc(64, 0)
    assert ret == 0 and acl.rt.memset(place, 64, 7 - device, 64) == 0
    places.append(place)
there, here = places
assert acl.rt.device_can_access_peer(0, 1) == (1, 0)
assert acl.rt.memcpy(here, 64, there, 64, 3) != 0
assert acl.rt.device_enable_peer_access(1, 0) == 0
assert acl.rt.device_enable_peer_access(1, 5) != 0
assert acl.rt.memcpy(here, 64, there, 64, 3) == 0
seen = bytes(64)
assert acl.rt.memcpy(acl.util.bytes_to_ptr(seen), 64, here, 64, 2) == 0
assert seen == bytes([6]) * 64
assert acl.rt.device_disable_peer_access(1) == 0
"""


def test_peers() -> None:
    """Two devices, in a process of their own."""
    environment = os.environ | {"SOFTNPU_DEVICES": "2", "SOFTNPU_MEMORY": "256M"}
    subprocess.run([sys.executable, "-c", PEERS], check=True, timeout=60, env=environment)


# ---- every function ----


def named_in(file: Path) -> tuple[set[str], set[str]]:
    """Names of attributes and texts, and patterns of those that f-strings put together."""
    names, patterns = set(), set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.update(re.findall(r"\w+", node.value))
            if re.fullmatch(r"[\w{}]+_[\w{}]+", node.value):
                patterns.add(node.value.replace("{}", r"\w+"))
        elif isinstance(node, ast.JoinedStr):
            parts = [v.value if isinstance(v, ast.Constant) else r"\w+" for v in node.values]
            if any("_" in part for part in parts):
                patterns.add("".join(parts))
    return names, {pattern for pattern in patterns if re.fullmatch(r"[\w\\+]+", pattern)}


def test_every_function_has_a_test_that_names_it() -> None:
    """Beyond the calls with NULL (test_reach) and with garbage (test_garbage)."""
    files = [*TESTS.glob("pyacl/*.py"), *TESTS.glob("pyacl/programs/*.py")]
    files.append(TESTS / "op/test_pyacl.py")
    names, patterns = set[str](), set[str]()
    for file in files:
        if file.name not in ("test_reach.py", "test_garbage.py"):
            found = named_in(file)
            names |= found[0]
            patterns |= found[1]
    missing = []
    for name, state in STATES.items():
        last = name.rpartition(".")[2]
        built = any(re.fullmatch(pattern, last) for pattern in patterns)
        if state != "unsupported" and last not in names and not built:
            missing.append(name)
    assert not missing


def test_stubs_have_every_signature_and_docstring() -> None:
    signatures: dict[str, tuple[str, str | None]] = {}
    for stub in Path(acl_fast.__file__).parent.glob("_pyacl_*.pyi"):
        for node in ast.parse(stub.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                assert node.returns is not None
                signatures[f"{stub.stem}.{node.name}"] = (
                    ast.unparse(node.args),
                    ast.get_docstring(node),
                )
    for name in STATES:
        function = find(name)
        stub = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        assert stub in signatures, name
        _, document = signatures[stub]
        assert document is not None, name
        assert (inspect.getdoc(function) or "").startswith(f"{function.__name__}("), name


# ---- what is set is got ----

DESCRIPTIONS: list[tuple[str, str, dict[str, int]]] = [
    (
        "dvpp_create_border_config",
        "dvpp_{}_border_config_{}",
        {"border_type": 1, "top": 2, "bottom": 4, "left": 6, "right": 8},
    ),
    ("dvpp_create_jpege_config", "dvpp_{}_jpege_config_{}", {"level": 77}),
    ("dvpp_create_resize_config", "dvpp_{}_resize_config_{}", {"interpolation": 1}),
    (
        "dvpp_create_pic_desc",
        "dvpp_{}_pic_desc_{}",
        {"width": 64, "height": 48, "width_stride": 80, "height_stride": 50, "ret_code": 3}
        | {"format": 2, "size": 6000},
    ),
    (
        "dvpp_create_stream_desc",
        "dvpp_{}_stream_desc_{}",
        {"size": 99, "format": 1, "eos": 1, "ret_code": 5, "timestamp": 1 << 40},
    ),
    (
        "vdec_create_channel_desc",
        "vdec_{}_channel_desc_{}",
        {"channel_id": 3, "thread_id": 1 << 40, "entype": 2, "out_pic_format": 1}
        | {"out_pic_width": 640, "out_pic_height": 480, "ref_frame_num": 4, "out_mode": 0}
        | {"bit_depth": 0},
    ),
    (
        "venc_create_channel_desc",
        "venc_{}_channel_desc_{}",
        {"thread_id": 1 << 40, "entype": 2, "pic_format": 1, "pic_width": 640, "pic_height": 480}
        | {"key_frame_interval": 16, "rc_mode": 1, "src_rate": 25, "max_bit_rate": 400},
    ),
]


@pytest.mark.parametrize(
    ("create", "pattern", "values"), DESCRIPTIONS, ids=[d[0] for d in DESCRIPTIONS]
)
def test_what_is_set_is_got(create: str, pattern: str, values: dict[str, int]) -> None:
    made = getattr(acl.media, create)()
    for name, value in values.items():
        put = getattr(acl.media, pattern.format("set", name))
        get = getattr(acl.media, pattern.format("get", name))
        assert put(made, value) == 0, name
        assert get(made) == value, name
        assert put(0, value) == put(12345, value) == INVALID, name
        assert get(0) in (0, -1, 0xFFFFFFFF, None), name
    assert getattr(acl.media, create.replace("create", "destroy"))(made) == 0


@pytest.mark.parametrize("kind", ["venc", "vdec"])
def test_frame_configs_of_an_encoder(kind: str) -> None:
    """Programs make one with vdec_create_frame_config(), and a card's encoder takes it."""
    media = acl.media
    made = getattr(media, f"{kind}_create_frame_config")()
    assert media.venc_get_frame_config_eos(made) == 0
    assert media.venc_set_frame_config_eos(made, 1) == 0
    assert media.venc_set_frame_config_force_i_frame(made, 1) == 0
    assert media.venc_get_frame_config_eos(made) == 1
    assert media.venc_get_frame_config_force_i_frame(made) == 1
    assert media.venc_set_frame_config_eos(made, 2) == INVALID
    assert media.venc_set_frame_config_eos(12345, 1) == INVALID
    assert getattr(media, f"{kind}_destroy_frame_config")(made) == 0
    assert media.venc_set_frame_config_eos(made, 1) == INVALID
