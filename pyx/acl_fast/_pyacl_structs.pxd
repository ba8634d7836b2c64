# Lists and dicts of pyACL programs as C arrays and structs.

from libc.stddef cimport size_t


# A C array that lives as long as this object.
cdef class Pack:
    cdef void *data
    cdef size_t count


# Room for a text of `nbytes`, and the zero behind it.
cdef Pack pack_room(size_t nbytes)
cdef Pack pack_ints(object values, int size, const char *where, const char *name)
cdef Pack pack_pointers(object values, const char *where, const char *name)
cdef Pack pack_floats(object values, const char *where, const char *name)
cdef Pack pack_texts(object values, const char *where, const char *name)
# As an array of structs, or of pointers to them.
cdef Pack pack_structs(object values, str struct, bint pointers, const char *where,
                       const char *name)
cdef object read_struct(str struct, const void *data)
# Members that are lists of structs live as long as what is put into `held`.
cdef int write_struct(str struct, object value, void *data, const char *where,
                      const char *name, list held=*) except -1
# A struct argument: `local` filled from a dict, NULL for None and 0, or a handle.
cdef void *struct_pointer(str struct, object value, void *local, const char *where,
                          const char *name, list held=*) except? NULL
# Leave out the lengths of lists where the caller gave them.
cdef tuple squeeze(tuple args, Py_ssize_t wanted, tuple counts, const char *where)
