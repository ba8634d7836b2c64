"""Addresses of numpy arrays and bytes, and threads.

Everything here has the names and conventions of ``acl.util``.
"""

from acl_fast._pyacl_util import *
