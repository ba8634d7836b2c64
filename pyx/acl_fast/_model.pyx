"""Models and requests, under the one name that other code uses."""

from acl_fast import _loaded_model, _request

__all__ = ["Model", "Request"]

# The .pxd makes both names C types here, which Python does not see as module attributes.
globals().update(Model=_loaded_model.Model, Request=_request.Request)
