"""A short run of the real thing; ``python -m acl_fast._cli._doctor.selftest`` reports as JSON."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import probe
from .findings import FAIL, NOTE, OK, Findings

AREA = "self test"
MEBIBYTE = 1 << 20

# An ONNX model with the one operator y = x + x on float32[1, 4].
DOUBLE = base64.b64decode(
    "CAg6PQoOCgF4CgF4EgF5IgNBZGQSAWdaEwoBeBIOCgwIARIICgIIAQoCCARiEwoBeRIO"
    "CgwIARIICgIIAQoCCARCBAoAEA0="
)


def steps() -> Iterator[tuple[str, str]]:
    """Do each step, then yield its name and what it gave; an exception ends it."""
    import numpy as np

    import acl_fast as af
    from acl_fast import _table

    _table.load()
    backend = _table.backend_info()
    yield "load the backend", f"{backend['kind']}: {backend['library']}"
    with af.Device(0) as device:
        yield "open device 0", repr(device)
        data = np.random.default_rng(0).integers(0, 256, MEBIBYTE, np.uint8)
        with device.empty(MEBIBYTE, "uint8") as buffer:
            buffer.upload(data)
            if not np.array_equal(buffer.download(), data):
                raise RuntimeError("data came back from device memory changed")
        yield "allocate 1 MiB, copy there and back", "unchanged"
        if backend["kind"] != "softnpu":
            yield "run a model", "left out: a real NPU needs an om compiled for it"
            return
        yield "run a model", run_model(device)


def run_model(device: Any) -> str:
    """Run y = x + x and compare."""
    import numpy as np

    x = np.array([[1.5, -2.0, 0.0, 1e6]], np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "double.onnx"
        path.write_bytes(DOUBLE)
        with device.load_model(str(path)) as model:
            request = model.create_request()
            request.inputs[0].upload(x)
            request.run()
            y = request.outputs[0].download()
    if not np.array_equal(y, x + x):
        raise RuntimeError(f"x + x gave {y.tolist()} for x = {x.tolist()}")
    return "y = x + x is right"


def main() -> None:
    """Print one JSON line for each step."""
    try:
        for name, text in steps():
            print(json.dumps({"step": name, "text": text}), flush=True)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)


def check(findings: Findings) -> None:
    """Run the self test in a process of its own and record each step."""
    outcome = probe.run(["-m", __name__])
    last = "starting"
    for line in outcome.lines:
        if not line.startswith("{"):
            continue
        entry = json.loads(line)
        if "error" in entry:
            findings.add(AREA, FAIL, f"after {last!r}: {entry['error']}")
            return
        last = entry["step"]
        state = NOTE if entry["text"].startswith("left out") else OK
        findings.add(AREA, state, f"{last}: {entry['text']}")
    if outcome.end:
        findings.add(AREA, FAIL, f"after {last!r} the process {outcome.end}: {outcome.errors}")


if __name__ == "__main__":
    main()
