"""Use device memory as numpy arrays, without copying.

    python zero_copy_numpy.py model.om

Where host and device share memory (softnpu's default, Atlas 200 boards) ``.array`` is a numpy
array that *is* the memory. On a PCIe card it raises, and ``upload`` and ``download`` are the way.
"""

import sys

import numpy as np

import acl_fast as af

with af.Device(0) as device:
    model = device.load_model(sys.argv[1])
    request = model.create_request()
    shape = model.inputs[0].shape

    try:
        image = request.inputs[0].array
    except BufferError as error:
        sys.exit(f"this device shares no memory with the host: {error}")

    before = af.softnpu.counters()

    # 1. Compute straight into the input; `out=` keeps numpy from making a temporary.
    np.multiply(np.random.default_rng(0).integers(0, 256, shape), 1 / 255, out=image)
    request.run()
    print("in place:   ", request.outputs[0].array.ravel()[:8])

    # 2. Bind memory of your own: any Buffer, array or DLPack object that meets the rules
    #    (dtype, shape, 64-byte alignment). Several requests may share it.
    mine = device.empty(shape, np.float32)
    mine.array[...] = 0.25
    request.set_input(0, mine)
    request.run()
    print("own buffer: ", request.outputs[0].array.ravel()[:8])

    # 3. Other libraries take the same memory through DLPack or the buffer protocol.
    same = np.from_dlpack(mine)
    assert same.ctypes.data == mine.array.ctypes.data

    after = af.softnpu.counters()
    copied = {key: after[key] - before[key] for key in after if key.startswith("bytes_")}
    print("copied bytes:", copied)
