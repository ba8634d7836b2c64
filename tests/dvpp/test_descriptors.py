"""Every attribute of every descriptor in the interface's table: what is set is read back."""

from __future__ import annotations

import ctypes as C
import re
from typing import Any, NamedTuple

import pytest
import tomllib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dvpp.pictures import dvpp
from tests.softnpu_model import acl as base
from tests.softnpu_model.acl import ROOT
from tests.vdec.vdec import live

INVALID_PARAM = 100000
WORDS: dict[str, Any] = {
    "uint8_t": C.c_uint8,
    "uint32_t": C.c_uint32,
    "uint64_t": C.c_uint64,
    "double": C.c_double,
    "void *": C.c_void_p,
    "aclvdecCallback": C.c_void_p,
    "aclvencCallback": C.c_void_p,
}
# Attributes of these have numbers of their own: their tests are below.
SPECIAL = ("Param", "Value", "RoiConfig")


class Attribute(NamedTuple):
    kind: str  # "acldvppPicDesc"
    name: str  # "Width"
    word: Any

    def __str__(self) -> str:
        return self.kind + self.name

    def split(self) -> tuple[str, str]:
        match = re.match(r"(aclv?[a-z]+)(\w+)", self.kind)
        assert match
        return match[1], match[2]

    def set(self, handle: int, value: int) -> int:
        prefix, kind = self.split()
        entry = getattr(dvpp.code, f"{prefix}Set{kind}{self.name}")
        return int(entry(C.c_void_p(handle), self.word(value)))

    def get(self, handle: int) -> int:
        prefix, kind = self.split()
        function = f"{prefix}Get{kind}{self.name}"
        base.RESULTS[function] = self.word
        value: int | None = getattr(dvpp.code, function)(C.c_void_p(handle))
        return value or 0


def attributes() -> list[Attribute]:
    rows = tomllib.loads((ROOT / "api/functions.toml").read_text())["ops/acl_dvpp.h"]
    found = []
    for name, row in rows.items():
        match = re.match(r"(acl[a-z]+)Set(\w+)$", name)
        if match is None or any(part in name for part in SPECIAL):
            continue
        target, value = (p.strip() for p in row["params"].split(","))
        kind = target.split()[0]
        attribute = match[2].removeprefix(kind.removeprefix(match[1]))
        word = WORDS.get(re.sub(r"\w+$", "", value).strip(), C.c_int)
        if f"{match[1]}Get{match[2]}" in rows:
            found.append(Attribute(kind, attribute, word))
    return found


ALL = attributes()
KINDS = sorted({a.kind for a in ALL})


def create(kind: str) -> int:
    match = re.match(r"(acl[a-z]+)(\w+)", kind)
    assert match
    name = f"{match[1]}Create{match[2]}"
    base.RESULTS[name] = C.c_void_p
    handle: int = getattr(dvpp, name)()
    assert handle
    return handle


def destroy(kind: str, handle: int) -> None:
    match = re.match(r"(acl[a-z]+)(\w+)", kind)
    assert match
    assert getattr(dvpp.code, f"{match[1]}Destroy{match[2]}")(C.c_void_p(handle)) == 0


def bits(word: Any) -> int:
    return 8 * C.sizeof(word)


def test_the_table_is_read() -> None:
    assert len(ALL) >= 45
    assert len(KINDS) >= 8


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_round_trip(kind: str, data: st.DataObject) -> None:
    """A value that is taken is read back, one that is refused changes nothing; nor do others."""
    before = live()
    mine = [a for a in ALL if a.kind == kind]
    handle = create(kind)
    try:
        known = {a.name: a.get(handle) for a in mine}
        for _ in range(10):
            attribute = data.draw(st.sampled_from(mine))
            most = (1 << bits(attribute.word)) - 1
            small = st.integers(0, 300)
            value = data.draw(st.one_of(small, st.integers(0, most), st.just(most)))
            status = attribute.set(handle, value)
            assert status in (0, INVALID_PARAM)
            if status == 0:
                known[attribute.name] = attribute.word(value).value or 0
            assert {a.name: a.get(handle) for a in mine} == known
    finally:  # an example may end in the middle, when it has drawn enough
        destroy(kind, handle)
    assert live() == before


# The documented ranges: (attribute, values taken, values refused).
RANGES = [
    ("acldvppResizeConfigInterpolation", [0, 1, 2, 3, 4], [5, 100, 0xFFFFFFFF]),
    ("acldvppBorderConfigBorderType", [0, 1, 2, 3], [4, 100, -1]),
    ("acldvppJpegeConfigLevel", [0, 1, 50, 100], [101, 0xFFFFFFFF]),
    ("acldvppStreamDescFormat", [0, 1, 2, 3], [4, -1]),
    ("acldvppStreamDescEos", [0, 1], []),
    ("acldvppStreamDescData", [0, 4096], []),
    ("acldvppPicDescData", [4096], [0]),
    ("acldvppPicDescFormat", [0, 1, 22, 1001, 10000], []),
    ("acldvppPicDescRetCode", [0, 1, 0xFFFFFFFF], []),
    ("acldvppStreamDescTimestamp", [0, (1 << 64) - 1], []),
]


@pytest.mark.parametrize(("name", "taken", "refused"), RANGES)
def test_ranges(name: str, taken: list[int], refused: list[int]) -> None:
    attribute = next(a for a in ALL if str(a) == name)
    handle = create(attribute.kind)
    for value in taken:
        assert attribute.set(handle, value) == 0
        assert attribute.get(handle) == value
    for value in refused:
        assert attribute.set(handle, value) == INVALID_PARAM
        assert attribute.get(handle) == taken[-1]
    destroy(attribute.kind, handle)


@given(st.lists(st.integers(0, 0xFFFFFFFF), min_size=4, max_size=4))
@settings(max_examples=30, deadline=None)
def test_areas(corners: list[int]) -> None:
    """Left, right, top, bottom: 0 to 65535, else NULL or 100000."""
    words = [C.c_uint32(value) for value in corners]
    fits = max(corners) <= 65535
    handle = dvpp.acldvppCreateRoiConfig(*words)
    assert bool(handle) == fits
    config = C.c_void_p(handle or dvpp.acldvppCreateRoiConfig(0, 15, 0, 15))
    code = dvpp.code
    assert (code.acldvppSetRoiConfig(config, *words) == 0) == fits
    for side, word in zip(("Left", "Right", "Top", "Bottom"), words, strict=True):
        status = getattr(code, f"acldvppSetRoiConfig{side}")(config, word)
        assert status == (0 if word.value <= 65535 else INVALID_PARAM)
    assert code.acldvppDestroyRoiConfig(config) == 0


@given(st.lists(st.floats(allow_nan=False), min_size=4, max_size=4))
@settings(max_examples=10, deadline=None)
def test_border_values(values: list[float]) -> None:
    base.RESULTS["acldvppGetBorderConfigValue"] = C.c_double
    config = C.c_void_p(dvpp.acldvppCreateBorderConfig())
    code = dvpp.code
    for i, value in enumerate(values):
        assert code.acldvppSetBorderConfigValue(config, i, C.c_double(value)) == 0
    assert [code.acldvppGetBorderConfigValue(config, i) for i in range(4)] == values
    for i in (4, 5, 0xFFFFFFFF):
        status = code.acldvppSetBorderConfigValue(config, C.c_uint32(i), C.c_double(1))
        assert status == INVALID_PARAM
        assert code.acldvppGetBorderConfigValue(config, C.c_uint32(i)) == 0
    assert code.acldvppDestroyBorderConfig(config) == 0


# Parameters of a picture channel: number, bytes, values taken, values refused.
PARAMETERS = [
    (0, 4, range(6), [6, 100, 0xFFFFFFFF]),  # colour matrix
    (1, 4, [1, 2, 4, 8, 3, 15], [0, 16, 31, 0xFFFFFFFF]),  # engines
    (2, 8, [0, 1, 255, (1 << 64) - 1], []),  # channel id
    (3, 4, [0, 1080, 4096], []),  # height
    (4, 4, [0, 1920, 4096], []),  # width
    (5, 4, [0, 1, 2], [3, 100]),  # JPEGD's precision
]


@pytest.mark.parametrize(("number", "size", "taken", "refused"), PARAMETERS)
def test_channel_parameters(number: int, size: int, taken: range, refused: list[int]) -> None:
    channel, code = C.c_void_p(dvpp.acldvppCreateChannelDesc()), dvpp.code
    words = {4: C.c_uint32, 8: C.c_uint64}
    given, returned, length = words[size](), words[size](), C.c_size_t()

    def get(room: int = size) -> int:
        arguments = (C.c_size_t(room), C.byref(length), C.byref(returned))
        return int(code.acldvppGetChannelDescParam(channel, number, *arguments))

    def put(room: int = size) -> int:
        return int(
            code.acldvppSetChannelDescParam(channel, number, C.c_size_t(room), C.byref(given))
        )

    for value in taken:
        given.value = value
        assert put() == 0
        assert get() == 0
        assert (returned.value, length.value) == (value, size)
    for value in refused:
        given.value = value
        assert put() == INVALID_PARAM
        assert get() == 0
        assert returned.value == list(taken)[-1]
    assert get(size - 1) == put(size - 1) == INVALID_PARAM
    none = (C.c_size_t(size), None)
    assert code.acldvppSetChannelDescParam(channel, number, *none) == INVALID_PARAM
    assert code.acldvppGetChannelDescParam(channel, number, *none, None) == INVALID_PARAM
    assert code.acldvppDestroyChannelDesc(channel) == 0


def test_unknown_channel_parameters() -> None:
    channel, code = C.c_void_p(dvpp.acldvppCreateChannelDesc()), dvpp.code
    room = (C.c_uint8 * 64)()
    for number in (6, 7, 100, 0xFFFFFFFF):
        status = code.acldvppSetChannelDescParam(channel, C.c_uint32(number), 64, room)
        assert status == INVALID_PARAM
    assert code.acldvppDestroyChannelDesc(channel) == 0


@pytest.mark.parametrize("count", [1, 2, 255, 256])
def test_batches(count: int) -> None:
    """Every picture of a batch is a descriptor of its own, and goes with the batch."""
    before = live()
    batch = C.c_void_p(dvpp.acldvppCreateBatchPicDesc(count))
    handles = [dvpp.acldvppGetPicDesc(batch, i) for i in range(count)]
    assert len(set(handles)) == count
    for i, handle in enumerate(handles):
        dvpp.acldvppSetPicDescWidth(C.c_void_p(handle), i)
    assert [dvpp.acldvppGetPicDescWidth(C.c_void_p(h)) for h in handles] == list(range(count))
    for index in (count, 256, 0xFFFFFFFF):
        assert not dvpp.acldvppGetPicDesc(batch, C.c_uint32(index))
    assert dvpp.code.acldvppDestroyPicDesc(C.c_void_p(handles[0])) == INVALID_PARAM
    assert dvpp.code.acldvppDestroyBatchPicDesc(batch) == 0
    assert dvpp.code.acldvppSetPicDescWidth(C.c_void_p(handles[0]), 1) == INVALID_PARAM
    assert live() == before


@pytest.mark.parametrize("kind", KINDS)
def test_null_and_destroyed(kind: str) -> None:
    """NULL is destroyed with success; setters refuse, getters give 0, whatever is no descriptor."""
    match = re.match(r"(acl[a-z]+)(\w+)", kind)
    assert match
    handle = create(kind)
    destroy(kind, handle)
    entry = getattr(dvpp.code, f"{match[1]}Destroy{match[2]}")
    assert entry(None) == 0
    assert entry(C.c_void_p(handle)) == INVALID_PARAM
    for attribute in (a for a in ALL if a.kind == kind):
        for nothing in (0, handle, 0x1234):
            assert attribute.set(nothing, 1) == INVALID_PARAM
            assert attribute.get(nothing) == 0
