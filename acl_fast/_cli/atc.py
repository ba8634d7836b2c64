"""acl-fast atc: the model converter."""

from acl_fast._atc import main

__all__ = ["main"]
