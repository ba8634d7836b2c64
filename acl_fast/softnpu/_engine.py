"""Where softnpu finds the engine that runs models."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

VARIABLE = "SOFTNPU_OPENVINO"


def announce() -> None:
    """Tell softnpu where this interpreter has OpenVINO, unless the user has said it already.

    Nothing is imported. softnpu looks in its own neighbourhood by itself; an interpreter with
    several site folders is what this is for.
    """
    if os.environ.get(VARIABLE):
        return
    spec = importlib.util.find_spec("openvino")
    if spec is None or not spec.submodule_search_locations:
        return
    libraries = Path(next(iter(spec.submodule_search_locations))) / "libs"
    if libraries.is_dir():
        os.environ[VARIABLE] = str(libraries)
