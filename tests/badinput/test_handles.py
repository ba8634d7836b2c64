"""Handles that are none: every function of the table that takes one, and what the rules say."""

from __future__ import annotations

import ctypes as C
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import acl_fast as af

from . import child, networks
from .capi import (
    BAD_DEVICE,
    FLOAT,
    INVALID_PARAM,
    MODEL_ID,
    ND,
    NO_CONTEXT,
    RT_PARAM,
    Api,
)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_function_that_takes_a_handle(seed: int) -> None:
    """Garbage, stale handles, and handles of another type: an error, never a crash."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.badinput.handle_fuzz", str(seed), "400"],
        cwd=child.ROOT,
        env=dict(os.environ),
        text=True,
        capture_output=True,
        timeout=100,
    )
    tail = "\n".join([*result.stdout.splitlines()[-3:], *result.stderr.splitlines()[-5:]])
    assert result.returncode == 0, f"died with {result.returncode} in:\n{tail}"
    faults = [line for line in result.stdout.splitlines() if line.startswith("FAULT")]
    assert not faults, "\n".join(faults)
    count = int(re.findall(r"^done (\d+)$", result.stdout, re.M)[0])
    assert count >= 300, "the table has more functions that take a handle"


# Each object type: how it is made, destroyed, and used.
Make = Callable[[Api], int]
OBJECTS: dict[str, tuple[Make, str, list[tuple[str, tuple[Any, ...]]]]] = {
    "stream": (
        lambda api: api.out("aclrtCreateStream"),
        "aclrtDestroyStream",
        [
            ("aclrtSynchronizeStream", ("it",)),
            ("aclrtSynchronizeStreamWithTimeout", ("it", 10)),
            ("aclrtStreamQuery", ("it", "out")),
            ("aclrtStreamAbort", ("it",)),
            ("aclrtStreamGetId", ("it", "out")),
            ("aclrtSubscribeReport", (1, "it")),
            ("aclrtSetStreamFailureMode", ("it", 1)),
        ],
    ),
    "event": (
        lambda api: api.out("aclrtCreateEventWithFlag", 9),
        "aclrtDestroyEvent",
        [
            ("aclrtRecordEvent", ("it", None)),
            ("aclrtSynchronizeEvent", ("it",)),
            ("aclrtSynchronizeEventWithTimeout", ("it", 10)),
            ("aclrtStreamWaitEvent", (None, "it")),
            ("aclrtQueryEventStatus", ("it", "out")),
            ("aclrtEventElapsedTime", ("out", "it", "it")),
            ("aclrtResetEvent", ("it", None)),
        ],
    ),
    "data buffer": (
        lambda api: api.make("aclCreateDataBuffer", None, 0),
        "aclDestroyDataBuffer",
        [("aclUpdateDataBuffer", ("it", None, 0))],
    ),
    "dataset": (
        lambda api: api.make("aclmdlCreateDataset"),
        "aclmdlDestroyDataset",
        [
            ("aclmdlAddDatasetBuffer", ("it", "buffer")),
            ("aclmdlSetDatasetTensorDesc", ("it", None, 0)),
            ("aclmdlSetDynamicBatchSize", (1, "it", 0, 1)),
            ("aclmdlExecute", (1, "it", "it")),
        ],
    ),
    "model desc": (
        lambda api: api.make("aclmdlCreateDesc"),
        "aclmdlDestroyDesc",
        [
            ("aclmdlGetDesc", ("it", 1)),
            ("aclmdlGetInputDims", ("it", 0, "out")),
            ("aclmdlGetOutputDims", ("it", 0, "out")),
            ("aclmdlGetInputIndexByName", ("it", b"x", "out")),
            ("aclmdlGetDynamicBatch", ("it", "out")),
        ],
    ),
    "load config": (
        lambda api: api.make("aclmdlCreateConfigHandle"),
        "aclmdlDestroyConfigHandle",
        [
            ("aclmdlSetConfigOpt", ("it", 0, "out", 4)),
            ("aclmdlLoadWithConfig", ("it", "out")),
        ],
    ),
    "execution config": (
        lambda api: api.make("aclmdlCreateExecConfigHandle"),
        "aclmdlDestroyExecConfigHandle",
        [("aclmdlSetExecConfigOpt", ("it", 0, "out", 4))],
    ),
}
# Section 3 and 4: unknown streams and events are the runtime's, all others the acl layer's.
STALE = {"stream": {RT_PARAM, INVALID_PARAM}, "event": {RT_PARAM, INVALID_PARAM}}


def stale_code(api: Api, kind: str, function: str, *arguments: Any) -> None:
    api.text()
    code = api.call(function, *arguments)
    text = api.text()
    expected = STALE.get(kind, {INVALID_PARAM, MODEL_ID})
    assert code in expected, f"{function}: {code}: {text}"
    assert function in text


@pytest.mark.parametrize("kind", OBJECTS)
def test_destroying_null_and_twice(api: Api, kind: str) -> None:
    """Sections 3, 4, 7 to 9: destroying NULL is 100000; a second time is refused."""
    make, destroy, _ = OBJECTS[kind]
    api.refuse(INVALID_PARAM, destroy, None)
    handle = make(api)
    api.ok(destroy, handle)
    stale_code(api, kind, destroy, handle)
    # The slot is used again; the old handle stays stale.
    again = make(api)
    assert again != handle
    stale_code(api, kind, destroy, handle)
    api.ok(destroy, again)


@pytest.mark.parametrize("kind", OBJECTS)
def test_use_after_destroy(api: Api, kind: str) -> None:
    make, destroy, uses = OBJECTS[kind]
    handle = make(api)
    api.ok(destroy, handle)
    scratch = C.create_string_buffer(4096)
    buffer = api.make("aclCreateDataBuffer", None, 0)
    stand_in = {"it": handle, "out": scratch, "buffer": buffer}
    for function, arguments in uses:
        filled = [stand_in.get(a, a) if isinstance(a, str) else a for a in arguments]
        stale_code(api, kind, function, *filled)
    api.ok("aclDestroyDataBuffer", buffer)


@pytest.mark.parametrize("kind", OBJECTS)
def test_handle_of_another_type(api: Api, kind: str) -> None:
    _, destroy, uses = OBJECTS[kind]
    scratch = C.create_string_buffer(4096)
    for other, (make, destroy_other, _) in OBJECTS.items():
        if other == kind:
            continue
        foreign = make(api)
        stale_code(api, kind, destroy, foreign)
        for function, arguments in uses:
            stand_in = {"it": foreign, "out": scratch, "buffer": foreign}
            filled = [stand_in.get(a, a) if isinstance(a, str) else a for a in arguments]
            stale_code(api, kind, function, *filled)
        # It is unharmed.
        api.ok(destroy_other, foreign)


def test_tensor_desc(api: Api) -> None:
    """Its destructor returns nothing: a second one must be without effect."""
    dims = (C.c_int64 * 2)(2, 3)
    desc = api.make("aclCreateTensorDesc", FLOAT, 2, dims, ND)
    api.call("aclDestroyTensorDesc", desc)
    api.call("aclDestroyTensorDesc", desc)
    api.call("aclDestroyTensorDesc", None)
    assert api.call("aclGetTensorDescType", desc) == -1
    assert api.call("aclGetTensorDescNumDims", desc) == 0
    assert api.call("aclCreateTensorDesc", FLOAT, -1, dims, ND) is None
    assert api.call("aclCreateTensorDesc", FLOAT, 2, None, ND) is None


def test_getters_of_nothing(api: Api) -> None:
    """Section 8: on a NULL desc counts and sizes are 0, names empty, formats and types -1."""
    names = ("aclmdlGetInputNameByIndex", "aclmdlGetOutputNameByIndex")
    for name in names:
        api.library[name].restype = C.c_char_p
    empty = api.make("aclmdlCreateDesc")
    for desc in (None, empty, 12345):
        for name in ("aclmdlGetNumInputs", "aclmdlGetNumOutputs"):
            assert api.call(name, desc) == 0
        for name in ("aclmdlGetInputSizeByIndex", "aclmdlGetOutputSizeByIndex"):
            assert api.call(name, desc, 0) == 0
        for name in ("aclmdlGetInputFormat", "aclmdlGetOutputFormat"):
            assert api.call(name, desc, 0) == -1
        for name in ("aclmdlGetInputDataType", "aclmdlGetOutputDataType"):
            assert api.call(name, desc, 0) == -1
        for name in names:
            entry = C.CFUNCTYPE(C.c_char_p, C.c_uint64, C.c_size_t)((name, api.library))
            assert entry(desc or 0, 0) == b""
    api.ok("aclmdlDestroyDesc", empty)


def test_contexts(api: Api) -> None:
    """Section 3: NULL is 100000, a destroyed or unknown context 107000 or 107002."""
    api.refuse(INVALID_PARAM, "aclrtSetCurrentContext", None)
    api.refuse(RT_PARAM, "aclrtSetCurrentContext", 0x1234)
    api.refuse(INVALID_PARAM, "aclrtDestroyContext", None)
    api.refuse(NO_CONTEXT, "aclrtDestroyContext", 0x1234)
    primary = api.out("aclrtGetCurrentContext")
    api.refuse(NO_CONTEXT, "aclrtDestroyContext", primary)
    own = api.out("aclrtCreateContext", 0)
    api.ok("aclrtDestroyContext", own)
    api.refuse(RT_PARAM, "aclrtSetCurrentContext", own)
    api.refuse(NO_CONTEXT, "aclrtDestroyContext", own)
    # This thread has set the device, whose default context is what is left.
    assert api.out("aclrtGetCurrentContext") == primary


def on_a_thread(body: Callable[[], None]) -> None:
    """Run on a thread that has no context, and raise here what it raises."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(body).result()


def test_thread_without_a_context(api: Api) -> None:
    """Section 3: any stream, event, memory or model call is 107002."""

    def body() -> None:
        nothing = C.c_uint64(0)
        out = C.byref(nothing)
        for function, arguments in {
            "aclrtGetCurrentContext": (out,),
            "aclrtGetDevice": (out,),
            "aclrtCreateStream": (out,),
            "aclrtCreateEvent": (out,),
            "aclrtMalloc": (out, 64, 0),
            "aclrtMallocHost": (out, 64),
            "aclrtFree": (64,),
            "aclrtSynchronizeDevice": (),
            "aclrtSynchronizeStream": (None,),
            "aclrtGetMemInfo": (0, out, out),
        }.items():
            api.refuse(NO_CONTEXT, function, *arguments)
        model = networks.affine()
        api.refuse(NO_CONTEXT, "aclmdlLoadFromMem", model, len(model), out)
        assert nothing.value == 0

    on_a_thread(body)


def test_context_destroyed_under_a_thread(api: Api) -> None:
    """What lived in it is stale, and the thread has nothing current any more."""

    def body() -> None:
        own = api.out("aclrtCreateContext", 0)
        stream = api.out("aclrtCreateStream")
        api.ok("aclrtDestroyContext", own)
        api.refuse(NO_CONTEXT, "aclrtGetCurrentContext", C.byref(C.c_uint64(0)))
        api.refuse(NO_CONTEXT, "aclrtCreateStream", C.byref(C.c_uint64(0)))
        api.ok("aclrtSetDevice", 0)
        stale_code(api, "stream", "aclrtDestroyStream", stream)
        api.ok("aclrtResetDevice", 0)

    on_a_thread(body)


def test_context_destroyed_by_another_thread(api: Api) -> None:
    """Section 3: the others that hold it get 107002 or 107000 later."""
    own = api.out("aclrtCreateContext", 0)

    def body() -> None:
        api.ok("aclrtSetCurrentContext", own)
        on_a_thread(lambda: api.ok("aclrtDestroyContext", own))
        assert api.call("aclrtCreateStream", C.byref(C.c_uint64(0))) in (NO_CONTEXT, RT_PARAM)
        assert api.call("aclrtMalloc", C.byref(C.c_uint64(0)), 64, 0) in (NO_CONTEXT, RT_PARAM)

    on_a_thread(body)


def test_unknown_device(api: Api) -> None:
    """Section 3: 107001."""
    for number in (-1, 1, 64, 2**31 - 1):
        api.refuse(BAD_DEVICE, "aclrtSetDevice", number)
        api.refuse(BAD_DEVICE, "aclrtResetDevice", number)
        api.refuse(BAD_DEVICE, "aclrtCreateContext", C.byref(C.c_uint64(0)), number)
        with pytest.raises(
            af.AclIndexError, match=r"aclrtSetDevice failed: .*\(107001\)(?s:.*)count"
        ):
            af.Device(number)
    for number in (2**31, -(2**40)):
        with pytest.raises(OverflowError):
            af.Device(number)
    for wrong in ("0", 1.5, None, [0]):
        with pytest.raises(TypeError):
            af.Device(wrong)


def test_null_where_a_result_goes(api: Api) -> None:
    """Sections 2 to 7: NULL for an out parameter is 100000."""
    for function, arguments in {
        "aclrtCreateStream": (None,),
        "aclrtCreateEvent": (None,),
        "aclrtCreateEventWithFlag": (None, 1),
        "aclrtCreateContext": (None, 0),
        "aclrtGetCurrentContext": (None,),
        "aclrtGetDevice": (None,),
        "aclrtGetDeviceCount": (None,),
        "aclrtGetRunMode": (None,),
        "aclrtMalloc": (None, 64, 0),
        "aclrtMallocHost": (None, 64),
        "aclrtMallocCached": (None, 64, 0),
        "aclrtGetMemInfo": (0, None, None),
        "aclrtStreamQuery": (None, None),
        "aclrtGetVersion": (None, None, None),
    }.items():
        api.refuse(INVALID_PARAM, function, *arguments)
