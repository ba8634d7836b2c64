"""Profiling.

Everything here has the names and conventions of ``acl.prof``.
"""

from acl_fast._pyacl_misc import create_subscribe_config, destroy_subscribe_config
from acl_fast._pyacl_prof_gen import *
