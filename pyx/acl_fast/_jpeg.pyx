"""Still pictures: JPEG both ways, PNG in."""

import threading

cimport cython
from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memcpy

from acl_fast cimport abi
from acl_fast.abi cimport aclError, acldvppJpegFormat, aclrtMemcpyKind
from acl_fast._block cimport KIND_DVPP, Block, block_allocate, block_release
from acl_fast._device cimport Context
from acl_fast._errors cimport check
from acl_fast._image cimport Image, new_image
from acl_fast._memory cimport order_stream
from acl_fast._picdesc cimport format_from_object, layout_of
from acl_fast._pool cimport PicturePool
from acl_fast._runtime cimport bind, context_release, context_retain, enter, is_dead, is_unified
from acl_fast._stream cimport create_stream

from acl_fast.errors import ClosedError

cdef enum:
    SEMI_422 = 2
    # What the decoders of all chips accept.
    ALIGN_WIDTH = 128
    ALIGN_HEIGHT = 16


cdef class StillChannel:
    """A channel for still pictures; base of the decoder and the encoder."""

    def __init__(self, Context device not None):
        cdef aclError code
        if self.context != NULL:
            raise TypeError("a channel is set up once")
        device.check_open()
        self.device = device
        self.lock = threading.Lock()
        self.context = context_retain(device._state)
        self.stream = create_stream(self.context, device, 0, 0)
        enter(self.context)
        self.channel = abi.acldvppCreateChannelDesc()
        if self.channel == NULL:
            raise MemoryError("acldvppCreateChannelDesc gave no descriptor")
        with nogil:
            code = abi.acldvppCreateChannel(self.channel)
        check(code, b"acldvppCreateChannel")
        self.open = True

    def __dealloc__(self):
        cdef ContextState *context = self.context
        self.context = NULL
        if context == NULL:
            return
        with nogil:
            if not is_dead() and bind(context) == 0:
                if self.open:
                    abi.acldvppDestroyChannel(self.channel)
                if self.channel != NULL:
                    abi.acldvppDestroyChannelDesc(self.channel)
            block_release(self.data)
            context_release(context)
        self.data = NULL

    cdef int check_open(self) except -1:
        if not self.open:
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
        self.data = block_allocate(self.context, nbytes, KIND_DVPP)
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

    cdef int finish(self, aclError code, const char *function) except -1:
        check(code, function)
        with nogil:
            code = abi.aclrtSynchronizeStream(self.stream._handle)
        return check(code, function)

    cdef Image target(self, object out, int format, uint32_t width, uint32_t height):
        """Return the picture to decode into, aligned as decoders demand."""
        cdef Image image
        if out is None:
            return new_image(self.context, self.device, format, width, height, ALIGN_WIDTH,
                             ALIGN_HEIGHT)
        image = (<PicturePool>out).take(-1.0) if isinstance(out, PicturePool) else out
        image.check_open()
        image.refuse_region("written")
        if (image.width, image.height) != (width, height) or image.desc.format != format:
            raise ValueError(f"out is {image.format} {image.width}x{image.height}, the picture "
                             f"{width}x{height}")
        return image

    def close(self):
        """Destroy the channel. Closing twice is harmless."""
        cdef aclError code
        if not self.open:
            return
        with self.lock:
            self.open = False
            enter(self.context)
            with nogil:
                code = abi.acldvppDestroyChannel(self.channel)
                abi.acldvppDestroyChannelDesc(self.channel)
                block_release(self.data)
            self.channel = NULL
            self.data = NULL
            self.stream.close()
            check(code, b"acldvppDestroyChannel")

    @property
    def is_closed(self):
        """Whether the channel was closed."""
        return not self.open

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
    """

    def decode(self, data, format="nv12", *, out=None):
        """Decode a picture, turned as its EXIF header says; blocks, with the GIL released.

        C functions: acldvppJpegGetImageInfoV2, acldvppJpegDecodeAsync.

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
        cdef int32_t components = 0
        cdef acldvppJpegFormat sampling
        cdef int code = format_from_object(format)
        cdef Image image
        cdef aclError status
        with self.lock:
            self.check_open()
            enter(self.context)
            check(abi.acldvppJpegGetImageInfoV2(&view[0], nbytes, &width, &height, &components,
                                                &sampling), b"acldvppJpegGetImageInfoV2")
            if 1 <= layout_of(code) <= SEMI_422:
                width &= ~<uint32_t>1
            if layout_of(code) == 1:
                height &= ~<uint32_t>1
            image = self.target(out, code, width, height)
            order_stream(self.stream, image.memory)
            self.put(view)
            with nogil:
                status = abi.acldvppJpegDecodeAsync(self.channel, self.data.address, nbytes,
                                                    image.desc.handle, self.stream._handle)
            self.finish(status, b"acldvppJpegDecodeAsync")
        return image

    def decode_png(self, data, format="rgb", *, out=None):
        """Decode a PNG picture to 'rgb' or 'rgba'; see ``decode()``.

        C functions: acldvppPngGetImageInfo, acldvppPngDecodeAsync.
        """
        cdef const unsigned char[::1] view = as_bytes(data)
        cdef uint32_t width = 0, height = 0, nbytes = <uint32_t>view.shape[0]
        cdef int32_t components = 0
        cdef int code = format_from_object(format)
        cdef Image image
        cdef aclError status
        with self.lock:
            self.check_open()
            enter(self.context)
            check(abi.acldvppPngGetImageInfo(&view[0], nbytes, &width, &height, &components),
                  b"acldvppPngGetImageInfo")
            image = self.target(out, code, width, height)
            order_stream(self.stream, image.memory)
            self.put(view)
            with nogil:
                status = abi.acldvppPngDecodeAsync(self.channel, self.data.address, nbytes,
                                                   image.desc.handle, self.stream._handle)
            self.finish(status, b"acldvppPngDecodeAsync")
        return image


@cython.final
cdef class JpegEncoder(StillChannel):
    """Encodes pictures of 'nv12', 'nv21' and packed 4:2:2 to JPEG. One call at a time.

    Parameters
    ----------
    device : Device or Context
    """

    def encode(self, Image image not None, int quality=95):
        """Encode a picture; blocks, with the GIL released.

        C functions: acldvppJpegPredictEncSize, acldvppJpegEncodeAsync.

        Parameters
        ----------
        image : Image
        quality : int
            1 to 100.

        Returns
        -------
        bytes
        """
        cdef abi.acldvppJpegeConfig *config
        cdef uint32_t size = 0
        cdef aclError status
        if not 1 <= quality <= 100:
            raise ValueError(f"quality {quality} is not within 1 and 100")
        image.check_open()
        image.refuse_region("encoded")
        with self.lock:
            self.check_open()
            enter(self.context)
            order_stream(self.stream, image.memory)
            config = abi.acldvppCreateJpegeConfig()
            if config == NULL:
                raise MemoryError("acldvppCreateJpegeConfig gave no configuration")
            try:
                check(abi.acldvppSetJpegeConfigLevel(config, <uint32_t>quality),
                      b"acldvppSetJpegeConfigLevel")
                check(abi.acldvppJpegPredictEncSize(image.desc.handle, config, &size),
                      b"acldvppJpegPredictEncSize")
                self.reserve(size)
                with nogil:
                    status = abi.acldvppJpegEncodeAsync(
                        self.channel, image.desc.handle, self.data.address, &size, config,
                        self.stream._handle)
                self.finish(status, b"acldvppJpegEncodeAsync")
            finally:
                abi.acldvppDestroyJpegeConfig(config)
            return self.fetch(size)

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


def decode_png(Context device not None, data, format="rgb"):
    """Decode one PNG picture to 'rgb' or 'rgba' with a channel of its own.

    For many, keep a JpegDecoder and use its ``decode_png()``.
    """
    with JpegDecoder(device) as decoder:
        return decoder.decode_png(data, format)
