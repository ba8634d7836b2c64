from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any, final

from acl_fast._channel import VideoChannel
from acl_fast._device import Context
from acl_fast._image import Image
from acl_fast._pool import PicturePool

CODECS: dict[str, bool]
STARVED_AFTER: float

@final
class VideoDecoder(VideoChannel):
    def __init__(
        self,
        device: Context,
        codec: str = "h264",
        *,
        width: int | None = None,
        height: int | None = None,
        format: str | int = "nv12",
        pool: PicturePool | None = None,
        interface: str | None = None,
        source_size: tuple[int, int] | None = None,
    ) -> None: ...
    @property
    def pool(self) -> PicturePool: ...
    @property
    def damaged(self) -> int: ...
    def send(self, packet: Any, pts: Any = None) -> None: ...
    def receive(self, timeout: float | None = 0) -> Image | None: ...
    def decode(self, packets: Iterable[Any]) -> Iterator[Image]: ...
    def run(self, items: Iterable[Any], callback: Callable[[Image], object]) -> None: ...
    def decode_async(self, packets: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Image]: ...
    def __enter__(self) -> VideoDecoder: ...
