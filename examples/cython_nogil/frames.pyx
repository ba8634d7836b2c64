# cython: language_level=3, boundscheck=False, wraparound=False
"""Prepare and run pictures in one block that never holds the GIL.

``Request`` and ``Stream`` are C classes to Cython, and a ``Buffer`` is a typed memoryview of the
device's memory: the loop below makes no Python call at all.
"""

from acl_fast._memory cimport Buffer
from acl_fast._model cimport Request
from acl_fast._stream cimport Stream


def run_brightness_sweep(
    Request request not None, Stream stream not None, Buffer picture not None,
    Buffer mean not None, int steps,
):
    """Run the model on ``steps`` grey pictures and return the sum of its first outputs.

    The buffers must be bound to the request (``set_input``, ``set_output``), and the request to
    the stream (``request.bind(stream)``).
    """
    cdef float[:, :, :, ::1] pixels = picture
    cdef float[:, ::1] result = mean
    cdef Py_ssize_t channel, row, column
    cdef int step, code = 0
    cdef double total = 0
    with nogil:
        for step in range(steps):
            for channel in range(pixels.shape[1]):
                for row in range(pixels.shape[2]):
                    for column in range(pixels.shape[3]):
                        pixels[0, channel, row, column] = <float>step / steps
            code = request.launch_nogil()
            if code == 0:
                code = stream.synchronize_nogil()
            if code != 0:
                break
            total += result[0, 0]
    if code != 0:
        raise RuntimeError(f"the device answered {code}")
    return total
