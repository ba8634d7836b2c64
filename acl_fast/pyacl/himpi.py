"""The second media interface: hi_mpi_*.

Everything here has the names and conventions of ``acl.himpi``.
"""

from acl_fast._pyacl_himpi_gen import *
from acl_fast._pyacl_misc import sys_wait_epoll, venc_get_stream, venc_release_stream
