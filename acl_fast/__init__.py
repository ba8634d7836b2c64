"""acl_fast: models on Ascend NPUs without copying a frame and without holding the GIL.

Nothing is loaded by importing it: the backend is found when the first device is opened.

>>> import acl_fast as af
>>> device = af.Device(0)
>>> stream = device.create_stream()
"""

from __future__ import annotations

from acl_fast import softnpu
from acl_fast._arena import Arena
from acl_fast._binding import Bindings, TensorBinding
from acl_fast._copy import copy
from acl_fast._device import Context, Device
from acl_fast._info import Info, get_cython_include, get_include, info
from acl_fast._interop import from_buffer, from_dlpack
from acl_fast._memory import Buffer
from acl_fast._model import Model, Request
from acl_fast._runtime import run_mode, set_context_recheck
from acl_fast._stream import Event, Stream
from acl_fast._strict import fallback_copies, strict
from acl_fast._table import BackendError, has
from acl_fast._tensor import TensorDesc
from acl_fast._version import __version__
from acl_fast.errors import (
    AclError,
    AclImportError,
    AclIndexError,
    AclMemoryError,
    AclModelError,
    AclTimeoutError,
    AclValueError,
    AclWarning,
    ClosedError,
    CopyError,
    CopyWarning,
    ForkError,
    NotReadyError,
    UnsupportedError,
)

__all__ = [
    "AclError",
    "AclImportError",
    "AclIndexError",
    "AclMemoryError",
    "AclModelError",
    "AclTimeoutError",
    "AclValueError",
    "AclWarning",
    "Arena",
    "BackendError",
    "Bindings",
    "Buffer",
    "ClosedError",
    "Context",
    "CopyError",
    "CopyWarning",
    "Device",
    "Event",
    "ForkError",
    "Info",
    "Model",
    "NotReadyError",
    "Request",
    "Stream",
    "TensorBinding",
    "TensorDesc",
    "UnsupportedError",
    "__version__",
    "copy",
    "fallback_copies",
    "from_buffer",
    "from_dlpack",
    "get_cython_include",
    "get_include",
    "has",
    "info",
    "run_mode",
    "set_context_recheck",
    "softnpu",
    "strict",
]
