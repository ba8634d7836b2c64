"""Pictures in media memory."""

import operator

cimport cython
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t, uintptr_t

from acl_fast._block cimport block_retain, is_host_visible, kind_name
from acl_fast._device cimport Context
from acl_fast._memory cimport Buffer, buffer_from_block, empty
from acl_fast._picdesc cimport (
    PicDesc,
    create_picdesc,
    format_from_object,
    format_name,
    layout_of,
    picture_bytes,
    row_bytes,
)
from acl_fast._runtime cimport ContextState
from acl_fast._stream cimport Stream
from acl_fast._tensor cimport TensorDesc, dtype_from_code

from acl_fast._media_interface import choose_interface, memory_kind
from acl_fast.errors import ClosedError

cdef enum:
    SEMI_420 = 1
    SEMI_422 = 2
    SEMI_444 = 3
    LARGEST = 16384
    ADDRESS_ALIGNMENT = 16
    UINT8 = 4


@cython.final
cdef class Image:
    """A picture in media memory, aligned as the device demands.

    Made by ``Image.empty()``, ``from_numpy()`` or ``over()``, a PicturePool, a decoder or
    ``vpc``. Rows are padded to multiples of 16 pixels and their number to a multiple of 2;
    ``planes`` and ``to_numpy()`` show the picture without the padding.

    Attributes
    ----------
    device : Context
    width, height : int
        Pixels; of the region, for a ``crop()``.
    left, top : int
        Where the region starts in its picture.
    pts : object
        Presentation time, as the decoder was given it; None otherwise.
    """

    def __init__(self):
        raise TypeError("images are made by Image.empty(), Image.from_numpy(), a PicturePool, a "
                        "decoder or vpc")

    cdef int check_open(self) except -1:
        if self.desc is None:
            raise ClosedError("the image is closed")
        return 0

    cdef bint is_region(self) noexcept:
        return (self.left != 0 or self.top != 0 or self.width != <int>self.desc.width
                or self.height != <int>self.desc.height)

    @staticmethod
    def empty(Context device not None, width, height, format="nv12", *, align=(16, 2), kind=None):
        """Allocate a picture with undefined contents.

        C functions: acldvppMalloc, hi_mpi_dvpp_malloc.

        Parameters
        ----------
        device : Device or Context
        width, height : int
        format : str or int
            A name of ``media.FORMATS`` or a value of acldvppPixelFormat.
        align : (int, int)
            What the width in pixels and the height are rounded up to in memory.
        kind : {'dvpp', 'himpi'}, optional
            Memory of acldvppMalloc or of hi_mpi_dvpp_malloc; by default that of the media
            interface that the device is used with.

        Returns
        -------
        Image
        """
        device.check_open()
        return new_image(device._state, device, format_from_object(format),
                         checked_size("width", width), checked_size("height", height),
                         checked_size("align", align[0]), checked_size("align", align[1]),
                         checked_kind(device, kind))

    @staticmethod
    def over(Buffer buffer not None, width, height, format="nv12", *, index=0, align=(16, 2)):
        """Lay a picture over memory that exists, without a copy: a piece of an Arena, or one of
        the pictures that a model reads as its batch.

        Parameters
        ----------
        buffer : Buffer
            Of kind 'dvpp' or 'himpi'; 'device' where the chip's engines take such memory.
        width, height : int
        format : str or int
        index : int
            Of several pictures side by side, which one.
        align : (int, int)
            See ``empty()``.

        Returns
        -------
        Image
            Keeps the memory alive.
        """
        cdef int code = format_from_object(format)
        cdef uint32_t across = checked_size("width", width), down = checked_size("height", height)
        cdef uint32_t stride_width, stride_height
        cdef size_t nbytes, start
        cdef int64_t dims[1]
        cdef Buffer part
        cdef object number = operator.index(index)
        buffer.check_open()
        if kind_name(buffer.block.kind) not in ("dvpp", "himpi", "device"):
            raise ValueError(f"pictures live in memory of kind 'dvpp', 'himpi' or 'device', not "
                             f"{buffer.kind!r}")
        check_even(code, across, down)
        strides_of(code, across, down, checked_size("align", align[0]),
                   checked_size("align", align[1]), &stride_width, &stride_height)
        nbytes = picture_bytes(code, stride_width, stride_height)
        if number < 0 or (number + 1) * nbytes > buffer.nbytes:
            raise ValueError(f"picture {number} of {nbytes} bytes is not within the "
                             f"{buffer.nbytes} bytes of the buffer")
        start = <size_t>number * nbytes
        if (<uintptr_t>buffer.address + start) % ADDRESS_ALIGNMENT:
            raise ValueError(f"picture {number} would not begin at a multiple of "
                             f"{ADDRESS_ALIGNMENT} bytes: align its rows")
        dims[0] = <int64_t>nbytes
        part = buffer_from_block(block_retain(buffer.block), <char *>buffer.address + start,
                                 buffer.device, 1, dims, dtype_from_code(UINT8))
        part.root = buffer.state()
        return image_over(part, buffer.device, code, across, down, stride_width, stride_height)

    @staticmethod
    def from_numpy(Context device not None, array, format=None, Stream stream=None, *, kind=None):
        """Copy pixels into a new picture.

        Parameters
        ----------
        device : Device or Context
        array : array_like of uint8
            (H, W, 3) for 'rgb', 'bgr' and 'yuv444', (H, W, 4) with alpha, (H, W, 2) for packed
            4:2:2, (H, W) for 'yuv400', (H * 3 / 2, W) for 'nv12' and 'nv21'.
        format : str or int, optional
            By default 'rgb' or 'rgba', by the last dimension, and 'nv12' for two dimensions.
        stream : Stream, optional
            Queue the upload there.
        kind : {'dvpp', 'himpi'}, optional
            See ``empty()``.

        Returns
        -------
        Image
        """
        import numpy
        device.check_open()
        pixels = numpy.asarray(array)
        if pixels.dtype != numpy.uint8:
            raise TypeError(f"pixels are uint8, not {pixels.dtype}")
        if format is None:
            format = "nv12" if pixels.ndim == 2 else {3: "rgb", 4: "rgba"}.get(pixels.shape[-1])
            if format is None:
                raise ValueError(f"name the format of an array of shape {pixels.shape}")
        code = format_from_object(format)
        height, width = size_of(code, pixels.shape)
        image = new_image(device._state, device, code, width, height, 16, 2,
                          checked_kind(device, kind))
        image.upload(pixels, stream)
        return image

    def upload(self, array, Stream stream=None):
        """Copy pixels, of the shape that ``to_numpy()`` has, into the picture.

        Goes through a padded copy on the host, except in place: where the host can write the
        memory and no stream is given.
        """
        import numpy
        self.check_open()
        self.refuse_region("filled")
        pixels = numpy.asarray(array)
        if pixels.shape != self.shape or pixels.dtype != numpy.uint8:
            raise ValueError(f"the picture takes uint8 {self.shape}, not {pixels.dtype} "
                             f"{pixels.shape}")
        in_place = stream is None and is_host_visible(self.memory.block.kind)
        flat = self.memory.array if in_place else numpy.zeros(self.memory.nbytes, numpy.uint8)
        row = 0
        for plane in self.views(flat):
            rows = plane.size // pixels[0].size
            plane[...] = pixels[row : row + rows].reshape(plane.shape)
            row += rows
        if not in_place:
            self.memory.upload(flat, stream)

    @property
    def format(self):
        """Name of the pixel format, one of ``media.FORMATS``."""
        self.check_open()
        return format_name(self.desc.format)

    @property
    def format_code(self):
        """Value of acldvppPixelFormat."""
        self.check_open()
        return self.desc.format

    @property
    def kind(self):
        """Kind of the memory: 'dvpp', or 'himpi' of pictures of the second media interface."""
        self.check_open()
        return kind_name(self.memory.block.kind)

    @property
    def size(self):
        """(width, height)."""
        return self.width, self.height

    @property
    def strides(self):
        """(bytes of a row in memory, rows in memory)."""
        self.check_open()
        return self.desc.stride_width, self.desc.stride_height

    @property
    def shape(self):
        """Shape of ``to_numpy()``."""
        cdef int layout
        self.check_open()
        layout = layout_of(self.desc.format)
        if layout == SEMI_420:
            return self.height * 3 // 2, self.width
        if layout == SEMI_422:
            return self.height * 2, self.width
        if layout == SEMI_444:
            return self.height * 3, self.width
        if layout == 0:
            return self.height, self.width
        return self.height, self.width, layout - 2

    @property
    def nbytes(self):
        """Bytes of the whole picture in memory, padding included."""
        self.check_open()
        return self.memory.nbytes

    @property
    def buffer(self):
        """The memory of the whole picture, padding included, as a Buffer of uint8."""
        self.check_open()
        return self.memory.view()

    def __acl_buffer__(self):
        """Give the memory to ``Request.set_input()``."""
        self.check_open()
        self.refuse_region("a model's input")
        return self.memory.view()

    def __acl_check_input__(self, TensorDesc desc not None, bint dynamic):
        """Refuse an input of a model that does not read pictures laid out as this one is.

        ``dynamic``: the model takes the size with each execution, so only the bytes must fit.
        """
        self.check_open()
        self.refuse_region("a model's input")
        if dynamic:
            if desc.nbytes < self.memory.nbytes:
                raise ValueError(f"input {desc.name!r} takes pictures of at most {desc.nbytes} "
                                 f"bytes, this one has {self.memory.nbytes}")
            return
        if desc._code != UINT8 or len(desc.shape) != 4:
            raise TypeError(
                f"input {desc.name!r} takes a tensor of shape {desc.shape}, not a picture: "
                "compile the model with AIPP (acl-fast atc --insert_op_conf), which reads pictures"
            )
        have = input_dims(self.desc)
        # A batch gear leaves the first dimension open.
        if desc.shape[0] in (1, -1) and all([want in (-1, got)
                                             for want, got in zip(desc.shape[1:], have)]):
            return
        raise ValueError(
            f"input {desc.name!r} reads {describe_input(desc.shape)}; this picture is "
            f"{self.format} {self.width}x{self.height} and lies in memory as (1, "
            f"{', '.join([str(size) for size in have])}) with strides {self.strides}: scale or "
            "convert it with vpc, or compile the model with its strides as src_image_size"
        )

    cdef int refuse_region(self, str use) except -1:
        if self.is_region():
            raise ValueError(f"a crop view cannot be {use}: copy it out with vpc.crop() first")
        return 0

    def plane(self, Py_ssize_t index):
        """Return the memory of a plane as a Buffer (rows, bytes per row), padding included.

        For typed memoryviews and DLPack, without a copy.
        """
        cdef int64_t dims[2]
        cdef Buffer buffer
        cdef size_t start
        self.check_open()
        shapes = plane_layout(self.desc)
        if not 0 <= index < len(shapes):
            raise IndexError(f"{self.format} pictures have {len(shapes)} planes, no {index}")
        start = <size_t>shapes[index][0]
        dims[0], dims[1] = shapes[index][1:3]
        buffer = buffer_from_block(block_retain(self.memory.block),
                                   <char *>self.memory.address + start, self.memory.device, 2,
                                   dims, dtype_from_code(UINT8))
        buffer.root = self.memory.state()
        return buffer

    @property
    def planes(self):
        """numpy arrays that alias the planes, without padding; chroma as (H, W, 2).

        Raises
        ------
        BufferError
            The memory is not readable by the host (discrete devices): use ``to_numpy()``.
        NotReadyError
            Work that writes the picture has not completed.
        """
        self.check_open()
        return self.views(self.memory.array)

    cdef tuple views(self, object flat):
        """Cut the planes' pixels out of the flat bytes of the picture."""
        cdef int layout = layout_of(self.desc.format)
        cdef int left = self.left, top = self.top, width = self.width, height = self.height
        shapes = plane_layout(self.desc)
        start, rows, stride = shapes[0]
        first = flat[start : start + rows * stride].reshape(rows, stride)
        if len(shapes) == 1:
            if layout == 0:
                return (first[top : top + height, left : left + width],)
            channels = layout - 2
            row = first[top : top + height, left * channels : (left + width) * channels]
            import numpy
            return (numpy.lib.stride_tricks.as_strided(
                row, (height, width, channels), (row.strides[0], channels, 1)),)
        start, rows, stride = shapes[1]
        second = flat[start : start + rows * stride].reshape(rows, stride // 2, 2)
        if layout == SEMI_420:
            top //= 2
            height //= 2
        if layout != SEMI_444:
            left //= 2
            width //= 2
        return (first[self.top : self.top + self.height, self.left : self.left + self.width],
                second[top : top + height, left : left + width])

    def to_numpy(self):
        """Copy the pixels, without padding, into a new array of ``shape``. Blocks."""
        import numpy
        self.check_open()
        flat = self.memory.array if is_host_visible(self.memory.block.kind) \
            else self.memory.download()
        planes = self.views(flat)
        if len(planes) == 1:
            return planes[0].copy()
        return numpy.concatenate([plane.reshape(-1, self.width) for plane in planes])

    def save(self, path):
        """Copy the pixels into a file: '.npy', '.jpg' or '.png' and the like (needs Pillow, for
        'rgb' and 'yuv400'), anything else raw bytes."""
        from pathlib import Path
        import numpy
        target = Path(path)
        pixels = self.to_numpy()
        if target.suffix == ".npy":
            numpy.save(target, pixels)
        elif target.suffix.lower() in (".jpg", ".jpeg", ".png", ".bmp"):
            from PIL import Image as Pillow
            if self.format not in ("rgb", "rgba", "yuv400"):
                raise ValueError(f"convert the {self.format} picture to 'rgb' with vpc.convert(), "
                                 "or encode it with a JpegEncoder")
            Pillow.fromarray(pixels).save(target)
        else:
            target.write_bytes(pixels.tobytes())

    def crop(self, left, top, width, height):
        """Return a view of a region of the same memory, which ``vpc`` takes as its source.

        Parameters
        ----------
        left, top, width, height : int
            Inside the picture; even for formats with shared chroma.
        """
        cdef Image view
        self.check_open()
        box = [operator.index(value) for value in (left, top, width, height)]
        if min(box[:2]) < 0 or min(box[2:]) < 1 or box[0] + box[2] > self.width \
                or box[1] + box[3] > self.height:
            raise ValueError(f"the region {tuple(box)} is not inside the {self.width}x"
                             f"{self.height} picture")
        if layout_of(self.desc.format) == SEMI_420 and any([value % 2 for value in box]):
            raise ValueError(f"regions of {self.format} pictures have even numbers, not "
                             f"{tuple(box)}")
        view = Image.__new__(Image)
        view.desc = self.desc
        view.memory = self.memory
        view.device = self.device
        view.left = self.left + <int>box[0]
        view.top = self.top + <int>box[1]
        view.width = box[2]
        view.height = box[3]
        view.pts = self.pts
        return view

    def close(self):
        """Give up the memory; views, crops and work in flight keep it. Closing twice is fine."""
        self.desc = None
        self.memory = None

    @property
    def is_closed(self):
        """Whether the image was closed."""
        return self.desc is None

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __repr__(self):
        if self.desc is None:
            return "<acl_fast.media.Image closed>"
        return (f"<acl_fast.media.Image {self.format} {self.width}x{self.height} "
                f"strides={self.strides}>")

    def __reduce__(self):
        raise TypeError("Image cannot be pickled: it lives on a device")


cdef list plane_layout(PicDesc desc):
    """(start, rows, bytes per row) of each plane."""
    cdef int layout = layout_of(desc.format)
    cdef size_t width = desc.stride_width, height = desc.stride_height
    cdef list planes = [(0, height, width)]
    if layout == SEMI_420:
        planes.append((width * height, height // 2, width))
    elif layout == SEMI_422:
        planes.append((width * height, height, width))
    elif layout == SEMI_444:
        planes.append((width * height, height, width * 2))
    return planes


cdef tuple input_dims(PicDesc desc):
    """(H, W, C) of the tensor that a model reads when it reads the whole memory of a picture."""
    cdef int layout = layout_of(desc.format)
    cdef Py_ssize_t height = desc.stride_height, width = desc.stride_width
    if layout == SEMI_420:
        return height * 3 // 2, width, 1
    if layout == SEMI_422 or layout == SEMI_444:
        return height * layout, width, 1
    if layout == 0:
        return height, width, 1
    return height, width // (layout - 2), layout - 2


cdef str describe_input(tuple shape):
    """Say which pictures fit a uint8 NHWC input."""
    batch, rows, width, channels = shape
    text = f"uint8 {shape}"
    if batch > 1:
        return f"{text}, {batch} pictures in one buffer"
    if channels == 1:
        options = [f"yuv400 of {width}x{rows}"]
        if rows % 3 == 0:
            options.insert(0, f"nv12 or nv21 of {width}x{rows * 2 // 3}")
        return f"{text}, that is {' or '.join(options)} without padding"
    names = {2: "packed 4:2:2", 3: "rgb, bgr", 4: "rgba, argb"}.get(channels, "no format's")
    return f"{text}, that is {names} pictures of {width}x{rows} without padding"


cdef str checked_kind(device, kind):
    """Return the kind of memory for a picture: as asked, or of the device's media interface."""
    if kind is None:
        return memory_kind(choose_interface(device))
    if kind not in ("dvpp", "himpi"):
        raise ValueError(f"pictures live in memory of kind 'dvpp' or 'himpi', not {kind!r}")
    return kind


cdef uint32_t checked_size(str name, object value) except? 0:
    number = operator.index(value)
    if not 1 <= number <= LARGEST:
        raise ValueError(f"{name} {number} is not within 1 and {LARGEST}")
    return number


cdef tuple size_of(int format, tuple shape):
    """Return (height, width) of a picture from the shape of its array."""
    cdef int layout = layout_of(format)
    channels = layout - 2 if layout > SEMI_444 else 0
    if len(shape) != (3 if channels else 2) or (channels and shape[2] != channels):
        wanted = f"(H, W, {channels})" if channels else "two dimensions"
        raise ValueError(f"{format_name(format)} takes an array of {wanted}, not of shape {shape}")
    rows, width = shape[:2]
    height = rows
    if layout == SEMI_420:
        height = rows * 2 // 3
        if rows % 3 or height % 2 or width % 2:
            raise ValueError(f"{format_name(format)} takes (H * 3 / 2, W) with even H and W, not "
                             f"{shape}")
    elif layout == SEMI_422 or layout == SEMI_444:
        if rows % layout or width % 2:
            raise ValueError(f"{format_name(format)} takes (H * {layout}, W), not {shape}")
        height = rows // layout
    return checked_size("height", height), checked_size("width", width)


cdef uint32_t round_up(uint32_t value, uint32_t multiple) noexcept:
    return (value + multiple - 1) // multiple * multiple


cdef Image image_over(Buffer memory, object device, int format, uint32_t width, uint32_t height,
                      uint32_t stride_width, uint32_t stride_height):
    """Make an image over memory that is large enough for it."""
    cdef Image image = Image.__new__(Image)
    image.desc = create_picdesc(memory, format, width, height, stride_width, stride_height)
    image.memory = memory
    image.device = device
    image.width = <int>width
    image.height = <int>height
    return image


cdef int strides_of(int format, uint32_t width, uint32_t height, uint32_t align_width,
                    uint32_t align_height, uint32_t *stride_width,
                    uint32_t *stride_height) except -1:
    # No row of the picture engine is shorter than 32 bytes.
    stride_width[0] = max(row_bytes(format, round_up(width, align_width)), <uint32_t>32)
    stride_height[0] = round_up(height, align_height)
    return 0


cdef int check_even(int format, uint32_t width, uint32_t height) except -1:
    if layout_of(format) == SEMI_420 and (width % 2 or height % 2):
        raise ValueError(f"{format_name(format)} pictures have even sizes, not {width}x{height}")
    return 0


cdef Image new_image(ContextState *context, object device, int format, uint32_t width,
                     uint32_t height, uint32_t align_width, uint32_t align_height, str kind):
    cdef uint32_t stride_width, stride_height
    cdef Buffer memory
    check_even(format, width, height)
    strides_of(format, width, height, align_width, align_height, &stride_width, &stride_height)
    memory = empty(context, device, picture_bytes(format, stride_width, stride_height), "uint8",
                   kind)
    return image_over(memory, device, format, width, height, stride_width, stride_height)
