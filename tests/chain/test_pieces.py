"""Boxes cut out of one picture into the batch of a second model, in pieces of one arena."""

from __future__ import annotations

import ctypes as C
from pathlib import Path

import numpy as np
import pytest

import acl_fast as af
from acl_fast._atc import aipp
from acl_fast._atc.convert import Request, convert
from acl_fast._atc.shapes import parse_input_shape
from tests.aipp import aipp_model
from tests.aipp.aipp_model import Config
from tests.aipp.conftest import passing_on
from tests.dvpp import card_model, pictures
from tests.dvpp.pictures import NV12, dvpp
from tests.himpi import himpi
from tests.softnpu_model.acl import acl

SIDE = 64
BYTES = SIDE * SIDE * 3 // 2  # a multiple of 128: pieces of an arena lie side by side
JPEG_TO_RGB = [256, 0, 359, 256, -88, -183, 256, 454, 0]
BOXES = [(0, 0, 128, 96), (40, 22, 200, 150), (300, 100, 64, 64), (16, 200, 250, 60)]


@pytest.fixture
def second_model(tmp_path: Path) -> tuple[Path, Config]:
    config = Config("YUV420SP_U8", SIDE, SIDE, matrix=JPEG_TO_RGB, reciprocal=[1 / 255] * 4)
    path = passing_on(tmp_path / "second.onnx", ["n", 3, SIDE, SIDE], "float32")
    request = Request(
        path,
        tmp_path / "second",
        input_shape=parse_input_shape(f"x:-1,3,{SIDE},{SIDE}"),
        gear=("batch", "1,2,4"),
        aipp=aipp.parse(config.text()),
    )
    return convert(request).path, config


def place(handle: int, address: int) -> None:
    """Point a picture of a batch at a piece of memory."""
    values = {"Size": BYTES, "Format": NV12, "Width": SIDE, "Height": SIDE}
    values |= {"WidthStride": SIDE, "HeightStride": SIDE}
    desc = C.c_void_p(handle)
    dvpp.acldvppSetPicDescData(desc, C.c_void_p(address))
    for name, value in values.items():
        getattr(dvpp, f"acldvppSetPicDesc{name}")(desc, value)


def cut(source: pictures.Picture, batch: C.c_void_p) -> None:
    """One call for all boxes, on the default stream."""
    origin = C.c_void_p(dvpp.acldvppCreateBatchPicDesc(1))
    first = C.c_void_p(dvpp.acldvppGetPicDesc(origin, 0))
    for name in ("Size", "Format", "Width", "Height", "WidthStride", "HeightStride"):
        getattr(dvpp, f"acldvppSetPicDesc{name}")(first, source.get(name))
    dvpp.acldvppSetPicDescData(first, C.c_void_p(source.memory.address))
    areas = [
        C.c_void_p(dvpp.acldvppCreateRoiConfig(x, x + width - 1, y, y + height - 1))
        for x, y, width, height in BOXES
    ]
    crops = (C.c_void_p * len(areas))(*(area.value for area in areas))
    counts = (C.c_uint32 * 1)(len(areas))
    with pictures.channel() as channel, pictures.interpolation() as resize:
        dvpp.acldvppVpcBatchCropResizeAsync(channel, origin, counts, 1, batch, crops, resize, None)
        acl.aclrtSynchronizeStream(None)
    for area in areas:
        dvpp.acldvppDestroyRoiConfig(area)
    dvpp.acldvppDestroyBatchPicDesc(origin)


def cut_v2(source: pictures.Picture, addresses: list[int]) -> None:
    """The same through the second interface."""
    sizes = ("Size", "Width", "Height", "WidthStride", "HeightStride")
    origin = himpi.PicInfo(source.memory.address, *(source.get(name) for name in sizes), NV12)
    regions = (himpi.CropResizeRegion * len(BOXES))(
        *(
            himpi.CropResizeRegion(
                himpi.PicInfo(address, BYTES, SIDE, SIDE, SIDE, SIDE, NV12),
                himpi.Crop(y, x, width, height),
                himpi.Resize(SIDE, SIDE, 0),
            )
            for address, (x, y, width, height) in zip(addresses, BOXES, strict=True)
        )
    )
    name = "hi_mpi_vpc_crop_resize"
    with himpi.channel() as channel:
        assert himpi.run(channel, name, C.byref(origin), regions, len(BOXES)) == 0


@pytest.mark.parametrize("interface", ["v1", "v2"])
def test_boxes_become_a_batch(
    second_model: tuple[Path, Config], unified: bool, interface: str
) -> None:
    path, config = second_model
    kind = {"v1": "dvpp", "v2": "himpi"}[interface]
    with af.Device(0) as device:
        acl.aclrtSetDevice(0)
        arena = device.arena(len(BOXES) * BYTES + 4096, kind=kind)
        block = arena.empty((len(BOXES), SIDE * 3 // 2, SIDE, 1), np.uint8)
        source, luma, chroma = pictures.random_nv12(640, 272, seed=5)
        batch = C.c_void_p(dvpp.acldvppCreateBatchPicDesc(len(BOXES)))
        for index in range(len(BOXES)):
            handle = dvpp.acldvppGetPicDesc(batch, index)
            place(handle, block.address_int + index * BYTES)
        with device.load_model(str(path)) as model:
            request = model.create_request()
            request.set_input(0, block)
            request.set_batch(len(BOXES))
            before = af.softnpu.counters()
            if interface == "v1":
                cut(source, batch)
            else:
                cut_v2(source, [block.address_int + n * BYTES for n in range(len(BOXES))])
            request.run()
            after = af.softnpu.counters()
            ours = request.outputs[0].download()
            request.close()
        moved = {n for n in after if n.startswith("bytes_") and after[n] != before[n]}
        assert not moved
        assert after["images_processed"] - before["images_processed"] == 2 * len(BOXES)
        for result, (x, y, width, height) in zip(ours, BOXES, strict=True):
            part = card_model.resize_nv12(
                luma[y : y + height, x : x + width],
                chroma[y // 2 : (y + height) // 2, x // 2 : (x + width) // 2],
                (SIDE, SIDE),
            )
            packed = np.concatenate([part[0], part[1].reshape(-1, SIDE)])[..., None]
            expected = aipp_model.run(config, packed)
            np.testing.assert_allclose(result, expected, atol=1e-6)
        dvpp.acldvppDestroyBatchPicDesc(batch)
        source.free()
        block.close()
        arena.close()
        acl.aclrtResetDevice(0)
