"""acl_fast: models on Ascend NPUs without copying a frame and without holding the GIL.

Nothing is loaded by importing it: a name brings its module when it is first used, and the backend
is found when the first device is opened.

>>> import acl_fast as af
>>> device = af.Device(0)
>>> stream = device.create_stream()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from acl_fast._version import __version__

if TYPE_CHECKING:
    from acl_fast import softnpu
    from acl_fast._aipp_params import AippParams, PictureInput
    from acl_fast._arena import Arena
    from acl_fast._binding import Dataset, TensorBinding
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
    "AippParams",
    "Arena",
    "BackendError",
    "Buffer",
    "ClosedError",
    "Context",
    "CopyError",
    "CopyWarning",
    "Dataset",
    "Device",
    "Event",
    "ForkError",
    "Info",
    "Model",
    "NotReadyError",
    "PictureInput",
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

# Where each name is from; public modules are their own.
_NAMES = {
    "_aipp_params": ["AippParams", "PictureInput"],
    "_arena": ["Arena"],
    "_binding": ["Dataset", "TensorBinding"],
    "_copy": ["copy"],
    "_device": ["Context", "Device"],
    "_info": ["Info", "get_cython_include", "get_include", "info"],
    "_interop": ["from_buffer", "from_dlpack"],
    "_memory": ["Buffer"],
    "_model": ["Model", "Request"],
    "_runtime": ["run_mode", "set_context_recheck"],
    "_stream": ["Event", "Stream"],
    "_strict": ["fallback_copies", "strict"],
    "_table": ["BackendError", "has"],
    "_tensor": ["TensorDesc"],
    "errors": [
        "AclError",
        "AclImportError",
        "AclIndexError",
        "AclMemoryError",
        "AclModelError",
        "AclTimeoutError",
        "AclValueError",
        "AclWarning",
        "ClosedError",
        "CopyError",
        "CopyWarning",
        "ForkError",
        "NotReadyError",
        "UnsupportedError",
    ],
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}
_MODULES = ("abi", "errors", "softnpu")

if not TYPE_CHECKING:  # to a type checker it would say that any name exists

    def __getattr__(name: str) -> Any:
        """Import what ``name`` needs and keep it: the next look-up finds it in the module."""
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
