"""Where softnpu finds the engine that runs models."""

from __future__ import annotations

import importlib.util
import os

VARIABLE = "SOFTNPU_OPENVINO"


def announce() -> None:
    """Tell softnpu where this interpreter has OpenVINO, unless the user has said it already.

    Nothing is imported. softnpu looks in its own neighbourhood by itself; an interpreter with
    several site folders is what this is for.
    """
    if os.environ.get(VARIABLE):
        return
    spec = importlib.util.find_spec("openvino")
    for folder in (spec and spec.submodule_search_locations) or ():
        libraries = os.path.join(folder, "libs")
        if os.path.isdir(libraries):
            os.environ[VARIABLE] = libraries
            return
