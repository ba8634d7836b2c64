"""A program whose work is done in processes of its own.

usage: processes.py
"""

import multiprocessing
import subprocess
import sys

import acl
from model import check

OTHER = "from acl.rt import get_run_mode; import acl; print(acl.__name__, hasattr(acl.util, 'x'))"


def work(numbers):
    check(acl.init(), "init")
    check(acl.rt.set_device(0), "set_device")
    memory, ret = acl.media.dvpp_malloc(64)
    check(ret, "malloc")
    check(acl.media.dvpp_free(memory), "free")
    check(acl.rt.reset_device(0), "reset_device")
    check(acl.finalize(), "finalize")
    numbers.put(7)


def main():
    for way in ("spawn", "fork"):
        context = multiprocessing.get_context(way)
        numbers = context.Queue()
        process = context.Process(target=work, args=(numbers,))
        process.start()
        print(numbers.get(timeout=60), flush=True)
        process.join()
    subprocess.run([sys.executable, "-c", OTHER], check=True)


if __name__ == "__main__":
    main()
