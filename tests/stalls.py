"""Tells where a test hangs, on the real stderr, before pytest-timeout ends the process.

pytest-timeout's own report goes to the worker's stdout, which pytest-xdist throws away: of a hang
nothing is left but "node down". The device's threads are native, so gdb is asked where it is.
"""

from __future__ import annotations

import faulthandler
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import IO

import pytest

SECONDS = 120.0


class StallWatch:
    """A thread that looks every few seconds how long the current test has run."""

    def __init__(self, output: IO[str], seconds: float = SECONDS) -> None:
        self._output, self._seconds = output, seconds
        self._current: tuple[str, float] | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stall-watch", daemon=True)
        self._thread.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._current = (nodeid, time.monotonic())

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logfinish(self) -> None:
        self._current = None

    def pytest_unconfigure(self) -> None:
        self._over.set()
        self._thread.join()
        self._output.close()

    def _watch(self) -> None:
        told = None
        while not self._over.wait(min(5.0, self._seconds / 4)):
            current = self._current
            if current is None or current is told:
                continue
            if time.monotonic() - current[1] > self._seconds:
                told = current
                self._tell(current[0])

    def _tell(self, name: str) -> None:
        self._output.write(f"\n{name} runs for {self._seconds:.0f} s already (pid {os.getpid()})\n")
        self._output.flush()
        faulthandler.dump_traceback(self._output, all_threads=True)
        if (gdb := shutil.which("gdb")) is None:
            self._tell_threads()
            return
        command = [gdb, "-batch", "-p", str(os.getpid()), "-ex", "thread apply all backtrace 25"]
        subprocess.run(command, stdout=self._output, stderr=subprocess.DEVNULL, timeout=60)
        self._output.flush()

    def _tell_threads(self) -> None:
        """Name the native threads and the system calls they are in: 202 is a lock or a wait."""
        for task in sorted(Path("/proc/self/task").iterdir()):
            try:
                name, call = ((task / part).read_text().strip() for part in ("comm", "syscall"))
            except OSError:
                continue  # it has just ended, or the kernel does not tell
            self._output.write(f"thread {task.name} {name}: {call}\n")


def watch_stalls(config: pytest.Config) -> None:
    """Begin to watch where tests run; called while stderr is not captured."""
    is_worker = hasattr(config, "workerinput")
    if not is_worker and config.getoption("dist", "no") != "no":
        return
    output = os.fdopen(os.dup(2), "w", buffering=1)
    config.pluginmanager.register(StallWatch(output), "stall-watch")
