"""Profiling.

Everything here has the names and conventions of ``acl.prof``.
"""

from acl_fast import _pyacl_prof_gen
from acl_fast._pyacl_misc import (
    create_subscribe_config,
    destroy_subscribe_config,
    get_op_name_v2,
    get_op_type_v2,
)
from acl_fast._pyacl_prof_gen import *

model_unsubscribe = _pyacl_prof_gen.model_un_subscribe  # its name in later documentation
