"""Await requests: the event loop stays free while the device works.

python asyncio_example.py model.om
"""

import asyncio
import sys

import numpy as np

import acl_fast as af

PICTURES = 20
WORKERS = 3


async def worker(model: af.Model, stream: af.Stream, pictures: asyncio.Queue[int]) -> list[float]:
    """Take pictures until none is left, with a request of its own."""
    request = model.create_request()
    results = []
    while not pictures.empty():
        number = pictures.get_nowait()
        request.inputs[0].upload(np.full(model.inputs[0].shape, number / PICTURES, np.float32))
        await request.run_async(stream)
        results.append(float(request.outputs[0].download().ravel()[0]))
    return results


async def main() -> None:
    with af.Device(0) as device:
        model = device.load_model(sys.argv[1])
        stream = device.create_stream()
        pictures: asyncio.Queue[int] = asyncio.Queue()
        for number in range(PICTURES):
            pictures.put_nowait(number)
        parts = await asyncio.gather(*(worker(model, stream, pictures) for _ in range(WORKERS)))
        print("pictures per worker:", [len(part) for part in parts])
        print("results:", sorted(round(value, 3) for part in parts for value in part)[:5])


asyncio.run(main())
