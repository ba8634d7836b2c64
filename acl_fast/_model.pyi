from acl_fast._loaded_model import Model as Model
from acl_fast._request import Request as Request

__all__ = ["Model", "Request"]
