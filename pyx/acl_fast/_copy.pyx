"""Copies between any two memories."""

from acl_fast._memory cimport Buffer
from acl_fast._stream cimport Stream


def copy(dst, src, Stream stream=None):
    """Copy tensor memory, between any two kinds and devices.

    C functions: aclrtMemcpy, aclrtMemcpyAsync. The GIL is released.

    Parameters
    ----------
    dst, src : Buffer or array_like
        Same dtype and number of elements; at least one is a Buffer.
    stream : Stream, optional
        Queue the copy there; a destination must be a Buffer then. Host sources that are not pinned
        are first copied to pinned memory.

    Raises
    ------
    TypeError, ValueError
        dtype or size differ.
    """
    if dst is None or src is None:
        raise TypeError("copy() needs a destination and a source, not None")
    if isinstance(dst, Buffer):
        (<Buffer>dst).upload(src, stream)
    elif isinstance(src, Buffer):
        (<Buffer>src).download(dst, stream)
    else:
        raise TypeError("copy() needs a Buffer on one side at least; numpy.copyto() copies between "
                        "arrays")
