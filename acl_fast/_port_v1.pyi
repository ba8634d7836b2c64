from typing import final

from acl_fast._channel import Port

@final
class DecoderPortV1(Port): ...

@final
class EncoderPortV1(Port): ...
