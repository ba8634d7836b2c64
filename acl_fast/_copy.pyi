from acl_fast._stream import Stream
from acl_fast._types import ArrayLike

def copy(dst: ArrayLike, src: ArrayLike, stream: Stream | None = None) -> None: ...
