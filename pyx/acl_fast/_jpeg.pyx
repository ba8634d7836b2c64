"""Still pictures: JPEG both ways, PNG in."""

import threading

cimport cython
from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from libc.string cimport memcpy

from acl_fast cimport abi
from acl_fast.abi cimport aclError, aclrtMemcpyKind
from acl_fast._block cimport Block, block_allocate, block_release, kind_from_name
from acl_fast._device cimport Context
from acl_fast._errors cimport check
from acl_fast._image cimport Image, new_image
from acl_fast._memory cimport order_stream
from acl_fast._picdesc cimport PicDesc, format_from_object, layout_of
from acl_fast._pool cimport PicturePool
from acl_fast._runtime cimport bind, context_release, context_retain, enter, is_dead, is_unified
from acl_fast._stream cimport create_stream

from acl_fast._media_interface import choose_interface, memory_kind
from acl_fast.errors import ClosedError

cdef enum:
    SEMI_422 = 2
    # What the decoders of all chips accept.
    ALIGN_WIDTH = 128
    ALIGN_HEIGHT = 16


cdef class StillPort:
    """A channel of one media interface; internal."""

    cdef int open(self, bint encodes) except -1:
        raise NotImplementedError

    cdef int jpeg_size(self, const unsigned char *data, uint32_t nbytes, int format,
                       uint32_t *width, uint32_t *height) except -1:
        raise NotImplementedError

    cdef int png_size(self, const unsigned char *data, uint32_t nbytes, uint32_t *width,
                      uint32_t *height) except -1:
        raise NotImplementedError

    cdef int decode_jpeg(self, Block *data, uint32_t nbytes, PicDesc target) except -1:
        raise NotImplementedError

    cdef int decode_png(self, Block *data, uint32_t nbytes, PicDesc target) except -1:
        raise NotImplementedError

    cdef uint32_t predict(self, PicDesc picture, int quality) except? 0:
        raise NotImplementedError

    cdef uint32_t encode_jpeg(self, PicDesc picture, int quality, Block *data) except? 0:
        raise NotImplementedError

    cdef void close(self) noexcept nogil:
        pass


cdef class StillChannel:
    """A channel for still pictures; base of the decoder and the encoder.

    Attributes
    ----------
    device : Context
    interface : str
        'v1' (acldvpp) or 'v2' (hi_mpi).
    """

    def __init__(self, Context device not None, *, interface=None):
        cdef StillPort port
        if self.context != NULL:
            raise TypeError("a channel is set up once")
        device.check_open()
        self.interface = choose_interface(device, interface)
        self.device = device
        self.lock = threading.Lock()
        self.context = context_retain(device._state)
        self.stream = create_stream(self.context, device, 0, 0)
        enter(self.context)
        port = make_still_port(self.interface)
        port.stream = self.stream
        try:
            port.open(isinstance(self, JpegEncoder))
        except BaseException:
            with nogil:
                port.close()
            raise
        self.port = port

    def __dealloc__(self):
        cdef ContextState *context = self.context
        cdef StillPort port = self.port
        self.context = NULL
        if context == NULL:
            return
        with nogil:
            if port is not None and not is_dead() and bind(context) == 0:
                port.close()
            block_release(self.data)
            context_release(context)
        self.data = NULL

    cdef int check_open(self) except -1:
        if self.port is None:
            raise ClosedError(f"the {type(self).__name__} is closed")
        return 0

    cdef int reserve(self, size_t nbytes) except -1:
        """Make room for compressed data."""
        cdef Block *old = self.data
        if old != NULL and old.nbytes >= nbytes:
            return 0
        self.data = NULL
        with nogil:
            block_release(old)
        self.data = block_allocate(self.context, nbytes,
                                   kind_from_name(memory_kind(self.interface)))
        return 0

    cdef int put(self, const unsigned char[::1] data) except -1:
        """Bring compressed data into device memory."""
        cdef size_t nbytes = <size_t>data.shape[0]
        cdef const void *source = &data[0]
        cdef bint unified = is_unified()
        cdef aclError code = 0
        self.reserve(nbytes)
        with nogil:
            if unified:
                memcpy(self.data.address, source, nbytes)
            else:
                code = abi.aclrtMemcpy(self.data.address, self.data.nbytes, <void *>source, nbytes,
                                       <aclrtMemcpyKind>1)
        return check(code, b"aclrtMemcpy")

    cdef int begin(self, Image image) except -1:
        """Order the work after what other streams still write to the picture."""
        order_stream(self.stream, image.memory)
        if self.port.waits:
            self.stream._timeline.synchronize(-1.0)
        return enter(self.context)

    cdef Image target(self, object out, int format, uint32_t width, uint32_t height):
        """Return the picture to decode into, aligned as decoders demand."""
        cdef Image image
        if out is None:
            return new_image(self.context, self.device, format, width, height, ALIGN_WIDTH,
                             ALIGN_HEIGHT, memory_kind(self.interface))
        image = (<PicturePool>out).take(-1.0) if isinstance(out, PicturePool) else out
        image.check_open()
        image.refuse_region("written")
        if (image.width, image.height) != (width, height) or image.desc.format != format:
            raise ValueError(f"out is {image.format} {image.width}x{image.height}, the picture "
                             f"{width}x{height}")
        return image

    def close(self):
        """Destroy the channel. Closing twice is harmless."""
        cdef StillPort port
        if self.port is None:
            return
        with self.lock:
            port = self.port
            self.port = None
            if port is None:
                return
            enter(self.context)
            with nogil:
                port.close()
                block_release(self.data)
            self.data = NULL
            self.stream.close()

    @property
    def is_closed(self):
        """Whether the channel was closed."""
        return self.port is None

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __reduce__(self):
        raise TypeError(f"{type(self).__name__} cannot be pickled: it lives on a device")


@cython.final
cdef class JpegDecoder(StillChannel):
    """Decodes JPEG pictures. One call at a time; others wait.

    Parameters
    ----------
    device : Device or Context
    interface : {'v1', 'v2'}, optional
        acldvpp or hi_mpi; by default what the device has, V1 where it has both. V2 decodes
        progressive files, too.
    """

    def decode(self, data, format="nv12", *, out=None):
        """Decode a picture, turned as its EXIF header says; blocks, with the GIL released.

        C functions: acldvppJpegGetImageInfoV2, acldvppJpegDecodeAsync,
        hi_mpi_vdec_get_jpegd_output_info, hi_mpi_vdec_send_stream.

        Parameters
        ----------
        data : bytes-like
        format : {'nv12', 'nv21', ...}
            The sampling of the picture or 4:2:0, as the device demands.
        out : Image or PicturePool, optional
            Rows aligned to 128 and 16: ``Image.empty(..., align=(128, 16))``.

        Returns
        -------
        Image
            Odd sizes of formats with shared chroma are rounded down.
        """
        cdef const unsigned char[::1] view = as_bytes(data)
        cdef uint32_t width = 0, height = 0, nbytes = <uint32_t>view.shape[0]
        cdef int code = format_from_object(format)
        cdef Image image
        with self.lock:
            self.check_open()
            enter(self.context)
            self.port.jpeg_size(&view[0], nbytes, code, &width, &height)
            if 1 <= layout_of(code) <= SEMI_422:
                width &= ~<uint32_t>1
            if layout_of(code) == 1:
                height &= ~<uint32_t>1
            image = self.target(out, code, width, height)
            self.put(view)
            self.begin(image)
            self.port.decode_jpeg(self.data, nbytes, image.desc)
        return image

    def decode_png(self, data, format="rgb", *, out=None):
        """Decode a PNG picture to 'rgb' or 'rgba'; see ``decode()``.

        C functions: acldvppPngGetImageInfo, acldvppPngDecodeAsync, hi_mpi_png_get_image_info,
        hi_mpi_pngd_send_stream.
        """
        cdef const unsigned char[::1] view = as_bytes(data)
        cdef uint32_t width = 0, height = 0, nbytes = <uint32_t>view.shape[0]
        cdef int code = format_from_object(format)
        cdef Image image
        with self.lock:
            self.check_open()
            enter(self.context)
            self.port.png_size(&view[0], nbytes, &width, &height)
            image = self.target(out, code, width, height)
            self.put(view)
            self.begin(image)
            self.port.decode_png(self.data, nbytes, image.desc)
        return image


@cython.final
cdef class JpegEncoder(StillChannel):
    """Encodes pictures of 'nv12', 'nv21' and packed 4:2:2 to JPEG. One call at a time.

    Parameters
    ----------
    device : Device or Context
    interface : {'v1', 'v2'}, optional
        acldvpp or hi_mpi; by default what the device has, V1 where it has both.
    """

    def encode(self, Image image not None, int quality=95):
        """Encode a picture; blocks, with the GIL released.

        C functions: acldvppJpegPredictEncSize, acldvppJpegEncodeAsync,
        hi_mpi_venc_get_jpege_predicted_size, hi_mpi_venc_send_jpege_frame.

        Parameters
        ----------
        image : Image
        quality : int
            1 to 100.

        Returns
        -------
        bytes
        """
        cdef uint32_t nbytes
        if not 1 <= quality <= 100:
            raise ValueError(f"quality {quality} is not within 1 and 100")
        image.check_open()
        image.refuse_region("encoded")
        with self.lock:
            self.check_open()
            self.begin(image)
            self.reserve(self.port.predict(image.desc, quality))
            enter(self.context)
            nbytes = self.port.encode_jpeg(image.desc, quality, self.data)
            return self.fetch(nbytes)

    def fetch(self, size_t nbytes):
        """Copy the encoded bytes to the host; internal."""
        cdef bytearray result = bytearray(nbytes)
        cdef unsigned char[::1] view = result
        cdef bint unified = is_unified()
        cdef aclError code = 0
        if nbytes == 0 or nbytes > self.data.nbytes:
            raise RuntimeError(f"the encoder says it wrote {nbytes} bytes into {self.data.nbytes}")
        with nogil:
            if unified:
                memcpy(&view[0], self.data.address, nbytes)
            else:
                code = abi.aclrtMemcpy(&view[0], nbytes, self.data.address, nbytes,
                                       <aclrtMemcpyKind>2)
        check(code, b"aclrtMemcpy")
        return bytes(result)


cdef object as_bytes(object data):
    view = memoryview(data).cast("B")
    if not len(view):
        raise ValueError("there is no data to decode")
    return view


def decode_png(Context device not None, data, format="rgb", *, interface=None):
    """Decode one PNG picture to 'rgb' or 'rgba' with a channel of its own.

    For many, keep a JpegDecoder and use its ``decode_png()``.
    """
    with JpegDecoder(device, interface=interface) as decoder:
        return decoder.decode_png(data, format)


cdef StillPort make_still_port(str interface):
    from acl_fast import _picture_v1, _picture_v2
    return _picture_v2.StillPortV2() if interface == "v2" else _picture_v1.StillPortV1()
