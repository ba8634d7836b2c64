"""Pictures and video on the device: decode, scale, encode, and hand pictures to models in place.

>>> import acl_fast as af
>>> from acl_fast import media
>>> device = af.Device(0)
>>> picture = media.Image.empty(device, 1280, 720)
>>> small = media.vpc.resize(picture, 416, 416)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acl_fast._image import Image
    from acl_fast._jpeg import JpegDecoder, JpegEncoder, decode_png
    from acl_fast._picdesc import FORMATS
    from acl_fast._pool import PicturePool
    from acl_fast._vdec import VideoDecoder
    from acl_fast._venc import Packet, VideoEncoder
    from acl_fast._vpc import INTERPOLATIONS, Vpc
    from acl_fast.media import vpc
    from acl_fast.media._letterbox import Letterbox
    from acl_fast.media._source import VideoSource, open_video, split_annexb

__all__ = [
    "FORMATS",
    "INTERPOLATIONS",
    "Image",
    "JpegDecoder",
    "JpegEncoder",
    "Letterbox",
    "Packet",
    "PicturePool",
    "VideoDecoder",
    "VideoEncoder",
    "VideoSource",
    "Vpc",
    "decode_png",
    "open_video",
    "split_annexb",
    "vpc",
]

_MODULE_OF = {
    "FORMATS": "acl_fast._picdesc",
    "INTERPOLATIONS": "acl_fast._vpc",
    "Image": "acl_fast._image",
    "JpegDecoder": "acl_fast._jpeg",
    "JpegEncoder": "acl_fast._jpeg",
    "Letterbox": "acl_fast.media._letterbox",
    "Packet": "acl_fast._venc",
    "PicturePool": "acl_fast._pool",
    "VideoDecoder": "acl_fast._vdec",
    "VideoEncoder": "acl_fast._venc",
    "VideoSource": "acl_fast.media._source",
    "Vpc": "acl_fast._vpc",
    "decode_png": "acl_fast._jpeg",
    "open_video": "acl_fast.media._source",
    "split_annexb": "acl_fast.media._source",
}

if not TYPE_CHECKING:  # to a type checker it would say that any name exists

    def __getattr__(name: str) -> Any:
        """Import what ``name`` needs and keep it."""
        if name == "vpc":
            return import_module(f"{__name__}.vpc")
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_MODULE_OF[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
