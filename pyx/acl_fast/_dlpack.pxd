# DLPack both ways.

from acl_fast._memory cimport Buffer
from acl_fast._runtime cimport ContextState

cdef Buffer import_tensor(ContextState *context, object device, object source)
