"""Models: loading, descriptions, datasets, execution.

Everything here has the names and conventions of ``acl.mdl``.
"""

from acl_fast._pyacl_mdl import *
from acl_fast._pyacl_mdl_gen import *
from acl_fast._pyacl_options import set_config_opt, set_exec_config_opt
