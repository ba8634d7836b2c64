"""Environment variables: values that mean nothing, folders that are not there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from .findings import FAIL, NOTE, OK, WARN, Findings

AREA = "settings"
CHOICES = {
    "ACL_FAST_BACKEND": ("auto", "cann", "softnpu"),
    "SOFTNPU_MODE": ("unified", "discrete"),
    "SOFTNPU_AIPP_RESIZE": ("0", "1"),
}
COUNTS = ("SOFTNPU_DEVICES", "SOFTNPU_THREADS")
ROOTS = ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME")
FOLDERS = ("ASCEND_OPP_PATH", "ASCEND_AICPU_PATH", "TOOLCHAIN_HOME")


def wants_softnpu(environment: Mapping[str, str]) -> bool:
    """Whether the user has ruled CANN out, so that a broken CANN does not matter."""
    return environment.get("ACL_FAST_BACKEND") == "softnpu"


def check(findings: Findings, environment: Mapping[str, str] = os.environ) -> None:
    """Check every variable that acl_fast, softnpu or CANN reads."""
    count = len(findings.items)
    for name, values in CHOICES.items():
        value = environment.get(name, "")
        if value and value not in values:
            findings.add(
                AREA, FAIL, f"{name}={value} is none of {', '.join(values)}", f"unset {name}"
            )
    for name in COUNTS:
        value = environment.get(name, "")
        if value and not (value.isdigit() and int(value) > 0):
            findings.add(AREA, FAIL, f"{name}={value} is no positive number", f"unset {name}")
    library = environment.get("ACL_FAST_LIBRARY", "")
    if library and not Path(library).is_file():
        findings.add(
            AREA, FAIL, f"ACL_FAST_LIBRARY={library}: no such file", "unset ACL_FAST_LIBRARY"
        )
    engine = environment.get("SOFTNPU_OPENVINO", "")
    if engine and not Path(engine).is_dir():
        findings.add(
            AREA, FAIL, f"SOFTNPU_OPENVINO={engine}: no such folder", "unset SOFTNPU_OPENVINO"
        )
    _check_folders(findings, environment)
    if len(findings.items) == count:
        given = [name for name in (*CHOICES, *COUNTS, *ROOTS) if environment.get(name)]
        text = ", ".join(f"{name}={environment[name]}" for name in given)
        findings.add(AREA, OK, text or "no variable changes the defaults")


def _check_folders(findings: Findings, environment: Mapping[str, str]) -> None:
    # A root that is gone hides a sound installation elsewhere; the others only matter to CANN.
    state = WARN if wants_softnpu(environment) else FAIL
    for name in (*ROOTS, *FOLDERS):
        value = environment.get(name, "")
        if value and not Path(value).is_dir():
            findings.add(
                AREA,
                state if name in ROOTS else WARN,
                f"{name}={value}: no such folder",
                f"unset {name}, or source the set_env.sh of the installed CANN",
            )
    visible = environment.get("ASCEND_RT_VISIBLE_DEVICES", "")
    if visible:
        findings.add(AREA, NOTE, f"ASCEND_RT_VISIBLE_DEVICES={visible} hides other devices")
