"""The decoder's tests have the same device and report thread."""

from tests.vdec.conftest import device, report

__all__ = ["device", "report"]
