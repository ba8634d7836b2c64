"""Threads that each have a context, a stream and a model of their own, on one or more devices.

usage: threads.py model.om devices threads rounds
"""

import sys
import threading

import acl
import numpy as np
from model import Model, check

wrong = []


def work(device, number, path, rounds):
    check(acl.rt.set_device(device), "set_device")
    context, ret = acl.rt.create_context(device)
    check(ret, "create_context")
    stream, ret = acl.rt.create_stream()
    check(ret, "create_stream")
    model = Model(path, from_memory=number % 2 == 1)
    random = np.random.default_rng(number)
    for _ in range(rounds):
        a, b = random.random((4, 256), np.float32), random.random((4, 256), np.float32)
        model.copy_in([a, b], stream)
        model.execute_async(stream)
        check(acl.rt.synchronize_stream(stream), "synchronize_stream")
        if not np.array_equal(model.results()[0], a + b):
            wrong.append((device, number))
    model.close()
    check(acl.rt.destroy_stream(stream), "destroy_stream")
    check(acl.rt.destroy_context(context), "destroy_context")
    check(acl.rt.reset_device(device), "reset_device")


def main(path, devices, threads, rounds):
    check(acl.init(), "init")
    count, ret = acl.rt.get_device_count()
    check(ret, "get_device_count")
    started = [
        threading.Thread(target=work, args=(number % int(devices), number, path, int(rounds)))
        for number in range(int(threads))
    ]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    print(count, len(wrong))
    check(acl.finalize(), "finalize")


if __name__ == "__main__":
    main(*sys.argv[1:])
