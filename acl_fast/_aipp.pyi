"""Only for Cython: see _aipp.pxd."""
