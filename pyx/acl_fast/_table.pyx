# distutils: language = c++
"""The backend: which AscendCL library answers, and what it has.

Importing this loads nothing. The first call of any device function does, or :func:`load`.
"""

from acl_fast.errors import AclError, AclImportError

INTERNAL_ERROR = 500000

cdef extern from "acl_fast/table.h" nogil:
    const void *aclfast_table_get()
    aclfast_status aclfast_load()
    int aclfast_has(const char *name)
    void aclfast_backend_info(aclfast_backend *info)
    const char *aclfast_search_log()
    const char *aclfast_load_error()
    const char *aclfast_last_missing()
    void *aclfast_symbol(const char *name)
    void aclfast_set_softnpu_dir(const char *folder)

table = aclfast_table_get()


class BackendError(AclImportError):
    """No AscendCL library could be loaded.

    Attributes
    ----------
    detail : str
        The first cause.
    search_log : str
        Every place tried with its outcome, one line each.
    """

    def __init__(self, detail: str, search_log: str) -> None:
        self.search_log = search_log
        AclError.__init__(self, INTERNAL_ERROR, "aclfast_load", detail)

    def _text(self) -> str:
        return (
            f"no AscendCL library could be loaded: {self.detail}\n"
            "`acl-fast doctor` lists every place tried and what mends it."
        )

    def __reduce__(self):
        return type(self), (self.detail, self.search_log)


cdef bint announced = False


cdef const char *last_missing() noexcept nogil:
    return aclfast_last_missing()


cdef void *symbol(const char *name) noexcept nogil:
    return aclfast_symbol(name)


cdef int ensure() except -1:
    cdef aclfast_status status
    if announced:
        return 0
    with nogil:
        status = aclfast_load()
    if status != ACLFAST_OK:
        raise BackendError(_text(aclfast_load_error), search_log())
    _announce()
    return 0


cdef _announce():
    global announced
    if announced:
        return
    announced = True
    import logging  # heavy, and nothing else of the import needs it

    info = backend_info()
    logging.getLogger("acl_fast").info(
        "backend %s (%s): %s", info["kind"], info["choice"], info["library"]
    )


cdef str _text(const char *(*read)() noexcept nogil):
    cdef const char *text
    with nogil:  # another thread may be loading, which holds the table's lock
        text = read()
    return text.decode(errors="replace")


def load():
    """Load the backend, once for the process, and say in the log which one it is.

    Raises
    ------
    BackendError
        No library was found, each was refused, or an environment variable has an unknown value.
        The message gives the first cause, ``search_log`` every place tried.
    """
    ensure()


def has(name: str) -> bool:
    """Whether the backend implements the C function ``name``; loads the backend.

    Raises
    ------
    ValueError
        The C interface has no function of that name.
    BackendError
        No backend could be loaded.
    """
    ensure()
    cdef bytes encoded = name.encode()
    cdef const char *text = encoded
    cdef int answer
    with nogil:
        answer = aclfast_has(text)
    if answer < 0:
        raise ValueError(f"{name!r} is not a function of the AscendCL interface")
    return answer == 1


def backend_info() -> dict[str, str]:
    """What is loaded: ``kind`` (``"cann"``, ``"softnpu"`` or ``""``), ``library``, ``choice``,
    ``layers``. Loads nothing."""
    cdef aclfast_backend info
    with nogil:
        aclfast_backend_info(&info)
    return {
        "kind": info.kind.decode(),
        "library": info.library.decode(errors="replace"),
        "choice": info.choice.decode(),
        "layers": info.layers.decode(),
    }


def search_log() -> str:
    """Every place tried so far with its outcome, one line each."""
    return _text(aclfast_search_log)


def take_missing() -> str | None:
    """Why the latest call of a missing function on this thread failed; reading clears it."""
    cdef const char *text = aclfast_last_missing()
    return None if text == NULL else text.decode(errors="replace")


def set_softnpu_dir(folder: str) -> None:
    """Take softnpu's libraries from ``folder``; has no effect once a backend is loaded."""
    cdef bytes encoded = folder.encode()
    cdef const char *text = encoded
    with nogil:
        aclfast_set_softnpu_dir(text)
