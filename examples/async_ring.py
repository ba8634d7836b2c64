"""Keep several requests in flight: the host prepares the next picture while the device works.

python async_ring.py model.om
"""

import sys
import time
from collections import deque

import numpy as np

import acl_fast as af

PICTURES = 100
DEPTH = 4

with af.Device(0) as device:
    model = device.load_model(sys.argv[1])
    stream = device.create_stream()  # runs what is queued on it in order
    idle = deque((model.create_request(), stream.record()) for _ in range(DEPTH))
    flying = deque()
    total = np.zeros(model.outputs[0].shape, np.float64)
    source = np.random.default_rng(0)

    def collect() -> None:
        """Wait for the oldest request alone; the later ones go on."""
        request, done = flying.popleft()
        done.synchronize()
        np.add(total, request.outputs[0].download(), out=total)
        idle.append((request, done))

    start = time.perf_counter()
    for _ in range(PICTURES):
        if not idle:
            collect()
        request, done = idle.popleft()
        request.inputs[0].upload(source.random(model.inputs[0].shape, dtype=np.float32))
        request.run_async(stream)  # queues and returns at once
        stream.record(done)  # a point in the stream to wait for
        flying.append((request, done))
    while flying:
        collect()
    seconds = time.perf_counter() - start

    print(f"{PICTURES} pictures, {PICTURES / seconds:.0f} a second")
    print("mean result:", (total / PICTURES).ravel()[:8])
