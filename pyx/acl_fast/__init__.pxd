# acl_fast for other Cython code: cimport from the modules named here.
#
#     from acl_fast cimport abi                         the C functions, without the GIL
#     from acl_fast._device cimport Device
#     from acl_fast._stream cimport Stream, Event
#     from acl_fast._memory cimport Buffer
#     from acl_fast._model cimport Model, Request
