from types import TracebackType
from typing import Any

from typing_extensions import disjoint_base

from acl_fast._device import Context

INTERFACES: tuple[str, ...]
V2_ONLY: tuple[str, ...]

def choose_interface(device: Context, wanted: str | None, function: str) -> str: ...

@disjoint_base
class Port: ...

@disjoint_base
class VideoChannel:
    @property
    def device(self) -> Context: ...
    @property
    def codec(self) -> str: ...
    @property
    def interface(self) -> str: ...
    @property
    def in_flight(self) -> int: ...
    @property
    def is_closed(self) -> bool: ...
    def close(self) -> None: ...
    def __enter__(self) -> Any: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __reduce__(self) -> Any: ...
