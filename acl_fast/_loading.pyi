"""Only for Cython: see _loading.pxd."""
