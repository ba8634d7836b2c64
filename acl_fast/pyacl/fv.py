"""Feature retrieval.

Everything here has the names and conventions of ``acl.fv``.
"""

from acl_fast import _pyacl_fv_gen
from acl_fast._pyacl_fv_gen import *

# A name that only getattr() can reach.
globals()["del"] = _pyacl_fv_gen.del_
