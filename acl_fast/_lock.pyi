"""Only for Cython: see _lock.pxd."""

from typing import final

@final
class Lock: ...
