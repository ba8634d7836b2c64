"""The exceptions of acl_fast: one class per kind of failure, each also a built-in one.

Every exception made from an error code carries ``code``, ``name``, ``function`` and ``detail``, and
its text names the function, the code by name, the vendor's own words and what to do.
"""

from __future__ import annotations

from typing import Any

from acl_fast._codes_gen import CODES

__all__ = [
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
    "error_from_code",
]


class AclWarning(RuntimeWarning):
    """Something went wrong where no exception can be raised."""


class CopyWarning(AclWarning):
    """A copy was made that the caller did not ask for; ``af.strict()`` makes it an error."""


class AclError(RuntimeError):
    """A function of the C interface failed.

    Parameters
    ----------
    code : int
        The error code.
    function : str
        The C function that returned it.
    detail : str
        The library's own text about this failure, empty when it gave none.

    Attributes
    ----------
    name : str
        The code by name, such as ``ACL_ERROR_INVALID_PARAM``.
    """

    def __init__(self, code: int, function: str, detail: str = "") -> None:
        self.code = code
        self.name = code_name(code)
        self.function = function
        self.detail = detail
        RuntimeError.__init__(self, self._text())

    def _text(self) -> str:
        text = f"{self.function} failed: {self.name} ({self.code})"
        if self.detail:
            text += f": {self.detail.rstrip()}"
        advice = ADVICE.get(207001 if isinstance(self, AclMemoryError) else self.code)
        return f"{text}\n{advice}" if advice else text

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.function, self.detail)


class AclValueError(AclError, ValueError):
    """An argument was refused: a null handle, a bad size, an unknown option."""


class AclIndexError(AclError, IndexError):
    """There is no such device, tensor or gear."""


class AclMemoryError(AclError, MemoryError):
    """Device or pinned memory is exhausted."""


class AclTimeoutError(AclError, TimeoutError):
    """The time given was over before the work was done; the work goes on."""


class AclModelError(AclError, ValueError):
    """A model could not be loaded, described or executed."""


class UnsupportedError(AclError, NotImplementedError):
    """This library or device does not have the function or feature."""


class AclImportError(AclError, ImportError):  # type: ignore[misc]
    """No library with the C interface could be loaded."""


class ForkError(RuntimeError):
    """The process is the child of a fork, where a device cannot be used."""

    def __init__(
        self,
        message: str = (
            "the device was opened before this process was forked, and a forked child cannot use "
            "it: start workers with multiprocessing.get_context('spawn'), or open the device "
            "only in the child"
        ),
    ) -> None:
        super().__init__(message)


class ClosedError(ValueError):
    """The object was closed before."""


class NotReadyError(RuntimeError):
    """The work that writes (or reads) this memory has not completed."""


class CopyError(BufferError):
    """Under ``af.strict()``: a copy would have been made that the caller did not ask for."""


ADVICE = {
    100000: "Check the arguments: a handle or pointer is null, a size is 0, or a value is unknown.",
    100001: "Open a device first: acl_fast.Device(0).",
    107000: "An argument is outside the accepted range, or a handle was destroyed before.",
    107001: "See acl_fast.Device.count() for how many devices there are.",
    107002: "This thread has no context: use an object of acl_fast (it binds its own) or call "
    "Device.make_current().",
    107003: "The stream belongs to another context than the current one: use objects of one "
    "device together.",
    107019: "The wait was given up; the work itself goes on.",
    145000: "Check the number of buffers against the model's inputs and outputs.",
    145002: "Check that the path names a readable model made for this backend (acl-fast atc, "
    "or CANN's atc for a real NPU).",
    145003: "The model was unloaded, or belongs to another process.",
    145013: "The value is not among the gears the model was converted with: see Model.gears.",
    200001: "The backend's version lacks this function: acl-fast info shows the version.",
    200006: "The backend lacks this function: acl_fast.has(name) tells beforehand.",
    207001: "Free buffers or requests that are no longer needed; acl_fast.info() shows the memory.",
    500002: "The model layer refused the work: check buffer sizes, and that one model is not run "
    "synchronously and asynchronously in turn through foreign code.",
    507046: "The stream is still working: synchronize again or give more time.",
    507047: "The event has not happened yet: wait again or give more time.",
}

# hi_mpi functions return 0xA0MM80EE as a signed number; MM is the module, EE says what is wrong.
_HIMPI: dict[int, type[AclError]] = {
    0x01: AclIndexError,
    0x03: AclValueError,
    0x06: AclValueError,
    0x08: UnsupportedError,
    0x0C: AclMemoryError,
    0x14: AclTimeoutError,
}

_MEMORY = {200000, 207001, 207005, 207018, 245000}
_TIMEOUT = {100036, 107019, 107020, 507012, 507046, 507047, 545601}
_UNSUPPORTED = {200001, 200006, 200007, 207000, 148050}
_INDEX = {107001, 200002, 145013}
_VALUE = {100000, 107000, 107003, 107016, 107017, 107018, 200003, 200004, 200005}


def code_name(code: int) -> str:
    """Return the name of an error code; unknown ones are written as ``ACL_ERROR_<code>``."""
    return CODES.get(code) or f"ACL_ERROR_{code}"


def class_of(code: int) -> type[AclError]:
    """Return the exception class for an error code."""
    if code < 0:
        return _HIMPI.get(code & 0xFF, AclError)
    for codes, cls in (
        (_INDEX, AclIndexError),
        (_MEMORY, AclMemoryError),
        (_TIMEOUT, AclTimeoutError),
        (_UNSUPPORTED, UnsupportedError),
        (_VALUE, AclValueError),
    ):
        if code in codes:
            return cls
    if code // 1000 in (145, 148, 245, 345, 545) or 100003 <= code <= 100019:
        return AclModelError
    return AclError


def error_from_code(code: int, function: str, detail: str = "") -> AclError:
    """Make the exception for an error code.

    Parameters
    ----------
    code : int
        The error code, not 0.
    function : str
        Name of the C function that returned it.
    detail : str
        What ``aclGetRecentErrMsg`` said right after the call.
    """
    return class_of(code)(code, function, detail)
