"""Tests that a process might not survive run in one of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PRELUDE = """\
import ctypes as C, gc, os, signal, sys, threading, time
import numpy as np
import acl_fast as af
from tests.badinput import networks
from tests.badinput.capi import Api, Gate
from tests.badinput.conftest import live, works
"""


def start(code: str, *, prelude: str = PRELUDE, **environment: str) -> subprocess.Popen[str]:
    """Start Python code; ``environment`` is added to this process's own."""
    own = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environment}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", prelude + textwrap.dedent(code)],
        env=own,
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A group of its own, so that what it forked can be ended with it.
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 60) -> tuple[int, str, str]:
    """Wait; (exit code, stdout, stderr). A process that hangs is killed, and fails the test."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"no end after {timeout} s\n{out}\n{err}") from None
    return process.returncode, out, err


def run(code: str, *, quiet: bool = True, timeout: float = 60, **environment: str) -> str:
    """Run Python code that must end with exit code 0, and without a word on stderr; its stdout."""
    status, out, err = finish(start(code, **environment), timeout)
    assert status == 0, f"exit code {status}\n{out}\n{err}"
    if quiet:
        assert err == "", err
    return out
