"""acl and acl.rt: the calls that few programs make, their misuses, and what each returns."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from acl_fast import pyacl as acl

Call = Callable[[Any], Any]
INVALID, RT_INVALID, NO_DEVICE, UNSUPPORTED, NO_ROOM = 100000, 107000, 107001, 207000, 207001
NOT_RECORDED, WAIT_TIMEOUT, NOT_SET, GARBAGE, HUGE = 107006, 107019, 107021, 12345, 1 << 50


@pytest.fixture(scope="module")
def things() -> Iterator[SimpleNamespace]:
    """What the rows use."""
    t = SimpleNamespace(array=np.zeros(4096, np.uint8), number=np.zeros(1, np.uint64))
    t.pageable = acl.util.numpy_to_ptr(t.array)
    t.value = acl.util.numpy_to_ptr(t.number)
    t.stream, _ = acl.rt.create_stream()
    t.memory, _ = acl.rt.malloc(4096, 0)
    t.host, _ = acl.rt.malloc_host(4096)
    t.fresh, _ = acl.rt.create_event_with_flag(1 | 2 | 8)
    t.event, _ = acl.rt.create_event_with_flag(1 | 2 | 8)
    acl.rt.record_event(t.event, t.stream)
    acl.rt.synchronize_stream(t.stream)
    t.ex, _ = acl.rt.create_event_ex_with_flag(1)
    t.notify, _ = acl.rt.create_notify(0)
    t.config = acl.rt.create_stream_config_handle()
    t.tensor = acl.create_tensor_desc(0, [2, 3, 4], 0)
    yield t
    acl.destroy_tensor_desc(t.tensor)
    acl.rt.destroy_stream_config_handle(t.config)
    acl.rt.destroy_notify(t.notify)
    for event in (t.fresh, t.event, t.ex):
        acl.rt.destroy_event(event)
    acl.rt.free_host(t.host)
    acl.rt.free(t.memory)
    acl.rt.destroy_stream(t.stream)


def made(result: tuple[int, int], destroy: Callable[[int], int]) -> tuple[bool, int, int]:
    """Whether there is a handle, its code, and that of destroying it."""
    handle, code = result
    return handle != 0, code, destroy(handle)


def reference() -> list[Any]:
    """Count once more and once less."""
    again = acl.init()
    left, code = acl.finalize_reference()
    return [again, left > 0, code]


def kept(get: Call, put: Callable[[int, int], int]) -> list[Any]:
    """Set, read back, set to what is usual."""
    return [put(0, 1), get(0), put(0, 0), get(0)]


def sat_mode() -> list[Any]:
    before, code = acl.rt.get_device_sat_mode()
    after = [acl.rt.set_device_sat_mode(1), acl.rt.get_device_sat_mode()]
    return [code, *after, acl.rt.set_device_sat_mode(before)]


def last_error() -> list[int]:
    acl.rt.set_device(99)
    peeked = acl.rt.peek_at_last_error(0)
    return [peeked, acl.rt.get_last_error(0), acl.rt.get_last_error(0)]


def registered(t: SimpleNamespace) -> list[Any]:
    mapped, code = acl.rt.host_register(t.pageable, 4096, 0)
    return [mapped != 0, code, *(acl.rt.host_unregister(t.pageable) for _ in range(2))]


def overflow_switch(t: SimpleNamespace) -> list[Any]:
    get, put = acl.rt.get_stream_overflow_switch, acl.rt.set_stream_overflow_switch
    return [put(t.stream, 1), get(t.stream), put(t.stream, 0), get(t.stream)]


def notified(t: SimpleNamespace) -> list[int]:
    codes = [acl.rt.record_notify(t.notify, t.stream)]
    codes.append(acl.rt.wait_and_reset_notify(t.notify, t.stream, 1))
    return [*codes, acl.rt.synchronize_stream(t.stream)]


def never_notified(t: SimpleNamespace) -> list[int]:
    """The wait of a second fails on the device, and the stream tells."""
    code = acl.rt.wait_and_reset_notify(t.notify, t.stream, 1)
    return [code, *(acl.rt.synchronize_stream(t.stream) for _ in range(2))]


def counted_tasks(t: SimpleNamespace) -> bool:
    before, _ = acl.rt.get_thread_last_task_id()
    acl.rt.memset_async(t.memory, 64, 0, 64, t.stream)
    acl.rt.synchronize_stream(t.stream)
    return bool(acl.rt.get_thread_last_task_id()[0] > before)


def overflow_status(t: SimpleNamespace) -> list[int]:
    """Nothing overflowed: 64 bytes of 0."""
    acl.rt.memset(t.memory, 64, 7, 64)
    codes = [acl.rt.get_overflow_status(t.memory, 64, t.stream)]
    codes.append(acl.rt.synchronize_stream(t.stream))
    got = np.zeros(64, np.uint8)
    acl.rt.memcpy(acl.util.numpy_to_ptr(got), 64, t.memory, 64, 2)
    return [*codes, int(got.sum())]


def unflagged(t: SimpleNamespace) -> list[int]:
    """How libraries make an event that is only waited for."""
    event, code = rt.create_event_ex_with_flag(0)
    codes = [code, rt.record_event(event, t.stream), rt.stream_wait_event(t.stream, event)]
    codes += [rt.synchronize_event(event), rt.synchronize_stream(t.stream)]
    return [*codes, rt.destroy_event(event)]


def reset(t: SimpleNamespace) -> list[Any]:
    """Recorded, reset, recorded again."""
    seen = []
    for call in (acl.rt.record_event, acl.rt.reset_event, acl.rt.record_event):
        code = call(t.event, t.stream)
        seen.append((code, acl.rt.synchronize_stream(t.stream)))
        seen.append(acl.rt.query_event_status(t.event))
    return seen


def rows_copied(t: SimpleNamespace, copy: Callable[..., int], *more: int) -> list[Any]:
    """4 rows of 16 bytes from rows of 32 into rows of 64."""
    acl.util.ptr_to_numpy(t.host, (128,), 2)[:] = np.arange(128)
    acl.rt.memset(t.memory, 256, 0, 256)
    codes = [copy(t.memory, 64, t.host, 32, 16, 4, 1, *more), acl.rt.synchronize_stream(t.stream)]
    got = np.zeros(256, np.uint8)
    acl.rt.memcpy(acl.util.numpy_to_ptr(got), 256, t.memory, 256, 2)
    table = got.reshape(4, 64)
    right = (table[:, :16] == np.arange(128).reshape(4, 32)[:, :16]).all()
    return [*codes, bool(right), int(table[:, 16:].sum())]


def conditional(t: SimpleNamespace) -> int:
    code = acl.rt.memcpy_async_with_condition(t.memory, 64, t.host, 64, 1, t.stream)
    return code or acl.rt.synchronize_stream(t.stream)


def option() -> list[Any]:
    wanted = "allow_fp32_to_fp16"
    codes = [acl.set_compileopt(0, wanted), acl.get_compileopt_size(0)]
    return [*codes, acl.get_compileopt(0, 19), acl.get_compileopt(0, 18)]


rt = acl.rt
ROWS: list[tuple[str, Call, Any]] = [
    # acl
    ("finalize_reference", lambda t: reference(), [100002, True, 0]),
    ("cann version", lambda t: acl.sys_get_cann_version(0)[0]["version"], "8.1.RC1"),
    ("cann version code", lambda t: acl.sys_get_cann_version(0)[1], 0),
    ("cann version unknown", lambda t: acl.sys_get_cann_version(99)[1], INVALID),
    ("app_log", lambda t: acl.app_log(0, "a line of the tests"), None),
    ("cann_attribute_list", lambda t: acl.get_cann_attribute_list(), ([0, 1, 2], 0)),
    ("cann_attribute", lambda t: acl.get_cann_attribute(0), (1, 0)),
    ("cann_attribute unknown", lambda t: acl.get_cann_attribute(99), (0, INVALID)),
    ("capability", lambda t: acl.get_device_capability(0, 0), (8, 0)),
    ("capability unknown", lambda t: acl.get_device_capability(0, 99), (0, INVALID)),
    ("capability device", lambda t: acl.get_device_capability(99, 0), (0, NO_DEVICE)),
    ("desc address", lambda t: acl.get_tensor_desc_address(t.tensor), 0),
    ("desc address NULL", lambda t: acl.get_tensor_desc_address(0), 0),
    ("desc by index", lambda t: acl.get_tensor_desc_by_index(t.tensor, 0) == t.tensor, True),
    ("desc by index outside", lambda t: acl.get_tensor_desc_by_index(t.tensor, 1), 0),
    ("const", lambda t: acl.set_tensor_const(t.tensor, t.pageable, 96), 0),
    ("const without data", lambda t: acl.set_tensor_const(t.tensor, 0, 96), INVALID),
    ("const NULL", lambda t: acl.set_tensor_const(0, t.pageable, 96), INVALID),
    ("dynamic input", lambda t: acl.set_tensor_dynamic_input(t.tensor, "x"), 0),
    ("dynamic input no name", lambda t: acl.set_tensor_dynamic_input(t.tensor, None), INVALID),
    ("dynamic input NULL", lambda t: acl.set_tensor_dynamic_input(0, "x"), INVALID),
    ("origin format", lambda t: acl.set_tensor_origin_format(t.tensor, 2), 0),
    ("origin format NULL", lambda t: acl.set_tensor_origin_format(0, 2), INVALID),
    ("origin shape", lambda t: acl.set_tensor_origin_shape(t.tensor, [2, 3, 4]), 0),
    ("origin shape count", lambda t: acl.set_tensor_origin_shape(t.tensor, 2, [6, 4]), 0),
    ("origin shape NULL", lambda t: acl.set_tensor_origin_shape(0, [2]), INVALID),
    ("storage format", lambda t: acl.set_tensor_storage_format(t.tensor, 2), 0),
    ("storage format NULL", lambda t: acl.set_tensor_storage_format(0, 2), INVALID),
    ("storage shape", lambda t: acl.set_tensor_storage_shape(t.tensor, [2, 3, 4]), 0),
    ("storage shape NULL", lambda t: acl.set_tensor_storage_shape(0, [2]), INVALID),
    ("value range", lambda t: acl.set_tensor_value_range(t.tensor, [[1, 2]]), 0),
    ("value range NULL", lambda t: acl.set_tensor_value_range(0, [[1, 2]]), INVALID),
    ("compileopt", lambda t: option(), [0, 19, ("allow_fp32_to_fp16", 0), ("", INVALID)]),
    ("compileopt unknown", lambda t: acl.set_compileopt(99, "x"), INVALID),
    ("compileopt NULL", lambda t: acl.set_compileopt(0, None), INVALID),
    ("compileopt size unknown", lambda t: acl.get_compileopt_size(99), 0),
    ("get_compileopt unset", lambda t: acl.get_compileopt(12, 64), ("", INVALID)),
    # acl.rt: devices
    ("can access peer", lambda t: rt.device_can_access_peer(0, 0), (0, 0)),
    ("can access peer unknown", lambda t: rt.device_can_access_peer(0, 1), (0, NO_DEVICE)),
    ("enable peer itself", lambda t: rt.device_enable_peer_access(0, 0), RT_INVALID),
    ("enable peer unknown", lambda t: rt.device_enable_peer_access(1, 0), NO_DEVICE),
    ("disable peer", lambda t: rt.device_disable_peer_access(0), 0),
    ("disable peer unknown", lambda t: rt.device_disable_peer_access(1), NO_DEVICE),
    ("task abort", lambda t: rt.device_task_abort(0, 100), 0),
    ("task abort unknown", lambda t: rt.device_task_abort(99, 100), NO_DEVICE),
    ("sat mode", lambda t: sat_mode(), [0, 0, (1, 0), 0]),
    ("sat mode unknown", lambda t: rt.set_device_sat_mode(5), INVALID),
    ("utilization", lambda t: sorted(rt.get_device_utilization_rate(0)[0]),
        ["aicpu_utilization", "cube_utilization", "memory_utilization", "utilization_extend",
         "vector_utilization"]),
    ("utilization code", lambda t: rt.get_device_utilization_rate(0)[1], 0),
    ("utilization unknown", lambda t: rt.get_device_utilization_rate(99)[1], NO_DEVICE),
    ("device status", lambda t: rt.query_device_status(0), (0, 0)),
    ("device status unknown", lambda t: rt.query_device_status(99), (0, NO_DEVICE)),
    ("reset force unknown", lambda t: rt.reset_device_force(99), NO_DEVICE),
    ("ts device", lambda t: rt.set_ts_device(0), 0),
    ("ts device unknown", lambda t: rt.set_ts_device(9), INVALID),
    ("synchronize device", lambda t: rt.synchronize_device_with_timeout(100), 0),
    ("synchronize device -1", lambda t: rt.synchronize_device_with_timeout(-1), 0),
    ("synchronize device 0", lambda t: rt.synchronize_device_with_timeout(0), RT_INVALID),
    ("synchronize device -2", lambda t: rt.synchronize_device_with_timeout(-2), RT_INVALID),
    ("last error", lambda t: last_error(), [NO_DEVICE, NO_DEVICE, 0]),
    ("last error level", lambda t: rt.get_last_error(1), INVALID),
    ("peek level", lambda t: rt.peek_at_last_error(1), INVALID),
    ("ctx param", lambda t: kept(rt.ctx_get_sys_param_opt, rt.ctx_set_sys_param_opt),
        [0, (1, 0), 0, (0, 0)]),
    ("ctx param unset", lambda t: rt.ctx_get_sys_param_opt(1), (0, NOT_SET)),
    ("ctx param unknown", lambda t: rt.ctx_get_sys_param_opt(9), (0, INVALID)),
    ("ctx set unknown", lambda t: rt.ctx_set_sys_param_opt(99, 1), INVALID),
    ("param", lambda t: kept(rt.get_sys_param_opt, rt.set_sys_param_opt), [0, (1, 0), 0, (0, 0)]),
    ("param unset", lambda t: rt.get_sys_param_opt(1), (0, 0)),
    ("param unknown", lambda t: rt.get_sys_param_opt(9), (0, INVALID)),
    ("set unknown", lambda t: rt.set_sys_param_opt(99, 1), INVALID),
    ("execute time out", lambda t: rt.set_op_execute_time_out(0), 0),
    ("execute time out ms", lambda t: rt.set_op_execute_time_out_with_ms(0), 0),
    ("wait timeout", lambda t: rt.set_op_wait_timeout(0), 0),
    # acl.rt: streams
    ("cmo", lambda t: rt.cmo_async(t.memory, 64, 0, t.stream), 0),
    ("cmo NULL", lambda t: rt.cmo_async(0, 64, 0, t.stream), INVALID),
    ("cmo unknown", lambda t: rt.cmo_async(t.memory, 64, 9, t.stream), INVALID),
    ("config opt", lambda t: rt.set_stream_config_opt(t.config, 0, t.value, 8), 0),
    ("config opt itself", lambda t: [
        rt.set_stream_config_opt(t.config, attribute, 0) for attribute in range(4)], [0] * 4),
    ("config opt size", lambda t: rt.set_stream_config_opt(t.config, 0, t.value, 4), INVALID),
    ("config opt unknown", lambda t: rt.set_stream_config_opt(t.config, 99, t.value, 8), INVALID),
    ("config opt no value", lambda t: rt.set_stream_config_opt(t.config, 0, 0, 8), INVALID),
    ("config opt NULL", lambda t: rt.set_stream_config_opt(0, 0, t.value, 8), INVALID),
    ("stream_v2", lambda t: made(rt.create_stream_v2(t.config), rt.destroy_stream), (True, 0, 0)),
    ("stream_v2 NULL", lambda t: rt.create_stream_v2(0), (0, INVALID)),
    ("destroy config NULL", lambda t: rt.destroy_stream_config_handle(0), INVALID),
    ("config handle", lambda t: rt.destroy_stream_config_handle(
        rt.create_stream_config_handle()), 0),
    ("with_config", lambda t: made(rt.create_stream_with_config(0, 0), rt.destroy_stream),
        (True, 0, 0)),
    ("with_config priority", lambda t: made(
        rt.create_stream_with_config(99, 0), rt.destroy_stream), (True, 0, 0)),
    ("with_config flag", lambda t: made(
        rt.create_stream_with_config(0, 0xFFFF), rt.destroy_stream), (True, 0, 0)),
    ("priority range", lambda t: rt.device_get_stream_priority_range(), (7, 0, 0)),
    ("failure mode", lambda t: rt.set_stream_failure_mode(t.stream, 0), 0),
    ("failure mode unknown", lambda t: rt.set_stream_failure_mode(t.stream, 9), INVALID),
    ("failure mode NULL", lambda t: rt.set_stream_failure_mode(0, 1), INVALID),
    ("failure mode garbage", lambda t: rt.set_stream_failure_mode(GARBAGE, 1), RT_INVALID),
    ("overflow switch", lambda t: overflow_switch(t), [0, (1, 0), 0, (0, 0)]),
    ("overflow switch unknown", lambda t: rt.set_stream_overflow_switch(t.stream, 9), INVALID),
    ("overflow switch garbage", lambda t: rt.get_stream_overflow_switch(GARBAGE),
        (0, RT_INVALID)),
    ("overflow status", lambda t: overflow_status(t), [0, 0, 0]),
    ("overflow status NULL", lambda t: rt.get_overflow_status(0, 64, t.stream), INVALID),
    ("overflow status small", lambda t: rt.get_overflow_status(t.memory, 8, t.stream),
        RT_INVALID),
    ("overflow reset", lambda t: rt.reset_overflow_status(t.stream), 0),
    ("overflow reset garbage", lambda t: rt.reset_overflow_status(GARBAGE), RT_INVALID),
    ("abort", lambda t: rt.stream_abort(t.stream), 0),
    ("abort NULL", lambda t: rt.stream_abort(0), INVALID),
    ("abort garbage", lambda t: rt.stream_abort(GARBAGE), RT_INVALID),
    ("last task", lambda t: rt.get_thread_last_task_id()[1], 0),
    ("tasks", lambda t: counted_tasks(t), True),
    # acl.rt: events and notifies
    ("with_flag", lambda t: made(rt.create_event_with_flag(1), rt.destroy_event), (True, 0, 0)),
    ("with_flag 0", lambda t: rt.create_event_with_flag(0), (0, RT_INVALID)),
    ("ex", lambda t: made(rt.create_event_ex_with_flag(1), rt.destroy_event), (True, 0, 0)),
    ("ex 0", lambda t: unflagged(t), [0, 0, 0, 0, 0, 0]),
    ("ex unknown", lambda t: rt.create_event_ex_with_flag(0xFF00), (0, RT_INVALID)),
    ("timestamp", lambda t: [rt.event_get_timestamp(t.event)[0] > 0,
        rt.event_get_timestamp(t.event)[1]], [True, 0]),
    ("timestamp unrecorded", lambda t: rt.event_get_timestamp(t.fresh), (0, NOT_RECORDED)),
    ("timestamp NULL", lambda t: rt.event_get_timestamp(0), (0, INVALID)),
    ("status recorded", lambda t: rt.query_event_status(t.event), (1, 0)),
    ("status unrecorded", lambda t: rt.query_event_status(t.fresh), (0, 0)),
    ("status ex", lambda t: rt.query_event_status(t.ex), (1, 0)),
    ("status NULL", lambda t: rt.query_event_status(0), (0, INVALID)),
    ("status garbage", lambda t: rt.query_event_status(GARBAGE), (0, RT_INVALID)),
    ("wait status", lambda t: rt.query_event_wait_status(t.event), (0, 0)),
    ("wait status ex", lambda t: rt.query_event_wait_status(t.ex), (0, UNSUPPORTED)),
    ("wait status NULL", lambda t: rt.query_event_wait_status(0), (0, INVALID)),
    ("reset", lambda t: reset(t), [(0, 0), (1, 0), (0, 0), (0, 0), (0, 0), (1, 0)]),
    ("reset ex", lambda t: rt.reset_event(t.ex, t.stream), UNSUPPORTED),
    ("reset NULL", lambda t: rt.reset_event(0, t.stream), INVALID),
    ("synchronize event", lambda t: rt.synchronize_event_with_timeout(t.event, 1000), 0),
    ("synchronize event 0", lambda t: rt.synchronize_event_with_timeout(t.event, 0), RT_INVALID),
    ("synchronize event NULL", lambda t: rt.synchronize_event_with_timeout(0, 1000), INVALID),
    ("notify", lambda t: made(rt.create_notify(0), rt.destroy_notify), (True, 0, 0)),
    ("notify flag", lambda t: rt.create_notify(1), (0, UNSUPPORTED)),
    ("notify flag unknown", lambda t: rt.create_notify(2), (0, RT_INVALID)),
    ("notify id", lambda t: rt.get_notify_id(t.notify)[1], 0),
    ("notify id NULL", lambda t: rt.get_notify_id(0), (0, INVALID)),
    ("record and wait", lambda t: notified(t), [0, 0, 0]),
    ("wait for nothing", lambda t: never_notified(t), [0, WAIT_TIMEOUT, 0]),
    ("record notify NULL", lambda t: rt.record_notify(0, t.stream), INVALID),
    ("wait notify NULL", lambda t: rt.wait_and_reset_notify(0, t.stream, 1), INVALID),
    ("destroy notify NULL", lambda t: rt.destroy_notify(0), INVALID),
    ("destroy notify garbage", lambda t: rt.destroy_notify(GARBAGE), RT_INVALID),
    # acl.rt: memory
    ("align32", lambda t: made(rt.malloc_align32(64, 0), rt.free), (True, 0, 0)),
    ("align32 0", lambda t: rt.malloc_align32(0, 0), (0, INVALID)),
    ("align32 too much", lambda t: rt.malloc_align32(HUGE, 0), (0, NO_ROOM)),
    ("scheduler", lambda t: made(rt.malloc_for_task_scheduler(64, 0, 0), rt.free), (True, 0, 0)),
    ("scheduler 0", lambda t: rt.malloc_for_task_scheduler(0, 0, 0), (0, INVALID)),
    ("with_cfg", lambda t: made(rt.malloc_with_cfg(64, 0, 0), rt.free), (True, 0, 0)),
    ("with_cfg 0", lambda t: rt.malloc_with_cfg(0, 0, 0), (0, INVALID)),
    ("host with_cfg", lambda t: made(rt.malloc_host_with_cfg(64, 0), rt.free_host), (True, 0, 0)),
    ("host with_cfg 0", lambda t: rt.malloc_host_with_cfg(0, 0), (0, INVALID)),
    ("register", lambda t: registered(t), [True, 0, 0, RT_INVALID]),
    ("register NULL", lambda t: rt.host_register(0, 4096, 0), (0, INVALID)),
    ("register 0", lambda t: rt.host_register(t.pageable, 0, 0), (0, INVALID)),
    ("register type", lambda t: rt.host_register(t.pageable, 4096, 9), (0, INVALID)),
    ("unregister NULL", lambda t: rt.host_unregister(0), INVALID),
    ("flush", lambda t: rt.mem_flush(t.memory, 64), 0),
    ("flush NULL", lambda t: rt.mem_flush(0, 64), INVALID),
    ("flush 0", lambda t: rt.mem_flush(t.memory, 0), INVALID),
    ("invalidate", lambda t: rt.mem_invalidate(t.memory, 64), 0),
    ("invalidate NULL", lambda t: rt.mem_invalidate(0, 64), INVALID),
    ("invalidate too long", lambda t: rt.mem_invalidate(t.memory, 1 << 30), RT_INVALID),
    ("memcpy2d", lambda t: rows_copied(t, rt.memcpy2d), [0, 0, True, 0]),
    ("memcpy2d pitch", lambda t: rt.memcpy2d(t.memory, 8, t.host, 32, 16, 4, 1), INVALID),
    ("memcpy2d NULL", lambda t: rt.memcpy2d(0, 64, t.host, 32, 16, 4, 1), INVALID),
    ("memcpy2d on the host", lambda t: rt.memcpy2d(t.host, 64, t.host, 32, 16, 4, 0), INVALID),
    ("memcpy2d tall", lambda t: rt.memcpy2d(t.memory, 64, t.host, 32, 16, 6 * 10**6, 1),
        RT_INVALID),
    ("memcpy2d_async", lambda t: rows_copied(t, rt.memcpy2d_async, t.stream), [0, 0, True, 0]),
    ("memcpy2d_async pitch", lambda t: rt.memcpy2d_async(
        t.memory, 8, t.host, 32, 16, 4, 1, t.stream), INVALID),
    ("memcpy2d_async NULL", lambda t: rt.memcpy2d_async(
        t.memory, 64, 0, 32, 16, 4, 1, t.stream), INVALID),
    ("condition", lambda t: conditional(t), 0),
    ("condition too long", lambda t: rt.memcpy_async_with_condition(
        t.memory, 32, t.host, 64, 1, t.stream), RT_INVALID),
    ("condition NULL", lambda t: rt.memcpy_async_with_condition(
        0, 64, t.host, 64, 1, t.stream), INVALID),
    ("condition kind", lambda t: rt.memcpy_async_with_condition(
        t.memory, 64, t.host, 64, 77, t.stream), INVALID),
    ("attributes of device memory", lambda t: rt.pointer_get_attributes(t.memory)[0]["location"],
        {"id": 0, "type": 1}),
    ("attributes of host memory", lambda t: rt.pointer_get_attributes(t.host)[0]["location"],
        {"id": 0, "type": 0}),
    ("attributes code", lambda t: rt.pointer_get_attributes(t.memory)[1], 0),
    ("attributes NULL", lambda t: rt.pointer_get_attributes(0)[1], INVALID),
]  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_call(things: SimpleNamespace, call: Call, expected: Any) -> None:
    assert call(things) == expected


FORCE = """
from acl_fast import pyacl as acl

acl.init()
assert [acl.rt.set_device(0), acl.rt.set_device(0)] == [0, 0]
stream, _ = acl.rt.create_stream()
assert acl.rt.reset_device_force(0) == 0
assert acl.rt.get_device()[1] == 107002
assert acl.rt.synchronize_stream(stream) != 0
assert acl.rt.set_device(0) == 0
assert acl.rt.malloc(64, 0)[1] == 0
assert acl.rt.reset_device(0) == 0
assert acl.finalize() == 0
"""


def test_reset_device_force() -> None:
    """Releases the device however often it was set; in a process of its own."""
    subprocess.run([sys.executable, "-c", FORCE], check=True, timeout=60)
