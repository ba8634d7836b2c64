"""What a program in Cython does with acl_fast: models without the GIL, memory as memoryviews."""

from libc.stdint cimport int32_t

from acl_fast cimport abi
from acl_fast._device cimport Device
from acl_fast._image cimport Image
from acl_fast._jpeg cimport JpegDecoder, JpegEncoder
from acl_fast._memory cimport Buffer
from acl_fast._model cimport Model, Request
from acl_fast._pool cimport PicturePool
from acl_fast._stream cimport Event, Stream
from acl_fast._vdec cimport VideoDecoder
from acl_fast._venc cimport Packet, VideoEncoder
from acl_fast._vpc cimport Vpc


def run_in_nogil_block(Model model not None, Stream stream not None, int count):
    """Run ``y = 2 * x`` on 0, 1, 2...: everything between the first and the last line is nogil.

    Needs memory that the host can read. Returns the sum of all outputs.
    """
    cdef Request request = model.create_request()
    cdef float[::1] x = request.inputs[0].buffer
    cdef float[::1] y = request.outputs[0].buffer
    cdef abi.aclError code = 0
    cdef double total = 0
    cdef int i
    cdef Py_ssize_t j
    request.bind(stream)
    with nogil:
        for i in range(count):
            for j in range(x.shape[0]):
                x[j] = i
            code = request.launch_nogil()
            if code == 0:
                code = stream.synchronize_nogil()
            if code != 0:
                break
            for j in range(y.shape[0]):
                total += y[j]
    if code != 0:
        raise RuntimeError(f"device error {code}")
    return total


def pipeline(Request first not None, Request second not None, Stream one not None,
             Stream two not None, Event event not None):
    """Two models on two streams, ordered by an event, launched in one nogil block."""
    cdef abi.aclError code
    first.bind(one)
    second.bind(two)
    with nogil:
        code = first.launch_nogil()
        if code == 0:
            code = one.record_nogil(event)
        if code == 0:
            code = two.wait_nogil(event)
        if code == 0:
            code = second.launch_on_nogil(two)
        if code == 0:
            code = two.synchronize_nogil()
        if code == 0:
            code = one.synchronize_nogil()
    if code != 0:
        raise RuntimeError(f"device error {code}")


def matrix_sum(Buffer buffer not None):
    """Sum a 2-d tensor through a typed memoryview."""
    cdef const float[:, ::1] view = buffer
    cdef double total = 0
    cdef Py_ssize_t i, j
    with nogil:
        for i in range(view.shape[0]):
            for j in range(view.shape[1]):
                total += view[i, j]
    return total


def c_interface(Device device not None):
    """Call the C interface itself; return the current device's number."""
    cdef int32_t number = -1
    cdef abi.aclError code
    device.make_current()
    with nogil:
        code = abi.aclrtGetDevice(&number)
    if code != 0:
        raise RuntimeError(f"device error {code}")
    return number


def luma_sum(Image image not None):
    """Sum the first plane of a picture through a typed memoryview, padding left out."""
    cdef const unsigned char[:, ::1] rows = image.plane(0)
    cdef int width = image.width, height = image.height
    cdef long total = 0
    cdef int x, y
    with nogil:
        for y in range(height):
            for x in range(width):
                total += rows[y, x]
    return total


def transcode(VideoDecoder decoder not None, Vpc vpc not None, PicturePool pool not None,
              VideoEncoder encoder not None, packets):
    """Decode, scale and encode; return how many bytes came out, and of how many packets."""
    cdef Image image
    cdef Packet packet
    cdef size_t total = 0
    cdef int count = 0
    for image in decoder.decode(packets):
        encoder.send(vpc.resize(image, out=pool.get()))
    encoder.flush()
    while (packet := encoder.receive()) is not None:
        total += packet.nbytes
        count += 1
    return total, count


def thumbnail(JpegDecoder decoder not None, Vpc vpc not None, JpegEncoder encoder not None, file):
    """Decode a JPEG file, scale it to half its size, and encode it again."""
    cdef Image image = decoder.decode(file)
    return encoder.encode(vpc.resize(image, image.width // 2, image.height // 2))
