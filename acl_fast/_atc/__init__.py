"""The model converter: ONNX to softnpu's .om, with the command line of CANN's atc."""

from __future__ import annotations

from .errors import AtcError
from .om import Om, OmError

__all__ = ["AtcError", "Om", "OmError", "main"]


def main(argv: list[str] | None = None) -> int:
    """Run the converter as atc would; return its exit code."""
    from .command import main as run

    return run(argv)
