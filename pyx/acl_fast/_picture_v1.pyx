"""Pictures through the first media interface: acldvppVpc*, acldvppJpeg* and acldvppPng*."""

cimport cython
from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint32_t, uintptr_t
from libc.stdlib cimport calloc, free

from acl_fast cimport abi
from acl_fast.abi cimport (
    aclError,
    acldvppBatchPicDesc,
    acldvppChannelDesc,
    acldvppJpegFormat,
    acldvppPicDesc,
    acldvppResizeConfig,
    acldvppRoiConfig,
)
from acl_fast._block cimport Block
from acl_fast._errors cimport check
from acl_fast._jpeg cimport StillPort
from acl_fast._picdesc cimport PicDesc, describe_v1
from acl_fast._runtime cimport is_dead
from acl_fast._vpc cimport Area, VpcPort


cdef acldvppChannelDesc *open_channel(acldvppChannelDesc **kept) except NULL:
    """Create a channel; its description is in ``kept`` even if that fails."""
    cdef aclError code
    kept[0] = abi.acldvppCreateChannelDesc()
    if kept[0] == NULL:
        raise MemoryError("acldvppCreateChannelDesc gave no descriptor")
    with nogil:
        code = abi.acldvppCreateChannel(kept[0])
    check(code, b"acldvppCreateChannel")
    return kept[0]


cdef void close_channel(acldvppChannelDesc *channel, bint created) noexcept nogil:
    if created:
        abi.acldvppDestroyChannel(channel)
    if channel != NULL:
        abi.acldvppDestroyChannelDesc(channel)


# ---- scaling, cutting, converting ----

@cython.final
cdef class Roi:
    """A region on loan from a port, to which it returns when the work that uses it is over."""
    cdef acldvppRoiConfig *handle
    cdef VpcPortV1 home

    def __dealloc__(self):
        cdef acldvppRoiConfig *handle = self.handle
        self.handle = NULL
        if handle == NULL or is_dead():
            return
        if self.home is not None and self.home.idle is not None:
            self.home.idle.append(<uintptr_t>handle)
        else:
            abi.acldvppDestroyRoiConfig(handle)


@cython.final
@cython.no_gc_clear
cdef class VpcPortV1(VpcPort):
    """acldvppVpc*Async; internal."""
    cdef acldvppChannelDesc *channel
    cdef acldvppResizeConfig *config
    cdef bint created
    cdef list idle                  # addresses of ROI configurations

    cdef int open(self) except -1:
        self.idle = []
        self.config = abi.acldvppCreateResizeConfig()
        if self.config == NULL:
            raise MemoryError("acldvppCreateResizeConfig gave no configuration")
        open_channel(&self.channel)
        self.created = True
        return 0

    cdef int set_interpolation(self, int code) except -1:
        return check(abi.acldvppSetResizeConfigInterpolation(self.config, <uint32_t>code),
                     b"acldvppSetResizeConfigInterpolation")

    cdef Roi roi(self, const Area *area):
        cdef Roi roi = Roi.__new__(Roi)
        cdef uint32_t right = area.left + area.width - 1, bottom = area.top + area.height - 1
        roi.home = self
        if self.idle:
            roi.handle = <acldvppRoiConfig *><uintptr_t>self.idle.pop()
            check(abi.acldvppSetRoiConfig(roi.handle, area.left, right, area.top, bottom),
                  b"acldvppSetRoiConfig")
        else:
            roi.handle = abi.acldvppCreateRoiConfig(area.left, right, area.top, bottom)
            if roi.handle == NULL:
                raise ValueError(f"no region of {area.width}x{area.height} at ({area.left}, "
                                 f"{area.top})")
        return roi

    cdef object queued(self, aclError code, const char *function, object keep):
        self.function = function
        check(code, function)
        return keep

    cdef object resize(self, PicDesc source, const Area *area, PicDesc target):
        cdef aclError code
        cdef acldvppPicDesc *read = source.v1()
        cdef acldvppPicDesc *write = target.v1()
        cdef Roi roi
        if area == NULL:
            with nogil:
                code = abi.acldvppVpcResizeAsync(self.channel, read, write, self.config,
                                                 self.stream._handle)
            return self.queued(code, b"acldvppVpcResizeAsync", (source, target))
        roi = self.roi(area)
        with nogil:
            code = abi.acldvppVpcCropResizeAsync(self.channel, read, write, roi.handle,
                                                 self.config, self.stream._handle)
        return self.queued(code, b"acldvppVpcCropResizeAsync", (source, target, roi))

    cdef object crop(self, PicDesc source, const Area *area, PicDesc target):
        cdef aclError code
        cdef acldvppPicDesc *read = source.v1()
        cdef acldvppPicDesc *write = target.v1()
        cdef Roi roi = self.roi(area)
        with nogil:
            code = abi.acldvppVpcCropAsync(self.channel, read, write, roi.handle,
                                           self.stream._handle)
        return self.queued(code, b"acldvppVpcCropAsync", (source, target, roi))

    cdef object paste(self, PicDesc source, const Area *area, PicDesc target, const Area *place):
        cdef aclError code
        cdef acldvppPicDesc *read = source.v1()
        cdef acldvppPicDesc *write = target.v1()
        cdef Roi cut = self.roi(area), put = self.roi(place)
        with nogil:
            code = abi.acldvppVpcCropResizePasteAsync(
                self.channel, read, write, cut.handle, put.handle, self.config,
                self.stream._handle)
        return self.queued(code, b"acldvppVpcCropResizePasteAsync", (source, target, cut, put))

    cdef object convert(self, PicDesc source, PicDesc target):
        cdef aclError code
        cdef acldvppPicDesc *read = source.v1()
        cdef acldvppPicDesc *write = target.v1()
        with nogil:
            code = abi.acldvppVpcConvertColorAsync(self.channel, read, write, self.stream._handle)
        return self.queued(code, b"acldvppVpcConvertColorAsync", (source, target))

    cdef object batch(self, list sources, list counts, const Area *areas, list targets):
        cdef Batch batch = Batch.__new__(Batch)
        cdef aclError code
        cdef uint32_t i
        batch.allocate(len(sources), len(targets))
        batch.keep += [sources, targets]
        for i in range(<uint32_t>len(sources)):
            batch.counts[i] = counts[i]
            describe_v1(sources[i], batch_part(batch.sources, i))
        for i in range(<uint32_t>len(targets)):
            roi = self.roi(&areas[i])
            batch.keep.append(roi)
            batch.areas[i] = (<Roi>roi).handle
            describe_v1(targets[i], batch_part(batch.targets, i))
        with nogil:
            code = abi.acldvppVpcBatchCropResizeAsync(
                self.channel, batch.sources, batch.counts, batch.source_count, batch.targets,
                batch.areas, self.config, self.stream._handle)
        return self.queued(code, b"acldvppVpcBatchCropResizeAsync", batch)

    cdef void close(self) noexcept:
        for address in self.idle or ():
            abi.acldvppDestroyRoiConfig(<acldvppRoiConfig *><uintptr_t>address)
        self.idle = None
        with nogil:
            close_channel(self.channel, self.created)
            if self.config != NULL:
                abi.acldvppDestroyResizeConfig(self.config)
        self.created = False
        self.channel = NULL
        self.config = NULL


@cython.final
cdef class Batch:
    """The descriptors of one batch, alive until its work is over."""
    cdef acldvppBatchPicDesc *sources
    cdef acldvppBatchPicDesc *targets
    cdef uint32_t *counts
    cdef uint32_t source_count
    cdef acldvppRoiConfig **areas
    cdef list keep

    cdef int allocate(self, size_t sources, size_t targets) except -1:
        self.keep = []
        self.source_count = <uint32_t>sources
        self.sources = abi.acldvppCreateBatchPicDesc(<uint32_t>sources)
        self.targets = abi.acldvppCreateBatchPicDesc(<uint32_t>targets)
        self.counts = <uint32_t *>calloc(sources, sizeof(uint32_t))
        self.areas = <acldvppRoiConfig **>calloc(targets, sizeof(acldvppRoiConfig *))
        if not (self.sources and self.targets and self.counts and self.areas):
            raise MemoryError()
        return 0

    def __dealloc__(self):
        if not is_dead():
            if self.sources != NULL:
                abi.acldvppDestroyBatchPicDesc(self.sources)
            if self.targets != NULL:
                abi.acldvppDestroyBatchPicDesc(self.targets)
        free(self.counts)
        free(self.areas)


cdef acldvppPicDesc *batch_part(acldvppBatchPicDesc *batch, uint32_t index) except NULL:
    cdef acldvppPicDesc *part = abi.acldvppGetPicDesc(batch, index)
    if part == NULL:
        raise MemoryError("acldvppGetPicDesc gave no descriptor")
    return part


# ---- still pictures ----

@cython.final
cdef class StillPortV1(StillPort):
    """acldvppJpeg*Async and acldvppPngDecodeAsync; internal."""
    cdef acldvppChannelDesc *channel
    cdef bint created

    cdef int open(self, bint encodes) except -1:
        open_channel(&self.channel)
        self.created = True
        return 0

    cdef int done(self, aclError code, const char *function) except -1:
        check(code, function)
        with nogil:
            code = abi.aclrtSynchronizeStream(self.stream._handle)
        return check(code, function)

    cdef int jpeg_size(self, const unsigned char *data, uint32_t nbytes, int format,
                       uint32_t *width, uint32_t *height) except -1:
        cdef int32_t components = 0
        cdef acldvppJpegFormat sampling
        return check(abi.acldvppJpegGetImageInfoV2(data, nbytes, width, height, &components,
                                                   &sampling), b"acldvppJpegGetImageInfoV2")

    cdef int png_size(self, const unsigned char *data, uint32_t nbytes, uint32_t *width,
                      uint32_t *height) except -1:
        cdef int32_t components = 0
        return check(abi.acldvppPngGetImageInfo(data, nbytes, width, height, &components),
                     b"acldvppPngGetImageInfo")

    cdef int decode_jpeg(self, Block *data, uint32_t nbytes, PicDesc target) except -1:
        cdef acldvppPicDesc *picture = target.v1()
        cdef aclError code
        with nogil:
            code = abi.acldvppJpegDecodeAsync(self.channel, data.address, nbytes, picture,
                                              self.stream._handle)
        return self.done(code, b"acldvppJpegDecodeAsync")

    cdef int decode_png(self, Block *data, uint32_t nbytes, PicDesc target) except -1:
        cdef acldvppPicDesc *picture = target.v1()
        cdef aclError code
        with nogil:
            code = abi.acldvppPngDecodeAsync(self.channel, data.address, nbytes, picture,
                                             self.stream._handle)
        return self.done(code, b"acldvppPngDecodeAsync")

    cdef abi.acldvppJpegeConfig *config(self, int quality) except NULL:
        cdef abi.acldvppJpegeConfig *config = abi.acldvppCreateJpegeConfig()
        if config == NULL:
            raise MemoryError("acldvppCreateJpegeConfig gave no configuration")
        abi.acldvppSetJpegeConfigLevel(config, <uint32_t>quality)
        return config

    cdef uint32_t predict(self, PicDesc picture, int quality) except? 0:
        cdef abi.acldvppJpegeConfig *config = self.config(quality)
        cdef uint32_t size = 0
        try:
            check(abi.acldvppJpegPredictEncSize(picture.v1(), config, &size),
                  b"acldvppJpegPredictEncSize")
        finally:
            abi.acldvppDestroyJpegeConfig(config)
        return size

    cdef uint32_t encode_jpeg(self, PicDesc picture, int quality, Block *data) except? 0:
        cdef abi.acldvppJpegeConfig *config = self.config(quality)
        cdef acldvppPicDesc *source
        cdef uint32_t size = <uint32_t>data.nbytes
        cdef aclError code
        try:
            source = picture.v1()
            with nogil:
                code = abi.acldvppJpegEncodeAsync(self.channel, source, data.address, &size,
                                                  config, self.stream._handle)
            self.done(code, b"acldvppJpegEncodeAsync")
        finally:
            abi.acldvppDestroyJpegeConfig(config)
        return size

    cdef void close(self) noexcept nogil:
        close_channel(self.channel, self.created)
        self.created = False
        self.channel = NULL
