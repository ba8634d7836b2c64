"""AIPP's resize: refused as cards do today, and what SOFTNPU_AIPP_RESIZE=1 makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import acl_fast as af
from acl_fast._atc import aipp
from acl_fast._atc.errors import AtcError
from tests.aipp.aipp_model import Config
from tests.aipp.test_dynamic import compiled
from tests.aipp.test_params import params_of
from tests.softnpu_model.acl import ROOT

CONFIG = Config("RGB888_U8", 64, 48, resize=(32, 24))


@pytest.mark.skipif(
    os.environ.get("SOFTNPU_AIPP_RESIZE") == "1", reason="this process switched it on"
)
def test_refused_by_default(
    device: af.Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AtcError, match="reserved and not supported") as refused:
        aipp.parse(CONFIG.text())
    assert refused.value.code == "E10052"
    assert "SOFTNPU_AIPP_RESIZE=1" in refused.value.solution
    with device.load_model(str(compiled(tmp_path))) as model:
        request = model.create_request()
        with pytest.raises(af.AclError, match="SOFTNPU_AIPP_RESIZE=1") as caught:
            request.set_aipp(0, params_of(CONFIG))
        assert caught.value.code == 200006
    # A model that was converted with it.
    monkeypatch.setenv("SOFTNPU_AIPP_RESIZE", "1")
    path = compiled(tmp_path, CONFIG.text())
    with pytest.raises(af.AclError, match="SOFTNPU_AIPP_RESIZE=1") as caught:
        device.load_model(str(path))
    assert caught.value.code == 200006


def test_switched_on() -> None:
    """Its tests, in a process that read the variable."""
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/aipp/resizing.py"],
        cwd=ROOT,
        env=os.environ | {"SOFTNPU_AIPP_RESIZE": "1"},
        text=True,
        capture_output=True,
        timeout=100,
    )
    assert result.returncode == 0, result.stdout[-4000:]
