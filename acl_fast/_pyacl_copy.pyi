__all__: list[str]

def memcpy(dst: int, dest_max: int, src: int, count: int, kind: int, /) -> int:
    """Copy and wait. C function: aclrtMemcpy. Releases the GIL."""

def memcpy_async(dst: int, dest_max: int, src: int, count: int, kind: int, stream: int, /) -> int:
    """Queue a copy. C function: aclrtMemcpyAsync. Releases the GIL."""
