from typing import final

from acl_fast._channel import Port

@final
class DecoderPortV2(Port): ...

@final
class EncoderPortV2(Port): ...
