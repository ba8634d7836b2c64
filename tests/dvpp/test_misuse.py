"""Every way to call the picture engine wrongly: the documented code, and the device goes on."""

from __future__ import annotations

import contextlib
import ctypes as C
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.dvpp import formats, pictures
from tests.dvpp.formats import GREY, NV12, RGB, RGBA, YUYV, Canvas
from tests.dvpp.pictures import dvpp, interpolation, roi, synchronize
from tests.softnpu_model.acl import acl
from tests.vdec.vdec import Memory, live

INVALID_PARAM, FORMAT_NOT_MATCH, UNSUPPORTED = 100000, 100027, 200006
Channel = C.c_void_p


class Pair:
    """An input and an output whose descriptors a case spoils."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.source = Canvas(64, 48, NV12).write(formats.random_planes(64, 48, NV12))
        self.target = Canvas(48, 32, NV12)
        self.memory: list[Memory] = []

    def set(self, canvas: Canvas, **values: Any) -> None:
        for name, value in values.items():
            getattr(dvpp, f"acldvppSetPicDesc{name}")(canvas.handle, value)

    def resize(self, *, kind: int = 0) -> int:
        with interpolation(kind) as config:
            arguments = (self.source.handle, self.target.handle, config, None)
            return self.ended(dvpp.code.acldvppVpcResizeAsync(self.channel, *arguments))

    def ended(self, status: int) -> int:
        """The code of the call, or of the synchronise that it surfaces at."""
        return status or acl.code.aclrtSynchronizeStream(None)

    def free(self) -> None:
        for canvas in (self.source, self.target):
            canvas.__exit__()
        for memory in self.memory:
            memory.free()


@pytest.fixture
def pair(channel: Channel) -> Iterator[Pair]:
    made = Pair(channel)
    yield made
    made.free()


def host_memory(pair: Pair) -> None:
    pair.set(pair.source, Data=C.cast(C.create_string_buffer(16384), C.c_void_p))


def freed_memory(pair: Pair) -> None:
    memory = Memory(16384)
    pair.set(pair.source, Data=C.c_void_p(memory.address))
    memory.free()


def other_heap(pair: Pair) -> None:
    address = C.c_void_p()
    acl.aclrtMalloc(C.byref(address), 16384, 2)
    pair.set(pair.source, Data=address)
    pair.memory.append(type("Plain", (), {"free": lambda _: acl.aclrtFree(address)})())


def wrong(side: str, **values: Any) -> Callable[[Pair], None]:
    return lambda pair: pair.set(getattr(pair, side), **values)


def unaligned(pair: Pair) -> None:
    pair.set(pair.source, Data=C.c_void_p(pair.source.memory.address + 8), Size=4608)


# What is wrong with a picture, and the code.
PICTURES: dict[str, tuple[Callable[[Pair], None], int]] = {
    "width 0": (wrong("source", Width=0), INVALID_PARAM),
    "height 0": (wrong("source", Height=0), INVALID_PARAM),
    "output width 0": (wrong("target", Width=0), INVALID_PARAM),
    "narrow": (wrong("source", Width=8), INVALID_PARAM),
    "low": (wrong("source", Height=4), INVALID_PARAM),
    "odd width": (wrong("source", Width=63), INVALID_PARAM),
    "odd height": (wrong("source", Height=47), INVALID_PARAM),
    "odd output": (wrong("target", Width=47), INVALID_PARAM),
    "wider than the stride": (wrong("source", Width=66), INVALID_PARAM),
    "higher than the stride": (wrong("source", Height=52), INVALID_PARAM),
    "wider than the chip": (wrong("source", Width=8194, WidthStride=8208), INVALID_PARAM),
    "higher than the chip": (wrong("source", Height=8194, HeightStride=8194), INVALID_PARAM),
    "largest width": (wrong("source", Width=0xFFFFFFFE), INVALID_PARAM),
    "stride below 32": (wrong("source", Width=12, WidthStride=16), INVALID_PARAM),
    "stride of no 16": (wrong("source", WidthStride=72), INVALID_PARAM),
    "stride 0": (wrong("source", WidthStride=0), INVALID_PARAM),
    "stride over 16384": (wrong("source", WidthStride=16400, Size=1 << 24), INVALID_PARAM),
    "largest stride": (wrong("source", WidthStride=0xFFFFFFF0), INVALID_PARAM),
    "height stride 0": (wrong("source", HeightStride=0), INVALID_PARAM),
    "odd height stride": (wrong("source", HeightStride=51), INVALID_PARAM),
    "height stride over 16384": (wrong("source", HeightStride=16386, Size=1 << 24), INVALID_PARAM),
    "size 0": (wrong("source", Size=0), INVALID_PARAM),
    "size a byte short": (wrong("source", Size=64 * 50 * 3 // 2 - 1), INVALID_PARAM),
    "output size short": (wrong("target", Size=100), INVALID_PARAM),
    "size beyond the memory": (wrong("source", Size=1 << 20), INVALID_PARAM),
    "host memory": (host_memory, INVALID_PARAM),
    "freed memory": (freed_memory, INVALID_PARAM),
    "memory of aclrtMalloc": (other_heap, INVALID_PARAM),
    "unaligned memory": (unaligned, INVALID_PARAM),
    "nonsense address": (wrong("source", Data=C.c_void_p(0x1000)), INVALID_PARAM),
    **{
        f"format {number}": (wrong("source", Format=number), FORMAT_NOT_MATCH)
        for number in (18, 19, 20, 21, 22, 23, 50, 70, 1002, 10000, -1)
    },
    "output format 18": (wrong("target", Format=18), FORMAT_NOT_MATCH),
    "output format 22": (wrong("target", Format=22), FORMAT_NOT_MATCH),
}


@pytest.mark.parametrize("case", PICTURES)
def test_wrong_pictures(pair: Pair, case: str) -> None:
    spoil, wanted = PICTURES[case]
    spoil(pair)
    assert pair.resize() == wanted
    if wanted == INVALID_PARAM:  # found by the device: the output tells, too
        assert dvpp.acldvppGetPicDescRetCode(pair.target.handle) != 0
    assert (np.concatenate([p.ravel() for p in pair.target.read()]) == 0xA5).all()
    pair.free()
    good = Pair(pair.channel)
    pair.source, pair.target, pair.memory = good.source, good.target, []
    assert pair.resize() == 0
    assert dvpp.acldvppGetPicDescRetCode(pair.target.handle) == 0


# (left, top, width, height) and whether the input's cut or the output's paste is meant.
AREAS = {
    "crop right of the picture": ("crop", (32, 0, 34, 32)),
    "crop below the picture": ("crop", (0, 30, 48, 20)),
    "crop far outside": ("crop", (60000, 60000, 48, 32)),
    "crop with odd left": ("crop", (1, 0, 32, 32)),
    "crop with odd top": ("crop", (0, 1, 32, 32)),
    "crop with odd width": ("crop", (0, 0, 33, 32)),
    "crop too narrow": ("crop", (0, 0, 8, 32)),
    "crop too low": ("crop", (0, 0, 32, 4)),
    "paste right of the picture": ("paste", (32, 0, 32, 32)),
    "paste below the picture": ("paste", (0, 16, 32, 32)),
    "paste not at a 16th": ("paste", (8, 0, 32, 32)),
    "paste with odd top": ("paste", (16, 1, 32, 16)),
    "paste with odd height": ("paste", (16, 0, 32, 17)),
    "paste too narrow": ("paste", (16, 0, 8, 16)),
}


@pytest.mark.parametrize("case", AREAS)
def test_wrong_areas(pair: Pair, case: str) -> None:
    which, area = AREAS[case]
    call = dvpp.code.acldvppVpcCropResizePasteAsync

    def run(crop: tuple[int, int, int, int], paste: tuple[int, int, int, int]) -> int:
        with roi(*crop) as cut, roi(*paste) as put, interpolation() as config:
            pictures = (pair.source.handle, pair.target.handle)
            return pair.ended(call(pair.channel, *pictures, cut, put, config, None))

    good = {"crop": (0, 0, 64, 48), "paste": (16, 8, 32, 24)}
    assert run(**(good | {which: area})) == INVALID_PARAM
    assert (np.concatenate([p.ravel() for p in pair.target.read()]) == 0xA5).all()
    assert run(**good) == 0


def test_empty_area(pair: Pair) -> None:
    config = C.c_void_p(dvpp.acldvppCreateRoiConfig(32, 15, 0, 31))
    arguments = (pair.channel, pair.source.handle, pair.target.handle, config, None)
    assert pair.ended(dvpp.code.acldvppVpcCropAsync(*arguments)) == INVALID_PARAM
    dvpp.acldvppDestroyRoiConfig(config)


@pytest.mark.parametrize(("size", "result"), [((66, 48), (10, 1600)), ((400, 200), (10, 6))])
def test_ratios(pair: Pair, size: tuple[int, int], result: tuple[int, int]) -> None:
    """More than 16 times larger or 32 times smaller."""
    pair.free()
    pair.source, pair.target = Canvas(*size, NV12), Canvas(*result, NV12)
    assert pair.resize() == INVALID_PARAM


@contextlib.contextmanager
def canvases(*shapes: tuple[int, int, int]) -> Iterator[list[Canvas]]:
    made = [Canvas(*shape) for shape in shapes]
    yield made
    for canvas in made:
        canvas.__exit__()


def test_operations_that_do_not_scale(pair: Pair) -> None:
    code = dvpp.code
    with canvases((64, 48, NV12), (48, 32, RGB), (32, 24, GREY), (30, 24, NV12)) as (a, b, c, d):
        convert = code.acldvppVpcConvertColorAsync
        assert pair.ended(convert(pair.channel, a.handle, b.handle, None)) == INVALID_PARAM
        down = code.acldvppVpcPyrDownAsync
        assert down(pair.channel, a.handle, c.handle, None, None) == FORMAT_NOT_MATCH
        assert pair.ended(down(pair.channel, a.handle, d.handle, None, None)) == INVALID_PARAM


def test_formats_without_an_operation(pair: Pair) -> None:
    code, channel = dvpp.code, pair.channel
    hist = C.c_void_p(dvpp.acldvppCreateHist())
    table = C.c_void_p(dvpp.acldvppCreateLutMap())
    shapes = [(64, 48, YUYV), (32, 24, YUYV), (64, 48, RGBA), (64, 48, RGBA), (64, 48, NV12)]
    with canvases(*shapes) as (pairs, half, one, two, other):
        down = code.acldvppVpcPyrDownAsync(channel, pairs.handle, half.handle, None, None)
        assert down == FORMAT_NOT_MATCH
        calc = code.acldvppVpcCalcHistAsync(channel, one.handle, hist, None, None)
        assert calc == FORMAT_NOT_MATCH
        lut = code.acldvppVpcEqualizeHistAsync
        assert lut(channel, one.handle, two.handle, table, None) == FORMAT_NOT_MATCH
        assert lut(channel, other.handle, pairs.handle, table, None) == FORMAT_NOT_MATCH
    dvpp.acldvppDestroyHist(hist)
    dvpp.acldvppDestroyLutMap(table)


def test_null_and_unopened(pair: Pair) -> None:
    """Every pointer of every operation, and a channel that was not created."""
    code = dvpp.code
    closed = C.c_void_p(dvpp.acldvppCreateChannelDesc())
    hist = C.c_void_p(dvpp.acldvppCreateHist())
    table = C.c_void_p(dvpp.acldvppCreateLutMap())
    border = C.c_void_p(dvpp.acldvppCreateBorderConfig())
    source, target = pair.source.handle, pair.target.handle
    with roi(0, 0, 64, 48) as cut, roi(0, 0, 48, 32) as put, interpolation() as config:
        calls = {
            "Resize": (source, target, config),
            "Crop": (source, target, cut),
            "CropResize": (source, target, cut, config),
            "CropAndPaste": (source, target, cut, put),
            "CropResizePaste": (source, target, cut, put, config),
            "ConvertColor": (source, target),
            "MakeBorder": (source, target, border),
            "PyrDown": (source, target),
            "CalcHist": (source, hist),
            "EqualizeHist": (source, target, table),
        }
        for name, arguments in calls.items():
            entry = getattr(code, f"acldvppVpc{name}Async")
            tail = (None, None) if name in ("PyrDown", "CalcHist") else (None,)
            assert entry(closed, *arguments, *tail) == INVALID_PARAM, name
            for i in range(-1, len(arguments)):
                given = [pair.channel, *arguments]
                given[i + 1] = None
                assert entry(*given, *tail) == INVALID_PARAM, (name, i)
    for kind, handle in (("ChannelDesc", closed), ("Hist", hist), ("LutMap", table)):
        getattr(dvpp, f"acldvppDestroy{kind}")(handle)
    dvpp.acldvppDestroyBorderConfig(border)
    assert pair.resize() == 0


def test_batches(pair: Pair) -> None:
    code = dvpp.code.acldvppVpcBatchCropAsync
    batches = [C.c_void_p(dvpp.acldvppCreateBatchPicDesc(n)) for n in (2, 3)]
    for count in (0, 257, 0xFFFFFFFF):
        assert not dvpp.acldvppCreateBatchPicDesc(C.c_uint32(count))
    with roi(0, 0, 48, 32) as cut:
        areas = (C.c_void_p * 3)(*[cut.value] * 3)

        def run(numbers: list[int], size: int) -> int:
            counts = (C.c_uint32 * max(len(numbers), 1))(*numbers)
            return int(code(pair.channel, batches[0], counts, size, batches[1], areas, None))

        for numbers, size in (
            ([1, 1], 2),
            ([2, 2], 2),
            ([3], 0),
            ([3, 0], 300),
            ([0xFFFFFFFF, 4], 2),
        ):
            assert run(numbers, size) == INVALID_PARAM
        # The numbers fit; the pictures have no memory.
        assert run([2, 1], 2) == INVALID_PARAM
    for batch in batches:
        dvpp.acldvppDestroyBatchPicDesc(batch)


def test_allocation() -> None:
    """acldvppMallocWithCfg: as acldvppMalloc, and the configuration is read."""

    class Attribute(C.Structure):
        _fields_ = [("attr", C.c_int), ("value", C.c_uint64)]

    class Config(C.Structure):
        _fields_ = [("attrs", C.POINTER(Attribute)), ("count", C.c_size_t)]

    call = dvpp.code.acldvppMallocWithCfg
    address = C.c_void_p()
    for size in (0, (1 << 64) - 1, (1 << 64) - 32):
        assert call(C.byref(address), C.c_size_t(size), 0, None) == INVALID_PARAM
    assert call(None, 64, 0, None) == INVALID_PARAM
    bad = Config(C.pointer(Attribute(99, 0)), 1)
    assert call(C.byref(address), 64, 0, C.byref(bad)) == INVALID_PARAM
    assert call(C.byref(address), 64, 0, C.byref(Config(None, 1))) == INVALID_PARAM
    assert not address.value
    for config in (None, C.byref(Config(None, 0))):
        for policy in (0, 1, 2, 3, 0x100):
            assert call(C.byref(address), 100, policy, config) == 0
            assert address.value is not None
            assert address.value % 128 == 0
            assert acl.code.aclrtFree(address) != 0
            assert dvpp.code.acldvppFree(address) == 0


# ---- the first chips ----

ROOT = Path(__file__).resolve().parents[2]


def first_chip() -> None:
    """Runs in a process of its own, as Ascend310 or Ascend910."""
    acl.aclInit(None)
    acl.aclrtSetDevice(0)
    channel = C.c_void_p(dvpp.acldvppCreateChannelDesc())
    code = dvpp.code
    no_modes = os.environ["SOFTNPU_SOC"] == "Ascend310"
    assert code.acldvppSetChannelDescMode(channel, 1) == (UNSUPPORTED if no_modes else 0)
    word = C.c_uint32(1)
    matrix = code.acldvppSetChannelDescParam(channel, 0, C.c_size_t(4), C.byref(word))
    assert matrix == UNSUPPORTED
    dvpp.acldvppCreateChannel(channel)
    hist, border = dvpp.acldvppCreateHist(), dvpp.acldvppCreateBorderConfig()
    table = dvpp.acldvppCreateLutMap()
    shapes = [(64, 48, NV12), (64, 48, NV12), (64, 48, RGB), (64, 48, GREY), (32, 24, NV12)]
    with canvases(*shapes) as (source, target, colour, grey, half):
        assert (
            code.acldvppVpcConvertColorAsync(channel, source.handle, colour.handle, None)
            == FORMAT_NOT_MATCH
        )
        pictures = (channel, source.handle, target.handle)
        assert code.acldvppVpcMakeBorderAsync(*pictures, C.c_void_p(border), None) == UNSUPPORTED
        assert code.acldvppVpcEqualizeHistAsync(*pictures, C.c_void_p(table), None) == UNSUPPORTED
        down = code.acldvppVpcPyrDownAsync(channel, source.handle, half.handle, None, None)
        assert down == UNSUPPORTED
        calc = code.acldvppVpcCalcHistAsync(channel, source.handle, C.c_void_p(hist), None, None)
        assert calc == UNSUPPORTED
        # A grey picture has the room of NV12 here.
        for size, wanted in ((64 * 50, INVALID_PARAM), (64 * 50 * 3 // 2, 0)):
            room = Memory(size)
            dvpp.acldvppSetPicDescData(grey.handle, C.c_void_p(room.address))
            dvpp.acldvppSetPicDescSize(grey.handle, size)
            converted = code.acldvppVpcConvertColorAsync(channel, grey.handle, target.handle, None)
            assert converted == 0
            assert acl.code.aclrtSynchronizeStream(None) == wanted
            room.free()
        dvpp.acldvppVpcConvertColorAsync(channel, colour.handle, target.handle, None)
        synchronize()
    print("done")


@pytest.mark.parametrize("chip", ["Ascend310", "Ascend910"])
def test_first_chips(chip: str) -> None:
    script = "from tests.dvpp.test_misuse import first_chip; first_chip()"
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | {"SOFTNPU_SOC": chip, "PYTHONPATH": str(ROOT)},
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert result.stdout.strip() == "done", result.stderr


def test_thousands_of_channels() -> None:
    """Of each kind that acldvppCreateChannel makes; some with work on its way."""
    before = live()
    with canvases((64, 48, NV12), (32, 24, NV12)) as (source, target), interpolation() as how:
        for number in range(2000):
            with pictures.channel() as channel:
                if number % 20 == 0:
                    dvpp.acldvppVpcResizeAsync(channel, source.handle, target.handle, how, None)
        synchronize()
    assert live() == before
