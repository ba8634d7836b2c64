"""What acl_fast runs on."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

from acl_fast import _softnpu, _table
from acl_fast._device import Device
from acl_fast._runtime import run_mode
from acl_fast._strict import fallback_copies
from acl_fast._version import __version__

PREFIXES = ("ACL_FAST_", "SOFTNPU_")


class Info(dict[str, Any]):
    """What ``info()`` returns: a dictionary whose entries are attributes as well."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def info() -> Info:
    """Describe backend, library, versions, devices and engines. Opens each device for a moment.

    Returns
    -------
    Info
        ``backend`` ('cann' or 'softnpu'), ``library``, ``choice`` (why this one), ``layers``,
        ``mode`` ('unified' or 'discrete'), ``devices`` (id, soc, free and total memory),
        ``engines`` (of softnpu, each with its library and version, or what is missing and how to
        get it), ``settings`` (the variables of acl_fast and softnpu that the environment sets),
        ``versions`` and ``fallback_copies``.
    """
    _table.load()
    backend = _table.backend_info()
    return Info(
        acl_fast=__version__,
        backend=backend["kind"],
        library=backend["library"],
        choice=backend["choice"],
        layers=backend["layers"],
        mode=run_mode(),
        devices=[_device(number) for number in range(Device.count())],
        engines=_engines() if backend["kind"] == "softnpu" else {},
        settings={n: os.environ[n] for n in sorted(os.environ) if n.startswith(PREFIXES)},
        versions={"python": sys.version.split()[0], "machine": platform.machine()},
        fallback_copies=fallback_copies(),
    )


def _device(number: int) -> dict[str, Any]:
    with Device(number) as device:
        free, total = device.memory_info()
        return {"id": number, "soc": device.soc_name, "free": free, "total": total}


def _engines() -> dict[str, str]:
    from importlib import metadata

    try:
        models = f"OpenVINO {metadata.version('openvino')}"
    except metadata.PackageNotFoundError:
        models = "OpenVINO is not installed as a package"
    return {"models": models, **_softnpu.engines()}


def get_include() -> str:
    """Return the folder of the C headers, for programs and Cython code that use the interface."""
    package = Path(__file__).resolve().parent
    installed = package / "include"
    return str(installed if installed.is_dir() else package.parent / "include")


def get_cython_include() -> str:
    """Return the folder to give to Cython as include path, for ``from acl_fast... cimport``.

    An installed package ships its .pxd files; a source tree has them apart.
    """
    root = Path(__file__).resolve().parent
    return str(root.parent if (root / "_model.pxd").is_file() else root.parent / "pyx")
