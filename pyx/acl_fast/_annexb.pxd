# The little that must be known of a packet's units.

from libc.stddef cimport size_t


cdef inline bint has_key_picture(const unsigned char *data, size_t nbytes,
                                 bint hevc) noexcept nogil:
    """Whether the first slice of an Annex B packet is of a key frame."""
    cdef size_t i = 0
    cdef int kind
    while i + 3 < nbytes:
        if data[i] != 0 or data[i + 1] != 0 or data[i + 2] != 1:
            i += 1
            continue
        kind = (data[i + 3] >> 1) & 63 if hevc else data[i + 3] & 31
        if hevc and kind < 32:
            return 16 <= kind <= 23
        if not hevc and 1 <= kind <= 5:
            return kind == 5
        i += 3
    return False
