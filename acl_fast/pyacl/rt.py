"""Runtime: devices, contexts, streams, events, memory, callbacks.

Everything here has the names and conventions of ``acl.rt``.
"""

from acl_fast._pyacl_callbacks import *
from acl_fast._pyacl_copy import *
from acl_fast._pyacl_options import set_stream_config_opt
from acl_fast._pyacl_rt_gen import *
