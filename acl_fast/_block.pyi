"""Only for Cython: see _block.pxd."""
