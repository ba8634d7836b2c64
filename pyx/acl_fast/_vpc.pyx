"""The picture processor (VPC) of a device."""

import threading

cimport cython
from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free

from acl_fast cimport abi
from acl_fast.abi cimport aclError
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

from acl_fast._media_interface import choose_interface, memory_kind
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


cdef class VpcPort:
    """A channel of one media interface; internal."""

    cdef int open(self) except -1:
        raise NotImplementedError

    cdef int set_interpolation(self, int code) except -1:
        raise NotImplementedError

    cdef object resize(self, PicDesc source, const Area *area, PicDesc target):
        raise NotImplementedError

    cdef object crop(self, PicDesc source, const Area *area, PicDesc target):
        raise NotImplementedError

    cdef object paste(self, PicDesc source, const Area *area, PicDesc target, const Area *place):
        raise NotImplementedError

    cdef object convert(self, PicDesc source, PicDesc target):
        raise NotImplementedError

    cdef object batch(self, list sources, list counts, const Area *areas, list targets):
        raise NotImplementedError

    cdef void close(self) noexcept:
        pass


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
        Do all work after what is queued there, and before what is queued later; calls return at
        once, and failures show when the stream is synchronized. The channels of V2 are no part of
        streams: a thread of the Vpc works for them where the stream stands, and the stream waits
        on the device for a notify (aclrtWaitAndResetNotify). Where the device has no notifies
        (before CANN 8.5) or none left, calls of V2 wait for the stream, then for their result: do
        not queue a wait on the stream that the same thread ends later. Without a stream every
        call waits for its result.
    interpolation : str or int
        'default', 'bilinear', 'nearest'; with V1 also 'bilinear_tf' and 'nearest_tf', as TensorFlow
        scales. V2 documents two: bilinear, which is its default, and nearest.
    interface : {'v1', 'v2'}, optional
        acldvpp or hi_mpi; by default what the device has, V1 where it has both.

    Attributes
    ----------
    device : Context
    interface : str
        'v1' or 'v2'.
    """

    def __init__(self, Context device not None, Stream stream=None, *, interpolation="default",
                 interface=None):
        if self.context != NULL:
            raise TypeError("a Vpc is set up once")
        device.check_open()
        self.interface = choose_interface(device, interface)
        self.closed = True
        self.lock = threading.RLock()
        self.device = device
        if stream is not None:
            stream.check_open()
        self.own_stream = stream is None
        self.context = context_retain(device._state)
        self.stream = create_stream(self.context, device, 0, 0) if stream is None else stream
        enter(self.context)
        self.port = make_vpc_port(self.interface)
        self.port.stream = self.stream
        self.port.queues = not self.own_stream
        self.port.open()
        self.closed = False
        if interpolation != "default":
            self.set_interpolation(interpolation)

    def __dealloc__(self):
        self.release()

    def release(self):
        """Destroy the channel without waiting for a stream that is not the Vpc's own; internal."""
        cdef bint created = not self.closed
        cdef VpcPort port = self.port
        self.closed = True
        if self.context == NULL:
            return
        if port is not None and not is_dead() and bind(self.context) == 0:
            if created and self.stream._handle != NULL:
                with nogil:
                    abi.aclrtSynchronizeStream(self.stream._handle)
            port.close()
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
            self.port.set_interpolation(code)

    cdef int settle(self) except -1:
        self.stream._timeline.synchronize(-1.0)
        self.ordered = False
        return 0

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
            image = new_image(self.context, self.device, code, width, height, 16, 2,
                              memory_kind(self.interface))
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
            self.ordered = True
        if out.desc.buffer.root.pending is not None:
            order_stream(self.stream, out.desc.buffer.root)
            self.ordered = True
        return 0

    cdef int begin(self) except -1:
        """Call it before the port, and after ``order()``."""
        if self.port.waits and (self.ordered or not self.own_stream):
            self.settle()
        return enter(self.context)

    cdef int finish(self, object keep, Image out) except -1:
        """Wait for what was queued, or keep alive what it uses."""
        cdef aclError code
        if self.port.waits:
            return 0
        if not self.own_stream:
            self.stream._timeline.hold(keep)
            out.memory.mark_pending(self.stream._timeline)
            return 0
        self.ordered = False
        with nogil:
            code = abi.aclrtSynchronizeStream(self.stream._handle)
        return check(code, self.port.function)

    def resize(self, Image source not None, width=None, height=None, *, out=None, format=None):
        """Scale a picture, or the region of a crop view.

        C functions: acldvppVpcResizeAsync, acldvppVpcCropResizeAsync, hi_mpi_vpc_resize,
        hi_mpi_vpc_crop_resize.

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
        cdef Area area = region_of(source)
        with self.lock:
            image = self.target(source, width, height, format, out)
            self.order(source, image)
            self.begin()
            self.finish(self.port.resize(source.desc, &area if source.is_region() else NULL,
                                         image.desc), image)
        return image

    def crop(self, Image source not None, left=None, top=None, width=None, height=None, *,
             out=None):
        """Copy a region into a picture of its own.

        C functions: acldvppVpcCropAsync, hi_mpi_vpc_crop. Without numbers, the region of a crop
        view.
        """
        cdef Image region = source if left is None else source.crop(left, top, width, height)
        cdef Image image
        cdef Area area
        with self.lock:
            image = self.target(region, region.width, region.height, None, out)
            self.order(region, image)
            self.begin()
            area = region_of(region)
            self.finish(self.port.crop(region.desc, &area, image.desc), image)
        return image

    def crop_resize(self, Image source not None, box, width=None, height=None, *, out=None):
        """Scale the region ``box``, (left, top, width, height), of a picture."""
        return self.resize(source.crop(*box), width, height, out=out)

    def paste(self, Image source not None, left, top, width, height, *, Image out not None):
        """Scale a picture, or a region, into the region of ``out``; the rest stays as it is.

        C functions: acldvppVpcCropResizePasteAsync, hi_mpi_vpc_crop_resize_paste. ``left`` is a
        multiple of 16.
        """
        cdef Area area = region_of(source), place
        with self.lock:
            self.target(source, None, None, None, out)
            place = region_of(out.crop(left, top, width, height))
            self.order(source, out)
            self.begin()
            self.finish(self.port.paste(source.desc, &area, out.desc, &place), out)
        return out

    def letterbox(self, Image source not None, width, height, *, out=None, Py_ssize_t fill=128):
        """Scale a picture into a frame, its proportions kept and the rest filled.

        C functions: aclrtMemset, and those of ``paste()``.

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
        """Convert the pixel format.

        C functions: acldvppVpcConvertColorAsync, hi_mpi_vpc_convert_color.

        Parameters
        ----------
        source : Image
        format : str or int
            By default that of ``out``.
        """
        cdef Image image
        source.check_open()
        source.refuse_region("converted")
        if format is None and out is None:
            raise ValueError("give the format to convert to, or out")
        with self.lock:
            image = self.target(source, source.width, source.height, format, out)
            if format is not None and image.desc.format != format_from_object(format):
                raise ValueError(f"out is {image.format}, not {format}")
            self.order(source, image)
            self.begin()
            self.finish(self.port.convert(source.desc, image.desc), image)
        return image

    def batch_crop_resize(self, sources, boxes, width=None, height=None, *, out=None):
        """Scale many regions of one or several pictures in one task.

        C functions: acldvppVpcBatchCropResizeAsync, hi_mpi_vpc_batch_crop_resize_paste.

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
        """Give regions of pictures to the port; internal."""
        cdef Area *areas = <Area *>calloc(len(regions), sizeof(Area))
        cdef Image image
        cdef size_t i
        if areas == NULL:
            raise MemoryError()
        try:
            for i, region in enumerate(regions):
                areas[i] = region_of(region)
                self.order(region, images[i])
            self.begin()
            keep = self.port.batch([(<Image>source).desc for source in sources], counts, areas,
                                   [(<Image>made).desc for made in images])
        finally:
            free(areas)
        self.finish(keep, images[0])
        if not self.port.waits and not self.own_stream:
            for image in images:
                image.memory.mark_pending(self.stream._timeline)

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __repr__(self):
        state = "closed" if self.closed else "synchronous" if self.own_stream else "on a stream"
        return f"<acl_fast.media.Vpc {self.interface} {state}>"

    def __reduce__(self):
        raise TypeError("Vpc cannot be pickled: it lives on a device")


cdef Area region_of(Image image) noexcept:
    return Area(<uint32_t>image.left, <uint32_t>image.top, <uint32_t>image.width,
                <uint32_t>image.height)


cdef VpcPort make_vpc_port(str interface):
    from acl_fast import _picture_v1, _picture_v2
    return _picture_v2.VpcPortV2() if interface == "v2" else _picture_v1.VpcPortV1()
