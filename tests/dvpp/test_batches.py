"""Many areas out of many pictures in one call: each result is what one call for it alone gives."""

from __future__ import annotations

import contextlib
import ctypes as C
import random
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest

from tests.dvpp import card_model, formats
from tests.dvpp.formats import NV12, NV21, RGB, RGBA, Canvas
from tests.dvpp.pictures import dvpp, interpolation, roi, synchronize
from tests.dvpp.test_operations import border
from tests.softnpu_model.acl import counters

Area = tuple[int, int, int, int]  # left, top, width, height
KINDS = ["Crop", "CropResize", "CropAndPaste", "CropResizePaste", "CropResizeMakeBorder"]


class Piece(NamedTuple):
    source: int
    crop: Area
    paste: Area
    result: Canvas
    alone: Canvas


def even(chance: random.Random, low: int, high: int, step: int = 2) -> int:
    return step * chance.randint(-(-low // step), high // step)


def plan(kind: str, sources: list[Canvas], chance: random.Random, count: int) -> list[Piece]:
    pieces = []
    for _ in range(count):
        source = chance.randrange(len(sources))
        width, height = even(chance, 12, 64), even(chance, 8, 48)
        crop = (even(chance, 0, 96 - width), even(chance, 0, 64 - height), width, height)
        size = (width, height)
        if "Resize" in kind:
            size = (even(chance, 12, 80), even(chance, 8, 60))
        paste = (*(0, 0), *size)
        room = size
        if "Paste" in kind:
            room = (112, 80)
            paste = (even(chance, 0, 112 - size[0], 16), even(chance, 0, 80 - size[1]), *size)
        if "Border" in kind:
            room = (size[0] + 16, size[1] + 8)
        pixel_format = chance.choice([NV12, NV21, RGB, RGBA])
        pieces.append(
            Piece(source, crop, paste, Canvas(*room, pixel_format), Canvas(*room, pixel_format))
        )
    return sorted(pieces, key=lambda piece: piece.source)


def fill(batch: C.c_void_p, canvases: list[Canvas]) -> None:
    """Describe pictures in a batch's own descriptors."""
    for i, canvas in enumerate(canvases):
        handle = C.c_void_p(dvpp.acldvppGetPicDesc(batch, i))
        for name, value in (
            ("Data", C.c_void_p(canvas.memory.address)),
            ("Size", canvas.nbytes),
            ("Format", canvas.format),
            ("Width", canvas.width),
            ("Height", canvas.height),
            ("WidthStride", canvas.stride),
            ("HeightStride", canvas.rows),
        ):
            getattr(dvpp, f"acldvppSetPicDesc{name}")(handle, value)


@contextlib.contextmanager
def batch_of(canvases: list[Canvas]) -> Iterator[C.c_void_p]:
    batch = C.c_void_p(dvpp.acldvppCreateBatchPicDesc(len(canvases)))
    fill(batch, canvases)
    yield batch
    codes = [
        dvpp.acldvppGetPicDescRetCode(C.c_void_p(dvpp.acldvppGetPicDesc(batch, i)))
        for i in range(len(canvases))
    ]
    assert not any(codes)
    dvpp.acldvppDestroyBatchPicDesc(batch)


def pointers(handles: list[C.c_void_p]) -> C.Array[C.c_void_p]:
    return (C.c_void_p * len(handles))(*(h.value for h in handles))


@pytest.mark.parametrize("kind", KINDS)
def test_like_one_by_one(channel: C.c_void_p, kind: str) -> None:
    chance = random.Random(kind)
    sources = [
        Canvas(96, 64, f).write(formats.random_planes(96, 64, f, seed=f)) for f in (NV12, RGB, NV21)
    ]
    pieces = plan(kind, sources, chance, 24)
    counts = [sum(p.source == i for p in pieces) for i in range(len(sources))]
    before = counters()["images_processed"]
    with contextlib.ExitStack() as stack:
        cuts = [stack.enter_context(roi(*p.crop)) for p in pieces]
        pastes = [stack.enter_context(roi(*p.paste)) for p in pieces]
        edges = [stack.enter_context(border(i % 4, (4, 4, 8, 8), (1, 2, 3))) for i in range(24)]
        how = stack.enter_context(interpolation())
        batch = stack.enter_context(batch_of(sources))
        results = stack.enter_context(batch_of([p.result for p in pieces]))
        extra: list[object] = [pointers(cuts)]
        extra += [pointers(pastes)] if "Paste" in kind else []
        extra += [pointers(edges)] if "Border" in kind else []
        extra += [how] if "Resize" in kind else []
        call = getattr(dvpp, f"acldvppVpcBatch{kind}Async")
        numbers = (C.c_uint32 * len(counts))(*counts)
        call(channel, batch, numbers, len(counts), results, *extra, None)
        synchronize()
        assert counters()["images_processed"] - before == len(pieces)
        for piece, cut, paste, edge in zip(pieces, cuts, pastes, edges, strict=True):
            source, alone = sources[piece.source].handle, piece.alone
            if "Paste" in kind:
                dvpp.acldvppVpcCropResizePasteAsync(
                    channel, source, alone.handle, cut, paste, how, None
                )
            elif "Border" not in kind:
                dvpp.acldvppVpcCropResizeAsync(channel, source, alone.handle, cut, how, None)
            else:
                _, _, width, height = piece.paste
                with Canvas(width, height, alone.format) as middle:
                    dvpp.acldvppVpcCropResizeAsync(channel, source, middle.handle, cut, how, None)
                    synchronize()
                    with border(edges.index(edge) % 4, (4, 4, 8, 8), (1, 2, 3)) as same:
                        # The colour of a margin follows from where the pixels come from.
                        given = formats_differ(sources[piece.source], alone)
                        if given and edges.index(edge) % 4 == 0:
                            continue
                        dvpp.acldvppVpcMakeBorderAsync(
                            channel, middle.handle, alone.handle, same, None
                        )
                        synchronize()
            synchronize()
            for ours, theirs in zip(piece.result.read(), alone.read(), strict=True):
                np.testing.assert_array_equal(ours, theirs)
            assert piece.result.outside_is_untouched()
    for canvas in [*sources, *(c for p in pieces for c in (p.result, p.alone))]:
        canvas.__exit__()


def formats_differ(source: Canvas, target: Canvas) -> bool:
    return source.format == RGB and target.format in (NV12, NV21)


def test_the_largest_batch(channel: C.c_void_p) -> None:
    """256 areas of one picture, against the model."""
    planes = formats.random_planes(128, 96, NV12)
    with Canvas(128, 96, NV12).write(planes) as source, contextlib.ExitStack() as stack:
        areas = [(2 * (i % 16), 2 * (i // 16), 96, 64) for i in range(256)]
        results = [stack.enter_context(Canvas(32, 16, NV12)) for _ in areas]
        cuts = [stack.enter_context(roi(*area)) for area in areas]
        how = stack.enter_context(interpolation())
        batch = stack.enter_context(batch_of([source]))
        targets = stack.enter_context(batch_of(results))
        numbers = (C.c_uint32 * 1)(256)
        dvpp.acldvppVpcBatchCropResizeAsync(
            channel, batch, numbers, 1, targets, pointers(cuts), how, None
        )
        synchronize()
        chroma = np.stack(planes[1:], -1)
        for (left, top, width, height), result in list(zip(areas, results, strict=True))[::15]:
            luma, uv = card_model.resize_nv12(
                planes[0][top : top + height, left : left + width],
                chroma[top // 2 : (top + height) // 2, left // 2 : (left + width) // 2],
                (32, 16),
            )
            for ours, wanted in zip(result.read(), (luma, uv[..., 0], uv[..., 1]), strict=True):
                np.testing.assert_array_equal(ours, wanted)


@pytest.mark.parametrize(
    ("size", "pixel_format"),
    [((8192, 6), NV12), ((10, 8192), NV12), ((4096, 6), RGBA), ((4096, 6), RGB), ((10, 6), RGB)],
)
def test_the_largest_and_smallest(
    channel: C.c_void_p, size: tuple[int, int], pixel_format: int
) -> None:
    """Sizes and strides at their limits are taken; a copy is a copy."""
    planes = formats.random_planes(*size, pixel_format)
    with (
        Canvas(*size, pixel_format).write(planes) as source,
        Canvas(*size, pixel_format) as target,
        interpolation() as how,
    ):
        dvpp.acldvppVpcResizeAsync(channel, source.handle, target.handle, how, None)
        synchronize()
        for plane, ours in zip(planes, target.read(), strict=True):
            np.testing.assert_array_equal(ours, plane)
        assert target.outside_is_untouched()
