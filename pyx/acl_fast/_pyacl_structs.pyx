"""Lists and dicts of pyACL programs as C arrays and structs.

A struct is a dict of its members: nested structs are dicts, arrays lists, pointers ints. Missing
keys are 0 and unknown ones ignored; of a union, the member that is given is written. Where a struct
points to an array of others, a list of dicts may stand for it. A dict that a
function returned may be changed and given back: what was not changed stays as it was, so that the
other members of a union do not write over the one that was.
"""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from acl_fast._pyacl_args cimport as_double, as_u64, text_from

cdef enum:
    MOST_TEXT = 1 << 20

cdef dict layouts = None


cdef tuple layout_of(str struct):
    """(bytes, members) of a struct; read at first use, since most programs need none."""
    global layouts
    if layouts is None:
        from acl_fast.pyacl._layouts_gen import LAYOUTS
        layouts = LAYOUTS
    return layouts[struct]


cdef class Pack:
    """A C array; internal."""

    def __dealloc__(self):
        free(self.data)


cdef Pack new_pack(object values, size_t size, const char *where, const char *name):
    cdef Pack pack = Pack.__new__(Pack)
    if values is None:
        return pack  # NULL
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        raise TypeError(f"{where.decode()}(): {name.decode()} is a list, not "
                        f"{type(values).__name__}")
    pack.count = <size_t>len(values)
    pack.data = calloc(pack.count + 1, size)
    if pack.data == NULL:
        raise MemoryError()
    return pack


cdef Pack pack_room(size_t nbytes):
    cdef Pack pack = Pack.__new__(Pack)
    if nbytes > MOST_TEXT:
        raise ValueError(f"a text of {nbytes} bytes is more than {MOST_TEXT}")
    pack.data = calloc(nbytes + 1, 1)
    if pack.data == NULL:
        raise MemoryError()
    return pack


cdef Pack pack_ints(object values, int size, const char *where, const char *name):
    if isinstance(values, (list, tuple)) and values and isinstance(values[0], (list, tuple)):
        values = flat(values)
    cdef Pack pack = new_pack(values, <size_t>size, where, name)
    cdef char *place = <char *>pack.data
    for value in (() if values is None else values):
        put_int(place, as_u64(value, where, name), size)
        place += size
    return pack


cdef Pack pack_pointers(object values, const char *where, const char *name):
    return pack_ints(values, sizeof(void *), where, name)


cdef Pack pack_floats(object values, const char *where, const char *name):
    cdef Pack pack = new_pack(values, sizeof(float), where, name)
    cdef float *place = <float *>pack.data
    for value in (() if values is None else values):
        place[0] = <float>as_double(value, where, name)
        place += 1
    return pack


cdef Pack pack_texts(object values, const char *where, const char *name):
    """The texts' memory belongs to the list's items."""
    cdef Pack pack = new_pack(values, sizeof(char *), where, name)
    cdef const char **place = <const char **>pack.data
    for value in (() if values is None else values):
        place[0] = text_from(value, where, name)
        place += 1
    return pack


cdef Pack pack_structs(object values, str struct, bint pointers, const char *where,
                       const char *name):
    cdef size_t size = layout_of(struct)[0]
    cdef Pack pack
    cdef size_t index, start
    if isinstance(values, dict):
        values = [values]
    # Pointers first, the structs behind them.
    pack = new_pack(values, size + (sizeof(void *) if pointers else 0), where, name)
    start = pack.count * sizeof(void *) if pointers else 0
    for index, value in enumerate(() if values is None else values):
        write_struct(struct, value, <char *>pack.data + start + index * size, where, name)
        if pointers:
            (<void **>pack.data)[index] = <char *>pack.data + start + index * size
    return pack


cdef void put_int(void *place, uint64_t value, int size) noexcept:
    # Little-endian, as every machine with such a device is.
    memcpy(place, &value, <size_t>size)


cdef object get_int(const void *place, int size, bint is_signed):
    cdef uint64_t value = 0
    cdef int unused = 64 - 8 * size
    memcpy(&value, place, <size_t>size)
    if is_signed:
        return <int64_t>(value << unused) >> unused
    return value


class Struct(dict):
    """The members of a C struct, and the bytes they were read from."""
    __slots__ = ("raw",)


cdef int write_struct(str struct, object value, void *data, const char *where,
                      const char *name, list held=None) except -1:
    cdef size_t total
    cdef bytes raw
    before = None
    if not isinstance(value, dict):
        raise TypeError(f"{where.decode()}(): {name.decode()} is a dict of {struct}, not "
                        f"{type(value).__name__}")
    total = layout_of(struct)[0]
    if isinstance(value, Struct) and len(value.raw) == total:
        raw = value.raw
        memcpy(data, <const char *>raw, total)
        before = read_struct(struct, <const char *>raw)
    for member, offset, kind, size, count in layout_of(struct)[1]:
        if member in value and (before is None or value[member] != before[member]):
            if held is not None and kind[0] == "*" and isinstance(value[member], (list, tuple)):
                write_list(kind[1:], value, member, <char *>data + <size_t>offset, where, name,
                           held)
                continue
            write_member(kind, size, count, value[member], <char *>data + <size_t>offset, where,
                         name)
    return 0


cdef int write_list(str struct, dict value, str member, char *place, const char *where,
                    const char *name, list held) except -1:
    """An array that a struct points to, of as many elements as the struct says."""
    items = value[member]
    if as_u64(value.get("count", 0), where, name) > <uint64_t>len(items):
        raise ValueError(f"{where.decode()}(): {name.decode()} has a count of {value['count']} "
                         f"and {len(items)} in {member}")
    cdef Pack pack = pack_structs(items, struct, False, where, name)
    held.append(pack)
    (<void **>place)[0] = pack.data
    return 0


cdef int write_member(str kind, int size, Py_ssize_t count, object value, char *place,
                      const char *where, const char *name) except -1:
    if kind == "text":
        text = value.encode() if isinstance(value, str) else bytes(value)
        memcpy(place, <const char *>text, <size_t>min(len(text), size - 1))
        return 0
    if count:
        items = flat(value)
        if len(items) > count:
            raise ValueError(f"{where.decode()}(): {name.decode()} has a list of {len(items)} "
                             f"where {count} are the most")
        for item in items:
            write_member(kind, size, 0, item, place, where, name)
            place += size
        return 0
    if kind == "f":
        if size == 4:
            (<float *>place)[0] = <float>as_double(value, where, name)
        else:
            (<double *>place)[0] = as_double(value, where, name)
        return 0
    if kind in ("u", "i", "p", "s") or kind[0] == "*":
        put_int(place, as_u64(0 if value is None else value, where, name), size)
        return 0
    return write_struct(kind, value, place, where, name)


cdef list flat(object value):
    """The numbers of nested lists in order."""
    result = []
    for item in value:
        if isinstance(item, (list, tuple)):
            result.extend(flat(item))
        else:
            result.append(item)
    return result


cdef object read_struct(str struct, const void *data):
    cdef uintptr_t place
    result = Struct()
    result.raw = (<const char *>data)[:<size_t>layout_of(struct)[0]]
    for member, offset, kind, size, count in layout_of(struct)[1]:
        place = <uintptr_t>(<const char *>data + <size_t>offset)
        if kind == "text":
            text = (<const char *>place)[:size]
            result[member] = text.split(b"\0", 1)[0].decode("utf-8", "replace")
        elif count:
            result[member] = [read_member(kind, size, place + <uintptr_t>(index * size))
                              for index in range(count)]
        else:
            result[member] = read_member(kind, size, place)
    return result


cdef object read_member(str kind, int size, uintptr_t place):
    if kind == "f":
        return (<float *>place)[0] if size == 4 else (<double *>place)[0]
    if kind in ("u", "i", "p", "s") or kind[0] == "*":
        return get_int(<void *>place, size, kind == "i")
    return read_struct(kind, <void *>place)


cdef void *struct_pointer(str struct, object value, void *local, const char *where,
                          const char *name, list held=None) except? NULL:
    if value is None:
        return NULL
    # A handle that happens to be declared as a struct; other addresses would be read unchecked.
    if not isinstance(value, dict) and (struct.endswith("Handle") or value == 0):
        return <void *><uintptr_t>as_u64(value, where, name)
    memset(local, 0, layout_of(struct)[0])
    write_struct(struct, value, local, where, name, held)
    return local


cdef tuple squeeze(tuple args, Py_ssize_t wanted, tuple counts, const char *where):
    cdef Py_ssize_t full = wanted + len(counts)
    if len(args) == wanted:
        return args
    if len(args) == full:
        return tuple([arg for place, arg in enumerate(args) if place not in counts])
    if wanted < len(args) < full:
        # Some lengths without the others, as acl.op.infer_shape has it: they are no lists.
        spare, left, kept = len(args) - wanted, list(args), []
        for place in range(full):
            if place not in counts:
                kept.append(left.pop(0))
            elif spare and left and isinstance(left[0], int):
                del left[0]
                spare -= 1
            if not left:
                break
        if len(kept) == wanted and not left:
            return tuple(kept)
    raise TypeError(f"{where.decode()}() takes {wanted} arguments, or {full} with the lengths of "
                    f"its lists, not {len(args)}")
