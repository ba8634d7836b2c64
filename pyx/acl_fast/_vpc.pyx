"""The picture processor (VPC) of a device."""

import threading

cimport cython
from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uintptr_t
from libc.stdlib cimport calloc, free

from acl_fast cimport abi
from acl_fast.abi cimport aclError, acldvppBatchPicDesc, acldvppPicDesc, acldvppRoiConfig
from acl_fast._device cimport Context
from acl_fast._errors cimport check
from acl_fast._image cimport Image, new_image
from acl_fast._memory cimport order_stream
from acl_fast._picdesc cimport PicDesc, format_from_object, layout_of
from acl_fast._pool cimport PicturePool
from acl_fast._runtime cimport (
    bind,
    context_release,
    context_retain,
    enter,
    is_dead,
)
from acl_fast._stream cimport Stream, create_stream

from acl_fast.errors import ClosedError

INTERPOLATIONS = {
    "default": 0,
    "bilinear": 1,
    "nearest": 2,
    "bilinear_tf": 3,
    "nearest_tf": 4,
}

cdef enum:
    LARGEST_BATCH = 256
    SEMI_420 = 1


@cython.final
cdef class Roi:
    """A region on loan; internal."""

    def __dealloc__(self):
        cdef acldvppRoiConfig *handle = self.handle
        self.handle = NULL
        if handle == NULL or is_dead():
            return
        if self.home is not None and self.home.idle is not None and not self.home.closed:
            self.home.idle.append(<uintptr_t>handle)
        else:
            abi.acldvppDestroyRoiConfig(handle)


@cython.final
@cython.no_gc_clear
cdef class Vpc:
    """A channel of the picture processor.

    The functions of ``media.vpc`` keep one per device and stream; make your own for a colour
    matrix or interpolation of its own.

    Parameters
    ----------
    device : Device or Context
    stream : Stream, optional
        Queue all work there and return at once; without it every call waits for its result.
    interpolation : str or int
        'default', 'bilinear', 'nearest', 'bilinear_tf' or 'nearest_tf'.
    """

    def __init__(self, Context device not None, Stream stream=None, *, interpolation="default"):
        if self.context != NULL:
            raise TypeError("a Vpc is set up once")
        device.check_open()
        self.closed = True
        self.lock = threading.RLock()
        self.idle = []
        self.device = device
        if stream is not None:
            stream.check_open()
        self.own_stream = stream is None
        self.context = context_retain(device._state)
        self.stream = create_stream(self.context, device, 0, 0) if stream is None else stream
        enter(self.context)
        self.channel = abi.acldvppCreateChannelDesc()
        self.config = abi.acldvppCreateResizeConfig()
        if self.channel == NULL or self.config == NULL:
            raise MemoryError("acldvppCreateChannelDesc gave no descriptor")
        cdef aclError code
        with nogil:
            code = abi.acldvppCreateChannel(self.channel)
        check(code, b"acldvppCreateChannel")
        self.closed = False
        if interpolation != "default":
            self.set_interpolation(interpolation)

    def __dealloc__(self):
        self.release()

    def release(self):
        """Destroy the channel without waiting for a stream that is not the Vpc's own; internal."""
        cdef bint created = not self.closed
        self.closed = True
        if self.context == NULL:
            return
        if not is_dead() and bind(self.context) == 0:
            with nogil:
                if created:
                    if self.stream is not None and self.stream._handle != NULL:
                        abi.aclrtSynchronizeStream(self.stream._handle)
                    abi.acldvppDestroyChannel(self.channel)
                if self.channel != NULL:
                    abi.acldvppDestroyChannelDesc(self.channel)
                if self.config != NULL:
                    abi.acldvppDestroyResizeConfig(self.config)
            for address in self.idle or ():
                abi.acldvppDestroyRoiConfig(<acldvppRoiConfig *><uintptr_t>address)
        self.idle = None
        self.channel = NULL
        self.config = NULL
        with nogil:
            context_release(self.context)
        self.context = NULL

    cdef int check_open(self) except -1:
        if self.closed:
            raise ClosedError("the vpc is closed")
        return self.stream.check_open()

    def close(self):
        """Wait for its work and destroy the channel. Closing twice is harmless."""
        if self.closed:
            return
        with self.lock:
            self.release()
            if self.own_stream:
                self.stream.close()

    @property
    def is_closed(self):
        """Whether the Vpc was closed."""
        return self.closed

    def set_interpolation(self, interpolation):
        """Choose how later calls resize. C function: acldvppSetResizeConfigInterpolation."""
        cdef int code = INTERPOLATIONS.get(interpolation, -1) if isinstance(interpolation, str) \
            else interpolation
        if not 0 <= code <= 4:
            raise ValueError(f"interpolation is one of {', '.join(INTERPOLATIONS)}, not "
                             f"{interpolation!r}")
        with self.lock:
            self.check_open()
            # Work in flight reads the configuration.
            self.settle()
            check(abi.acldvppSetResizeConfigInterpolation(self.config, <uint32_t>code),
                  b"acldvppSetResizeConfigInterpolation")

    cdef int settle(self) except -1:
        self.stream._timeline.synchronize(-1.0)
        return 0

    cdef Roi roi(self, uint32_t left, uint32_t top, uint32_t width, uint32_t height):
        cdef Roi roi = Roi.__new__(Roi)
        cdef uint32_t right = left + width - 1, bottom = top + height - 1
        roi.home = self
        if self.idle:
            roi.handle = <acldvppRoiConfig *><uintptr_t>self.idle.pop()
            check(abi.acldvppSetRoiConfig(roi.handle, left, right, top, bottom),
                  b"acldvppSetRoiConfig")
        else:
            roi.handle = abi.acldvppCreateRoiConfig(left, right, top, bottom)
            if roi.handle == NULL:
                raise ValueError(f"no region of {width}x{height} at ({left}, {top})")
        return roi

    cdef Image target(self, Image source, object width, object height, object format, object out):
        """Return the picture to write: given, from a pool, or new."""
        cdef Image image
        cdef int code
        self.check_open()
        source.check_open()
        if isinstance(out, PicturePool):
            image = (<PicturePool>out).take(-1.0)
        elif out is None:
            code = source.desc.format if format is None else format_from_object(format)
            if width is None or height is None or width < 1 or height < 1:
                raise ValueError(f"give width and height, or out; not {width} and {height}")
            image = new_image(self.context, self.device, code, width, height, 16, 2)
        else:
            image = out
            image.check_open()
            image.refuse_region("written")
        if (width is not None and width != image.width) or \
                (height is not None and height != image.height):
            raise ValueError(f"out is {image.width}x{image.height}, not {width}x{height}")
        image.pts = source.pts
        return image

    cdef int order(self, Image source, Image out) except -1:
        """Let the stream wait for what other streams still write to either picture."""
        if source.desc.buffer.root.pending is not None or source.desc.buffer.root.writers:
            order_stream(self.stream, source.desc.buffer.root)
        if out.desc.buffer.root.pending is not None:
            order_stream(self.stream, out.desc.buffer.root)
        enter(self.context)
        return 0

    cdef int finish(self, aclError code, const char *function, Image out, object keep) except -1:
        """Wait for what was queued, or keep alive what it uses."""
        check(code, function)
        if not self.own_stream:
            self.stream._timeline.hold(keep)
            out.memory.mark_pending(self.stream._timeline)
            return 0
        with nogil:
            code = abi.aclrtSynchronizeStream(self.stream._handle)
        return check(code, function)

    def resize(self, Image source not None, width=None, height=None, *, out=None, format=None):
        """Scale a picture, or the region of a crop view.

        C functions: acldvppVpcResizeAsync, acldvppVpcCropResizeAsync.

        Parameters
        ----------
        source : Image
        width, height : int
            Of the result; those of ``out`` by default.
        out : Image or PicturePool, optional
            Where to write it.
        format : str or int, optional
            Of the result; the source's by default.

        Returns
        -------
        Image
        """
        cdef Image image
        cdef aclError code
        cdef Roi roi = None
        cdef acldvppRoiConfig *area = NULL
        with self.lock:
            image = self.target(source, width, height, format, out)
            self.order(source, image)
            if source.is_region():
                roi = self.roi(source.left, source.top, source.width, source.height)
                area = roi.handle
            with nogil:
                if area == NULL:
                    code = abi.acldvppVpcResizeAsync(self.channel, source.desc.handle,
                                                     image.desc.handle, self.config,
                                                     self.stream._handle)
                else:
                    code = abi.acldvppVpcCropResizeAsync(self.channel, source.desc.handle,
                                                         image.desc.handle, area, self.config,
                                                         self.stream._handle)
            self.finish(code, b"acldvppVpcResizeAsync" if area == NULL
                        else b"acldvppVpcCropResizeAsync", image, (source.desc, image.desc, roi))
        return image

    def crop(self, Image source not None, left=None, top=None, width=None, height=None, *,
             out=None):
        """Copy a region into a picture of its own.

        C function: acldvppVpcCropAsync. Without numbers, the region of a crop view.
        """
        cdef Image region = source if left is None else source.crop(left, top, width, height)
        cdef Image image
        cdef aclError code
        cdef Roi roi
        with self.lock:
            image = self.target(region, region.width, region.height, None, out)
            self.order(region, image)
            roi = self.roi(region.left, region.top, region.width, region.height)
            with nogil:
                code = abi.acldvppVpcCropAsync(self.channel, region.desc.handle,
                                               image.desc.handle, roi.handle, self.stream._handle)
            self.finish(code, b"acldvppVpcCropAsync", image, (region.desc, image.desc, roi))
        return image

    def crop_resize(self, Image source not None, box, width=None, height=None, *, out=None):
        """Scale the region ``box``, (left, top, width, height), of a picture."""
        return self.resize(source.crop(*box), width, height, out=out)

    def paste(self, Image source not None, left, top, width, height, *, Image out not None):
        """Scale a picture, or a region, into the region of ``out``; the rest stays as it is.

        C function: acldvppVpcCropResizePasteAsync. ``left`` is a multiple of 16.
        """
        cdef aclError code
        cdef Roi area, place
        with self.lock:
            self.target(source, None, None, None, out)
            out.crop(left, top, width, height)
            self.order(source, out)
            area = self.roi(source.left, source.top, source.width, source.height)
            place = self.roi(left, top, width, height)
            with nogil:
                code = abi.acldvppVpcCropResizePasteAsync(
                    self.channel, source.desc.handle, out.desc.handle, area.handle, place.handle,
                    self.config, self.stream._handle)
            self.finish(code, b"acldvppVpcCropResizePasteAsync", out,
                        (source.desc, out.desc, area, place))
        return out

    def letterbox(self, Image source not None, width, height, *, out=None, Py_ssize_t fill=128):
        """Scale a picture into a frame, its proportions kept and the rest filled.

        C functions: aclrtMemset, acldvppVpcCropResizePasteAsync.

        Parameters
        ----------
        source : Image
        width, height : int
            Of the frame.
        out : Image or PicturePool, optional
        fill : int
            Luma, or every channel, of the rest; chroma is neutral.

        Returns
        -------
        (Image, Letterbox)
            The geometry maps boxes back to the source.
        """
        from acl_fast.media._letterbox import Letterbox
        cdef Image image
        cdef object stream = None if self.own_stream else self.stream
        box = Letterbox.fit(source.width, source.height, width, height)
        with self.lock:
            image = self.target(source, width, height, None, out)
            if (box.width, box.height) != (width, height):
                if fill == 128 or layout_of(image.desc.format) > 3:
                    image.memory.fill_bytes(fill, stream)
                else:
                    image.plane(0).fill_bytes(fill, stream)
                    if layout_of(image.desc.format):
                        image.plane(1).fill_bytes(128, stream)
            self.paste(source, box.left, box.top, box.width, box.height, out=image)
        return image, box

    def convert(self, Image source not None, format=None, *, out=None):
        """Convert the pixel format. C function: acldvppVpcConvertColorAsync.

        Parameters
        ----------
        source : Image
        format : str or int
            By default that of ``out``.
        """
        cdef Image image
        cdef aclError code
        source.check_open()
        source.refuse_region("converted")
        if format is None and out is None:
            raise ValueError("give the format to convert to, or out")
        with self.lock:
            image = self.target(source, source.width, source.height, format, out)
            if format is not None and image.desc.format != format_from_object(format):
                raise ValueError(f"out is {image.format}, not {format}")
            self.order(source, image)
            with nogil:
                code = abi.acldvppVpcConvertColorAsync(self.channel, source.desc.handle,
                                                       image.desc.handle, self.stream._handle)
            self.finish(code, b"acldvppVpcConvertColorAsync", image, (source.desc, image.desc))
        return image

    def batch_crop_resize(self, sources, boxes, width=None, height=None, *, out=None):
        """Scale many regions of one or several pictures in one task.

        C function: acldvppVpcBatchCropResizeAsync.

        Parameters
        ----------
        sources : Image or sequence of Image
        boxes : sequence
            (left, top, width, height) of each region; for several pictures a sequence of such
            sequences, one per picture.
        width, height : int, optional
            Of each result.
        out : PicturePool or sequence of Image, optional
            Where to write the results.

        Returns
        -------
        list of Image
            In the order of the boxes.
        """
        cdef list regions = [], images = []
        if isinstance(sources, Image):
            sources, boxes = [sources], [boxes]
        sources = list(sources)
        boxes = [list(some) for some in boxes]
        if len(sources) != len(boxes):
            raise ValueError(f"{len(sources)} pictures need as many lists of boxes, not "
                             f"{len(boxes)}")
        for source, some in zip(sources, boxes):
            regions += [source.crop(*box) for box in some]
        if not 1 <= len(regions) <= LARGEST_BATCH:
            raise ValueError(f"one call takes 1 to {LARGEST_BATCH} boxes, not {len(regions)}")
        if any([not some for some in boxes]):
            raise ValueError("every picture needs a box: leave the others out")
        outs = [out] * len(regions) if out is None or isinstance(out, PicturePool) else list(out)
        if len(outs) != len(regions):
            raise ValueError(f"out has {len(outs)} pictures for {len(regions)} boxes")
        with self.lock:
            for region, target in zip(regions, outs):
                images.append(self.target(region, width, height, None, target))
            self.submit_batch(sources, [len(some) for some in boxes], regions, images)
        return images

    def submit_batch(self, list sources, list counts, list regions, list images):
        """Fill a Batch and queue it; internal."""
        cdef Batch batch = Batch.__new__(Batch)
        cdef aclError code
        cdef Image region, image
        cdef size_t i
        batch.allocate(len(sources), len(regions))
        for i, source in enumerate(sources):
            batch.counts[i] = counts[i]
            copy_desc((<Image>source).desc, abi.acldvppGetPicDesc(batch.sources, <uint32_t>i))
        for i, region in enumerate(regions):
            image = images[i]
            roi = self.roi(region.left, region.top, region.width, region.height)
            batch.keep.append((roi, region.desc, image.desc))
            batch.areas[i] = (<Roi>roi).handle
            copy_desc(image.desc, abi.acldvppGetPicDesc(batch.targets, <uint32_t>i))
            self.order(region, image)
        with nogil:
            code = abi.acldvppVpcBatchCropResizeAsync(
                self.channel, batch.sources, batch.counts, batch.source_count, batch.targets,
                batch.areas, self.config, self.stream._handle)
        self.finish(code, b"acldvppVpcBatchCropResizeAsync", images[0], batch)
        if not self.own_stream:
            for image in images:
                image.memory.mark_pending(self.stream._timeline)

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __repr__(self):
        state = "closed" if self.closed else "synchronous" if self.own_stream else "on a stream"
        return f"<acl_fast.media.Vpc {state}>"

    def __reduce__(self):
        raise TypeError("Vpc cannot be pickled: it lives on a device")


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


cdef int copy_desc(PicDesc desc, acldvppPicDesc *target) except -1:
    if target == NULL:
        raise MemoryError("acldvppGetPicDesc gave no descriptor")
    abi.acldvppSetPicDescData(target, desc.buffer.address)
    abi.acldvppSetPicDescSize(target, abi.acldvppGetPicDescSize(desc.handle))
    abi.acldvppSetPicDescFormat(target, abi.acldvppGetPicDescFormat(desc.handle))
    abi.acldvppSetPicDescWidth(target, desc.width)
    abi.acldvppSetPicDescHeight(target, desc.height)
    abi.acldvppSetPicDescWidthStride(target, desc.stride_width)
    abi.acldvppSetPicDescHeightStride(target, desc.stride_height)
    return 0
