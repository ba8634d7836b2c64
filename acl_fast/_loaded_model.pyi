from collections.abc import Sequence
from types import TracebackType
from typing import Any, final

from acl_fast._aipp_params import PictureInput
from acl_fast._device import Context
from acl_fast._request import Request
from acl_fast._stream import Stream
from acl_fast._tensor import TensorDesc
from acl_fast._types import ArrayLike

GEAR_NAMES: tuple[str | None, ...]

@final
class Model:
    @property
    def device(self) -> Context: ...
    @property
    def inputs(self) -> tuple[TensorDesc, ...]: ...
    @property
    def outputs(self) -> tuple[TensorDesc, ...]: ...
    @property
    def gears(self) -> tuple[str, list[tuple[int, ...]]] | None: ...
    @property
    def model_id(self) -> int: ...
    @property
    def is_closed(self) -> bool: ...
    def create_request(
        self,
        inputs: Sequence[ArrayLike] | None = None,
        outputs: Sequence[ArrayLike] | None = None,
    ) -> Request: ...
    def picture(self, index: int = 0) -> PictureInput | None: ...
    def exclusive(self, stream: Stream | None = None) -> Exclusive: ...
    def replicate(self, count: int) -> list[Model]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Model: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __reduce__(self) -> Any: ...

@final
class Exclusive:
    def __enter__(self) -> Model: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
