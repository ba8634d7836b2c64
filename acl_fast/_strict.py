"""Copies that nobody asked for: counted, warned about, and under ``af.strict()`` refused."""

from __future__ import annotations

import warnings
from types import TracebackType

from acl_fast.errors import CopyError, CopyWarning

_strict = False
_count = 0
_bytes = 0


class strict:
    """Make every copy that was not asked for a CopyError.

    As a function it holds for the process from then on; as a context manager until the end of the
    block. Copies asked for by name (``upload``, ``download``, ``copy``) are never refused.

    Parameters
    ----------
    enabled : bool

    Examples
    --------
    >>> with strict():
    ...     pass
    """

    def __init__(self, enabled: bool = True) -> None:
        global _strict
        self._before = _strict
        _strict = enabled

    def __enter__(self) -> strict:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global _strict
        _strict = self._before


def copied(nbytes: int, why: str) -> None:
    """Count a copy that is about to be made; warn of it, or refuse it.

    Parameters
    ----------
    nbytes : int
    why : str
        What the caller did that makes the copy necessary.

    Raises
    ------
    CopyError
        Under ``strict()``.
    """
    global _count, _bytes
    if _strict:
        raise CopyError(f"{why} would copy {nbytes} bytes")
    _count += 1
    _bytes += nbytes
    warnings.warn(f"{why} copies {nbytes} bytes", CopyWarning, stacklevel=3)


def fallback_copies() -> dict[str, int]:
    """Return how many copies that nobody asked for were made, and of how many bytes."""
    return {"count": _count, "bytes": _bytes}
