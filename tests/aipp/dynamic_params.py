"""aclmdlAIPP through ctypes, filled from the same Config that the numpy formula reads."""

from __future__ import annotations

import ctypes as C

from tests.aipp.aipp_model import Config
from tests.softnpu_model.acl import acl

NAME = b"ascend_dynamic_aipp_data"
FORMAT_NUMBERS = {"YUV420SP_U8": 1, "XRGB8888_U8": 2, "RGB888_U8": 3, "YUV400_U8": 4}


class Params:
    """Parameters of a batch; what is common comes from the first Config."""

    def __init__(self, *configs: Config) -> None:
        self.handle: int = acl.aclmdlCreateAIPP(len(configs))
        assert self.handle
        self.common(configs[0])
        for index, config in enumerate(configs):
            self.image(index, config)

    def common(self, config: Config) -> None:
        acl.aclmdlSetAIPPInputFormat(self.handle, FORMAT_NUMBERS[config.input_format])
        acl.aclmdlSetAIPPSrcImageSize(self.handle, config.width, config.height)
        acl.aclmdlSetAIPPRbuvSwapSwitch(self.handle, int(config.rbuv))
        acl.aclmdlSetAIPPAxSwapSwitch(self.handle, int(config.ax))
        acl.aclmdlSetAIPPCscParams(
            self.handle,
            int(config.matrix is not None),
            *(config.matrix or [0] * 9),
            *config.output_bias,
            *config.input_bias,
        )

    def image(self, index: int, config: Config) -> None:
        crop = config.crop or (0, 0, 0, 0)
        acl.aclmdlSetAIPPCropParams(self.handle, int(config.crop is not None), *crop, index)
        if config.resize is not None:
            source = config.crop[2:] if config.crop else (config.width, config.height)
            acl.aclmdlSetAIPPScfParams(self.handle, 1, *source, *config.resize, index)
        left, right, top, bottom = config.padding or (0, 0, 0, 0)
        acl.aclmdlSetAIPPPaddingParams(
            self.handle, int(config.padding is not None), top, bottom, left, right, index
        )
        acl.aclmdlSetAIPPDtcPixelMean(self.handle, *config.mean, index)
        acl.aclmdlSetAIPPDtcPixelMin(self.handle, *map(C.c_float, config.minimum), index)
        acl.aclmdlSetAIPPPixelVarReci(self.handle, *map(C.c_float, config.reciprocal), index)

    def destroy(self) -> None:
        acl.aclmdlDestroyAIPP(self.handle)

    def __enter__(self) -> Params:
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()
