"""Only for Cython: see _shapes.pxd."""
