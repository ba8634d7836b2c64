from types import TracebackType
from typing import Any, final

from typing_extensions import Self, disjoint_base

from acl_fast._device import Context
from acl_fast._image import Image
from acl_fast._pool import PicturePool

@disjoint_base
class StillPort: ...

@disjoint_base
class StillChannel:
    def __init__(self, device: Context, *, interface: str | None = None) -> None: ...
    @property
    def device(self) -> Context: ...
    @property
    def interface(self) -> str: ...
    @property
    def is_closed(self) -> bool: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __reduce__(self) -> Any: ...

@final
class JpegDecoder(StillChannel):
    def decode(
        self, data: Any, format: str | int = "nv12", *, out: Image | PicturePool | None = None
    ) -> Image: ...
    def decode_png(
        self, data: Any, format: str | int = "rgb", *, out: Image | PicturePool | None = None
    ) -> Image: ...

@final
class JpegEncoder(StillChannel):
    def encode(self, image: Image, quality: int = 95) -> bytes: ...
    def fetch(self, nbytes: int) -> bytes: ...

def decode_png(
    device: Context, data: Any, format: str | int = "rgb", *, interface: str | None = None
) -> Image: ...
