"""Element types and tensor descriptions."""

import sys

cimport cython
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport strcmp

cdef DType DTYPES[16]
DTYPES[0] = DType(0, b"float32", 4, b"f", 2, 32)
DTYPES[1] = DType(1, b"float16", 2, b"e", 2, 16)
DTYPES[2] = DType(2, b"int8", 1, b"b", 0, 8)
DTYPES[3] = DType(3, b"int32", 4, b"i", 0, 32)
DTYPES[4] = DType(4, b"uint8", 1, b"B", 1, 8)
DTYPES[5] = DType(6, b"int16", 2, b"h", 0, 16)
DTYPES[6] = DType(7, b"uint16", 2, b"H", 1, 16)
DTYPES[7] = DType(8, b"uint32", 4, b"I", 1, 32)
DTYPES[8] = DType(9, b"int64", 8, b"q", 0, 64)
DTYPES[9] = DType(10, b"uint64", 8, b"Q", 1, 64)
DTYPES[10] = DType(11, b"float64", 8, b"d", 2, 64)
DTYPES[11] = DType(12, b"bool", 1, b"?", 6, 8)
DTYPES[12] = DType(16, b"complex64", 8, b"Zf", 5, 64)
DTYPES[13] = DType(17, b"complex128", 16, b"Zd", 5, 128)
# PEP 3118 has no letter for bfloat16: memoryviews see the raw 16 bits.
DTYPES[14] = DType(27, b"bfloat16", 2, b"H", 4, 16)
cdef int DTYPE_COUNT = 15

# Names of aclFormat values; the header lists these.
cdef dict FORMATS = {
    -1: "UNDEFINED", 0: "NCHW", 1: "NHWC", 2: "ND", 3: "NC1HWC0", 4: "FRACTAL_Z",
    12: "NC1HWC0_C04", 16: "HWCN", 27: "NDHWC", 29: "FRACTAL_NZ", 30: "NCDHW", 32: "NDC1HWC0",
    33: "FRACTAL_Z_3D", 35: "NC", 47: "NCL",
}


cdef const DType *dtype_from_code(int code) noexcept nogil:
    cdef int i
    for i in range(DTYPE_COUNT):
        if DTYPES[i].code == code:
            return &DTYPES[i]
    return NULL


cdef object raw_bits(object item):
    """numpy exports no buffer for bfloat16: return (16-bit view, dtype name) for such arrays."""
    if getattr(getattr(item, "dtype", None), "name", None) == "bfloat16" and hasattr(item, "view"):
        return item.view("uint16"), "bfloat16"
    return item, None


cdef const DType *dtype_from_format(const char *format, size_t itemsize) noexcept nogil:
    # 'l' and 'L' are C long in native mode: their size tells which of ours they are.
    cdef int i
    if format == NULL:
        format = b"B"
    if format[0] == c"@" or format[0] == c"=" or format[0] == c"<":
        format += 1
    if format[0] != 0 and format[1] == 0:
        if format[0] == c"l":
            format = b"q" if itemsize == 8 else b"i"
        elif format[0] == c"L":
            format = b"Q" if itemsize == 8 else b"I"
        elif format[0] == c"c":
            format = b"B"
    for i in range(DTYPE_COUNT):
        if strcmp(DTYPES[i].format, format) == 0 and DTYPES[i].itemsize == itemsize:
            return &DTYPES[i]
    return NULL


cdef const DType *dtype_from_dlpack(uint8_t code, uint8_t bits) noexcept nogil:
    cdef int i
    for i in range(DTYPE_COUNT):
        if DTYPES[i].dlpack_code == code and DTYPES[i].dlpack_bits == bits:
            return &DTYPES[i]
    return NULL


cdef const DType *dtype_from_name(object name):
    """Find the element type that has just this name, or NULL."""
    cdef bytes encoded = name.encode("utf-8", "replace")
    cdef int i
    for i in range(DTYPE_COUNT):
        if strcmp(DTYPES[i].name, encoded) == 0:
            return &DTYPES[i]
    return NULL


cdef const DType *dtype_from_object(object dtype) except NULL:
    """Find the element type for a name, a numpy dtype or an aclDataType code."""
    cdef const DType *found = NULL
    if isinstance(dtype, int) and not isinstance(dtype, bool):
        found = dtype_from_code(dtype)
    elif isinstance(dtype, str):
        found = dtype_from_name(dtype)
    if found == NULL and not isinstance(dtype, int):
        # numpy knows the other spellings, but takes microseconds to name a type, which every
        # picture and tensor that is allocated would pay.
        import numpy
        wanted = numpy.dtype(dtype)
        if wanted.byteorder not in ("=", "|", "<"):
            raise TypeError(f"dtype {dtype!r} is big endian: convert it with .astype()")
        found = dtype_from_name(wanted.name)
    if found == NULL:
        names = ", ".join(DTYPES[i].name.decode() for i in range(DTYPE_COUNT))
        raise TypeError(f"no tensor can have the dtype {dtype!r}: use one of {names}")
    return found


cdef object numpy_dtype(const DType *dtype):
    """Return the numpy dtype; bfloat16 needs ml_dtypes and is uint16 (raw bits) without it."""
    import numpy
    if dtype.code != 27:
        return numpy.dtype(dtype.name.decode())
    try:
        import ml_dtypes
    except ImportError:
        return numpy.dtype("uint16")
    return numpy.dtype(ml_dtypes.bfloat16)


cdef int parse_shape(object shape, int64_t *dims) except -1:
    """Write a shape (int or sequence of non-negative ints) to ``dims``; return its rank."""
    cdef int i = 0
    cdef Py_ssize_t whole
    if isinstance(shape, int):
        shape = (shape,)
    if len(shape) > MAX_DIMS:
        raise ValueError(f"a tensor has at most {MAX_DIMS} dimensions, not {len(shape)}")
    for size in shape:
        # Refuses 2.5, which a plain conversion to int64_t would cut to 2.
        whole = size
        dims[i] = whole
        if whole < 0:
            raise ValueError(f"shape {tuple(shape)} has a negative dimension")
        i += 1
    return i


cdef size_t element_count(int ndim, const int64_t *dims) except? 0:
    cdef size_t count = 1
    cdef int i
    for i in range(ndim):
        if dims[i] and count > (<size_t>1 << 62) // <size_t>dims[i]:
            raise ValueError("the tensor would be larger than the address space")
        count *= <size_t>dims[i]
    return count


@cython.final
cdef class TensorDesc:
    """Description of one input or output of a model.

    Attributes
    ----------
    name : str
    shape : tuple of int
        -1 where a dimension is dynamic.
    nbytes : int
        Size in bytes, of the largest gear where there are gears, 0 when it is unbounded.
    shape_range : tuple of (int, int) or None
        Smallest and largest value per dimension of a dynamic-shape model; -1 is unbounded.
    """

    def __init__(self, str name, tuple shape, int dtype, int format, size_t nbytes,
                 tuple shape_range=None):
        self.name = name
        self.shape = shape
        self.nbytes = nbytes
        self.shape_range = shape_range
        self._code = dtype
        self._dtype = dtype_from_code(dtype)
        self._format = format

    @property
    def dtype(self):
        """Element type as numpy.dtype; bfloat16 is ml_dtypes.bfloat16, uint16 without ml_dtypes.

        Types that numpy cannot hold (4-bit, 1-bit, strings) are shown as uint8.
        """
        return numpy_dtype(self._dtype if self._dtype != NULL else dtype_from_code(4))

    @property
    def dtype_code(self):
        """The aclDataType value."""
        return self._code

    @property
    def format(self):
        """Layout by name, such as ``"NCHW"`` or ``"ND"``."""
        return FORMATS.get(self._format, str(self._format))

    @property
    def format_code(self):
        """The aclFormat value."""
        return self._format

    @property
    def is_dynamic(self):
        """Whether a dimension is dynamic."""
        return -1 in self.shape

    def __repr__(self):
        name = self._dtype.name.decode() if self._dtype != NULL else f"aclDataType({self._code})"
        return (f"TensorDesc(name={self.name!r}, shape={self.shape}, dtype={name!r}, "
                f"format={self.format!r}, nbytes={self.nbytes})")

    def __eq__(self, other):
        if not isinstance(other, TensorDesc):
            return NotImplemented
        cdef TensorDesc that = other
        return (self.name == that.name and self.shape == that.shape and self._code == that._code
                and self._format == that._format and self.nbytes == that.nbytes)

    def __hash__(self):
        return hash((self.name, self.shape, self._code, self._format))

    def __reduce__(self):
        return TensorDesc, (self.name, self.shape, self._code, self._format, self.nbytes,
                            self.shape_range)


if sys.byteorder != "little":
    raise ImportError("acl_fast needs a little-endian machine, as the devices are")
