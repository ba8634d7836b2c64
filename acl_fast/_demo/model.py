"""The demonstration's network: fetched, converted to ONNX, then to ``.om``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx

from acl_fast._atc import aipp
from acl_fast._atc.convert import Request, convert
from acl_fast._demo import assets, darknet

NAME = "yolov3-tiny"
OM_NAME = "yolov3-tiny-nv12"

# What the model's input does with the picture engine's NV12: to RGB, BT.601 narrow as video is,
# and to 0..1. The file is one that CANN's atc takes as well.
AIPP = """\
aipp_op {
    aipp_mode : static
    input_format : YUV420SP_U8
    csc_switch : true
    rbuv_swap_switch : false
    matrix_r0c0 : 298
    matrix_r0c1 : 0
    matrix_r0c2 : 409
    matrix_r1c0 : 298
    matrix_r1c1 : -100
    matrix_r1c2 : -208
    matrix_r2c0 : 298
    matrix_r2c1 : 516
    matrix_r2c2 : 0
    input_bias_0 : 16
    input_bias_1 : 128
    input_bias_2 : 128
    var_reci_chn_0 : 0.00392157
    var_reci_chn_1 : 0.00392157
    var_reci_chn_2 : 0.00392157
}
"""


@dataclass(frozen=True)
class Source:
    """The detector as ONNX, with what is needed to decode its outputs."""

    network: darknet.Network
    names: tuple[str, ...]
    model: onnx.ModelProto


def read(progress: assets.Progress | None = None) -> Source:
    """Fetch the detector's files, if they are not there yet, and convert them to ONNX."""
    cfg = assets.fetch(f"{NAME}.cfg", progress)
    weights = assets.fetch(f"{NAME}.weights", progress)
    names = assets.fetch("coco.names", progress).read_text().splitlines()
    network, model = darknet.read_network(cfg, weights)
    return Source(network, tuple(names), model)


def folder() -> Path:
    """Return the folder where converted models are left for other programs."""
    path = assets.cache_folder() / "models"
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_onnx(source: Source) -> Path:
    """Write the detector as ``.onnx`` and return its path."""
    return _write(f"{NAME}.onnx", lambda path: onnx.save(source.model, path))


def write_aipp() -> Path:
    """Write the configuration of the model's input and return its path."""
    return _write(f"{OM_NAME}.aipp.cfg", lambda path: path.write_text(AIPP))


def write_om(source: Source, soc: str) -> Path:
    """Compile the detector so that its input takes NV12 pictures; return the path of the ``.om``.

    This takes less than a second, so it is done every time: the file then always belongs to this
    version of the converters.

    Parameters
    ----------
    source
        The detector.
    soc
        SoC name of the device that is to run it.
    """
    onnx_path, blocks = write_onnx(source), aipp.parse(AIPP)
    return _write(
        f"{OM_NAME}.om",
        lambda path: convert(Request(onnx_path, path.with_suffix(""), soc=soc, aipp=blocks)),
    )


def _write(name: str, make: Callable[[Path], object]) -> Path:
    """Make a file under another name first: other processes see the old one or the new one."""
    path = folder() / name
    with tempfile.TemporaryDirectory(prefix=".making-", dir=path.parent) as scratch:
        made = Path(scratch, name)
        make(made)
        os.replace(made, path)
    return path
