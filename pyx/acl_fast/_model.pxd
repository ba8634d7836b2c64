# Models and requests: ``from acl_fast._model cimport Model, Request``.

from acl_fast._loaded_model cimport Model, load_model
from acl_fast._request cimport Request
