"""Still pictures of the first media interface, through ctypes; and files to give them."""

from __future__ import annotations

import ctypes as C
import functools
import io
from dataclasses import dataclass
from types import TracebackType

import cv2
import numpy as np
from PIL import Image

from tests.softnpu_model import acl as base
from tests.softnpu_model.acl import acl
from tests.vdec.vdec import Memory, dvpp

base.RESULTS["acldvppCreateJpegeConfig"] = C.c_void_p
base.RESULTS["acldvppCreateChannelDesc"] = C.c_void_p

FAILURE, INVALID, NOT_MATCH, UNSUPPORTED_JPEG = 500001, 100000, 100027, 148052
GREY, NV12, NV21, SP422, VU422, SP444, VU444 = range(7)
YUYV, UYVY, YVYU, VYUY = range(7, 11)
RGB, RGBA, SP440, VU440, UNKNOWN = 12, 16, 1000, 1001, 10000
SHIFTS = {NV12: (1, 1), NV21: (1, 1), SP422: (1, 0), VU422: (1, 0)}
SHIFTS |= {SP444: (0, 0), VU444: (0, 0), SP440: (0, 1), VU440: (0, 1)}
CANARY = 0xA5
TAIL = 4096


def align(value: int, step: int) -> int:
    return -(-value // step) * step


def pixels(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Smooth waves in RGB: what JPEG keeps well."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 90 * np.sin((x + seed) / 21), 128 + 90 * np.cos(y / 17)]
    return np.stack([*waves, 128 + 60 * np.sin((x + 2 * y) / 30)], -1).astype(np.uint8)


@functools.cache
def jpeg(width: int, height: int, sampling: str = "420", orientation: int = 1) -> bytes:
    """A baseline file; 400 is grey."""
    file = io.BytesIO()
    if sampling == "440":
        flags = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440]
        done, data = cv2.imencode(".jpg", pixels(width, height), flags)
        assert done
        return with_orientation(data.tobytes(), orientation)
    image = Image.fromarray(pixels(width, height))
    if sampling == "400":
        image.convert("L").save(file, "JPEG", quality=92)
    else:
        image.save(file, "JPEG", quality=92, subsampling=["444", "422", "420"].index(sampling))
    return with_orientation(file.getvalue(), orientation)


def with_orientation(data: bytes, orientation: int) -> bytes:
    if orientation == 1:
        return data
    exif = Image.Exif()
    exif[0x0112] = orientation
    body = exif.tobytes()
    return data[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


@dataclass
class Result:
    """What a decoding left."""

    code: int
    ret_code: int
    width: int
    height: int
    stride: int
    rows: int
    format: int
    data: np.ndarray
    message: str = ""

    def luma(self) -> np.ndarray:
        return self.data[: self.stride * self.rows].reshape(-1, self.stride)[
            : self.height, : self.width
        ]

    def chroma(self) -> np.ndarray:
        """Pairs as they lie in memory, (h, w, 2)."""
        across, down = SHIFTS[self.format]
        pitch = self.stride * 2 >> across
        plane = self.data[self.stride * self.rows :]
        plane = plane[: pitch * (self.rows >> down)].reshape(-1, pitch)
        return plane[: self.height >> down, : self.width * 2 >> across].reshape(
            self.height >> down, -1, 2
        )

    def packed(self) -> np.ndarray:
        channels = {RGB: 3, RGBA: 4}[self.format]
        rows = self.data[: self.stride * self.rows].reshape(-1, self.stride)
        return rows[: self.height, : self.width * channels].reshape(self.height, -1, channels)


class Engine:
    """A channel of acldvpp, with which one picture at a time is worked on."""

    def __enter__(self) -> Engine:
        self.channel = C.c_void_p(dvpp.acldvppCreateChannelDesc())
        dvpp.acldvppCreateChannel(self.channel)
        self.input = Memory(1 << 20)
        self.output = Memory((1 << 20) + TAIL)
        self.desc = C.c_void_p(dvpp.acldvppCreatePicDesc())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        dvpp.acldvppDestroyPicDesc(self.desc)
        self.output.free()
        self.input.free()
        dvpp.acldvppDestroyChannel(self.channel)
        dvpp.acldvppDestroyChannelDesc(self.channel)

    def describe(self, **values: int) -> None:
        for name, value in values.items():
            getattr(dvpp, f"acldvppSetPicDesc{name}")(self.desc, value)

    def decode(
        self,
        data: bytes,
        pixel_format: int = NV12,
        strides: tuple[int, int] = (0, 0),
        size: int = 1 << 20,
        png: bool = False,
        read: bool = True,
    ) -> Result:
        """Decode into memory of exactly ``size`` bytes: those behind must stay as they are."""
        self.output.write(bytes([CANARY]) * (size + TAIL))
        self.input.write(data)
        dvpp.acldvppSetPicDescData(self.desc, self.output.address)
        self.describe(Size=size, Format=pixel_format, WidthStride=strides[0])
        self.describe(HeightStride=strides[1], Width=0, Height=0)
        function = dvpp.code.acldvppPngDecodeAsync if png else dvpp.code.acldvppJpegDecodeAsync
        code = function(self.channel, self.input.address, C.c_uint32(len(data)), self.desc, None)
        if code == 0:
            code = acl.code.aclrtSynchronizeStream(None)
        message = acl.message() if code else ""
        ret_code, *shape, found = [
            getattr(dvpp, f"acldvppGetPicDesc{name}")(self.desc)
            for name in ("RetCode", "Width", "Height", "WidthStride", "HeightStride", "Format")
        ]
        memory = self.output.read(size + TAIL) if read else np.empty(0, np.uint8)
        assert (memory[size:] == CANARY).all()
        width, height, stride, rows = shape
        return Result(code, ret_code, width, height, stride, rows, found, memory[:size], message)

    def encode(
        self,
        picture: bytes,
        width: int,
        height: int,
        strides: tuple[int, int],
        pixel_format: int = NV12,
        level: int | None = 90,
        room: int | None = None,
    ) -> tuple[int, bytes]:
        """Encode; return the code and the file. ``room`` None asks acldvppJpegPredictEncSize."""
        self.input.write(picture)
        dvpp.acldvppSetPicDescData(self.desc, self.input.address)
        self.describe(Size=len(picture), Format=pixel_format, Width=width, Height=height)
        self.describe(WidthStride=strides[0], HeightStride=strides[1])
        config = C.c_void_p(dvpp.acldvppCreateJpegeConfig())
        if level is not None:
            dvpp.acldvppSetJpegeConfigLevel(config, level)
        size = C.c_uint32(room or 0)
        code = 0
        if room is None:
            code = dvpp.code.acldvppJpegPredictEncSize(self.desc, config, C.byref(size))
        target = Memory((size.value or 64) + TAIL)
        target.write(bytes([CANARY]) * (size.value + TAIL))
        given = size.value
        if code == 0:
            code = dvpp.code.acldvppJpegEncodeAsync(
                self.channel, self.desc, target.address, C.byref(size), config, None
            )
        if code == 0:
            code = acl.code.aclrtSynchronizeStream(None)
        memory = target.read(given + TAIL)
        assert (memory[given:] == CANARY).all()
        target.free()
        dvpp.acldvppDestroyJpegeConfig(config)
        return code, memory[: size.value].tobytes() if code == 0 else b""


def info(data: bytes) -> tuple[int, tuple[int, int, int, int]]:
    """acldvppJpegGetImageInfoV2: code, and width, height, components, sampling."""
    values = [C.c_uint32(), C.c_uint32(), C.c_int32(), C.c_int32()]
    code = dvpp.code.acldvppJpegGetImageInfoV2(
        C.c_char_p(data), C.c_uint32(len(data)), *map(C.byref, values)
    )
    width, height, components, sampling = (value.value for value in values)
    return code, (width, height, components, sampling)


def predict(data: bytes, pixel_format: int, kind: str = "Jpeg") -> tuple[int, int]:
    size = C.c_uint32()
    code = getattr(dvpp.code, f"acldvpp{kind}PredictDecSize")(
        C.c_char_p(data), C.c_uint32(len(data)), pixel_format, C.byref(size)
    )
    return code, size.value
