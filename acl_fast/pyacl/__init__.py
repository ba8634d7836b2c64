"""A drop-in for ``acl``, Huawei's Python interface to Ascend NPUs.

>>> import acl_fast.pyacl as acl
>>> ret = acl.init()

Programs that say ``import acl`` run unmodified with ``python -m acl_fast.pyacl program.py``, or
after ``acl_fast.pyacl.install()``. Functions only, as there: results come as numbers and tuples,
failures as codes, which ``get_recent_err_msg()`` explains.
"""

from acl_fast._pyacl_misc import *
from acl_fast._pyacl_top_gen import *
from acl_fast.pyacl import blas, fv, himpi, mdl, media, op, prof, rt, util
from acl_fast.pyacl._install import coverage, install
from acl_fast.softnpu import _engine

_engine.announce()
del _engine

SUBMODULES = ("blas", "fv", "himpi", "mdl", "media", "op", "prof", "rt", "util")

__all__ = [
    "SUBMODULES",
    "blas",
    "coverage",
    "fv",
    "himpi",
    "install",
    "mdl",
    "media",
    "op",
    "prof",
    "rt",
    "util",
]
