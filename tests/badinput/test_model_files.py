"""Files that are not models, or no longer are."""

from __future__ import annotations

import ctypes as C
import io
import os
import random
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

import acl_fast as af

from . import child, networks
from .capi import (
    INVALID_PARAM,
    MODEL_FAILURE,
    MODEL_PARAM,
    MODEL_PATH,
    MODEL_SIZE,
    Api,
)
from .conftest import Oms

HEADER = 72
RESERVED = range(68, 72)


def sections(om: bytes) -> list[tuple[int, int]]:
    """(offset, size) of manifest, xml and weights."""
    numbers = struct.unpack_from("<6Q", om, 16)
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def recorded(om: bytes) -> bytes:
    """The file with its checksum made right again."""
    checked = bytearray(om)
    struct.pack_into("<I", checked, 64, zlib.crc32(bytes(om[HEADER:])))
    return bytes(checked)


def cuts(om: bytes) -> list[int]:
    """Every boundary of the header and of the sections, one byte around them, and random places."""
    places = {0, 1, 4, 7, 8, 12, 16, *range(16, HEADER + 1, 8), HEADER - 1, len(om) - 1}
    for offset, size in sections(om):
        places |= {offset - 1, offset, offset + 1, offset + size - 1, offset + size}
    places |= set(random.Random(11).sample(range(len(om)), 60))
    return sorted(p for p in places if 0 <= p < len(om))


# ---- missing, empty, cut short ----


@pytest.mark.parametrize(
    "path", ["/no/such/folder/m.om", "missing.om", "", "/dev/null/m.om", "x" * 5000]
)
def test_missing_file(api: Api, path: str) -> None:
    number = C.c_uint32(77)
    api.refuse(MODEL_PATH, "aclmdlLoadFromFile", path.encode(), C.byref(number))
    assert number.value == 77, "the id was written although nothing was loaded"
    sizes = (C.c_size_t * 2)()
    api.refuse(MODEL_PATH, "aclmdlQuerySize", path.encode(), C.byref(sizes), C.byref(sizes, 8))


def test_null_arguments_of_load(api: Api, oms: Oms) -> None:
    """Section 7: a NULL path, data or id pointer is 100000."""
    number = C.c_uint32(0)
    om = oms.fixed.read_bytes()
    path = os.fsencode(oms.fixed)
    api.refuse(INVALID_PARAM, "aclmdlLoadFromFile", None, C.byref(number))
    api.refuse(INVALID_PARAM, "aclmdlLoadFromFile", path, None)
    api.refuse(INVALID_PARAM, "aclmdlLoadFromMem", None, 100, C.byref(number))
    api.refuse(INVALID_PARAM, "aclmdlLoadFromMem", om, len(om), None)
    api.refuse(INVALID_PARAM, "aclmdlLoadFromMem", om, 0, C.byref(number))
    api.refuse(INVALID_PARAM, "aclmdlLoadFromFileWithMem", None, C.byref(number), None, 0, None, 0)
    api.refuse(INVALID_PARAM, "aclmdlQuerySize", None, C.byref(number), C.byref(number))
    api.refuse(INVALID_PARAM, "aclmdlQuerySize", path, None, C.byref(number))


def test_missing_file_in_python(device: af.Device, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.om"):
        device.load_model(tmp_path / "missing.om")
    with pytest.raises(af.AclModelError, match=r"aclmdlQuerySize.*missing\.om"):
        device.model_memory(tmp_path / "missing.om")


def test_empty_file(api: Api, device: af.Device, tmp_path: Path) -> None:
    path = tmp_path / "empty.om"
    path.touch()
    number = C.c_uint32(0)
    api.refuse(
        MODEL_SIZE, "aclmdlLoadFromFile", os.fsencode(path), C.byref(number), says=("empty",)
    )
    for source in (path, b""):
        with pytest.raises(ValueError, match="empty"):
            device.load_model(source)


@pytest.mark.parametrize("kind", ["fixed", "batch", "ranged"])
def test_truncated_om(api: Api, oms: Oms, kind: str) -> None:
    om = getattr(oms, kind).read_bytes()
    number = C.c_uint32(0)
    for size in cuts(om):
        if size == 0:
            continue
        code = api.call("aclmdlLoadFromMem", om[:size], size, C.byref(number))
        text = api.text()
        # Below 8 bytes it could have been any file.
        assert code == MODEL_SIZE, f"cut at {size}: {code} {text}"
        assert "cut short" in text
        assert "aclmdlLoadFromMem" in text


def test_truncated_om_in_python(device: af.Device, oms: Oms, tmp_path: Path) -> None:
    om = oms.fixed.read_bytes()
    path = tmp_path / "cut.om"
    for size in cuts(om)[1::7]:
        path.write_bytes(om[:size])
        with pytest.raises(
            af.AclModelError,
            match=r"(?s)aclmdlLoadFromFile failed: \w+ \(145006\): .*cut\.om.*cut short.*convert",
        ) as caught:
            device.load_model(path)
        assert caught.value.code == MODEL_SIZE
        assert caught.value.function == "aclmdlLoadFromFile"


def test_truncated_onnx(api: Api) -> None:
    whole = networks.product()
    for size in range(1, len(whole)):
        code = api.load_code(whole[:size])
        assert code in (MODEL_SIZE, MODEL_PARAM, MODEL_FAILURE), f"cut at {size}: {code}"
        assert api.text()


# ---- corrupt ----


def outcome(api: Api, om: bytes) -> int:
    """Load; run what loads. The code, or 0 when the results are right; wrong results fail."""
    code = api.load_code(om)
    if code != 0:
        assert api.text(), f"{code} without a reason"
        return code
    return 0


def right_results(device: af.Device, om: bytes) -> bool:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    with device.load_model(om) as model, model.create_request() as request:
        request.inputs[0].upload(x)
        request.run()
        return bool(np.array_equal(request.outputs[0].download(), x @ networks.WEIGHTS))


def test_every_bit_of_the_header(api: Api, device: af.Device, oms: Oms) -> None:
    """The checksum does not cover the header: a flipped bit must be refused or do no harm."""
    om = oms.fixed.read_bytes()
    for bit in range(HEADER * 8):
        flipped = bytearray(om)
        flipped[bit // 8] ^= 1 << bit % 8
        number = C.c_uint32(0)
        code = api.call("aclmdlLoadFromMem", bytes(flipped), len(om), C.byref(number))
        assert code in (0, MODEL_PARAM, MODEL_SIZE), f"bit {bit}: {code} {api.text()}"
        if code == 0:
            api.ok("aclmdlUnload", number.value)
            assert right_results(device, bytes(flipped)), f"bit {bit} is wrong and not noticed"


def test_bit_flips(api: Api, oms: Oms) -> None:
    """The checksum finds every single flipped bit and every short run of wrong bytes."""
    om = oms.fixed.read_bytes()
    chance = random.Random(23)
    for _ in range(300):
        flipped = bytearray(om)
        at = chance.randrange(HEADER, len(om))
        for byte in range(at, min(len(om), at + chance.choice((1, 1, 2, 3)))):
            flipped[byte] ^= chance.randrange(1, 256) if byte > at else 1 << chance.randrange(8)
        code = api.load_code(bytes(flipped))
        text = api.text()
        assert code == MODEL_PARAM, f"byte {at}: {code} {text}"
        assert "corrupt" in text
        assert "checksum" in text


def test_bit_flips_in_python(device: af.Device, oms: Oms, tmp_path: Path) -> None:
    om = oms.fixed.read_bytes()
    path = tmp_path / "flipped.om"
    chance = random.Random(29)
    for _ in range(20):
        flipped = bytearray(om)
        flipped[chance.randrange(HEADER, len(om))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(af.AclModelError, match=r"aclmdlLoadFromFile.*flipped\.om.*corrupt"):
            device.load_model(path)
        with pytest.raises(af.AclModelError, match=r"aclmdlLoadFromMem .*corrupt"):
            device.load_model(bytes(flipped))


def test_other_bytes_behind_the_end(api: Api, oms: Oms) -> None:
    om = oms.fixed.read_bytes()
    assert api.load_code(om + b"\0") in (MODEL_PARAM, MODEL_SIZE)
    assert api.load_code(om + om) in (MODEL_PARAM, MODEL_SIZE)


FUZZ = """
import random
from tests.badinput.test_model_files import HEADER, recorded, sections

dev = af.Device(0)
api = Api(af.info().library)
works(dev)
before = live()
models = [open(path, "rb").read() for path in {paths!r}]
chance = random.Random({seed})
codes = {{}}
for turn in range({turns}):
    om = bytearray(chance.choice(models))
    spans = [*sections(om)[:2], (HEADER, len(om) - HEADER)]
    offset, size = chance.choice(spans)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(offset, offset + size)
        flipped = om[at] ^ 1 << chance.randrange(8)
        om[at] = chance.choice((flipped, chance.randrange(256), 0x30, 0x39))
    om = recorded(bytes(om))
    number = C.c_uint32(0)
    # So that a death tells which file it was.
    print(turn, end=" ", flush=True)
    code = api.call("aclmdlLoadFromMem", om, len(om), C.byref(number))
    codes[code] = codes.get(code, 0) + 1
    if code == 0:
        api.ok("aclmdlUnload", number.value)
    else:
        assert api.text(), code
print(codes)
assert all(code in (0, 500002, 545001) or 145000 <= code < 146000 for code in codes), codes
assert live() == before
works(dev)
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_wrong_contents_under_a_right_checksum(oms: Oms, seed: int) -> None:
    """Somebody else's writer, or malice: any answer but a crash, a hang or a leak."""
    paths = [str(p) for p in (oms.fixed, oms.batch, oms.image, oms.dims, oms.ranged)]
    child.run(FUZZ.format(paths=paths, seed=seed, turns=250), quiet=False)


ONNX_FUZZ = """
import random
dev = af.Device(0)
api = Api(af.info().library)
works(dev)
before = live()
models = [networks.product(), networks.affine(), networks.negate(("n", 3))]
chance = random.Random(5)
codes = {}
for turn in range(300):
    model = bytearray(chance.choice(models))
    for _ in range(chance.choice((1, 1, 3))):
        model[chance.randrange(len(model))] ^= 1 << chance.randrange(8)
    number = C.c_uint32(0)
    print(turn, end=" ", flush=True)
    code = api.call("aclmdlLoadFromMem", bytes(model), len(model), C.byref(number))
    codes[code] = codes.get(code, 0) + 1
    if code == 0:
        api.ok("aclmdlUnload", number.value)
    else:
        assert api.text(), code
print(codes)
assert all(code in (0, 500002, 545001) or 145000 <= code < 146000 for code in codes), codes
assert live() == before
works(dev)
"""


def test_corrupt_onnx() -> None:
    child.run(ONNX_FUZZ, quiet=False)


def manifest_says(om: bytes, old: bytes, new: bytes) -> bytes:
    """Replace text in the manifest; the length must not change."""
    offset, size = sections(om)[0]
    manifest = om[offset : offset + size]
    assert old in manifest
    assert len(old) == len(new)
    return recorded(om[:offset] + manifest.replace(old, new) + om[offset + size :])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"dims":[2,3]', b'"dims":[1,3]'),
        (b'"dims":[2,4]', b'"dims":[1,4]'),
        (b'"dims":[2,3]', b'"dims":[9,3]'),
        (b'"size":24', b'"size":12'),
        (b'"dtype":0', b'"dtype":9'),
        (b'"outputs"', b'"0utputs"'),
        (b'"dynamic":false', b'"dynamic":null '),
    ],
)
def test_manifest_that_lies(api: Api, oms: Oms, old: bytes, new: bytes) -> None:
    """Buffers are checked against the manifest, so it must agree with the network it describes."""
    om = manifest_says(oms.fixed.read_bytes(), old, new)
    number = C.c_uint32(0)
    api.refuse(MODEL_PARAM, "aclmdlLoadFromMem", om, len(om), C.byref(number))


# ---- files of another kind ----


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("model.om", b"x" * 100)
    return target.getvalue()


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + struct.pack(">I", 13)
    + b"IHDR"
    + struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    + struct.pack(">I", zlib.crc32(b"IHDR" + struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)))
)
OTHERS = {
    "picture.png": PNG,
    "notes.txt": b"not a model at all\n" * 40,
    "archive.zip": zipped(),
    "network.xml": b'<?xml version="1.0"?>\n<net name="n" version="11"><layers></layers></net>\n',
    "zeros.om": bytes(4096),
    "ones.om": b"\xff" * 4096,
    "elf.om": b"\x7fELF" + bytes(200),
    "newline.om": b"\n",
    "magic_only.om": b"SOFTNPU\0",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files(api: Api, device: af.Device, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(OTHERS[name])
    expected = MODEL_SIZE if name == "magic_only.om" else MODEL_PARAM
    number = C.c_uint32(0)
    api.refuse(expected, "aclmdlLoadFromFile", os.fsencode(path), C.byref(number), says=(name,))
    data = OTHERS[name]
    api.refuse(expected, "aclmdlLoadFromMem", data, len(data), C.byref(number))
    with pytest.raises(af.AclModelError, match=name.replace(".", r"\.")) as caught:
        device.load_model(path)
    assert caught.value.code == expected


def test_folder(api: Api, device: af.Device, tmp_path: Path) -> None:
    number = C.c_uint32(0)
    api.refuse(MODEL_PATH, "aclmdlLoadFromFile", os.fsencode(tmp_path), C.byref(number))
    with pytest.raises(IsADirectoryError):
        device.load_model(tmp_path)


def test_pipe_and_device_do_not_block(tmp_path: Path) -> None:
    """Opening a pipe that nobody writes to, or reading /dev/zero, would never end."""
    pipe = tmp_path / "pipe.om"
    os.mkfifo(pipe)
    child.run(
        f"""
        dev = af.Device(0)
        api = Api(af.info().library)
        for path in ({str(pipe)!r}, "/dev/zero"):
            number = C.c_uint32(0)
            api.refuse(145002, "aclmdlLoadFromFile", path.encode(), C.byref(number))
            try:
                dev.load_model(path)
            except (OSError, ValueError) as error:
                print(type(error).__name__, error)
            else:
                raise AssertionError(path)
        works(dev)
        """,
        timeout=30,
    )


def test_om_of_a_real_npu(api: Api, device: af.Device, tmp_path: Path) -> None:
    real = b"IMOD" + bytes(range(256)) * 16
    path = tmp_path / "real.om"
    path.write_bytes(real)
    number = C.c_uint32(0)
    says = ("real NPU", "acl-fast atc", ".onnx")
    api.refuse(MODEL_PARAM, "aclmdlLoadFromFile", os.fsencode(path), C.byref(number), says=says)
    api.refuse(MODEL_PARAM, "aclmdlLoadFromMem", real, len(real), C.byref(number), says=says)
    for source in (path, real):
        with pytest.raises(ValueError, match=r"real NPU.*acl-fast atc"):
            device.load_model(source)


def test_path_types(device: af.Device) -> None:
    for wrong in (None, 5, 1.5, ["m.om"], object(), {"path": "m.om"}):
        with pytest.raises(TypeError):
            device.load_model(wrong)
    with pytest.raises((TypeError, ValueError, BufferError)):
        device.load_model(np.zeros(100, np.uint8)[::2])
    with pytest.raises(ValueError, match="null"):
        device.load_model("a\0b")


# ---- memory of the caller's for a model ----


def test_model_memory_too_small(api: Api, oms: Oms) -> None:
    """Section 7: too small work or weight memory is 145000."""
    path = os.fsencode(oms.fixed)
    work, weight = C.c_size_t(0), C.c_size_t(0)
    api.ok("aclmdlQuerySize", path, C.byref(work), C.byref(weight))
    assert weight.value > 1
    memory = api.malloc(max(work.value, weight.value, 64))
    number = C.c_uint32(0)
    code = "aclmdlLoadFromFileWithMem"
    size = weight.value - 1
    api.refuse(MODEL_PARAM, code, path, C.byref(number), None, 0, memory, size)
    if work.value > 1:
        size = work.value - 1
        api.refuse(MODEL_PARAM, code, path, C.byref(number), memory, size, None, 0)
    # More than the allocation has, and memory that is not the device's.
    far = memory + (1 << 20)
    api.refuse(MODEL_PARAM, code, path, C.byref(number), None, 0, far, weight.value)
    api.ok("aclrtFree", memory)


def test_model_memory_of_the_wrong_kind_in_python(device: af.Device, oms: Oms) -> None:
    small = device.empty(8, "uint8")
    with pytest.raises(af.AclModelError, match="aclmdlLoadFromFileWithMem"):
        device.load_model(oms.fixed, weights=small)
    small.close()
    for wrong in (b"bytes", 7, np.zeros(4096, np.uint8)):
        with pytest.raises(TypeError):
            device.load_model(oms.fixed, weights=wrong)
        with pytest.raises(TypeError):
            device.load_model(oms.fixed, workspace=wrong)
    closed = device.empty(4096, "uint8")
    closed.close()
    with pytest.raises(af.ClosedError):
        device.load_model(oms.fixed, weights=closed)
