"""Several threads share one model.

    python threads.py model.om

One loaded model never runs twice at once. ``model.exclusive(stream)`` makes "write the input, run,
read the output" one unit; a thread that has to wait for it waits without the GIL. No thread calls
anything like set_device: every object brings its own context along.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import acl_fast as af

THREADS = 4
PICTURES = 40

with af.Device(0) as device:
    model = device.load_model(sys.argv[1])
    request = model.create_request()  # shared as well: the lock covers it
    stream = device.create_stream()

    def classify(number: int) -> float:
        picture = np.full(model.inputs[0].shape, number / PICTURES, np.float32)
        with model.exclusive(stream):
            request.inputs[0].upload(picture)
            request.run_async(stream)
            stream.synchronize()
            return float(request.outputs[0].download().ravel()[0])

    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(classify, range(PICTURES)))

    print("first results:", [round(value, 3) for value in results[:5]])

    # True concurrency needs a model per thread; the device shares the weights where it can.
    copies = [model, *model.replicate(THREADS - 1)]

    def classify_alone(copy: af.Model) -> float:
        own = copy.create_request()
        own.inputs[0].upload(np.full(copy.inputs[0].shape, 0.5, np.float32))
        return float(own.run().outputs[0].download().ravel()[0])

    with ThreadPoolExecutor(THREADS) as pool:
        print("replicas:", [round(value, 3) for value in pool.map(classify_alone, copies)])
