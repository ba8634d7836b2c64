"""Waiting in asyncio for the device: one small thread per stream that is awaited.

A thread blocks in the C library without the GIL, one awaited point after the other, in the order
of the stream, and wakes the event loop that asked. It ends when nothing was awaited for a while.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    import asyncio

IDLE_SECONDS = 5.0

Owner = TypeVar("Owner")


class Wait(NamedTuple):
    """One awaited point."""

    block: Callable[[], None]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[None]


_queues: dict[int, queue.SimpleQueue[Wait]] = {}
_lock = threading.Lock()


class Outcome(Protocol):
    """What knows whether work has failed."""

    def raise_failure(self, seq: int, /) -> None: ...


async def completion(
    owner: Owner, key: int, block: Callable[[], None] | None, outcome: Outcome | None, seq: int
) -> Owner:
    """Wait for ``block``, raise if the work with number ``seq`` has failed, return ``owner``."""
    if block is not None:
        await wait(key, block)
    if outcome is not None:
        outcome.raise_failure(seq)
    return owner


def wait(key: int, block: Callable[[], None]) -> asyncio.Future[None]:
    """Return a future of the running loop that is done when ``block()`` has returned.

    Parameters
    ----------
    key : int
        Points with the same key are waited for in order, by one thread.
    block : callable
        Blocks without the GIL; what it raises becomes the future's exception.
    """
    # Costs 30 ms of import time that programs without asyncio need not pay.
    import asyncio

    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    with _lock:
        pending = _queues.get(key)
        if pending is None:
            pending = _queues[key] = queue.SimpleQueue()
            threading.Thread(
                target=_run, args=(key, pending), name="acl_fast-reactor", daemon=True
            ).start()
        pending.put(Wait(block, loop, future))
    return future


def _run(key: int, pending: queue.SimpleQueue[Wait]) -> None:
    while True:
        try:
            item = pending.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            with _lock:
                if pending.empty():
                    del _queues[key]
                    return
            continue
        error: BaseException | None = None
        try:
            item.block()
        except BaseException as caught:
            error = caught
        _notify(item, error)
        # The next wait may be long: hold nothing of the last one meanwhile.
        del item, error


def _notify(item: Wait, error: BaseException | None) -> None:
    def finish() -> None:
        if item.future.done():
            return
        if error is None:
            item.future.set_result(None)
        else:
            item.future.set_exception(error)

    try:
        item.loop.call_soon_threadsafe(finish)
    except RuntimeError:
        # The loop was closed while the device worked: nobody waits any more.
        return
