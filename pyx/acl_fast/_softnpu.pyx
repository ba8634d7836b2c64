"""Reading softnpu itself: what it has counted, and what it can do."""

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t

from acl_fast._table cimport symbol

from acl_fast import _table

ctypedef size_t (*CountFunction)() noexcept nogil
ctypedef const char *(*NameFunction)(size_t) noexcept nogil
ctypedef uint64_t (*ValueFunction)(size_t) noexcept nogil
ctypedef void (*ResetFunction)() noexcept nogil
ctypedef const char *(*VersionFunction)() noexcept nogil
ctypedef const char *(*EngineFunction)(const char *) noexcept nogil
ctypedef unsigned int (*UnsupportedFunction)(const char **, unsigned int) noexcept nogil

cdef void *find(const char *name) except NULL:
    """Find a function of softnpu in the library that is loaded."""
    cdef void *function
    _table.load()
    kind = _table.backend_info()["kind"]
    if kind != "softnpu":
        raise RuntimeError(f"the backend is {kind}, not softnpu: set ACL_FAST_BACKEND=softnpu "
                           "before the first use")
    function = symbol(name)
    if function == NULL:
        raise ImportError(f"this softnpu has no {name.decode()}: rebuild it with acl_fast")
    return function


def counters():
    """Return every counter of softnpu by name.

    Returns
    -------
    dict of str to int
        ``live_...`` follow objects that exist; the others only grow.
    """
    cdef CountFunction count = <CountFunction>find(b"softnpuCounterCount")
    cdef NameFunction name = <NameFunction>find(b"softnpuCounterName")
    cdef ValueFunction value = <ValueFunction>find(b"softnpuCounterValue")
    cdef size_t i
    return {name(i).decode(): value(i) for i in range(count())}


def reset_counters():
    """Set the counters that only grow to 0."""
    cdef ResetFunction reset = <ResetFunction>find(b"softnpuResetCounters")
    reset()


def version():
    """Return softnpu's own version, as ``"major.minor.patch"``."""
    cdef VersionFunction read = <VersionFunction>find(b"softnpuVersion")
    return read().decode()


def unsupported_calls():
    """Return the names of the unimplemented functions that were called so far, each once."""
    cdef UnsupportedFunction read = <UnsupportedFunction>find(b"softnpuUnsupportedCalls")
    cdef const char *names[1024]
    cdef unsigned int count = min(read(names, 1024), <unsigned int>1024)
    return [names[i].decode() for i in range(count)]


def engines():
    """Return the media engines by name: the library behind each and its version.

    Returns
    -------
    dict of str to str
        Where softnpu lacks an engine: ``"missing: "``, why, and how to get it.
    """
    cdef EngineFunction version_of = <EngineFunction>find(b"softnpuEngineVersion")
    cdef EngineFunction problem_of = <EngineFunction>find(b"softnpuEngineProblem")
    cdef const char *text
    found = {}
    for kind in ("image", "scale", "video"):
        name = kind.encode()
        text = version_of(name)
        found[kind] = text.decode() if text != NULL else f"missing: {problem_of(name).decode()}"
    return found
