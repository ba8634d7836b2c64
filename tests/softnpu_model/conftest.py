"""A device for the model tests, and proof after each test that nothing was left behind."""

from tests.raw_device import device, nothing_left

__all__ = ["device", "nothing_left"]
