"""Memory: wrong addresses, wrong sizes, freed twice, and not enough of it."""

from __future__ import annotations

import ctypes as C
from pathlib import Path

import numpy as np
import pytest

import acl_fast as af

from . import child
from .capi import INVALID_PARAM, OUT_OF_MEMORY, RT_PARAM, RT_UNSUPPORTED, Api

X = np.arange(6, dtype=np.float32).reshape(2, 3)
ALLOCATORS = ("aclrtMalloc", "aclrtMallocAlign32", "aclrtMallocCached")


# ---- sizes and addresses ----


@pytest.mark.parametrize("name", ALLOCATORS)
def test_sizes(api: Api, name: str) -> None:
    """Section 5: NULL, 0, and a size that overflows when padded are 100000; too much is 207001."""
    address = C.c_uint64(5)
    out = C.byref(address)
    api.refuse(INVALID_PARAM, name, None, 64, 0)
    api.refuse(INVALID_PARAM, name, out, 0, 0)
    for size in (2**64 - 1, 2**64 - 32, 2**64 - 62):
        api.refuse(INVALID_PARAM, name, out, size, 0)
    for size in (2**63, 2**50, 2**41):
        api.refuse(OUT_OF_MEMORY, name, out, size, 0)
    assert address.value == 5, "the address was written although nothing was allocated"


def test_host_sizes(api: Api) -> None:
    address = C.c_uint64(5)
    out = C.byref(address)
    api.refuse(INVALID_PARAM, "aclrtMallocHost", None, 64)
    api.refuse(INVALID_PARAM, "aclrtMallocHost", out, 0)
    for size in (2**64 - 1, 2**64 - 4096, 2**63, 2**60):
        code = api.call("aclrtMallocHost", out, size)
        assert code in (INVALID_PARAM, OUT_OF_MEMORY), api.text()
    assert address.value == 5


def test_free(api: Api) -> None:
    """Section 5: NULL is 100000; each function frees only what its partner gave out, once."""
    device, host = api.malloc(256), api.out("aclrtMallocHost", 256)
    own = C.create_string_buffer(256)
    api.refuse(INVALID_PARAM, "aclrtFree", None)
    api.refuse(INVALID_PARAM, "aclrtFreeHost", None)
    for wrong in (device + 1, device + 64, device + 255, host, C.addressof(own), 8, 2**64 - 8):
        api.refuse(RT_PARAM, "aclrtFree", wrong)
    for wrong in (host + 1, host + 64, device, C.addressof(own), 8, 2**64 - 8):
        api.refuse(RT_PARAM, "aclrtFreeHost", wrong)
    api.upload(device, X)
    np.testing.assert_array_equal(api.download(device, (2, 3)), X)
    api.ok("aclrtFree", device)
    api.ok("aclrtFreeHost", host)
    api.refuse(RT_PARAM, "aclrtFree", device, says=("freed",))
    api.refuse(RT_PARAM, "aclrtFreeHost", host)


def test_media_memory(api: Api) -> None:
    """Sections 12 and 16, and that the kinds are not mixed."""
    folder = Path(af.info().library).parent
    dvpp, himpi = C.CDLL(folder / "libacl_dvpp.so"), C.CDLL(folder / "libacl_dvpp_mpi.so")
    address = C.c_uint64(0)
    assert dvpp.acldvppMalloc(None, C.c_size_t(64)) == INVALID_PARAM
    assert dvpp.acldvppMalloc(C.byref(address), C.c_size_t(0)) == INVALID_PARAM
    assert dvpp.acldvppFree(None) == INVALID_PARAM
    assert dvpp.acldvppMalloc(C.byref(address), C.c_size_t(64)) == 0
    assert address.value % 128 == 0
    api.refuse(RT_PARAM, "aclrtFreeHost", address.value)
    assert dvpp.acldvppFree(C.c_uint64(address.value + 64)) != 0
    assert dvpp.acldvppFree(address) == 0
    assert dvpp.acldvppFree(address) != 0
    assert himpi.hi_mpi_sys_init() == 0
    assert himpi.hi_mpi_dvpp_malloc(0, None, C.c_uint64(64)) != 0
    assert himpi.hi_mpi_dvpp_free(None) != 0
    assert himpi.hi_mpi_dvpp_malloc(0, C.byref(address), C.c_uint64(64)) == 0
    assert himpi.hi_mpi_dvpp_free(address) == 0
    assert himpi.hi_mpi_dvpp_free(address) != 0


# ---- copies ----


def test_copy_arguments(api: Api) -> None:
    """Section 5: NULL 100000, more than the destination has 107000, an unknown kind 100000."""
    a, b = api.malloc(256), api.malloc(256)
    host = (C.c_char * 256)()
    there = C.addressof(host)
    stream = api.out("aclrtCreateStream")
    for name, end in (("aclrtMemcpy", ()), ("aclrtMemcpyAsync", (stream,))):
        api.refuse(INVALID_PARAM, name, None, 256, a, 24, 3, *end)
        api.refuse(INVALID_PARAM, name, a, 256, None, 24, 3, *end)
        api.refuse(RT_PARAM, name, a, 24, b, 25, 3, *end)
        for kind in (-1, 8, 1000):
            api.refuse(INVALID_PARAM, name, a, 256, b, 24, kind, *end)
        # Beyond the end of the allocation (256 bytes, padded), from the middle too.
        for size in (1024, 2**40):
            api.refuse(RT_PARAM, name, a, size, there, size, 1, *end)
            api.refuse(RT_PARAM, name, there, size, b, size, 2, *end)
        api.refuse(RT_PARAM, name, a + 200, 200, b, 200, 3, *end)
        api.ok(name, a, 256, b, 256, 3, *end)
    if af.run_mode() == "discrete":
        api.refuse(RT_UNSUPPORTED, "aclrtMemcpyAsync", there, 8, there + 64, 8, 0, stream)
    api.ok("aclrtSynchronizeStream", stream)
    api.ok("aclrtFree", b)
    for name, end in (("aclrtMemcpy", ()), ("aclrtMemcpyAsync", (stream,))):
        api.refuse(RT_PARAM, name, a, 256, b, 24, 3, *end)
        api.refuse(RT_PARAM, name, b, 256, a, 24, 3, *end)
    api.ok("aclrtFree", a)
    api.ok("aclrtDestroyStream", stream)


def test_2d_copy_arguments(api: Api) -> None:
    """Section 5: width above a pitch and host to host 100000; beyond the limits 107000."""
    a, b = api.malloc(4096), api.malloc(4096)
    host = C.addressof((C.c_char * 64)())
    name = "aclrtMemcpy2d"
    api.refuse(INVALID_PARAM, name, a, 16, b, 32, 24, 2, 3)
    api.refuse(INVALID_PARAM, name, a, 32, b, 16, 24, 2, 3)
    api.refuse(INVALID_PARAM, name, None, 32, b, 32, 24, 2, 1)
    api.refuse(INVALID_PARAM, name, a, 32, None, 32, 24, 2, 1)
    api.refuse(INVALID_PARAM, name, host, 8, host, 8, 8, 1, 0)
    api.refuse(RT_PARAM, name, a, 32, host, 32, 24, 5_242_881, 1)
    api.refuse(RT_PARAM, name, a, 6_000_000, host, 6_000_000, 5_000_001, 1, 1)
    api.refuse(RT_PARAM, name, a, 2048, host, 64, 64, 100, 1)
    api.ok("aclrtFree", a)
    api.ok("aclrtFree", b)


def test_memset_arguments(api: Api) -> None:
    """Section 5: only device or pinned memory; more than maxCount 107000."""
    a = api.malloc(256)
    own = C.create_string_buffer(256)
    stream = api.out("aclrtCreateStream")
    for name, end in (("aclrtMemset", ()), ("aclrtMemsetAsync", (stream,))):
        api.refuse(INVALID_PARAM, name, None, 256, 0, 256, *end)
        api.refuse(RT_PARAM, name, a, 255, 0, 256, *end)
        api.refuse(RT_PARAM, name, a, 4096, 0, 4096, *end)
        api.refuse(RT_PARAM, name, C.addressof(own), 256, 0, 256, *end)
        api.refuse(RT_PARAM, name, 8, 256, 0, 256, *end)
    api.ok("aclrtFree", a)
    api.refuse(RT_PARAM, "aclrtMemset", a, 256, 0, 256)
    api.ok("aclrtDestroyStream", stream)


def test_host_register(api: Api) -> None:
    memory = C.create_string_buffer(8192)
    start = C.addressof(memory) + 4096 - C.addressof(memory) % 4096
    out = C.byref(C.c_uint64(0))
    name = "aclrtHostRegister"
    api.refuse(INVALID_PARAM, name, None, 4096, 0, out)
    api.refuse(INVALID_PARAM, name, start, 0, 0, out)
    api.refuse(INVALID_PARAM, name, start, 4096, 7, out)
    api.refuse(INVALID_PARAM, name, start, 4096, 0, None)
    api.ok(name, start, 4096, 0, out)
    code = api.call(name, start, 4096, 0, out)
    assert code != 0, "registered twice"
    api.ok("aclrtHostUnregister", start)
    assert api.call("aclrtHostUnregister", start) != 0
    api.refuse(INVALID_PARAM, "aclrtHostUnregister", None)


# ---- out of memory ----


def test_out_of_memory_at_the_c_interface() -> None:
    child.run(
        """
dev = af.Device(0)
api = Api(af.info().library)
works(dev)
before = live()
free, total = C.c_uint64(0), C.c_uint64(0)
def left():
    api.ok("aclrtGetMemInfo", 0, C.byref(free), C.byref(total))
    return free.value
at_first = left()
assert total.value == 64 << 20, total.value
taken = []
for size in (16 << 20, 1 << 20, 4096, 64):
    while True:
        address = C.c_uint64(0)
        code = api.call("aclrtMalloc", C.byref(address), size, 2)
        if code:
            break
        taken.append(address.value)
    assert code == 207001, code
    text = api.text()
    assert "aclrtMalloc" in text and "SOFTNPU_MEMORY" in text, text
    if len(taken) > 20000:
        break
assert left() < 4096
for address in taken[::2] + taken[1::2]:
    api.ok("aclrtFree", address)
assert left() == at_first
# All of it can be had again in one piece.
address = C.c_uint64(0)
api.ok("aclrtMalloc", C.byref(address), at_first - (1 << 20), 2)
api.ok("aclrtFree", address.value)
assert live() == before
works(dev)
""",
        SOFTNPU_MEMORY="64M",
    )


def test_out_of_memory_in_python() -> None:
    child.run(
        """
dev = af.Device(0)
works(dev)
before = live()
def refused(use):
    try:
        use()
    except af.AclMemoryError as error:
        assert isinstance(error, MemoryError)
        assert error.code == (207001 if kind != 'himpi' else -1610448884), error
        assert "Free buffers" in str(error)
    else:
        raise AssertionError("there was memory")
for kind in ("device", "cached", "dvpp", "himpi"):
    refused(lambda: dev.empty((100 << 20,), "uint8", kind=kind))
    refused(lambda: dev.arena(100 << 20, kind=kind))
kind = "device"
kept = [dev.empty((10 << 20,), "uint8") for _ in range(5)]
refused(lambda: dev.empty((20 << 20,), "uint8"))
x = dev.empty((4,), "uint8")
refused(lambda: x.resize((30 << 20,)))
assert x.shape == (4,) and not x.is_closed
x.upload(np.arange(4, dtype=np.uint8))
assert x.download().tolist() == [0, 1, 2, 3]
x.close()
for buffer in kept:
    buffer.close()
kept.clear()
del x
gc.collect()
assert live() == before, (live(), before)
works(dev)
""",
        SOFTNPU_MEMORY="64M",
    )


def test_every_allocation_of_a_request_fails_once() -> None:
    """With ever more room a request gets ever further: input, gear, output. Nothing leaks."""
    child.run(
        """
import contextlib, io, pathlib, tempfile
with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
    path = networks.convert(pathlib.Path(folder), "gears", networks.negate(("n", 1 << 18)),
                            input_format="ND", input_shape=f"x:-1,{1 << 18}",
                            dynamic_batch_size="1,8")
    om = path.read_bytes()
dev = af.Device(0)
api = Api(af.info().library)
works(dev)
model = dev.load_model(om)
before = live()
step, failures, made = 2 << 20, 0, 0
for room in range(0, 24 << 20, step):
    free, _ = dev.memory_info()
    filler = dev.empty((free - room - 4096,), "uint8") if free > room + 4096 else None
    with_filler = live()
    try:
        request = model.create_request()
    except af.AclMemoryError as error:
        failures += 1
        # The traceback holds the frames of the failed call.
        del error
    else:
        made += 1
        request.close()
        del request
    gc.collect()
    assert live() == with_filler, (room, live(), with_filler)
    if filler is not None:
        filler.close()
    del filler
    gc.collect()
    assert live() == before
assert failures >= 7 and made >= 2, (failures, made)
# What the caller gives does not fit: the same.
wrong = dev.empty((3,))
for inputs, outputs in (([wrong], None), (None, [wrong]), ([7], None), (None, ["y"])):
    try:
        model.create_request(inputs, outputs)
    except (TypeError, ValueError, BufferError):
        pass
    else:
        raise AssertionError("it fits")
gc.collect()
wrong.close()
assert live() == before, (live(), before)
request = model.create_request()
request.set_batch(8)
x = np.ones((8, 1 << 18), np.float32)
request.inputs[0].upload(x)
request.run()
assert (request.outputs[0].download() == -x).all()
request.close()
model.close()
works(dev)
""",
        SOFTNPU_MEMORY="48M",
    )


def test_library_allocated_output_without_memory() -> None:
    """Section 9: the library allocates the output of a dynamic model, and may fail to."""
    child.run(
        """
import contextlib, io, pathlib, tempfile
dev = af.Device(0)
works(dev)
model = dev.load_model(networks.negate(("n", 1024)))
before = live()
request = model.create_request()
request.set_shape(0, (7 << 10, 1024))
try:
    request.run()
except af.AclMemoryError as error:
    assert error.code == 207001 and error.function == "aclmdlExecute", error
else:
    raise AssertionError("28 MB twice fit 40 MB")
request.close()
del request
gc.collect()
assert live() == before, (live(), before)
request = model.create_request()
x = np.ones((5, 1024), np.float32)
request.set_shape(0, x.shape)
request.inputs[0].upload(x)
request.run()
assert (request.outputs[0].download() == -x).all()
works(dev)
""",
        SOFTNPU_MEMORY="40M",
    )


def test_too_many_streams(api: Api) -> None:
    """Section 4: 1024 per device on a 310P; 207008 (no stream resource) beyond."""
    made = []
    while len(made) < 2000:
        stream = C.c_uint64(0)
        code = api.call("aclrtCreateStream", C.byref(stream))
        if code:
            break
        made.append(stream.value)
    assert code == 207008, api.text()
    assert 1000 < len(made) <= 1024
    for stream in made:
        api.ok("aclrtDestroyStream", stream)


def test_too_many_streams_in_python(device: af.Device) -> None:
    made = []

    def make() -> None:
        while len(made) < 2000:
            made.append(device.create_stream())

    with pytest.raises(af.AclError, match=r"aclrtCreateStream.*1024"):
        make()
    for stream in made:
        stream.close()


# ---- the other kind of backend ----


def test_model_of_softnpu_on_cann(tmp_path: Path) -> None:
    """A library that is not softnpu is taken for CANN, and is not handed our files."""
    import subprocess

    from tools._apigen.api import Api as Table

    names = [f.name for f in Table().functions if f.library == "ascendcl"]
    source = "".join(
        f"long {name}(void) {{ return 0; }}\n" for name in names if name != "aclrtGetDeviceCount"
    )
    source += "int aclrtGetDeviceCount(unsigned *count) { *count = 1; return 0; }\n"
    unit = tmp_path / "cann.c"
    unit.write_text(source)
    library = tmp_path / "libascendcl.so"
    subprocess.run(["gcc", "-w", "-shared", "-fPIC", unit, "-o", library], check=True)
    child.run(
        f"""
path = os.path.join({str(tmp_path)!r}, "model.om")
with open(path, "wb") as file:
    file.write(b"SOFTNPU\\0" + bytes(200))
dev = af.Device(0)
assert af.info().backend == "cann", af.info()
for source in (path, b"SOFTNPU\\0" + bytes(200)):
    try:
        dev.load_model(source)
    except ValueError as error:
        for word in ("softnpu", "real NPU", "CANN's atc"):
            assert word in str(error), error
    else:
        raise AssertionError("it was handed to the library")
try:
    af.softnpu.counters()
except RuntimeError as error:
    assert "ACL_FAST_BACKEND=softnpu" in str(error)
else:
    raise AssertionError("counters of what?")
""",
        quiet=False,
        ACL_FAST_LIBRARY=str(library),
        ACL_FAST_BACKEND="cann",
    )
