"""Scale, crop and convert pictures on the device.

Every function takes ``stream``: with it the work is queued there and the result is to be read only
after the stream has been synchronized; without it the call waits, with the GIL released. Each
device and stream has a Vpc of its own, made at first use; ``close_all()`` gives them back.

Pictures in memory of the second media interface (``Image.kind`` 'himpi') go through it, so that
a chain stays in the interface in which it began; see ``Vpc`` for what streams mean there.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from acl_fast._vpc import Vpc

if TYPE_CHECKING:
    from acl_fast._device import Context
    from acl_fast._image import Image
    from acl_fast._pool import PicturePool
    from acl_fast._stream import Stream
    from acl_fast.media._letterbox import Letterbox

    Box = tuple[int, int, int, int]
    Target = Image | PicturePool | None

_lock = threading.Lock()
# By interface; None is the one that the device is used with.
_of_device: WeakKeyDictionary[Context, dict[str | None, Vpc]] = WeakKeyDictionary()
# By handle: the Vpc holds its stream, so weak keys would never let either go.
_of_stream: dict[tuple[int, str | None], tuple[Stream, Vpc]] = {}


def _vpc(image: Image, stream: Stream | None) -> Vpc:
    """Return the Vpc of a stream, or the waiting one of the image's device."""
    interface = "v2" if image.kind == "himpi" else None
    with _lock:
        if stream is None:
            kept = _of_device.setdefault(image.device, {})
            found = kept.get(interface)
            if found is None or found.is_closed:
                found = kept[interface] = Vpc(image.device, interface=interface)
            return found
        key = stream.handle, interface
        pair = _of_stream.get(key)
        if pair is None or pair[0] is not stream:
            _drop_closed()
            pair = _of_stream[key] = (stream, Vpc(image.device, stream, interface=interface))
        return pair[1]


def _drop_closed() -> None:
    for key, (stream, vpc) in list(_of_stream.items()):
        if stream.is_closed:
            vpc.close()
            del _of_stream[key]


def close_all() -> None:
    """Close the Vpc objects of this module; the next call makes new ones."""
    with _lock:
        waiting = [vpc for kept in _of_device.values() for vpc in kept.values()]
        for vpc in [*waiting, *(vpc for _, vpc in _of_stream.values())]:
            vpc.close()
        _of_device.clear()
        _of_stream.clear()


def resize(
    image: Image,
    width: int | None = None,
    height: int | None = None,
    *,
    out: Target = None,
    stream: Stream | None = None,
) -> Image:
    """Scale a picture, or the region of a crop view; see ``Vpc.resize()``."""
    return _vpc(image, stream).resize(image, width, height, out=out)


def crop(
    image: Image,
    left: int | None = None,
    top: int | None = None,
    width: int | None = None,
    height: int | None = None,
    *,
    out: Target = None,
    stream: Stream | None = None,
) -> Image:
    """Copy a region into a picture of its own; see ``Vpc.crop()``."""
    return _vpc(image, stream).crop(image, left, top, width, height, out=out)


def crop_resize(
    image: Image,
    box: Box,
    width: int | None = None,
    height: int | None = None,
    *,
    out: Target = None,
    stream: Stream | None = None,
) -> Image:
    """Scale the region ``box``, (left, top, width, height); see ``Vpc.crop_resize()``."""
    return _vpc(image, stream).crop_resize(image, box, width, height, out=out)


def letterbox(
    image: Image,
    width: int,
    height: int,
    *,
    out: Target = None,
    fill: int = 128,
    stream: Stream | None = None,
) -> tuple[Image, Letterbox]:
    """Scale a picture into a frame and keep its proportions; see ``Vpc.letterbox()``."""
    return _vpc(image, stream).letterbox(image, width, height, out=out, fill=fill)


def convert(
    image: Image,
    format: str | int | None = None,
    *,
    out: Target = None,
    stream: Stream | None = None,
) -> Image:
    """Convert the pixel format; see ``Vpc.convert()``."""
    return _vpc(image, stream).convert(image, format, out=out)


def batch_crop_resize(
    images: Image | Sequence[Image],
    boxes: Sequence[Any],
    width: int | None = None,
    height: int | None = None,
    *,
    out: PicturePool | Sequence[Image] | None = None,
    stream: Stream | None = None,
) -> list[Image]:
    """Scale many regions of many pictures in one task; see ``Vpc.batch_crop_resize()``."""
    first = images[0] if isinstance(images, Sequence) else images
    return _vpc(first, stream).batch_crop_resize(images, boxes, width, height, out=out)
