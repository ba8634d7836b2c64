"""Init, finalize, reset, and device memory that the host touches: each in a process of its own."""

from __future__ import annotations

import signal

import pytest

from . import child
from .test_process import BUSY

# ---- init, finalize, reset through the C interface ----

C_PROCESS = """
af.Device.count()
path = af.info().library
api = Api(path)
"""


def test_init_and_finalize_twice() -> None:
    """Section 2: 100002 for a second init, 100037 for finalize without init."""
    child.run(
        C_PROCESS
        + """
api.refuse(100002, "aclInit", None)
api.ok("aclFinalize")
api.refuse(100037, "aclFinalize")
api.ok("aclInit", None)
api.ok("aclFinalize")
"""
    )


@pytest.mark.parametrize("text", ["{", "[1", "nonsense", '{"a":' * 20 + "1" + "}" * 20])
def test_bad_init_file(text: str, tmp_path: object) -> None:
    """Section 2: JSON with at most 10 levels, else an error; a file that is missing too."""
    path = f"{tmp_path}/acl.json"
    with open(path, "w") as file:
        file.write(text)
    child.run(
        C_PROCESS
        + f"""
api.ok("aclFinalize")
for path in ({path!r}, "/no/such/file.json", "/tmp"):
    code = api.call("aclInit", path.encode())
    assert code != 0
    assert "aclInit" in api.text()
api.ok("aclInit", None)
api.ok("aclFinalize")
"""
    )


def test_finalize_with_work_in_flight() -> None:
    """Whatever it answers: no crash, no hang, and what is left is refused afterwards."""
    child.run(
        C_PROCESS
        + """
api.ok("aclrtSetDevice", 0)
model = networks.slow()
number = api.load(model)
stream = api.out("aclrtCreateStream")
size = networks.SLOW_SIZE ** 2 * 4
x, y = api.malloc(size), api.malloc(size)
inputs, outputs = api.dataset((x, size)), api.dataset((y, size))
for _ in range(3):
    api.ok("aclmdlExecuteAsync", number, inputs.handle, outputs.handle, stream)
api.ok("aclFinalize")
assert api.call("aclmdlExecuteAsync", number, inputs.handle, outputs.handle, stream) != 0
assert api.call("aclrtSynchronizeStream", stream) != 0
assert api.call("aclrtFree", x) != 0
assert api.call("aclrtResetDevice", 0) != 0
# The datasets are the program's still.
inputs.destroy()
outputs.destroy()
assert {k: v for k, v in api.live().items() if v} == {}, api.live()
"""
    )


@pytest.mark.parametrize("force", [False, True])
def test_reset_with_live_objects(force: bool) -> None:
    """Section 3: waits for the work, then everything of the device is gone; once more: 507007."""
    name = "aclrtResetDeviceForce" if force else "aclrtResetDevice"
    child.run(
        C_PROCESS
        + f"""
name = {name!r}
for turn in range(2):
    api.ok("aclrtSetDevice", 0)
    number = api.load(networks.slow())
    stream = api.out("aclrtCreateStream")
    event = api.out("aclrtCreateEventWithFlag", 1)
    size = networks.SLOW_SIZE ** 2 * 4
    x, y = api.malloc(size), api.malloc(size)
    inputs, outputs = api.dataset((x, size)), api.dataset((y, size))
    for _ in range(2):
        api.ok("aclmdlExecuteAsync", number, inputs.handle, outputs.handle, stream)
    api.ok("aclrtRecordEvent", event, stream)
    api.ok(name, 0)
    for call in (("aclrtSynchronizeStream", stream), ("aclrtDestroyStream", stream),
                 ("aclrtSynchronizeEvent", event), ("aclrtFree", x), ("aclmdlUnload", number),
                 ("aclmdlExecute", number, inputs.handle, outputs.handle)):
        code = api.call(*call)
        assert code != 0, call
        assert call[0] in api.text()
    # Also for a thread that has a context again.
    api.ok("aclrtSetDevice", 0)
    for call in (("aclrtSynchronizeStream", stream), ("aclrtFree", x), ("aclmdlUnload", number),
                 ("aclmdlExecute", number, inputs.handle, outputs.handle)):
        assert api.call(*call) != 0, call
    # Events are the program's to destroy; after their context they may be gone already.
    api.call("aclrtDestroyEvent", event)
    api.ok(name, 0)
    inputs.destroy()
    outputs.destroy()
    assert {{k: v for k, v in api.live().items() if v}} == {{}}, api.live()
api.refuse(507007, "aclrtResetDevice", 0)
"""
    )


def test_reset_under_the_python_objects() -> None:
    """Foreign code resets the device: objects of acl_fast fail with an error, and end quietly."""
    child.run(
        BUSY
        + """
api = Api(af.info().library)
api.ok("aclrtResetDeviceForce", 0)
for use in (stream.synchronize, stream.query, request.run, lambda: dev.empty((2, 3)),
            lambda: request.run_async(stream), lambda: dev.load_model(networks.affine())):
    try:
        use()
    except af.AclError as error:
        assert error.function.startswith("acl"), error
    else:
        raise AssertionError("used after the reset")
for item in (request, model, stream, dev):
    try:
        item.close()
    except af.AclError:
        pass
del request, model, stream, dev
gc.collect()
works(af.Device(0))
"""
    )


# ---- memory of the device that the host touches ----


@pytest.mark.parametrize("how", ["read", "write", "freed", "beyond"])
def test_host_touches_device_memory(how: str) -> None:
    """Discrete mode: the program dies as it would on a card, and is told of which buffer."""
    touch = {
        "read": "C.string_at(address + 100, 4)",
        "write": "C.memset(address + 100, 0, 4)",
        "freed": "buffer.close(); C.string_at(address + 100, 4)",
        "beyond": "C.string_at(address + (1 << 30), 4)",
    }
    status, _, err = child.finish(
        child.start(
            f"""
dev = af.Device(0)
buffer = dev.empty((1000,), "uint8")
address = buffer.address_int
print(hex(address), flush=True)
{touch[how]}
""",
            SOFTNPU_MODE="discrete",
        )
    )
    assert status == -signal.SIGSEGV
    assert "the host touched device memory" in err
    assert "discrete" in err
    assert "aclrtMemcpy" in err
    if how != "beyond":
        assert "byte 100 of the buffer" in err
        assert "1000 bytes by aclrtMalloc on device 0" in err
    if how == "freed":
        assert "freed since" in err


# ---- settings ----


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SOFTNPU_MODE", "both"),
        ("SOFTNPU_DEVICES", "0"),
        ("SOFTNPU_DEVICES", "many"),
        ("SOFTNPU_MEMORY", "lots"),
        ("SOFTNPU_MEMORY", "12"),
        ("SOFTNPU_THREADS", "-1"),
        ("SOFTNPU_SOC", "H100"),
        ("SOFTNPU_AIPP_RESIZE", "yes"),
        ("ASCEND_RT_VISIBLE_DEVICES", "1,0"),
        ("ASCEND_RT_VISIBLE_DEVICES", "7"),
        ("ACL_FAST_BACKEND", "cuda"),
        ("ACL_FAST_LAYERS", "nonsense"),
        ("ACL_FAST_LIBRARY", "/no/such/lib.so"),
        ("ACL_FAST_LIBRARY", "/etc/passwd"),
    ],
)
def test_bad_settings(name: str, value: str) -> None:
    """The error names the variable and its value; nothing is guessed."""
    code = """
try:
    af.Device(0)
except Exception as error:
    print(type(error).__name__, error)
else:
    raise AssertionError("the setting was ignored")
"""
    out = child.run(code, quiet=False, **{name: value})
    assert value in out
    if name != "ACL_FAST_LIBRARY":
        assert name in out
