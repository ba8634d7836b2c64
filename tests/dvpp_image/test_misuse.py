"""What programs do wrong with still pictures: each has its code, and the device works on."""

from __future__ import annotations

import ctypes as C
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.dvpp_image import pngfile, still
from tests.dvpp_image.still import FAILURE, INVALID, NOT_MATCH, NV12, RGB, Engine
from tests.softnpu_model.acl import acl
from tests.vdec.vdec import Memory, dvpp

JPEG = still.jpeg(64, 48)
PNG = pngfile.encode(pngfile.samples(40, 40, 2), 2)


def decode(engine: Engine, png: bool = False, **changes: object) -> int:
    """One decoding with some arguments replaced; the code of the call, or of the stream."""
    data = PNG if png else JPEG
    engine.input.write(data)
    dvpp.acldvppSetPicDescData(engine.desc, engine.output.address)
    engine.describe(Size=1 << 19, Format=RGB if png else NV12, WidthStride=0, HeightStride=0)
    arguments: dict[str, object] = {
        "channel": engine.channel,
        "data": engine.input.address,
        "size": C.c_uint32(len(data)),
        "desc": engine.desc,
        "stream": None,
    }
    if "format" in changes:
        engine.describe(Format=int(str(changes.pop("format"))))
    arguments.update(changes)
    function = dvpp.code.acldvppPngDecodeAsync if png else dvpp.code.acldvppJpegDecodeAsync
    code: int = function(*arguments.values())
    return code or int(acl.code.aclrtSynchronizeStream(None))


@pytest.mark.parametrize("png", [False, True], ids=["jpeg", "png"])
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"channel": None}, INVALID),
        ({"channel": C.c_void_p(0x1234)}, INVALID),
        ({"data": None}, INVALID),
        ({"data": C.c_void_p(0x10)}, INVALID),
        ({"size": C.c_uint32(0)}, INVALID),
        ({"size": C.c_uint32(0xFFFFFFFF)}, INVALID),
        ({"size": C.c_uint32(40)}, FAILURE),
        ({"desc": None}, INVALID),
        ({"desc": C.c_void_p(0x77)}, INVALID),
        ({"stream": C.c_void_p(0x99)}, 107003),
        ({"format": 18}, NOT_MATCH),
        ({"format": 999}, NOT_MATCH),
        ({"format": -1}, NOT_MATCH),
    ],
    ids=str,
)
def test_decoding(engine: Engine, changes: dict[str, object], code: int, png: bool) -> None:
    assert decode(engine, png) == 0
    got = decode(engine, png, **dict(changes))
    assert got == code or (code == 107003 and got // 1000 == 107)
    assert acl.message() or got
    assert decode(engine, png) == 0


def test_formats_of_the_other_engine(engine: Engine) -> None:
    assert decode(engine, format=RGB) == NOT_MATCH
    assert decode(engine, png=True, format=NV12) == NOT_MATCH


def test_pictures_without_their_memory(engine: Engine) -> None:
    assert decode(engine) == 0
    short = Memory(4096)
    dvpp.acldvppSetPicDescData(engine.desc, short.address)
    engine.describe(Size=1 << 19)

    def run() -> int:
        size = C.c_uint32(len(JPEG))
        code: int = dvpp.code.acldvppJpegDecodeAsync(
            engine.channel, engine.input.address, size, engine.desc, None
        )
        return code or int(acl.code.aclrtSynchronizeStream(None))

    assert run() == FAILURE  # the description promises more than was allocated
    engine.describe(Size=4096)
    assert run() == FAILURE
    short.free()
    assert run() == FAILURE
    fresh = C.c_void_p(dvpp.acldvppCreatePicDesc())
    code = dvpp.code.acldvppJpegDecodeAsync(
        engine.channel, engine.input.address, C.c_uint32(len(JPEG)), fresh, None
    )
    assert code == INVALID
    dvpp.acldvppDestroyPicDesc(fresh)


def test_channels_in_other_states(engine: Engine) -> None:
    closed = C.c_void_p(dvpp.acldvppCreateChannelDesc())
    assert decode(engine, channel=closed) == INVALID
    assert decode(engine, png=True, channel=closed) == INVALID
    dvpp.acldvppSetChannelDescMode(closed, C.c_uint32(4))  # JPEGE
    dvpp.acldvppCreateChannel(closed)
    assert decode(engine, channel=closed) == INVALID
    dvpp.acldvppDestroyChannel(closed)
    dvpp.acldvppDestroyChannelDesc(closed)
    assert decode(engine, channel=closed) == INVALID


@pytest.mark.parametrize("changed", range(6))
def test_encoding_without(engine: Engine, changed: int) -> None:
    """Each argument but the stream replaced by NULL, and then by garbage."""
    config = C.c_void_p(dvpp.acldvppCreateJpegeConfig())
    engine.input.write(bytes(64 * 48 * 2))
    dvpp.acldvppSetPicDescData(engine.desc, engine.input.address)
    engine.describe(Size=64 * 48 * 2, Format=NV12, Width=64, Height=48)
    engine.describe(WidthStride=64, HeightStride=48)
    size = C.c_uint32(1 << 16)
    good = [engine.channel, engine.desc, engine.output.address, C.byref(size), config]

    def run(*arguments: object) -> int:
        size.value = 1 << 16
        code: int = dvpp.code.acldvppJpegEncodeAsync(*arguments, None)
        return code or int(acl.code.aclrtSynchronizeStream(None))

    assert run(*good) == 0
    assert 300 < size.value < 3000
    if changed == 5:
        zero = C.c_uint32(0)
        assert run(*good[:3], C.byref(zero), config) == INVALID
        huge = C.c_uint32(0xFFFFFFFF)
        assert run(*good[:3], C.byref(huge), config) == INVALID
    else:
        assert run(*good[:changed], None, *good[changed + 1 :]) == INVALID
        if changed != 3:  # garbage there is the program's own fault
            assert run(*good[:changed], C.c_void_p(0x55), *good[changed + 1 :]) == INVALID
    assert run(*good) == 0
    dvpp.acldvppDestroyJpegeConfig(config)


def test_headers_that_are_none() -> None:
    size, found = C.c_uint32(len(JPEG)), C.c_uint32()
    jpeg, png = dvpp.code.acldvppJpegGetImageInfoV2, dvpp.code.acldvppPngGetImageInfo
    text = C.c_char_p(b"neither of them, but long enough to be read as a header of some kind")
    assert jpeg(None, size, None, None, None, None) == INVALID
    assert jpeg(C.c_char_p(JPEG), C.c_uint32(0), None, None, None, None) == INVALID
    assert jpeg(text, C.c_uint32(60), None, None, None, None) == FAILURE
    assert jpeg(C.c_char_p(JPEG), C.c_uint32(20), None, None, None, None) == FAILURE
    assert jpeg(C.c_char_p(JPEG), size, None, None, None, None) == 0
    assert dvpp.code.acldvppJpegGetImageInfo(C.c_char_p(JPEG), size, None, None, None) == 0
    assert png(None, size, None, None, None) == INVALID
    assert png(text, C.c_uint32(60), None, None, None) == INVALID
    assert png(C.c_char_p(PNG), C.c_uint32(29), None, None, None) == INVALID
    assert png(C.c_char_p(PNG), C.c_uint32(len(PNG)), None, None, None) == 0
    for kind, data, taken in (("Jpeg", JPEG, NV12), ("Png", PNG, RGB)):
        function = getattr(dvpp.code, f"acldvpp{kind}PredictDecSize")
        size = C.c_uint32(len(data))
        assert function(C.c_char_p(data), size, taken, None) == INVALID
        assert function(None, size, taken, C.byref(found)) == INVALID
        assert function(C.c_char_p(data), C.c_uint32(0), taken, C.byref(found)) == INVALID
        assert function(C.c_char_p(data), size, 999, C.byref(found)) == NOT_MATCH
        assert function(text, C.c_uint32(60), taken, C.byref(found)) == (
            FAILURE if kind == "Jpeg" else INVALID
        )


def test_a_file_in_device_memory_has_a_header_too(engine: Engine) -> None:
    engine.input.write(JPEG)
    width = C.c_uint32()
    dvpp.acldvppJpegGetImageInfo(
        engine.input.address, C.c_uint32(len(JPEG)), C.byref(width), None, None
    )
    assert width.value == 64


FIRST_CHIPS = """
import ctypes as C
from tests.dvpp_image import still
from tests.dvpp_image.still import FAILURE, NV12, Engine
from tests.softnpu_model.acl import acl
acl.aclInit(None)
acl.aclrtSetDevice(0)
with Engine() as engine:
    data = still.jpeg(100, 50)
    assert engine.decode(data, NV12, (192, 64)).code == FAILURE
    assert engine.decode(data, NV12, (128, 64)).code == 0
    assert engine.decode(still.jpeg(140, 50), NV12).stride == 256
acl.aclrtResetDevice(0)
"""


@pytest.mark.parametrize("soc", ["Ascend310", "Ascend910A"])
def test_strides_of_128_on_the_first_chips(soc: str) -> None:
    command = [sys.executable, "-c", FIRST_CHIPS]
    subprocess.run(command, env={**os.environ, "SOFTNPU_SOC": soc}, check=True)


def flipped(data: bytes, random: np.random.Generator) -> bytes:
    """Some bits turned, sometimes cut short, sometimes random from a place on."""
    array = np.frombuffer(data, np.uint8).copy()
    places = random.integers(0, len(array), random.integers(1, 12))
    array[places] ^= (1 << random.integers(0, 8, len(places))).astype(np.uint8)
    kind = random.integers(0, 4)
    if kind == 1:
        array = array[: random.integers(1, len(array))]
    elif kind == 2:
        start = random.integers(0, len(array))
        array[start:] = random.integers(0, 256, len(array) - start, np.uint8)
    return bytes(array)


SEEDS = [
    *(still.jpeg(40, 36, sampling) for sampling in ("444", "422", "440", "420", "400")),
    still.jpeg(41, 35, "420", 6),
    still.jpeg(41, 35, "422", 7),
    still.jpeg(40, 36, "440", 3),
]
PNG_SEEDS = [
    pngfile.encode(pngfile.samples(36, 33, color, depth), color, depth, interlaced)
    for color, depth in ((0, 1), (0, 16), (2, 8), (2, 16), (3, 8), (4, 8), (6, 8))
    for interlaced in (False, True)
]


def resident() -> int:
    """Bytes of this process in memory; 0 under a sanitizer, which keeps what was freed."""
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        return 0
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


@pytest.mark.parametrize("png", [False, True], ids=["jpeg", "png"])
@pytest.mark.parametrize("seed", range(4))
def test_damaged_files(engine: Engine, png: bool, seed: int) -> None:
    """Clear codes, nothing written behind the memory, the device usable, nothing leaks."""
    random = np.random.default_rng(seed)
    seeds = PNG_SEEDS if png else SEEDS
    codes = {0: 0, FAILURE: 0}
    kind, other = ("Png", RGB) if png else ("Jpeg", NV12)
    before = 0
    for number in range(800):
        if number == 200:
            before = resident()
        data = seeds[number % len(seeds)]
        if png and number % 8 == 7:
            data = pngfile.with_rows(data, lambda rows: flipped(rows, random))
        else:
            data = flipped(data, random)
        if png and number % 3:  # else the checksums find everything before it does harm
            data = pngfile.with_checksums(data)
        pixel_format = still.UNKNOWN if number % 2 else other
        code, room = still.predict(data, pixel_format, kind)
        assert code in (0, FAILURE, INVALID, NOT_MATCH, still.UNSUPPORTED_JPEG)
        size = min(room, 1 << 16) if code == 0 else 4096
        result = engine.decode(data, pixel_format, size=size, png=png)
        codes[result.code] += 1
        assert (result.ret_code == 0) == (result.code == 0)
        assert result.code == 0 or result.message
    assert resident() - before < 4 << 20  # a leaked decoder is 20 KB and more
    assert codes[FAILURE] > 50
    assert codes[0] > 5


def test_random_bytes_behind_a_good_start(engine: Engine) -> None:
    random = np.random.default_rng(11)
    for number in range(300):
        noise = random.integers(0, 256, random.integers(1, 300), np.uint8).tobytes()
        start = (b"", b"\xff\xd8\xff", PNG[:8], PNG[:33])[number % 4]
        for png in (False, True):
            assert engine.decode(start + noise, RGB if png else NV12, size=4096, png=png).code


def test_thousands_of_scans_end_early(engine: Engine) -> None:
    """Each scan of a component costs a pass over the picture, whatever its bytes."""
    data = still.jpeg(64, 48)
    scan = data.index(b"\xff\xda")
    one_component = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
    few = engine.decode(data[:scan] + one_component * 100 + data[scan:])
    many = engine.decode(data[:scan] + one_component * 5000 + data[scan:])
    assert (few.code, many.code) == (FAILURE, FAILURE)
    assert "200 scans" in many.message
    assert "200 scans" not in few.message
