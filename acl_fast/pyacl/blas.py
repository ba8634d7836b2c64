"""Matrix products.

Everything here has the names and conventions of ``acl.blas``.
"""

from acl_fast._pyacl_blas_gen import *
