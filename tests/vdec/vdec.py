"""aclvdec* through ctypes, as C programs call it."""

from __future__ import annotations

import ctypes as C
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

import numpy as np

from tests.softnpu_model import acl as base
from tests.softnpu_model.acl import LIBRARY, Library, acl, counters

for name in (
    "acldvppCreatePicDesc",
    "acldvppCreateStreamDesc",
    "acldvppGetPicDescData",
    "acldvppGetStreamDescData",
    "aclvdecCreateChannelDesc",
    "aclvdecCreateFrameConfig",
):
    base.RESULTS[name] = C.c_void_p
for name in ("RetCode", "Width", "Height", "WidthStride", "HeightStride", "Size", "Format"):
    base.RESULTS[f"acldvppGetPicDesc{name}"] = C.c_uint32
base.RESULTS["acldvppGetStreamDescRetCode"] = C.c_uint32
for name in ("ChannelId", "EnType", "OutPicFormat", "OutMode", "RefFrameNum", "BitDepth"):
    base.RESULTS[f"aclvdecGetChannelDesc{name}"] = C.c_uint32
base.RESULTS["aclvdecGetChannelDescThreadId"] = C.c_uint64


class MediaLibrary(Library):
    """Messages come from libascendcl.so."""

    def message(self) -> str:
        return acl.message()


dvpp = MediaLibrary(LIBRARY.with_name("libacl_dvpp.so"))
CALLBACK = C.CFUNCTYPE(None, C.c_void_p, C.c_void_p, C.c_void_p)
NV12, NV21, RGB, BGR = 1, 2, 12, 13
H265, H264 = 0, 3
INVALID_PARAM = 100000
SECOND_FIELD = 0x20000

pthread_self = C.CDLL(None).pthread_self
pthread_self.restype = C.c_uint64


class Memory:
    """acldvppMalloc, filled and read by copies."""

    def __init__(self, nbytes: int) -> None:
        address = C.c_void_p()
        dvpp.acldvppMalloc(C.byref(address), nbytes)
        assert address.value
        self.address: int = address.value
        self.nbytes = nbytes

    def write(self, data: bytes) -> None:
        acl.aclrtMemcpy(self.address, self.nbytes, C.c_char_p(data), len(data), base.H2D)

    def read(self, nbytes: int) -> np.ndarray:
        array = np.empty(nbytes, np.uint8)
        acl.aclrtMemcpy(array.ctypes.data, nbytes, self.address, nbytes, base.D2H)
        return array

    def free(self) -> None:
        dvpp.acldvppFree(self.address)


@dataclass
class Result:
    """What one callback said."""

    user: int | None
    code: int
    skipped: bool
    width: int = 0
    height: int = 0
    stride: int = 0
    rows: int = 0
    data: np.ndarray | None = None
    on_report_thread: bool = False

    def picture(self) -> np.ndarray:
        """Return the NV12 rows without their padding."""
        assert self.data is not None
        rows = self.data[: self.stride * self.rows * 3 // 2].reshape(-1, self.stride)
        chroma = rows[self.rows : self.rows + self.height // 2]
        return np.concatenate([rows[: self.height], chroma])[:, : self.width]


class ReportThread:
    """The program's thread that loops on aclrtProcessReport."""

    def __init__(self, context: int) -> None:
        self.context = context
        self.gate = threading.Event()
        self.gate.set()
        self._asleep = threading.Event()
        self.stop = False
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    def _run(self, ready: threading.Event) -> None:
        acl.aclrtSetCurrentContext(self.context)
        self.id = pthread_self()
        ready.set()
        while not self.stop:
            if not self.gate.is_set():
                self._asleep.set()
                self.gate.wait()
                self._asleep.clear()
            acl.code.aclrtProcessReport(10)

    def sleep(self) -> None:
        """Run no callback from now on, until ``gate.set()``."""
        self.gate.clear()
        assert self._asleep.wait(10)

    def end(self) -> None:
        self.stop = True
        self.gate.set()
        self._thread.join()


@dataclass
class Channel:
    """A decoder channel that keeps the results of its callbacks."""

    report: ReportThread
    en_type: int = H264
    out_format: int = NV12
    channel_id: int = 7
    hook: Callable[[Result], None] | None = None
    keep: bool = True
    pictures: list[int] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    _memory: dict[int, tuple[Memory, Memory | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._callback = CALLBACK(self._on_frame)
        self.desc: int = dvpp.aclvdecCreateChannelDesc()
        assert self.desc
        dvpp.aclvdecSetChannelDescChannelId(self.desc, self.channel_id)
        dvpp.aclvdecSetChannelDescThreadId(self.desc, self.report.id)
        dvpp.aclvdecSetChannelDescCallback(self.desc, self._callback)
        dvpp.aclvdecSetChannelDescEnType(self.desc, self.en_type)
        dvpp.aclvdecSetChannelDescOutPicFormat(self.desc, self.out_format)

    def __enter__(self) -> Channel:
        dvpp.aclvdecCreateChannel(self.desc)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: object, trace: TracebackType | None
    ) -> None:
        dvpp.aclvdecDestroyChannel(self.desc)
        dvpp.aclvdecDestroyChannelDesc(self.desc)

    def _on_frame(self, stream: int, picture: int | None, user: int | None) -> None:
        result = Result(user, dvpp.acldvppGetStreamDescRetCode(stream), picture is None)
        result.on_report_thread = pthread_self() == self.report.id
        packet, output = self._memory.pop(stream)
        if picture is not None and output is not None:
            result.code = dvpp.acldvppGetPicDescRetCode(picture)
            result.width = dvpp.acldvppGetPicDescWidth(picture)
            result.height = dvpp.acldvppGetPicDescHeight(picture)
            result.stride = dvpp.acldvppGetPicDescWidthStride(picture)
            result.rows = dvpp.acldvppGetPicDescHeightStride(picture)
            assert dvpp.acldvppGetPicDescData(picture) == output.address
            if self.keep:
                result.data = output.read(output.nbytes)
            output.free()
            dvpp.acldvppDestroyPicDesc(picture)
        dvpp.acldvppDestroyStreamDesc(stream)
        packet.free()
        self.results.append(result)
        if self.hook:
            self.hook(result)

    def send(
        self,
        data: bytes,
        user: int = 0,
        *,
        skip: bool = False,
        eos: bool = False,
        nbytes: int = 0,
        geometry: tuple[int, int, int, int] | None = None,
    ) -> None:
        """Send one access unit with an output of its own."""
        packet = Memory(len(data))
        packet.write(data)
        stream = dvpp.acldvppCreateStreamDesc()
        dvpp.acldvppSetStreamDescData(stream, packet.address)
        dvpp.acldvppSetStreamDescSize(stream, len(data))
        dvpp.acldvppSetStreamDescEos(stream, int(eos))
        if skip:
            self._memory[stream] = (packet, None)
            dvpp.aclvdecSendSkippedFrame(self.desc, stream, None, user)
            return
        output = Memory(nbytes)
        picture = dvpp.acldvppCreatePicDesc()
        self.pictures.append(picture)
        dvpp.acldvppSetPicDescData(picture, output.address)
        dvpp.acldvppSetPicDescSize(picture, output.nbytes)
        dvpp.acldvppSetPicDescFormat(picture, self.out_format)
        if geometry:
            for name, value in zip(
                ("Width", "Height", "WidthStride", "HeightStride"), geometry, strict=True
            ):
                getattr(dvpp, f"acldvppSetPicDesc{name}")(picture, value)
        self._memory[stream] = (packet, output)
        try:
            dvpp.aclvdecSendFrame(self.desc, stream, picture, None, user)
        except base.AclError:
            del self._memory[stream]
            dvpp.acldvppDestroyStreamDesc(stream)
            dvpp.acldvppDestroyPicDesc(picture)
            packet.free()
            output.free()
            raise

    def end(self) -> None:
        """Send the end of the stream, which waits for all callbacks."""
        stream = dvpp.acldvppCreateStreamDesc()
        dvpp.acldvppSetStreamDescEos(stream, 1)
        dvpp.aclvdecSendFrame(self.desc, stream, None, None, None)
        dvpp.acldvppDestroyStreamDesc(stream)


LIVE = ("live_dvpp_descs", "live_media_channels", "live_dvpp_allocations", "live_subscriptions")


def live() -> dict[str, int]:
    """Return what must be the same before and after a test."""
    now = counters()
    return {name: now[name] for name in (*LIVE, "live_streams")}
