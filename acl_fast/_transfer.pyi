"""Only for Cython: see _transfer.pxd."""

from typing import final

@final
class Staging: ...

@final
class Lease: ...
