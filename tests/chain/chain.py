"""What the chains have in common: counting copies, the device's part, the reference's part."""

from __future__ import annotations

import ctypes as C
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

import acl_fast as af
from acl_fast import media, pyacl
from acl_fast._demo import assets, yolo
from acl_fast._demo.detector import Thresholds
from tests.demo.conftest import Detector
from tests.demo.test_detector import agreeing
from tests.himpi import himpi
from tests.softnpu_model.acl import acl

SIZE = 416
LIMITS = Thresholds()


@dataclass
class Copies:
    """What was copied while a block ran, by direction."""

    moved: dict[str, int] = field(default_factory=dict)


@contextmanager
def counted() -> Iterator[Copies]:
    copies = Copies()
    before = af.softnpu.counters()
    yield copies
    after = af.softnpu.counters()
    names = [name for name in after if name.startswith(("bytes_", "copies_"))]
    copies.moved = {name: after[name] - before[name] for name in names}


def assert_only_compressed_data_and_results(
    copies: Copies, unified: bool, packets: int, results: int
) -> None:
    """``packets`` bounds what went in, ``results`` is what came back, in bytes."""
    assert copies.moved["bytes_d2h"] == results
    assert copies.moved["bytes_d2d"] == copies.moved["bytes_h2h"] == 0
    assert copies.moved["bytes_staged"] == 0
    assert copies.moved["bytes_h2d"] <= (0 if unified else packets)


class VpcV2:
    """The picture engine through hi_mpi_vpc_*, with what the chains need of media.Vpc."""

    def __init__(self, device: af.Device) -> None:
        # hi_mpi_* wants the device set on the thread; media memory then initialises the interface.
        self.pool = media.PicturePool(device, 16, 16, count=1, kind="himpi")
        acl.aclrtSetDevice(0)
        self.channel = next(
            n
            for n in range(256)
            if himpi.code("hi_mpi_vpc_create_chn", n, C.byref(himpi.ChnAttr())) == 0
        )

    def info(self, image: media.Image) -> himpi.PicInfo:
        stride, rows = image.strides
        return himpi.PicInfo(
            image.buffer.address_int,
            image.nbytes,
            image.width,
            image.height,
            stride,
            rows,
            image.format_code,
        )

    def paste(
        self, image: media.Image, left: int, top: int, width: int, height: int, out: media.Image
    ) -> None:
        region = himpi.PasteRegion(
            self.info(out),
            himpi.Crop(0, 0, image.width, image.height),
            himpi.Resize(width, height, 0),
            top,
            left,
        )
        self.run("crop_resize_paste", image, C.byref(region), 1)

    def resize(self, image: media.Image, out: media.Image) -> media.Image:
        target, zero = self.info(out), C.c_double(0)
        self.run("resize", image, C.byref(target), zero, zero, 0)
        out.pts = image.pts
        return out

    def run(self, name: str, image: media.Image, *arguments: object) -> None:
        source = self.info(image)
        name = f"hi_mpi_vpc_{name}"
        assert himpi.run(self.channel, name, C.byref(source), *arguments) == 0

    def close(self) -> None:
        assert himpi.code("hi_mpi_vpc_destroy_chn", self.channel) == 0
        acl.aclrtResetDevice(0)
        self.pool.close()


class JpegV2:
    """JPEG files through hi_mpi_vdec_*, with what the chains need of media.JpegDecoder."""

    JPEG, FRAME_MODE, CHANNEL = 26, 1, 200

    def __init__(self, device: af.Device, width: int, height: int) -> None:
        self.device = device
        # JPEGD writes rows of multiples of 64 pixels, and multiples of 16 of them.
        options = {"count": 1, "kind": "himpi", "align": (64, 16)}
        self.pool = media.PicturePool(device, width, height, **options)  # type: ignore[arg-type]
        attr = {"type": self.JPEG, "mode": self.FRAME_MODE, "pic_width": width}
        attr |= {"pic_height": height, "stream_buf_size": width * height * 3}
        acl.aclrtSetDevice(0)
        assert pyacl.himpi.vdec_create_chn(self.CHANNEL, attr) == 0
        assert pyacl.himpi.vdec_start_recv_stream(self.CHANNEL) == 0

    def decode(self, data: bytes) -> media.Image:
        image = self.pool.get()
        packet = self.device.empty((len(data),), np.uint8, kind="himpi")
        if self.device.is_unified:
            packet.array[...] = np.frombuffer(data, np.uint8)
        else:
            packet.upload(np.frombuffer(data, np.uint8))
        stream = {"end_of_frame": 1, "need_display": 1, "len": len(data)}
        stride, rows = image.strides
        target = {"width": image.width, "height": image.height, "width_stride": stride}
        target |= {"height_stride": rows, "pixel_format": image.format_code}
        target |= {"vir_addr": image.buffer.address_int, "buffer_size": image.nbytes}
        sent = {**stream, "addr": packet.address_int}
        assert pyacl.himpi.vdec_send_stream(self.CHANNEL, sent, target, -1) == 0
        frame, _, _, ret = pyacl.himpi.vdec_get_frame(self.CHANNEL, 5000)
        assert (ret, frame["v_frame"]["frame_flag"]) == (0, 0)
        assert pyacl.himpi.vdec_release_frame(self.CHANNEL, frame) == 0
        packet.close()
        return image

    def __enter__(self) -> JpegV2:
        return self

    def __exit__(self, *exc_info: object) -> None:
        assert pyacl.himpi.vdec_destroy_chn(self.CHANNEL) == 0
        acl.aclrtResetDevice(0)
        self.pool.close()


@dataclass
class Chain:
    """VPC into a picture that is the model's input."""

    device: af.Device
    model: af.Model
    detector: Detector
    interface: str = "v1"
    stream: af.Stream = field(init=False)

    def __post_init__(self) -> None:
        self.stream = self.device.create_stream()
        v2 = self.interface == "v2"
        self.vpc = VpcV2(self.device) if v2 else media.Vpc(self.device, self.stream)
        kind = "himpi" if v2 else "dvpp"
        self.pool = media.PicturePool(self.device, SIZE, SIZE, count=1, kind=kind)
        self.picture = self.pool.get()
        self.picture.upload(np.full((SIZE * 3 // 2, SIZE), 126, np.uint8))
        self.request = self.model.create_request()
        self.request.set_input(0, self.picture)

    def box(self, image: media.Image) -> media.Letterbox:
        return media.Letterbox.fit(image.width, image.height, SIZE, SIZE)

    def detect(self, image: media.Image) -> yolo.Detections:
        box = self.box(image)
        place = (box.left, box.top, box.width, box.height)
        self.vpc.paste(image, *place, out=self.picture)
        self.request.run_async(self.stream)
        self.stream.synchronize()
        heads = [output.download() for output in self.request.outputs]
        found = yolo.detect(heads, self.detector.network, LIMITS.conf, LIMITS.iou)
        return yolo.Detections(box.to_source(found.boxes), found.scores, found.classes)

    @property
    def result_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.model.outputs)

    def close(self) -> None:
        self.vpc.close()
        self.request.close()
        self.picture.close()
        self.pool.close()
        self.stream.close()


def encoded(tmp_path: Path, codec: str) -> Path:
    """The street video around the cyclist, encoded anew."""
    path = tmp_path / f"{codec}.mp4"
    command = ["ffmpeg", "-v", "error", "-ss", "4", "-i", str(assets.fetch("bikes.mp4"))]
    command += ["-frames:v", "40", "-c:v", codec, "-preset", "veryfast", str(path)]
    subprocess.run(command, check=True)
    return path


def assert_finds_the_same(
    found: list[yolo.Detections], expected: list[yolo.Detections], least: int
) -> None:
    """97 of 100 sure boxes have a counterpart of their class with an overlap over 0.8."""
    counts = np.zeros(2)
    for ours, theirs in zip(found, expected, strict=True):
        counts += agreeing(ours, theirs)
        counts += agreeing(theirs, ours)
    assert counts[1] >= least
    assert counts[0] >= 0.97 * counts[1]


def decoded(path: Path) -> list[VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def to_nv12(pixels: np.ndarray) -> np.ndarray:
    """Pack (h, w, YCbCr), chroma averaged over 2 x 2."""
    height, width = pixels.shape[:2]
    chroma = pixels[..., 1:].reshape(height // 2, 2, width // 2, 2, 2).mean((1, 3))
    return np.concatenate([pixels[..., 0], np.rint(chroma).astype(np.uint8).reshape(-1, width)])
