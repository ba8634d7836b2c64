"""Only for Cython: see _errors.pxd."""
