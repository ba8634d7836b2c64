"""Only for Cython: see _lane.pxd."""
