"""Fork, interpreter exit and Ctrl-C: each in a process of its own, which must end quietly."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

import acl_fast as af
from acl_fast import _runtime

from . import models

PRELUDE = """
import os, sys, threading, numpy as np
import acl_fast as af
from pathlib import Path
data = Path(os.environ["ACL_FAST_TEST_MODEL"]).read_bytes()
def start():
    device = af.Device(0)
    return device, device.create_stream(), device.load_model(data).create_request()
"""


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("models") / "slow.onnx"
    path.write_bytes(models.slow())
    return str(path)


def run(model_path: str, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-X",
            "faulthandler",
            "-c",
            PRELUDE + textwrap.dedent(code),
        ],
        env={**os.environ, "ACL_FAST_TEST_MODEL": model_path, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def check_quiet(done: subprocess.CompletedProcess[str], output: str = "") -> None:
    assert done.stderr == ""
    assert done.stdout == output
    assert done.returncode == 0


EXITS = {
    "nothing closed": "device, stream, request = start()",
    "work in flight": "device, stream, request = start(); request.run_async(stream)",
    "much in flight": "device, stream, request = start()\n"
    "for _ in range(10): request.run_async(stream)",
    "stream dropped": "device, stream, request = start(); request.run_async(stream); del stream",
    "all dropped": "device, stream, request = start(); request.run_async(stream)\n"
    "del device, stream, request",
    "device closed": "device, stream, request = start(); request.run_async(stream); device.close()",
    "only imported": "",
    "only opened": "af.Device(0)",
    "closed in order": "device, stream, request = start()\nrequest.run_async(stream)\n"
    "stream.close(); request.close(); request.model.close(); device.close()",
    "global cycle": "device, stream, request = start()\nclass C: pass\nc = C(); c.me = c\n"
    "c.all = (device, stream, request); request.run_async(stream)\ndel device, stream, request",
    "view alive": "device, stream, request = start()\nb = device.empty(1000, kind='host')\n"
    "v = np.from_dlpack(b); m = memoryview(b); a = b.array",
    "daemon thread waiting": "device, stream, request = start()\nrequest.run_async(stream)\n"
    "threading.Thread(target=stream.synchronize, daemon=True).start()",
    "asyncio waiting": "import asyncio\ndevice, stream, request = start()\n"
    "async def main():\n"
    "    async def wait(): await request.run_async(stream)\n"
    "    task = asyncio.ensure_future(wait()); await asyncio.sleep(0); task.cancel()\n"
    "asyncio.run(main())",
    "threads that make streams": "device, stream, request = start()\nsys.setswitchinterval(1e-6)\n"
    "def make():\n"
    "    while True: streams = [device.create_stream() for _ in range(50)]\n"
    "for _ in range(3): threading.Thread(target=make, daemon=True).start()",
    "sys.exit in a thread's shadow": "device, stream, request = start()\n"
    "t = threading.Thread(target=request.run); t.start(); t.join()\nsys.exit(0)",
}


@pytest.mark.parametrize("case", EXITS)
def test_quiet_exit(model_path: str, case: str) -> None:
    check_quiet(run(model_path, EXITS[case]))


def test_objects_made_while_the_exit_looks_through_them() -> None:
    """A WeakSet raises then, and nothing would be finished any more."""
    device = af.Device(0)
    living = _runtime.Living()
    first, second = device.create_stream(), device.create_stream()
    living.add(first)
    seen = []
    for stream in living:
        living.add(second)
        seen.append(stream)
    assert seen == [first]
    del stream, first
    seen.clear()
    assert list(living) == [second]


FORK = """
def child():
    for use in {uses}:
        try:
            use()
        except af.ForkError as error:
            assert "spawn" in str(error)
        else:
            print("no error", use); os._exit(3)
{before}
pid = os.fork()
if pid == 0:
    try:
        child()
    except BaseException as error:
        print("child:", repr(error)); os._exit(2)
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
{after}
"""


@pytest.mark.parametrize(
    ("before", "uses", "after"),
    [
        pytest.param("device, stream, request = start()",
            "[stream.synchronize, request.run, lambda: request.run_async(stream), stream.record,"
            " lambda: device.empty(4), lambda: af.Device(0), af.Device.count, device.memory_info,"
            " device.create_stream, lambda: device.load_model(data), request.model.create_request]",
            "request.run_async(stream); stream.synchronize()", id="idle"),
        pytest.param("device, stream, request = start(); request.run_async(stream)",
            "[stream.synchronize, lambda: request.run_async(stream)]",
            "stream.synchronize(); request.outputs[0].download()", id="in flight"),
        pytest.param(
            "device, stream, request = start()\n"
            "for _ in range(5): request.run_async(stream)\n"
            "t = threading.Thread(target=stream.synchronize); t.start()",
            "[stream.synchronize, request.run]", "t.join()", id="another thread inside"),
        pytest.param("af.Device(0).close()", "[lambda: af.Device(0)]", "af.Device(0).close()",
            id="opened and closed"),
    ],
)  # fmt: skip
def test_forked_child_is_told_to_spawn(model_path: str, before: str, uses: str, after: str) -> None:
    check_quiet(run(model_path, FORK.format(before=before, uses=uses, after=after)))


def test_child_may_open_the_device_if_the_parent_did_not(model_path: str) -> None:
    check_quiet(
        run(
            model_path,
            """
            pid = os.fork()
            if pid == 0:
                device, stream, request = start()
                request.run_async(stream)
                stream.synchronize()
                print("child ran")
                sys.exit(0)
            assert os.waitpid(pid, 0)[1] == 0
            """,
        ),
        "child ran\n",
    )


def test_spawned_workers(model_path: str, tmp_path: object) -> None:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(double_in_process, [1.0, 2.0, 3.0])) == [2.0, 4.0, 6.0]


def double_in_process(number: float) -> float:
    import numpy as np

    import acl_fast as af

    with af.Device(0) as device, device.load_model(models.scale((1,), 2.0)) as model:
        request = model.create_request()
        request.inputs[0].upload(np.array([number], np.float32))
        return float(request.run().outputs[0].download()[0])


def test_ctrl_c_while_the_device_works(model_path: str) -> None:
    """A real SIGINT to a process that is inside synchronize()."""
    done = run(
        model_path,
        """
        import signal
        device, stream, request = start()
        for _ in range(10): request.run_async(stream)
        def kill():
            inside.wait()
            os.kill(os.getpid(), signal.SIGINT)
        inside = threading.Event()
        t = threading.Thread(target=kill); t.start()
        try:
            inside.set()
            while True: stream.synchronize(); request.run_async(stream)
        except KeyboardInterrupt:
            t.join()
            stream.synchronize()
            print("interrupted, and done")
        """,
    )
    check_quiet(done, "interrupted, and done\n")


def test_strict_mode_of_warnings(model_path: str) -> None:
    check_quiet(
        run(
            model_path,
            """
            af.strict()
            device = af.Device(0)
            try:
                device.empty((3, 3)).upload(np.zeros((3, 3), np.float32)[:, ::-1])
            except af.CopyError:
                print("refused")
            """,
        ),
        "refused\n",
    )


def test_threads_leave_no_context_behind(model_path: str) -> None:
    check_quiet(
        run(
            model_path,
            """
            device, stream, request = start()
            t = threading.Thread(target=lambda: request.run_async(stream)); t.start(); t.join()
            stream.close(); model = request.model; request.close(); model.close(); device.close()
            live = {k: v for k, v in af.softnpu.counters().items() if k.startswith("live_") and v}
            print(live)
            """,
        ),
        "{}\n",
    )
