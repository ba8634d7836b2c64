"""Reset and finalize end while other threads of the program go on submitting."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from acl_fast._atc.convert import Request, convert
from tests.core import models

# Two rounds in a process of its own: the first is ended by reset_device, the second by finalize.
PROGRAM = """
import sys
import threading
from acl_fast import pyacl as acl
from acl_fast import softnpu

NBYTES, MANY = 4096, 1 << 18
rt, mdl = acl.rt, acl.mdl

def dataset():
    made = mdl.create_dataset()
    mdl.add_dataset_buffer(made, acl.create_data_buffer(rt.malloc(NBYTES, 0)[0], NBYTES))
    return made

def report(arguments):
    rt.set_context(*arguments)
    while not over.is_set():
        rt.process_report(20)

def submit(context, call, refusals, barrier):
    rt.set_context(context)
    code = call()
    barrier.wait()
    while code == 0:
        code = call()
    refusals.append(code)

def create():
    stream, code = rt.create_stream()
    return code or rt.destroy_stream(stream)

def load():
    model, code = mdl.load_from_file(sys.argv[1])
    return code or mdl.unload(model)

def round(end):
    assert rt.set_device(0) == 0
    context = rt.get_context()[0]
    stream, event = rt.create_stream()[0], rt.create_event()[0]
    device, host = rt.malloc(MANY, 0)[0], rt.malloc_host(MANY)[0]
    model, code = mdl.load_from_file(sys.argv[1])
    assert code == 0
    inputs, outputs = dataset(), dataset()
    reports = acl.util.start_thread(report, [context])[0]
    assert rt.subscribe_report(reports, stream) == 0
    calls = [
        lambda: mdl.execute_async(model, inputs, outputs, stream),
        lambda: rt.memcpy_async(host, MANY, device, MANY, 2, stream),
        lambda: rt.record_event(event, stream) or rt.stream_wait_event(stream, event),
        lambda: rt.launch_callback(lambda _: None, None, 1, stream),
        lambda: rt.synchronize_stream(stream),
        create,
        load,
    ]
    refusals, barrier = [], threading.Barrier(len(calls) + 1)
    threads = [
        threading.Thread(target=submit, args=(context, call, refusals, barrier)) for call in calls
    ]
    for thread in threads:
        thread.start()
    barrier.wait()
    assert end() == 0
    for thread in threads:
        thread.join()
    assert len(refusals) == len(calls), refusals
    assert set(refusals) <= {107000, 107002, 107015, 145003}, refusals
    assert rt.synchronize_stream(stream) == 107002
    rt.free_host(host)
    over.set()
    acl.util.stop_thread(reports)
    over.clear()
    counters = softnpu.counters()
    for name in ("streams", "events", "contexts", "subscriptions", "models", "device_bytes"):
        assert counters[f"live_{name}"] == 0, (name, counters)
    assert counters["tasks_queued"] == counters["tasks_completed"]

over = threading.Event()
assert acl.init() == 0
round(lambda: rt.reset_device(0))
round(acl.finalize)
print("over")
"""


def test_reset_and_finalize_end_while_threads_submit(tmp_path: Path) -> None:
    path = tmp_path / "scale.onnx"
    path.write_bytes(models.scale((8, 128), 2.0))
    model = convert(Request(path, path.with_suffix(""))).path
    words = [sys.executable, "-c", PROGRAM, str(model)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "over\n"), done.stderr
