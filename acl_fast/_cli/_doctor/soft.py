"""softnpu: its libraries, the model engine, the converter, acl_fast's own modules."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from acl_fast._env.layout import find_engine
from acl_fast._version import __version__

from . import probe
from .findings import FAIL, NOTE, OK, WARN, Findings

AREA = "softnpu"
PACKAGE = "acl_fast"
REBUILD = (
    "pip install --force-reinstall acl_fast (in a source tree: python setup.py build_ext --inplace)"
)
LIBRARIES = (
    "libsoftnpu.so",
    "libascendcl.so",
    "libacl_dvpp.so",
    "libacl_dvpp_mpi.so",
    "libacl_op_compiler.so",
    "libacl_cblas.so",
    "libacl_tdt_queue.so",
    "libacl_tdt_channel.so",
    "libacl_retr.so",
    "libmsprofiler.so",
)
# What each media engine brings, and the Debian packages it is built on.
MEDIA_LIBRARIES = {
    "libsoftnpu_image.so": ("JPEG and PNG", "libjpeg-dev libpng-dev"),
    "libsoftnpu_scale.so": ("SOFTNPU_VPC=fast, other colours", "libyuv-dev libswscale-dev"),
    "libsoftnpu_video.so": ("H.264 and H.265", "libavcodec-dev libyuv-dev libswscale-dev"),
}
ENGINE_LIBRARIES = ("libopenvino_c.so", "libopenvino.so", "libopenvino_intel_cpu_plugin.so")


def check_package(findings: Findings, loaded: Mapping[str, str]) -> None:
    """acl_fast's compiled modules; ``loaded`` is what loading the backend gave."""
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    if complaint := loaded.get("import"):
        findings.add(PACKAGE, FAIL, f"cannot be imported on {python}: {complaint}", REBUILD)
        return
    findings.add(PACKAGE, OK, f"{__version__}, {python}, {sys.executable}")


def folder() -> Path:
    """Where softnpu's libraries belong."""
    return Path(__file__).resolve().parents[2] / "softnpu" / "lib64"


def check(findings: Findings, *, needed: bool, where: Path | None = None) -> None:
    """Libraries, engine and converter; ``needed`` when there is no CANN to use instead."""
    bad = FAIL if needed else WARN
    place = where or folder()
    missing = [name for name in LIBRARIES if not (place / name).exists()]
    if len(missing) == len(LIBRARIES):
        findings.add(AREA, bad, f"not built: {place} holds none of its libraries", REBUILD)
        return
    if missing:
        findings.add(AREA, bad, f"half installed: {place} lacks {', '.join(missing)}", REBUILD)
    present = [place / name for name in LIBRARIES if name not in missing]
    complaints = {path: text for path, text in probe.load_libraries(present).items() if text}
    for path, text in complaints.items():
        findings.add(AREA, bad, f"{path} does not load: {text}", REBUILD)
    if not missing and not complaints:
        findings.add(AREA, OK, f"{len(present)} libraries in {place}")
    check_engine(findings, bad)
    check_media(findings, place)
    check_converter(findings)


def check_media(findings: Findings, place: Path) -> None:
    """The media engines, each of which may be missing."""
    present = [place / name for name in MEDIA_LIBRARIES if (place / name).is_file()]
    complaints = {path.name: text for path, text in probe.load_libraries(present).items() if text}
    missing = [name for name in MEDIA_LIBRARIES if place / name not in present]
    for name, text in complaints.items():
        brings, packages = MEDIA_LIBRARIES[name]
        findings.add(AREA, WARN, f"no {brings}: {name}: {text}", f"apt-get install {packages}")
    for name in missing:
        brings, packages = MEDIA_LIBRARIES[name]
        mend = f"apt-get install {packages}, and build again"
        findings.add(AREA, NOTE, f"no {brings}: built without {name}", mend)
    if not missing and not complaints:
        findings.add(AREA, OK, f"{len(present)} media engines")


def check_engine(findings: Findings, bad: str) -> None:
    """OpenVINO's libraries, found as softnpu finds them."""
    mend = "pip install 'acl_fast[softnpu]'"
    place = find_engine()
    if place is None:
        findings.add(AREA, bad, "its model engine OpenVINO is not installed", mend)
        return
    files = {path.name.split(".so")[0] + ".so": path for path in sorted(place.glob("lib*.so*"))}
    missing = [name for name in ENGINE_LIBRARIES if name not in files]
    if missing:
        given = "SOFTNPU_OPENVINO" if os.environ.get("SOFTNPU_OPENVINO") else "openvino"
        findings.add(AREA, bad, f"{place} ({given}) lacks {', '.join(missing)}", mend)
        return
    path = files["libopenvino_c.so"]
    if complaint := probe.load_libraries([path])[path]:
        findings.add(AREA, bad, f"{path} does not load: {complaint}", mend)
        return
    findings.add(AREA, OK, f"model engine OpenVINO {_engine_version(place, files)} in {place}")


def _engine_version(place: Path, files: Mapping[str, Path]) -> str:
    """Version of the Python package it is part of, else the number in the library's name."""
    spec = find_spec("openvino")
    folders = spec.submodule_search_locations if spec else None
    if any(Path(folder).resolve() == place.resolve().parent for folder in folders or ()):
        return _installed("openvino")
    return files["libopenvino.so"].name.partition(".so.")[2] or "of unknown version"


def check_converter(findings: Findings) -> None:
    """What acl-fast atc needs besides the engine's libraries."""
    missing = [name for name in ("onnx", "openvino") if find_spec(name) is None]
    if missing:
        findings.add(
            AREA,
            NOTE,
            f"acl-fast atc cannot convert models without {', '.join(missing)}",
            f"pip install {' '.join(missing)}",
        )
    else:
        findings.add(AREA, OK, f"converter: onnx {_installed('onnx')}")


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "of unknown version"
