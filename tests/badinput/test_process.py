"""Signals, forks and exits at the wrong time: each in a process of its own."""

from __future__ import annotations

import os
import signal

import pytest

from . import child

# A busy stream: several executions of the slow model are queued.
BUSY = """
dev = af.Device(0)
stream = dev.create_stream()
model = dev.load_model(networks.slow())
request = model.create_request()
request.inputs[0].upload(np.ones(networks.SLOW_SHAPE, np.float32))
def busy(count):
    for _ in range(count):
        request.run_async(stream)
"""
# A stream on which one execution waits behind a gate: in flight for as long as a test likes.
GATED = """
dev = af.Device(0)
api = Api(af.info().library)
stream = dev.create_stream()
model = dev.load_model(networks.affine())
request = model.create_request()
x = np.ones(networks.SHAPE, np.float32)
request.inputs[0].upload(x)
gate = Gate(api, stream.handle)
request.run_async(stream)
"""
DONE = """
gate.open()
stream.synchronize()
gate.remove()
assert (request.outputs[0].download() == 2 * x + 1).all()
works(dev)
"""
CHECK = """
np.testing.assert_allclose(
    request.outputs[0].download(),
    networks.slow_result(np.ones(networks.SLOW_SHAPE, np.float32)), atol=1e-2)
"""


# ---- signals ----


@pytest.mark.parametrize(
    "wait", ["stream.synchronize()", "event.synchronize()", "request.synchronize()"]
)
def test_interrupt_while_waiting(wait: str) -> None:
    """Ctrl-C raises KeyboardInterrupt soon, and the stream is usable afterwards."""
    process = child.start(
        GATED
        + f"""
event = stream.record()
try:
    print("waiting", flush=True)
    {wait}
except KeyboardInterrupt:
    print("interrupted", stream.query(), flush=True)
"""
        + DONE
        + "\nprint('fine')\n"
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    os.kill(process.pid, signal.SIGINT)
    status, out, err = child.finish(process)
    assert status == 0, err
    assert out.splitlines() == ["interrupted False", "fine"], out
    assert err == ""


def test_interrupt_that_nobody_catches() -> None:
    """The program ends as Python programs do, not in a crash, and does not hang."""
    process = child.start(BUSY + "\nbusy(6)\nprint('waiting', flush=True)\nstream.synchronize()\n")
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    os.kill(process.pid, signal.SIGINT)
    status, _, err = child.finish(process)
    assert status == -signal.SIGINT
    assert err.rstrip().endswith("KeyboardInterrupt")


# ---- fork ----

REFUSED = """
def refused(use):
    try:
        use()
    except af.ForkError as error:
        assert "spawn" in str(error), error
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}")
    else:
        raise AssertionError("the child may use the device")

main = threading.current_thread()
def in_child(body):
    '''Run in a forked child; its exit code. An exception there is printed.'''
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            body()
            code = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            if code or threading.current_thread() is not main:
                os._exit(code)
        # The interpreter's own way out: atexit, destructors, daemon threads.
        sys.exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


def test_fork_before_init() -> None:
    """Nothing was opened: both may use a device."""
    child.run(
        REFUSED
        + """
assert in_child(lambda: works(af.Device(0))) == 0
works(af.Device(0))
"""
    )


def test_fork_after_import_of_a_used_module() -> None:
    """Every kind of call in the child raises at once; the child ends quietly; the parent works."""
    child.run(
        BUSY
        + REFUSED
        + """
event = dev.create_event()
buffer = dev.empty((2, 3))
pinned = dev.empty((2, 3), kind="host")
arena = dev.arena(4096)
x = np.ones((2, 3), np.float32)

def body():
    for use in (
        lambda: af.Device(0),
        lambda: af.Device.count(),
        lambda: dev.create_stream(),
        lambda: dev.create_event(),
        lambda: dev.create_context(),
        lambda: dev.empty((2, 3)),
        lambda: dev.memory_info(),
        lambda: dev.load_model(networks.affine()),
        lambda: dev.synchronize(),
        lambda: dev.make_current(),
        lambda: buffer.upload(x),
        lambda: buffer.download(),
        lambda: buffer.fill_bytes(0),
        lambda: stream.synchronize(),
        lambda: stream.query(),
        lambda: stream.record(event),
        lambda: stream.wait(event),
        lambda: request.run(),
        lambda: request.run_async(stream),
        lambda: model.create_request(),
        lambda: model.replicate(1),
        lambda: af.run_mode(),
    ):
        refused(use)
    # Closing says nothing, whichever way it is done.
    with model.create_request() if False else buffer:
        pass
    for item in (request, model, event, pinned, arena, stream):
        item.close()

assert in_child(body) == 0
busy(1)
stream.synchronize()
"""
        + CHECK
        + "\nworks(dev)\n"
    )


def test_fork_with_work_in_flight() -> None:
    child.run(
        GATED
        + REFUSED
        + """
def body():
    refused(lambda: stream.synchronize())
    refused(lambda: request.run_async(stream))
    refused(lambda: request.outputs[0].download())
    refused(lambda: af.Device(0))
assert in_child(body) == 0
"""
        + DONE
    )


def test_fork_that_only_exits() -> None:
    """A child that never touches the device, with everything alive: no word, no hang."""
    child.run(
        GATED
        + REFUSED
        + """
assert in_child(lambda: None) == 0
def drop():
    global request, model, stream, dev
    del request, model, stream, dev
    gc.collect()
assert in_child(drop) == 0
"""
        + DONE
    )


def test_fork_on_a_thread() -> None:
    """Another thread is inside a blocking call when this one forks."""
    child.run(
        GATED
        + REFUSED
        + """
import concurrent.futures
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    waiting = pool.submit(stream.synchronize)
    assert pool.submit(in_child, lambda: refused(lambda: af.Device(0))).result() == 0
    assert in_child(lambda: refused(lambda: dev.empty((2, 3)))) == 0
    gate.open()
    waiting.result()
gate.remove()
works(dev)
"""
    )


def test_fork_after_close() -> None:
    """The library stays loaded after the last device: its threads are not in the child."""
    child.run(
        REFUSED
        + """
with af.Device(0) as dev:
    works(dev)
del dev
gc.collect()
assert in_child(lambda: refused(lambda: af.Device(0))) == 0
works(af.Device(0))
"""
    )


def test_fork_at_the_c_interface() -> None:
    """A C program's child gets a code and a sentence, not a hang: 200006 here, 107002 or 507xxx
    on others."""
    child.run(
        REFUSED
        + """
dev = af.Device(0)
api = Api(af.info().library)
stream = api.out("aclrtCreateStream")
def body():
    for call in (
        ("aclrtSynchronizeStream", stream),
        ("aclrtCreateStream", C.byref(C.c_uint64(0))),
        ("aclrtMalloc", C.byref(C.c_uint64(0)), 64, 0),
        ("aclrtSetDevice", 0),
        ("aclInit", None),
        ("aclFinalize",),
        ("aclrtResetDevice", 0),
    ):
        code = api.call(*call)
        text = api.text()
        assert code != 0, call
        assert call[0] in text and "spawn" in text, (call, text)
assert in_child(body) == 0
api.ok("aclrtDestroyStream", stream)
works(dev)
"""
    )


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method: str, tmp_path: object) -> None:
    script = f"{tmp_path}/workers.py"
    with open(script, "w") as file:
        file.write(
            f"""
import multiprocessing
import sys

def work(number):
    import acl_fast as af
    from tests.badinput.conftest import works
    try:
        works(af.Device(0))
    except af.ForkError as error:
        assert "spawn" in str(error)
        return "refused"
    return "fine"

if __name__ == "__main__":
    import acl_fast as af
    from tests.badinput.conftest import works
    device = af.Device(0)
    works(device)
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        print(*pool.map(work, range(4)))
    works(device)
"""
        )
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        env={**os.environ, "PYTHONPATH": str(child.ROOT)},
        text=True,
        capture_output=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    expected = "refused" if method == "fork" else "fine"
    assert done.stdout.split() == [expected] * 4


# ---- the end of the process ----

EXITS = {
    "falls off the end": "",
    "sys.exit": "sys.exit(0)",
    "exception": "raise SystemExit",
    "drops the stream first": "del stream",
    "drops the model first": "del model, request",
    "drops the device first": "del dev",
    "cycle": "ring = [stream, request, dev]; ring.append(ring); del stream, request",
    "module attribute": "sys.modules['os'].kept = (stream, request, model, dev)",
    "daemon thread": ("threading.Thread(target=stream.synchronize, daemon=True).start()"),
    "thread": "threading.Thread(target=stream.synchronize).start()",
    "thread that runs": (
        "threading.Thread(target=lambda: [request.run_async(stream) for _ in range(3)]).start()"
    ),
    "at exit": "import atexit; atexit.register(lambda: (stream.synchronize(), print('end')))",
    "closes twice": "stream.close(); stream.close(); model.close()",
    "weakref": "import weakref; weakref.finalize(dev, print, 'gone')",
}


@pytest.mark.parametrize("how", EXITS)
def test_exit_with_work_in_flight(how: str) -> None:
    """Quiet, exit code 0, in time, whatever is alive and in whatever order it goes."""
    child.run(BUSY + "\nbusy(2)\n" + EXITS[how] + "\n")


def test_exit_with_a_coroutine_waiting() -> None:
    child.run(
        BUSY
        + """
import asyncio
async def main():
    request.run_async(stream)
    task = asyncio.ensure_future(stream.synchronize_async())
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled")
asyncio.run(main())
"""
    )


def test_exit_while_a_daemon_thread_loads_and_runs() -> None:
    child.run(
        """
dev = af.Device(0)
ready = threading.Event()
def work():
    while True:
        works(dev)
        ready.set()
threading.Thread(target=work, daemon=True).start()
ready.wait()
"""
    )


def test_hard_exit_with_work_in_flight() -> None:
    status, _, err = child.finish(child.start(BUSY + "\nbusy(3)\nos._exit(7)\n"))
    assert status == 7
    assert err == ""


def test_exception_with_work_in_flight() -> None:
    """Only the program's own traceback."""
    status, _, err = child.finish(child.start(BUSY + "\nbusy(3)\n1 / 0\n"))
    assert status == 1
    assert err.rstrip().endswith("ZeroDivisionError: division by zero")
    assert err.count("Traceback") == 1


# CPython up to 3.13 ends threads that ask for the interpreter while it goes with pthread_exit,
# which unwinds them through whatever C++ stands between. The slow __del__ runs in that time.
KILLED = """
api = Api(af.info().library)
dev = af.Device(0)
stream = dev.create_stream()
inside = threading.Event()
started = time.monotonic()
@C.CFUNCTYPE(None, C.c_void_p)
def function(_):
    inside.set()
    time.sleep(0.3)
def serve():
    api.library.aclrtSetDevice(0)
    api.library.aclrtSubscribeReport(C.c_uint64(threading.get_ident()), C.c_void_p(stream.handle))
    ready.set()
    while True:
        api.library.aclrtProcessReport(1000)
ready = threading.Event()
threading.Thread(target=serve, daemon=True).start()
ready.wait()
api.library.aclrtLaunchCallback(function, None, {blocking}, C.c_void_p(stream.handle))
inside.wait()
class Slow:
    usleep = C.PyDLL(None).usleep
    def __del__(self):
        self.usleep(600000)
sys.slow = Slow()
print("end", flush=True)
"""


@pytest.mark.parametrize("blocking", [0, 1])
def test_exit_kills_a_daemon_thread_inside_a_callback(blocking: int) -> None:
    assert child.run(KILLED.format(blocking=blocking)) == "end\n"
