"""acl.op, acl.prof and acl.blas: right calls, their misuses, and what each returns."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from acl_fast import pyacl as acl
from acl_fast._atc.convert import Request, convert
from tests.core import models

Call = Callable[[Any], Any]
INVALID, RT_INVALID, FAILURE, UNSUPPORTED = 100000, 107000, 500001, 200006
INPUTS, OUTPUTS, NOT_FOUND = 100021, 100022, 100024
GARBAGE = 12345
F32, F16, I8, I32 = np.float32, np.float16, np.int8, np.int32


@pytest.fixture(scope="module")
def things() -> Iterator[SimpleNamespace]:
    """What the rows use: operands of 3 by 4, and a record of a profile full of zeros."""
    t = SimpleNamespace(record=np.zeros(4096, np.uint8))
    t.memory, _ = acl.rt.malloc(4096, 0)
    acl.rt.memset(t.memory, 4096, 0, 4096)
    t.attr = acl.op.create_attr()
    t.x = acl.create_tensor_desc(0, [3, 4], 2)
    t.ints = acl.create_tensor_desc(3, [3, 4], 2)
    t.free = acl.create_tensor_desc(0, [-1, 4], 2)
    t.a, t.b, t.c = (acl.create_data_buffer(t.memory + 512 * i, 48) for i in range(3))
    t.stamp = acl.prof.create_stamp()
    acl.prof.set_stamp_trace_message(t.stamp, "stamp")
    t.step = acl.prof.create_step_info()
    t.info = acl.util.numpy_to_ptr(t.record)
    t.size, _ = acl.prof.get_op_desc_size()
    t.at = [t.memory + 512 * i for i in range(8)]
    yield t
    acl.prof.destroy_step_info(t.step)
    acl.prof.destroy_stamp(t.stamp)
    for buffer in (t.a, t.b, t.c):
        acl.destroy_data_buffer(buffer)
    for desc in (t.x, t.ints, t.free):
        acl.destroy_tensor_desc(desc)
    acl.op.destroy_attr(t.attr)
    acl.rt.free(t.memory)


def put(address: int, values: Any, dtype: Any) -> None:
    array = np.array(values, dtype)
    pointer = acl.util.numpy_to_ptr(array)
    assert acl.rt.memcpy(address, array.nbytes, pointer, array.nbytes, 1) == 0


def take(address: int, shape: tuple[int, ...], dtype: Any) -> Any:
    array = np.zeros(shape, dtype)
    assert acl.rt.synchronize_stream(0) == 0
    assert acl.rt.memcpy(acl.util.numpy_to_ptr(array), array.nbytes, address, array.nbytes, 2) == 0
    return array.tolist()


def handle(result: tuple[int, int]) -> tuple[bool, int, None]:
    """Whether there is a handle, its code, and what destroying it returns."""
    made, code = result
    return made != 0, code, acl.op.destroy_handle(made)


def attribute(t: SimpleNamespace, kind: str, value: Any) -> list[Any]:
    """Set, with and without the length if there is one, without a name, and on NULL."""
    call = getattr(acl.op, f"set_attr_{kind}")
    lengths = [[len(value)]] if isinstance(value, list) else []
    results = [call(t.attr, "name", *more, value) for more in ([], *lengths)]
    assert results == [0] * len(results)
    return [call(t.attr, None, value), call(0, "name", value)]


def cast(t: SimpleNamespace) -> list[Any]:
    put(t.at[0], np.arange(12) * 1.5, F32)
    made, code = acl.op.create_handle_for_cast(t.x, t.ints, 0)
    codes = [code, acl.op.execute_with_handle(made, [t.a], [t.c], 0)]
    result = take(t.at[2], (12,), I32)
    acl.op.destroy_handle(made)
    return [*codes, result == [int(i * 1.5) for i in range(12)]]


def inferred(t: SimpleNamespace) -> list[Any]:
    acl.set_tensor_shape(t.free, [-1, 4])
    code = acl.op.infer_shape("Add", [t.x, t.x], [t.a, t.b], [t.free], 0)
    seen = [code, acl.get_tensor_desc_dim_v2(t.free, 0)]
    # As documented: with the number of outputs, without that of inputs.
    for lists in (([t.x, t.x], [t.a, t.b], 1, [t.free]), (2, [t.x, t.x], [t.a, t.b], 1, [t.free])):
        acl.set_tensor_shape(t.free, [-1, 4])
        assert acl.op.infer_shape("Add", *lists, 0) == code
        assert acl.get_tensor_desc_dim_v2(t.free, 0) == seen[1]
    with pytest.raises(TypeError, match="lengths of its lists"):
        acl.op.infer_shape("Add", [t.x, t.x], [t.a, t.b], [t.free], 0, 0)
    return seen


def infer(t: SimpleNamespace, kind: str | None, *descs: int) -> int:
    buffers = [t.a, t.b][: len(descs)]
    code: int = acl.op.infer_shape(kind, list(descs), buffers, [t.free], 0)
    return code


def compiled(t: SimpleNamespace, kind: str, *descs: int, out: Any = None, how: Any = (0, 0)) -> int:
    code: int = acl.op.compile(kind, list(descs), [out or t.x], 0, *how, None)
    return code


def added(t: SimpleNamespace, name: str) -> list[Any]:
    for i in range(2):
        put(t.at[i], np.arange(12) + i, F32)
    code = ran(t, name, "Add")
    return [code, take(t.at[2], (12,), F32) == [2.0 * i + 1 for i in range(12)]]


def ran(
    t: SimpleNamespace, name: str, kind: str, how: Any = (0, 0), second: Any = None, stream: int = 0
) -> int:
    buffers = [t.a, t.b if second is None else second]
    call = getattr(acl.op, name)
    code: int = call(kind, [t.x, t.x], buffers, [t.x], [t.c], 0, *how, None, stream)
    return code


def ranges(t: SimpleNamespace) -> list[Any]:
    codes = [acl.prof.push(t.stamp), acl.prof.pop(), acl.prof.pop()]
    number, code = acl.prof.range_start(t.stamp)
    return [*codes, code, *(acl.prof.range_stop(number) for _ in range(2))]


def subscribe_config() -> list[Any]:
    reading, writing = os.pipe()
    made = acl.prof.create_subscribe_config(1, 255, writing)
    code = acl.prof.destroy_subscribe_config(made)
    os.close(reading)
    os.close(writing)
    return [made != 0, code]


GEMV = {"hgemv": (F16, F16), "s8gemv": (I8, I32), "gemv_ex": (F32, F32)}


def gemv(t: SimpleNamespace, name: str, **wrong: int) -> Any:
    """y = a @ x + 2 * y for a of 2 by 3, or the code of a wrong argument."""
    source, target = GEMV[name]
    a, x, y, alpha, beta = t.at[3:]
    put(a, [[0, 1, 2], [3, 4, 5]], source)
    put(x, [1, 2, 3], source)
    for address, values in ((y, [10, 20]), (alpha, [1]), (beta, [2])):
        put(address, values, target)
    given = {"turn": 0, "m": 2, "alpha": alpha, "a": a, "y": y, "type": 0, "stream": 0} | wrong
    kind = [0] if name == "gemv_ex" else []
    code = getattr(acl.blas, name)(
        given["turn"], given["m"], 3, given["alpha"], given["a"], 3, *kind, x, -1, *kind,
        beta, given["y"], -1, *kind, given["type"], given["stream"],
    )  # fmt: skip
    return code or (code, take(y, (2,), target))


def s8gemm(t: SimpleNamespace, **wrong: int) -> Any:
    """c = a @ a + 2 * c, all of 2 by 2, or the code of a wrong argument."""
    a, c, alpha, beta = t.at[3:7]
    put(a, [[0, 1], [2, 3]], I8)
    for address, values in ((c, [[1, 1], [1, 1]]), (alpha, [1]), (beta, [2])):
        put(address, values, I32)
    given = {"turn": 0, "m": 2, "alpha": alpha, "a": a, "type": 0, "stream": 0} | wrong
    code = acl.blas.s8gemm(
        given["turn"], 0, 0, given["m"], 2, 2, given["alpha"], given["a"], -1, a, -1,
        beta, c, -1, given["type"], given["stream"],
    )  # fmt: skip
    return code or (code, take(c, (2, 2), I32))


op, prof, blas = acl.op, acl.prof, acl.blas
ROWS: list[tuple[str, Call, Any]] = [
    # acl.op
    ("attr data type", lambda t: attribute(t, "data_type", 1), [INVALID, INVALID]),
    ("attr bools", lambda t: attribute(t, "list_bool", [True, False]), [INVALID, INVALID]),
    ("attr types", lambda t: attribute(t, "list_data_type", [0, 1]), [INVALID, INVALID]),
    ("attr floats", lambda t: attribute(t, "list_float", [0.5, 1.5]), [INVALID, INVALID]),
    ("cast", lambda t: cast(t), [0, 0, True]),
    ("cast NULL", lambda t: op.create_handle_for_cast(0, t.ints, 0), (0, INVALID)),
    ("cast into NULL", lambda t: op.create_handle_for_cast(t.x, 0, 0), (0, INVALID)),
    ("cast into garbage", lambda t: op.create_handle_for_cast(t.x, GARBAGE, 0), (0, INVALID)),
    ("infer", lambda t: inferred(t), [0, (3, 0)]),
    ("infer no type", lambda t: infer(t, None, t.x, t.x), INVALID),
    ("infer unknown", lambda t: infer(t, "NoSuchOperator", t.x, t.x), NOT_FOUND),
    ("infer too few", lambda t: infer(t, "Add", t.x), INPUTS),
    ("infer NULL", lambda t: infer(t, "Add", t.x, 0), INVALID),
    ("queue", lambda t: op.set_max_op_queue_num(20000), 0),
    ("queue 0", lambda t: op.set_max_op_queue_num(0), INVALID),
    ("flag", lambda t: [op.set_compile_flag(1), op.set_compile_flag(0)], [0, 0]),
    ("flag unknown", lambda t: op.set_compile_flag(5), INVALID),
    ("compile", lambda t: compiled(t, "Add", t.x, t.x), 0),
    ("compile counts", lambda t: op.compile("Add", 2, [t.x, t.x], 1, [t.x], 0, 0, 0, None), 0),
    ("compile unknown", lambda t: compiled(t, "NoSuchOperator", t.x), NOT_FOUND),
    ("compile too few", lambda t: compiled(t, "Add", t.x), INPUTS),
    ("compile result", lambda t: compiled(t, "Add", t.x, t.x, out=t.ints), OUTPUTS),
    ("compile engine", lambda t: compiled(t, "Add", t.x, t.x, how=(7, 0)), INVALID),
    ("compile own", lambda t: compiled(t, "Add", t.x, t.x, how=(0, 1)), UNSUPPORTED),
    *(
        row
        for name in ("compile_and_execute", "compile_and_execute_v2")
        for row in (
            (name, lambda t, n=name: added(t, n), [0, True]),
            (f"{name} unknown", lambda t, n=name: ran(t, n, "NoSuchOperator"), NOT_FOUND),
            (f"{name} engine", lambda t, n=name: ran(t, n, "Add", (7, 0)), INVALID),
            (f"{name} own", lambda t, n=name: ran(t, n, "Add", (0, 1)), UNSUPPORTED),
            (f"{name} NULL", lambda t, n=name: ran(t, n, "Add", second=0), INVALID),
            (f"{name} stream", lambda t, n=name: ran(t, n, "Add", stream=GARBAGE), RT_INVALID),
        )
    ),
    # acl.prof
    ("stamp", lambda t: prof.destroy_stamp(prof.create_stamp()), None),
    ("destroy_stamp NULL", lambda t: prof.destroy_stamp(0), None),
    ("message", lambda t: prof.set_stamp_trace_message(t.stamp, "text"), 0),
    ("message length", lambda t: prof.set_stamp_trace_message(t.stamp, "text", 4), 0),
    ("message too long", lambda t: prof.set_stamp_trace_message(t.stamp, "t" * 5000), INVALID),
    ("message NULL", lambda t: prof.set_stamp_trace_message(0, "text"), INVALID),
    ("ranges", lambda t: ranges(t), [0, 0, FAILURE, 0, 0, FAILURE]),
    ("range_start NULL", lambda t: prof.range_start(0), (0, INVALID)),
    ("range_stop unknown", lambda t: prof.range_stop(10**6), FAILURE),
    ("mark_ex", lambda t: prof.mark_ex("text", 0), 0),
    ("mark_ex NULL", lambda t: prof.mark_ex(None, 0), INVALID),
    ("mark_ex garbage", lambda t: prof.mark_ex("text", GARBAGE), RT_INVALID),
    ("step info", lambda t: prof.destroy_step_info(prof.create_step_info()), None),
    ("destroy_step_info NULL", lambda t: prof.destroy_step_info(0), None),
    ("step start", lambda t: prof.get_step_timestamp(t.step, 0, 0), 0),
    ("step end", lambda t: prof.get_step_timestamp(t.step, 1, 0), 0),
    ("step tag", lambda t: prof.get_step_timestamp(t.step, 9, 0), INVALID),
    ("step NULL", lambda t: prof.get_step_timestamp(0, 0, 0), INVALID),
    ("step stream", lambda t: prof.get_step_timestamp(t.step, 0, GARBAGE), RT_INVALID),
    ("set_config", lambda t: [prof.set_config(1, "1"), prof.set_config(1, "1", 1)], [0, 0]),
    ("set_config unknown", lambda t: prof.set_config(99, "50"), INVALID),
    ("set_config NULL", lambda t: prof.set_config(1, None), INVALID),
    ("subscribe config", lambda t: subscribe_config(), [True, 0]),
    ("destroy subscribe NULL", lambda t: prof.destroy_subscribe_config(0), INVALID),
    ("config", lambda t: prof.destroy_config(prof.create_config([0], 255, 0, 1)), 0),
    ("destroy config NULL", lambda t: prof.destroy_config(0), INVALID),
    ("op num", lambda t: prof.get_op_num(t.info, 2 * t.size), (2, 0)),
    ("op num NULL", lambda t: prof.get_op_num(0, t.size), (0, INVALID)),
    ("op num of a part", lambda t: prof.get_op_num(t.info, t.size - 1), (0, INVALID)),
    *(
        row
        for name, code in (
            ("get_model_id", 0), ("get_op_start", 0), ("get_op_end", 0), ("get_op_duration", 0),
            ("get_op_type_len", (0, INVALID)), ("get_op_name_len", (0, INVALID)),
        )
        for row in (
            (f"{name} NULL", lambda t, n=name: getattr(prof, n)(0, t.size, 0), code),
            (f"{name} outside", lambda t, n=name: getattr(prof, n)(t.info, t.size, 5), code),
        )
    ),
    ("op name NULL", lambda t: prof.get_op_name(0, t.size, 0, 64), ("", INVALID)),
    ("op type outside", lambda t: prof.get_op_type(t.info, t.size, 5, 64), ("", INVALID)),
    # acl.blas
    *(
        row
        for name in GEMV
        for row in (
            (name, lambda t, n=name: gemv(t, n), (0, [28, 66])),
            (f"{name} turn", lambda t, n=name: gemv(t, n, turn=9), INVALID),
            (f"{name} size", lambda t, n=name: gemv(t, n, m=0), INVALID),
            (f"{name} alpha", lambda t, n=name: gemv(t, n, alpha=0), INVALID),
            (f"{name} NULL", lambda t, n=name: gemv(t, n, a=0), INVALID),
            (f"{name} into NULL", lambda t, n=name: gemv(t, n, y=0), INVALID),
            (f"{name} type", lambda t, n=name: gemv(t, n, type=5), INVALID),
            (f"{name} stream", lambda t, n=name: gemv(t, n, stream=GARBAGE), RT_INVALID),
        )
    ),
    ("s8gemm", lambda t: s8gemm(t), (0, [[4, 5], [8, 13]])),
    ("s8gemm turn", lambda t: s8gemm(t, turn=9), INVALID),
    ("s8gemm layout of the chip", lambda t: s8gemm(t, turn=2), UNSUPPORTED),
    ("s8gemm size", lambda t: s8gemm(t, m=0), INVALID),
    ("s8gemm alpha", lambda t: s8gemm(t, alpha=0), INVALID),
    ("s8gemm NULL", lambda t: s8gemm(t, a=0), INVALID),
    ("s8gemm type", lambda t: s8gemm(t, type=5), INVALID),
    ("s8gemm stream", lambda t: s8gemm(t, stream=GARBAGE), RT_INVALID),
    *(
        row
        for name, shape, types in (
            ("gemm_ex", (0, 0, 2, 3, 4), (0, 0, 0)), ("hgemm", (0, 0, 2, 3, 4), ()),
            ("s8gemm", (0, 0, 2, 3, 4), ()), ("gemv_ex", (2, 3), (0, 0, 0)),
            ("hgemv", (2, 3), ()), ("s8gemv", (2, 3), ()),
        )
        for call in (getattr(blas, f"create_handle_for_{name}"),)
        for row in (
            (f"handle of {name}", lambda t, c=call, a=(0, *shape, *types, 0): handle(c(*a)),
                (True, 0, None)),
            (f"{name} handle turn", lambda t, c=call, a=(9, *shape, *types, 0): c(*a),
                (0, INVALID)),
            (f"{name} handle size", lambda t, c=call, a=(0, *shape[:-1], 0, *types, 0): c(*a),
                (0, INVALID)),
            (f"{name} handle type", lambda t, c=call, a=(0, *shape, *types, 5): c(*a),
                (0, INVALID)),
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_call(things: SimpleNamespace, call: Call, expected: Any) -> None:
    assert call(things) == expected


def test_records_of_a_subscription(tmp_path: Path) -> None:
    """Executions go to the file descriptor, and every getter reads them."""
    (tmp_path / "add.onnx").write_bytes(models.add((4, 16)))
    om = convert(Request(tmp_path / "add.onnx", tmp_path / "add")).path
    model, _ = acl.mdl.load_from_file(str(om))
    memory, _ = acl.rt.malloc(4096, 0)
    buffer, result = (acl.create_data_buffer(memory + 1024 * i, 256) for i in range(2))
    inputs, outputs = acl.mdl.create_dataset(), acl.mdl.create_dataset()
    for dataset, element in ((inputs, buffer), (inputs, buffer), (outputs, result)):
        acl.mdl.add_dataset_buffer(dataset, element)
    reading, writing = os.pipe()
    read = []
    reader = threading.Thread(target=lambda: read.extend(iter(lambda: os.read(reading, 4096), b"")))
    reader.start()  # until the end of the pipe, which is when nothing is subscribed any more
    config = prof.create_subscribe_config(1, 255, writing)
    assert prof.model_subscribe(model, config) == 0
    for _ in range(2):
        assert acl.mdl.execute(model, inputs, outputs) == 0
    assert prof.model_unsubscribe(model) == 0
    reader.join()
    assert prof.destroy_subscribe_config(config) == 0
    os.close(writing)
    os.close(reading)
    data = b"".join(read)
    info = acl.util.bytes_to_ptr(data)
    assert prof.get_op_num(info, len(data)) == (2, 0)
    last = 0
    for i in range(2):
        assert prof.get_model_id(info, len(data), i) == model
        start, end = (
            getattr(prof, f"get_op_{part}")(info, len(data), i) for part in ("start", "end")
        )
        assert last <= start < end
        assert prof.get_op_duration(info, len(data), i) == end - start
        last = end
        for part in ("name", "type"):
            length, code = getattr(prof, f"get_op_{part}_len")(info, len(data), i)
            assert code == 0
            text, code = getattr(prof, f"get_op_{part}")(info, len(data), i, length)
            assert code == 0
            assert len(text) + 1 == length > 1
            assert getattr(prof, f"get_op_{part}_v2")(info, len(data), i) == (text, 0)
            assert getattr(prof, f"get_op_{part}_v2")(info, len(data), 9)[1] == INVALID
    for dataset in (inputs, outputs):
        acl.mdl.destroy_dataset(dataset)
    for element in (buffer, result):
        acl.destroy_data_buffer(element)
    acl.rt.free(memory)
    assert acl.mdl.unload(model) == 0
