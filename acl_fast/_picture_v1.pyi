from typing import final

from acl_fast._jpeg import StillPort
from acl_fast._vpc import VpcPort

@final
class Roi: ...

@final
class Batch: ...

@final
class VpcPortV1(VpcPort): ...

@final
class StillPortV1(StillPort): ...
