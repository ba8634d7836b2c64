"""Wrapping memory of other libraries without naming a device."""

from __future__ import annotations

from typing import Any

from acl_fast._device import Device
from acl_fast._memory import Buffer


def from_dlpack(source: Any, device: Device | None = None) -> Buffer:
    """Wrap the memory of an object with ``__dlpack__`` in place.

    Parameters
    ----------
    source : object with ``__dlpack__``
        C-contiguous memory of the host, or of an Ascend device.
    device : Device, optional
        The device that will use it; device 0, or the one the memory is on, by default.

    Returns
    -------
    Buffer
        Keeps ``source``'s memory alive.

    Raises
    ------
    BufferError
        The rule that the memory breaks. Nothing is ever copied.
    """
    if device is None:
        kind, number = source.__dlpack_device__()
        device = Device(number if kind == 12 else 0)
    return device.from_dlpack(source)


def from_buffer(source: Any, device: Device | None = None) -> Buffer:
    """Wrap host memory (numpy array, bytearray, memoryview) in place; see ``from_dlpack()``."""
    return (device or Device(0)).from_buffer(source)
