from typing import Any

from acl_fast._memory import Buffer

def export(
    buffer: Buffer,
    max_version: tuple[int, int] | None,
    dl_device: tuple[int, int] | None,
    copy: bool | None,
) -> Any: ...
