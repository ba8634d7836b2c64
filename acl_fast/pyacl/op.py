"""Single operators.

Everything here has the names and conventions of ``acl.op``.
"""

from acl_fast._pyacl_misc import set_attr_list_list_int, set_attr_list_string
from acl_fast._pyacl_op_gen import *
