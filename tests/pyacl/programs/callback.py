"""Inference in a pool of memory, results taken by callbacks on a report thread.

usage: callback.py model.om rounds
"""

import sys

import acl
import numpy as np
from model import Model, check

running = True
results = []


def report_loop(args):
    context, timeout = args
    check(acl.rt.set_context(context), "set_context")
    while running:
        acl.rt.process_report(timeout)


def take(user_data):
    model, expected = user_data
    results.append(np.array_equal(model.results()[0], expected))
    if len(results) == 2:
        raise ValueError("a callback that fails does not end the loop")


def main(path, rounds):
    global running
    check(acl.init(), "init")
    check(acl.rt.set_device(0), "set_device")
    context, ret = acl.rt.create_context(0)
    check(ret, "create_context")
    stream, ret = acl.rt.create_stream()
    check(ret, "create_stream")
    model = Model(path)
    thread, ret = acl.util.start_thread(report_loop, [context, 50])
    check(ret, "start_thread")
    check(acl.rt.subscribe_report(thread, stream), "subscribe_report")
    for number in range(int(rounds)):
        a = np.full((4, 256), number, np.float32)
        model.copy_in([a, a], stream)
        model.execute_async(stream)
        # 1: the stream waits until the callback is through.
        check(acl.rt.launch_callback(take, (model, 2 * a), 1, stream), "launch_callback")
        check(acl.rt.synchronize_stream(stream), "synchronize_stream")
    check(acl.rt.unsubscribe_report(thread, stream), "unsubscribe_report")
    running = False
    check(acl.util.stop_thread(thread), "stop_thread")
    print(len(results), all(results))
    model.close()
    check(acl.rt.destroy_stream(stream), "destroy_stream")
    check(acl.rt.destroy_context(context), "destroy_context")
    check(acl.rt.reset_device(0), "reset_device")
    check(acl.finalize(), "finalize")


if __name__ == "__main__":
    main(*sys.argv[1:])
