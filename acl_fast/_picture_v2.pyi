from typing import final

from acl_fast._jpeg import StillPort
from acl_fast._vpc import VpcPort

@final
class VpcPortV2(VpcPort): ...

@final
class StillPortV2(StillPort): ...
