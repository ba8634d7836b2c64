"""Types of arguments, for annotations only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias


class DLPackSource(Protocol):
    """An object that shares its memory through DLPack."""

    def __dlpack__(self, *, stream: Any = None) -> Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...


ShapeLike: TypeAlias = int | Sequence[int]
DTypeLike: TypeAlias = Any
"""A name, a numpy dtype or scalar type, or an aclDataType value."""
ArrayLike: TypeAlias = Any
"""A Buffer, a numpy array, an object with the buffer protocol or ``__dlpack__``, or a sequence."""
