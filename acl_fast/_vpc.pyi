from collections.abc import Sequence
from types import TracebackType
from typing import Any, final

from typing_extensions import disjoint_base

from acl_fast._device import Context
from acl_fast._image import Image
from acl_fast._pool import PicturePool
from acl_fast._stream import Stream
from acl_fast.media._letterbox import Letterbox

INTERPOLATIONS: dict[str, int]

@disjoint_base
class VpcPort: ...

@final
class Vpc:
    def __init__(
        self,
        device: Context,
        stream: Stream | None = None,
        *,
        interpolation: str | int = "default",
        interface: str | None = None,
    ) -> None: ...
    @property
    def device(self) -> Context: ...
    @property
    def interface(self) -> str: ...
    @property
    def is_closed(self) -> bool: ...
    def release(self) -> None: ...
    def set_interpolation(self, interpolation: str | int) -> None: ...
    def resize(
        self,
        source: Image,
        width: int | None = None,
        height: int | None = None,
        *,
        out: Image | PicturePool | None = None,
        format: str | int | None = None,
    ) -> Image: ...
    def crop(
        self,
        source: Image,
        left: int | None = None,
        top: int | None = None,
        width: int | None = None,
        height: int | None = None,
        *,
        out: Image | PicturePool | None = None,
    ) -> Image: ...
    def crop_resize(
        self,
        source: Image,
        box: tuple[int, int, int, int],
        width: int | None = None,
        height: int | None = None,
        *,
        out: Image | PicturePool | None = None,
    ) -> Image: ...
    def paste(
        self, source: Image, left: int, top: int, width: int, height: int, *, out: Image
    ) -> Image: ...
    def letterbox(
        self,
        source: Image,
        width: int,
        height: int,
        *,
        out: Image | PicturePool | None = None,
        fill: int = 128,
    ) -> tuple[Image, Letterbox]: ...
    def convert(
        self,
        source: Image,
        format: str | int | None = None,
        *,
        out: Image | PicturePool | None = None,
    ) -> Image: ...
    def batch_crop_resize(
        self,
        sources: Image | Sequence[Image],
        boxes: Sequence[Any],
        width: int | None = None,
        height: int | None = None,
        *,
        out: PicturePool | Sequence[Image] | None = None,
    ) -> list[Image]: ...
    def submit_batch(
        self, sources: list[Image], counts: list[int], regions: list[Image], images: list[Image]
    ) -> None: ...
    def close(self) -> None: ...
    def __enter__(self) -> Vpc: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __reduce__(self) -> Any: ...
