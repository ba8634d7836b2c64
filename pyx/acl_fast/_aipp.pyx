"""What AIPP reads; and dynamic AIPP, whose settings come with each execution."""

from libc.stddef cimport size_t
from libc.stdint cimport int16_t, uint8_t, uint32_t

from acl_fast cimport abi
from acl_fast.abi cimport (
    aclAippInfo,
    aclAippInputFormat,
    aclError,
    aclmdlAIPP,
    aclmdlDataset,
    aclmdlDesc,
    aclmdlInputAippType,
)
from acl_fast._errors cimport check

from acl_fast._aipp_params import AippParams, PictureInput

# Names as in media.FORMATS, and rows of memory per row of pixels.
cdef dict PICTURES = {
    abi.ACL_YUV420SP_U8: ("nv12", 1.5),
    abi.ACL_XRGB8888_U8: ("argb", 1),
    abi.ACL_ARGB8888_U8: ("argb", 1),
    abi.ACL_RGB888_U8: ("rgb", 1),
    abi.ACL_YUV400_U8: ("yuv400", 1),
    abi.ACL_YUYV_U8: ("yuyv", 1),
    abi.ACL_YUV422SP_U8: ("nv16", 2),
}


cdef object picture_input(uint32_t model_id, size_t index, tuple shape):
    """Return what input ``index`` of the given shape reads, or None without static AIPP."""
    cdef aclAippInfo info
    cdef aclError code
    with nogil:
        code = abi.aclmdlGetFirstAippInfo(model_id, index, &info)
    if code == abi.ACL_ERROR_GE_AIPP_NOT_EXIST:
        return None
    check(code, b"aclmdlGetFirstAippInfo")
    if info.inputFormat not in PICTURES or len(shape) != 4:
        return None
    format, rows = PICTURES[info.inputFormat]
    height = -1 if shape[1] < 0 else int(shape[1] / rows)
    return PictureInput(format, shape[2], height)


cdef dict dynamic_inputs(aclmdlDesc *desc, uint32_t model_id, size_t count):
    """Return, per input with dynamic AIPP, the index of the hidden input with its settings."""
    cdef dict found = {}
    cdef aclmdlInputAippType kind
    cdef size_t i, data_index = 0
    if abi.aclmdlGetInputIndexByName(desc, b"ascend_dynamic_aipp_data", &data_index) != 0:
        return found
    for i in range(count):
        check(abi.aclmdlGetAippType(model_id, i, &kind, &data_index), b"aclmdlGetAippType")
        if kind == abi.ACL_DATA_WITH_DYNAMIC_AIPP:
            found[i] = data_index
    return found


cdef Py_ssize_t image_count(aclmdlDesc *desc, size_t data_index) except -1:
    """Images that the settings must be for: 64 bytes are common, 96 are of each image."""
    cdef size_t one = 0, two = 0
    check(abi.aclmdlGetAippDataSize(1, &one), b"aclmdlGetAippDataSize")
    check(abi.aclmdlGetAippDataSize(2, &two), b"aclmdlGetAippDataSize")
    return <Py_ssize_t>(1 + (abi.aclmdlGetInputSizeByIndex(desc, data_index) - one) // (two - one))


cdef bint has_image_range(uint32_t model_id, size_t index) except -1:
    """Whether the settings say how many images there are."""
    cdef aclAippInfo info
    check(abi.aclmdlGetFirstAippInfo(model_id, index, &info), b"aclmdlGetFirstAippInfo")
    return info.shapeCount == 1 and info.outDims[0].aippOutdims.dims[0] == -1


cdef tuple write_params(aclmdlDesc *desc, size_t hidden, uint32_t model_id,
                        aclmdlDataset *dataset, size_t index, object params):
    """Give the settings of each image of input ``index``; may wait for device memory.

    Returns the shape of the pictures: images, rows, width, bytes per pixel.
    """
    cdef Py_ssize_t count = image_count(desc, hidden)
    cdef bint ranged = has_image_range(model_id, index)
    cdef list items = [params] if isinstance(params, AippParams) else list(params)
    if isinstance(params, AippParams) and not ranged:
        items *= count
    if len(items) > count or (len(items) < count and not ranged) or not items:
        raise ValueError(f"the model reads up to {count} images at once, there are settings for "
                         f"{len(items)}")
    for item in items:
        if not isinstance(item, AippParams):
            raise TypeError(f"settings of AIPP are AippParams, not {type(item).__name__}")
        if item.common() != items[0].common():
            raise ValueError("all images of a batch have the same format, size and colour "
                             "conversion: only crop, padding and normalisation may differ")
    write_items(model_id, dataset, index, items)
    return len(items), *items[0].shape


cdef int write_items(uint32_t model_id, aclmdlDataset *dataset, size_t index,
                     list items) except -1:
    cdef aclError code
    cdef aclmdlAIPP *handle = abi.aclmdlCreateAIPP(<size_t>len(items))
    if handle == NULL:
        raise MemoryError(f"aclmdlCreateAIPP gave no parameters for {len(items)} images")
    try:
        set_common(handle, items[0])
        for i, item in enumerate(items):
            set_image(handle, item, <size_t>i)
        with nogil:
            code = abi.aclmdlSetAIPPByInputIndex(model_id, dataset, index, handle)
        check(code, b"aclmdlSetAIPPByInputIndex")
    finally:
        abi.aclmdlDestroyAIPP(handle)
    return 0


cdef int set_common(aclmdlAIPP *handle, object item) except -1:
    cdef int16_t m[9]
    cdef uint8_t b[6]
    cdef int number
    number, width, height, matrix, input_bias, output_bias, rbuv_swap, ax_swap = item.common()
    for i in range(9):
        m[i] = 0 if matrix is None else matrix[i]
    for i in range(3):
        b[i] = output_bias[i]
        b[3 + i] = input_bias[i]
    check(abi.aclmdlSetAIPPInputFormat(handle, <aclAippInputFormat>number),
          b"aclmdlSetAIPPInputFormat")
    check(abi.aclmdlSetAIPPSrcImageSize(handle, width, height), b"aclmdlSetAIPPSrcImageSize")
    check(abi.aclmdlSetAIPPRbuvSwapSwitch(handle, bool(rbuv_swap)), b"aclmdlSetAIPPRbuvSwapSwitch")
    check(abi.aclmdlSetAIPPAxSwapSwitch(handle, bool(ax_swap)), b"aclmdlSetAIPPAxSwapSwitch")
    return check(abi.aclmdlSetAIPPCscParams(handle, matrix is not None, m[0], m[1], m[2], m[3],
                                            m[4], m[5], m[6], m[7], m[8], b[0], b[1], b[2], b[3],
                                            b[4], b[5]), b"aclmdlSetAIPPCscParams")


cdef list channels(object values, object rest):
    return [*values, *[rest] * (4 - len(values))]


cdef int set_image(aclmdlAIPP *handle, object item, size_t image) except -1:
    cdef int x, y, width, height, left, right, top, bottom
    x, y, width, height = item.crop or (0, 0, 0, 0)
    check(abi.aclmdlSetAIPPCropParams(handle, item.crop is not None, x, y, width, height, image),
          b"aclmdlSetAIPPCropParams")
    if item.resize is not None:
        left, top = item.resize
        if item.crop is None:
            width, height = item.width, item.height
        check(abi.aclmdlSetAIPPScfParams(handle, 1, width, height, left, top, image),
              b"aclmdlSetAIPPScfParams")
    left, right, top, bottom = item.padding or (0, 0, 0, 0)
    check(abi.aclmdlSetAIPPPaddingParams(handle, item.padding is not None, top, bottom, left,
                                         right, image), b"aclmdlSetAIPPPaddingParams")
    a, b, c, d = channels(item.mean, 0)
    check(abi.aclmdlSetAIPPDtcPixelMean(handle, a, b, c, d, image), b"aclmdlSetAIPPDtcPixelMean")
    a, b, c, d = channels(item.minimum, 0.0)
    check(abi.aclmdlSetAIPPDtcPixelMin(handle, a, b, c, d, image), b"aclmdlSetAIPPDtcPixelMin")
    a, b, c, d = channels(item.reciprocal, 1.0)
    return check(abi.aclmdlSetAIPPPixelVarReci(handle, a, b, c, d, image),
                 b"aclmdlSetAIPPPixelVarReci")
