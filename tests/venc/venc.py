"""aclvenc* through ctypes, as C programs call it, and what FFmpeg makes of the result."""

from __future__ import annotations

import ctypes as C
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import av
import numpy as np

from tests.softnpu_model import acl as base
from tests.vdec import codec
from tests.vdec.vdec import CALLBACK, NV12, NV21, Memory, ReportThread, dvpp, pthread_self

for name in ("CreateChannelDesc", "CreateFrameConfig", "GetChannelDescBufAddr"):
    base.RESULTS[f"aclvenc{name}"] = C.c_void_p
for name in ("BufSize", "ChannelId", "EnType", "KeyFrameInterval", "MaxBitRate", "PicFormat"):
    base.RESULTS[f"aclvencGetChannelDesc{name}"] = C.c_uint32
for name in ("PicHeight", "PicWidth", "RcMode", "SrcRate"):
    base.RESULTS[f"aclvencGetChannelDesc{name}"] = C.c_uint32
base.RESULTS["aclvencGetChannelDescThreadId"] = C.c_uint64
base.RESULTS["aclvencGetChannelDescCallback"] = C.c_void_p
for name in ("Eos", "ForceIFrame"):
    base.RESULTS[f"aclvencGetFrameConfig{name}"] = C.c_uint8
for name in ("Size", "Format"):
    base.RESULTS[f"acldvppGetStreamDesc{name}"] = C.c_uint32

H265, BASELINE, MAIN, HIGH = range(4)
VBR, CBR = 1, 2


@dataclass
class Packet:
    """What one callback said."""

    user: int | None
    code: int
    data: bytes
    address: int | None
    on_report_thread: bool


@dataclass
class Channel:
    """An encoder channel that keeps the packets of its callbacks."""

    report: ReportThread
    width: int
    height: int
    en_type: int = HIGH
    pixel_format: int = NV12
    gop: int = 25
    rc_mode: int = 0
    src_rate: int = 0
    bitrate: int = 0
    hook: Callable[[Packet], None] | None = None
    buffer: Memory | None = None
    packets: list[Packet] = field(default_factory=list)
    inputs: dict[int, Memory] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._callback = CALLBACK(self._on_packet)
        self.config: int = dvpp.aclvencCreateFrameConfig()
        self.desc: int = dvpp.aclvencCreateChannelDesc()
        assert self.desc
        assert self.config
        dvpp.aclvencSetChannelDescThreadId(self.desc, self.report.id)
        dvpp.aclvencSetChannelDescCallback(self.desc, self._callback)
        dvpp.aclvencSetChannelDescEnType(self.desc, self.en_type)
        dvpp.aclvencSetChannelDescPicFormat(self.desc, self.pixel_format)
        dvpp.aclvencSetChannelDescPicWidth(self.desc, self.width)
        dvpp.aclvencSetChannelDescPicHeight(self.desc, self.height)
        dvpp.aclvencSetChannelDescKeyFrameInterval(self.desc, self.gop)
        dvpp.aclvencSetChannelDescRcMode(self.desc, self.rc_mode)
        dvpp.aclvencSetChannelDescSrcRate(self.desc, self.src_rate)
        dvpp.aclvencSetChannelDescMaxBitRate(self.desc, self.bitrate)
        if self.buffer:
            dvpp.aclvencSetChannelDescBufAddr(self.desc, self.buffer.address)
            dvpp.aclvencSetChannelDescBufSize(self.desc, self.buffer.nbytes)

    def __enter__(self) -> Channel:
        dvpp.aclvencCreateChannel(self.desc)
        return self

    def __exit__(self, *_: object) -> None:
        dvpp.aclvencDestroyChannel(self.desc)
        self.free()

    def free(self) -> None:
        """Return the descriptions and what callbacks that never came would have returned."""
        dvpp.aclvencDestroyChannelDesc(self.desc)
        dvpp.aclvencDestroyFrameConfig(self.config)
        for picture, memory in self.inputs.items():
            dvpp.acldvppDestroyPicDesc(picture)
            memory.free()
        self.inputs.clear()

    def _on_packet(self, picture: int, stream: int, user: int | None) -> None:
        size = dvpp.acldvppGetStreamDescSize(stream)
        address = dvpp.acldvppGetStreamDescData(stream)
        data = bytearray(size)
        if size:
            room = (C.c_char * size).from_buffer(data)
            base.acl.aclrtMemcpy(C.addressof(room), size, address, size, base.D2H)
            del room
            assert dvpp.acldvppGetStreamDescFormat(stream) == self.en_type
        code = dvpp.acldvppGetStreamDescRetCode(stream)
        assert dvpp.acldvppGetPicDescRetCode(picture) == code
        on_thread = pthread_self() == self.report.id
        memory = self.inputs.pop(picture)
        assert dvpp.acldvppGetPicDescData(picture) == memory.address
        memory.free()
        dvpp.acldvppDestroyPicDesc(picture)
        self.packets.append(Packet(user, code, bytes(data), address, on_thread))
        if self.hook:
            self.hook(self.packets[-1])

    def picture(self, frame: np.ndarray, strides: tuple[int, int] | None = None) -> int:
        """Put an NV12 frame into memory of its own, in the channel's format."""
        width, rows = strides or (self.width, self.height)
        padded = np.full((rows * 3 // 2, width), 77, np.uint8)
        padded[: self.height, : self.width] = frame[: self.height]
        chroma = frame[self.height :]
        if self.pixel_format == NV21:
            chroma = chroma.reshape(self.height // 2, -1, 2)[..., ::-1].reshape(chroma.shape)
        padded[rows : rows + self.height // 2, : self.width] = chroma
        memory = Memory(padded.nbytes)
        memory.write(padded.tobytes())
        picture: int = dvpp.acldvppCreatePicDesc()
        dvpp.acldvppSetPicDescData(picture, memory.address)
        dvpp.acldvppSetPicDescSize(picture, memory.nbytes)
        dvpp.acldvppSetPicDescFormat(picture, self.pixel_format)
        dvpp.acldvppSetPicDescWidth(picture, self.width)
        dvpp.acldvppSetPicDescHeight(picture, self.height)
        if strides:
            dvpp.acldvppSetPicDescWidthStride(picture, width)
            dvpp.acldvppSetPicDescHeightStride(picture, rows)
        self.inputs[picture] = memory
        return picture

    def send(
        self,
        frame: np.ndarray,
        user: int = 0,
        *,
        force: bool = False,
        eos: bool = False,
        strides: tuple[int, int] | None = None,
    ) -> None:
        dvpp.aclvencSetFrameConfigForceIFrame(self.config, int(force))
        dvpp.aclvencSetFrameConfigEos(self.config, int(eos))
        dvpp.aclvencSendFrame(self.desc, self.picture(frame, strides), None, self.config, user)

    def end(self) -> None:
        """Send the end of the stream, which waits for all callbacks."""
        dvpp.aclvencSetFrameConfigEos(self.config, 1)
        dvpp.aclvencSendFrame(self.desc, None, None, self.config, None)

    @property
    def stream(self) -> list[bytes]:
        assert all(packet.code == 0 and packet.data for packet in self.packets)
        return [packet.data for packet in self.packets]


@dataclass(frozen=True)
class Decoded:
    """A stream as FFmpeg's decoder sees it."""

    frames: list[np.ndarray]
    keys: list[int]
    profile: str


def decode(packets: Sequence[bytes], *, hevc: bool = False) -> Decoded:
    """Decode packet by packet."""
    decoder = av.CodecContext.create("hevc" if hevc else "h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    frames = [frame for data in packets for frame in decoder.decode(av.Packet(data))]
    frames += decoder.decode(None)
    keys = [number for number, frame in enumerate(frames) if frame.key_frame]
    return Decoded([codec.nv12(frame) for frame in frames], keys, decoder.profile or "")


def psnr(frame: np.ndarray, other: np.ndarray) -> float:
    """Of all samples of two pictures of 8 bits."""
    error = np.square(frame.astype(np.float64) - other.astype(np.float64)).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def units(packet: bytes, *, hevc: bool = False) -> list[int]:
    """List the types of the NAL units of an Annex-B packet."""
    types = []
    start = packet.find(b"\0\0\1")
    while start >= 0:
        byte = packet[start + 3]
        types.append(byte >> 1 & 0x3F if hevc else byte & 0x1F)
        start = packet.find(b"\0\0\1", start + 3)
    return types


@functools.cache
def bikes(limit: int = 50) -> codec.Stream:
    """Frames of the real video; tests do not write to them."""
    return codec.bikes(limit)
