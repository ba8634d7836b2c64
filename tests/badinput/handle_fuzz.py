"""Calls every function that takes a handle with things that are no such handle.

Driven by api/functions.toml: a function that is added to the table is tested from then on. Run in a
process of its own by test_handles.py; prints what was wrong as lines, and "done" at the end.
"""

from __future__ import annotations

import ctypes as C
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import tomllib

from .capi import FLOAT, ND, Api

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ("acl.h", "acl_base.h", "acl_rt.h", "acl_mdl.h", "ops/acl_dvpp.h")
# Descriptors of the media interface: the functions that create and destroy them.
MEDIA = {
    f"{prefix}{kind} *": (f"{prefix}Create{kind}", f"{prefix}Destroy{kind}")
    for prefix, kinds in {
        "acldvpp": (
            "BatchPicDesc",
            "BorderConfig",
            "ChannelDesc",
            "Hist",
            "JpegeConfig",
            "LutMap",
            "PicDesc",
            "ResizeConfig",
            "RoiConfig",
            "StreamDesc",
        ),
        "aclvdec": ("ChannelDesc", "FrameConfig"),
        "aclvenc": ("ChannelDesc", "FrameConfig"),
    }.items()
    for kind in kinds
}
# An encoder takes a decoder's, which programs are seen to give it.
ALSO = {"aclvencFrameConfig *": "aclvdecFrameConfig *"}
# Opaque types, and what an address in the user's program cannot be.
HANDLES = {
    "aclrtStream",
    "aclrtEvent",
    "aclrtContext",
    "aclDataBuffer *",
    "aclTensorDesc *",
    "aclmdlDataset *",
    "aclmdlDesc *",
    "aclmdlConfigHandle *",
    "aclmdlExecConfigHandle *",
    "aclmdlAIPP *",
    "aclrtGroupInfo *",
    "aclrtExceptionInfo *",
    "aclrtAllocatorDesc",
    "aclrtBinary",
    "aclrtBinHandle",
    "aclrtFuncHandle",
    "aclrtDrvMemHandle",
    "aclrtTaskGrp",
    "aclmdlRI",
    *MEDIA,
}
# Device addresses that have to be recognised like handles.
ADDRESSES = {
    ("aclrtFree", "devPtr"),
    ("aclrtFreeHost", "hostPtr"),
    ("aclrtMemFlush", "devPtr"),
    ("aclrtMemInvalidate", "devPtr"),
    ("aclrtMemset", "devPtr"),
    ("aclrtMemsetAsync", "devPtr"),
    ("aclrtHostUnregister", "ptr"),
    ("aclrtUnmapMem", "virPtr"),
    ("aclrtReleaseMemAddress", "virPtr"),
    ("acldvppFree", "devPtr"),
    ("acldvppJpegDecodeAsync", "data"),
    ("acldvppJpegEncodeAsync", "data"),
    ("acldvppPngDecodeAsync", "data"),
}
# Results of getters that mean "nothing", by return type; True for every value.
NOTHING = {
    "aclDataType": {-1},
    "aclFormat": {-1},
    "size_t": {0},
    "uint32_t": {0, 0xFFFFFFFF},
    "int64_t": {0, -1},
    "uint8_t": {0},
    "uint64_t": {0},
    "double": {0.0},
    "acldvppBorderType": {0},
    "acldvppPixelFormat": {0},
    "acldvppStreamFormat": {0},
    "aclvdecCallback": {None},
    "aclvencCallback": {None},
}


WORDS = {
    "uint8_t": C.c_uint8,
    "uint32_t": C.c_uint32,
    "uint64_t": C.c_uint64,
    "double": C.c_double,
    "aclvdecCallback": C.c_void_p,
    "aclvencCallback": C.c_void_p,
}


class Parameter(NamedTuple):
    type: str
    name: str


class Function(NamedTuple):
    name: str
    result: str
    parameters: list[Parameter]

    def targets(self) -> list[int]:
        """Positions of the parameters that are handles or addresses to be recognised."""
        return [
            i
            for i, p in enumerate(self.parameters)
            if p.type in HANDLES or (self.name, p.name) in ADDRESSES
        ]


def parse(text: str) -> Parameter:
    text = text.replace("const ", "").strip()
    array = text.endswith("]")
    text = re.sub(r"\[.*", "", text)
    match = re.match(r"(.*?[ *])(\w+)$", text)
    assert match, text
    kind = match[1].strip()
    return Parameter(kind + " *" if array else kind, match[2])


def maker(api: Api, create: str) -> Callable[[], int]:
    """What makes a descriptor; a batch of one picture, an area of one pixel."""
    sizes = {"acldvppCreateBatchPicDesc": (1,), "acldvppCreateRoiConfig": (0, 0, 0, 0)}
    return lambda: api.make(create, *sizes.get(create, ()))


def functions() -> list[Function]:
    table = tomllib.loads((ROOT / "api/functions.toml").read_text())
    found = []
    for section in SECTIONS:
        for name, row in table[section].items():
            parts = [p for p in row["params"].split(",") if p.strip() and "..." not in p]
            function = Function(name, row["ret"], [parse(p) for p in parts])
            if function.targets():
                found.append(function)
    return found


class Fuzzer:
    def __init__(self, api: Api, seed: int) -> None:
        self.api = api
        self.random = random.Random(seed)
        self.scratch = C.create_string_buffer(1 << 20)
        # As long as any struct behind an out parameter.
        self.where = C.addressof(self.scratch) + 64 - C.addressof(self.scratch) % 64
        self.nop = C.CFUNCTYPE(None, C.c_void_p)(lambda _: None)
        self.stale: list[int] = []
        self.live: dict[str, int] = {}
        self.faults: list[str] = []

    def open(self) -> None:
        """One live object of every kind, and stale handles of every kind."""
        api = self.api
        context = C.c_uint64(0)
        api.ok("aclrtGetCurrentContext", C.byref(context))
        dims = (C.c_int64 * 2)(2, 3)
        makers = {
            "aclrtStream": lambda: api.out("aclrtCreateStream"),
            "aclrtEvent": lambda: api.out("aclrtCreateEventWithFlag", 1),
            "aclDataBuffer *": lambda: api.make("aclCreateDataBuffer", None, 0),
            "aclTensorDesc *": lambda: api.make("aclCreateTensorDesc", FLOAT, 2, dims, ND),
            "aclmdlDataset *": lambda: api.make("aclmdlCreateDataset"),
            "aclmdlDesc *": lambda: api.make("aclmdlCreateDesc"),
            "aclmdlConfigHandle *": lambda: api.make("aclmdlCreateConfigHandle"),
            "aclmdlExecConfigHandle *": lambda: api.make("aclmdlCreateExecConfigHandle"),
            "address": lambda: api.malloc(256),
            **{kind: maker(api, create) for kind, (create, _) in MEDIA.items()},
        }
        self.destroyers = {
            "aclrtStream": "aclrtDestroyStream",
            "aclrtEvent": "aclrtDestroyEvent",
            "aclDataBuffer *": "aclDestroyDataBuffer",
            "aclTensorDesc *": "aclDestroyTensorDesc",
            "aclmdlDataset *": "aclmdlDestroyDataset",
            "aclmdlDesc *": "aclmdlDestroyDesc",
            "aclmdlConfigHandle *": "aclmdlDestroyConfigHandle",
            "aclmdlExecConfigHandle *": "aclmdlDestroyExecConfigHandle",
            "address": "aclrtFree",
            **{kind: destroy for kind, (_, destroy) in MEDIA.items()},
        }
        # All live ones first: a slot that was stale may be given to the next object.
        gone = [(kind, make()) for kind, make in makers.items() for _ in range(3)]
        self.live = {kind: make() for kind, make in makers.items()}
        for kind, handle in gone:
            api.call(self.destroyers[kind], handle)
        self.stale = [handle for _, handle in gone]
        self.live["aclrtContext"] = context.value
        api.ok("acldvppCreateChannel", self.live["acldvppChannelDesc *"])

    def close(self) -> None:
        self.live.pop("aclrtContext")
        self.api.ok("acldvppDestroyChannel", self.live["acldvppChannelDesc *"])
        for kind, handle in self.live.items():
            self.api.call(self.destroyers[kind], handle)

    def wrong(self, kind: str) -> int:
        """Something that is no live handle of this kind."""
        chance = self.random
        choice = chance.randrange(8)
        right = (kind, ALSO.get(kind))
        others = [handle for other, handle in self.live.items() if other not in right]
        if choice == 0:
            return chance.getrandbits(64) | 1
        if choice == 1:
            return chance.choice(self.stale)
        if choice == 2 and kind != "address":
            return chance.choice(others)
        if choice == 3:
            return chance.randrange(1, 5000)
        if choice == 4:
            return 2**64 - chance.randrange(1, 5000)
        if choice == 5:
            # The right type and a slot that exists, of a generation that has not come yet.
            base = self.live.get(kind, chance.choice(others))
            return base ^ chance.randrange(1, 1 << 31) << 24
        if choice == 6:
            base = self.live.get(kind, chance.choice(others))
            return base ^ 1 << chance.randrange(56, 64)
        return chance.getrandbits(48) | chance.randrange(64, 128) << 56

    def value(self, parameter: Parameter) -> object:
        """A harmless value for a parameter that is not under test."""
        kind = parameter.type
        if kind in self.live:
            return self.live[kind]
        if kind in ("aclrtCallback", "aclrtHostFunc"):
            return self.nop
        if kind == "char *":
            return b"x"
        if kind in ("float", "double"):
            return C.c_float(1)
        if kind.endswith("*") or kind in HANDLES:
            return self.where
        if "imeout" in parameter.name:
            return 10
        return 1

    def call(self, function: Function, position: int) -> None:
        parameter = function.parameters[position]
        kind = parameter.type if parameter.type in HANDLES else "address"
        values = [self.value(p) for p in function.parameters]
        values[position] = wrong = self.wrong(kind)
        # Some calls are wrong in every handle.
        if self.random.random() < 0.2:
            for other in function.targets():
                values[other] = self.wrong("address")
        result = self.api.call(function.name, *values)
        if self.harmless(function, result):
            return
        self.faults.append(f"{function.name}({parameter.name}={wrong:#x}) returned {result}")

    def harmless(self, function: Function, result: object) -> bool:
        if function.result == "aclError":
            return result != 0
        if function.result == "const char *":
            return not result or C.string_at(result) == b""
        if function.result.endswith("*"):
            return result in (0, None)
        if function.result in NOTHING:
            return result in NOTHING[function.result]
        return function.result == "void"


def main(seed: int, rounds: int) -> None:
    import acl_fast as af

    from .conftest import live, works

    device = af.Device(0)
    path = Path(af.info().library)
    api = Api(str(path))
    media = C.CDLL(str(path.with_name("libacl_dvpp.so")))
    for name in tomllib.loads((ROOT / "api/functions.toml").read_text())["ops/acl_dvpp.h"]:
        setattr(api.library, name, getattr(media, name))
    for create, _ in MEDIA.values():
        getattr(api.library, create).restype = C.c_void_p
    for function in functions():
        entry = getattr(api.library, function.name)
        if function.result == "const char *" or function.result.endswith("*"):
            entry.restype = C.c_void_p
        elif function.result == "size_t":
            entry.restype = C.c_size_t
        elif function.result == "int64_t":
            entry.restype = C.c_int64
        elif function.result in WORDS:
            entry.restype = WORDS[function.result]
    works(device)
    before = live()
    fuzzer = Fuzzer(api, seed)
    fuzzer.open()
    for function in functions():
        for position in function.targets():
            # So that a death tells where.
            print(function.name, function.parameters[position].name, flush=True)
            for _ in range(rounds):
                fuzzer.call(function, position)
    for fault in sorted(set(fuzzer.faults))[:200]:
        print("FAULT", fault)
    fuzzer.close()
    device.make_current()
    changed = {k: (before[k], v) for k, v in live().items() if before[k] != v}
    if changed:
        print("FAULT alive (before, after)", changed)
    works(device)
    print("done", len(functions()))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
