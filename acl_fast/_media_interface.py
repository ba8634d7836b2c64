"""Which of the two media interfaces does the work: V1 (acldvpp, aclvdec, aclvenc) or V2 (hi_mpi).

What a program says comes first, then ``ACL_FAST_MEDIA``, then what the chip has; V1 where it has
both.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from acl_fast import _table

if TYPE_CHECKING:
    from acl_fast._device import Context

INTERFACES = ("v1", "v2")
VARIABLE = "ACL_FAST_MEDIA"

# Chips whose media hardware answers to hi_mpi_* alone.
V2_ONLY = ("Ascend950",)


def choose_interface(
    device: Context, wanted: str | None = None, function: str = "acldvppCreateChannel"
) -> str:
    """Return 'v1' or 'v2'; ``function`` is one of V1 without which V2 is used."""
    source = "interface"
    if wanted is None and (wanted := os.environ.get(VARIABLE) or None) is not None:
        source = VARIABLE
    if wanted is None:
        v2 = device.soc_name.startswith(V2_ONLY) or not _table.has(function)
        return "v2" if v2 else "v1"
    if wanted not in INTERFACES:
        raise ValueError(f"{source} is 'v1' (acldvpp) or 'v2' (hi_mpi), not {wanted!r}")
    return wanted


def memory_kind(interface: str) -> str:
    """Return the kind of memory that the interface allocates for pictures."""
    return "himpi" if interface == "v2" else "dvpp"
