"""What AIPP takes and does, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

PictureFormat: TypeAlias = Literal["YUV420SP_U8", "XRGB8888_U8", "RGB888_U8", "YUV400_U8"]
Four: TypeAlias = tuple[int, int, int, int]

# Number in the C interface, rows per row of pixels, bytes per pixel of a row.
FORMATS: dict[str, tuple[int, float, int]] = {
    "YUV420SP_U8": (1, 1.5, 1),
    "XRGB8888_U8": (2, 1, 4),
    "RGB888_U8": (3, 1, 3),
    "YUV400_U8": (4, 1, 1),
}


class PictureInput(NamedTuple):
    """The picture that an input with static AIPP reads; see ``Model.picture()``.

    Attributes
    ----------
    format : str
        'nv12', 'argb', 'rgb', 'yuv400', ..., as in ``media.FORMATS``.
    width, height : int
        In pixels, strides included; -1 where each execution chooses.
    """

    format: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AippParams:
    """Settings of dynamic AIPP for ``Request.set_aipp()``; fields are named as atc's file names.

    The order of work is: channel swap, crop, colour conversion, resize, ``(value - mean -
    minimum) * reciprocal`` per channel, padding with 0. The library checks the values; numbers of
    ``minimum`` and ``reciprocal`` are rounded to half precision.

    Parameters
    ----------
    input_format : str
        'YUV420SP_U8' (NV12), 'RGB888_U8', 'XRGB8888_U8' or 'YUV400_U8'.
    width, height : int
        Size of the picture in memory, its strides included.
    crop : (left, top, width, height), optional
    resize : (width, height), optional
        Bilinear between the centres of pixels. Cards refuse it today with
        ACL_ERROR_FEATURE_UNSUPPORTED; so does softnpu without SOFTNPU_AIPP_RESIZE=1.
    padding : (left, right, top, bottom), optional
    matrix : sequence of 9 int, optional
        Colour conversion in 1/256, row by row; None leaves colours as they are.
    input_bias, output_bias : sequence of 3 int
        Subtracted before the matrix from YUV pictures, added after it to RGB pictures.
    rbuv_swap, ax_swap : bool
        Exchange R and B (U and V); take the first byte of four as the one to drop.
    mean, minimum, reciprocal : sequence
        One number per channel; channels beyond the last have 0, 0 and 1.
    """

    input_format: PictureFormat
    width: int
    height: int
    crop: Four | None = None
    resize: tuple[int, int] | None = None
    padding: Four | None = None
    matrix: Sequence[int] | None = None
    input_bias: Sequence[int] = (0, 0, 0)
    output_bias: Sequence[int] = (0, 0, 0)
    rbuv_swap: bool = False
    ax_swap: bool = False
    mean: Sequence[int] = ()
    minimum: Sequence[float] = ()
    reciprocal: Sequence[float] = ()

    def __post_init__(self) -> None:
        if self.input_format not in FORMATS:
            raise ValueError(f"input_format is {self.input_format!r}: want one of {list(FORMATS)}")
        lengths = {
            "crop": 4,
            "resize": 2,
            "padding": 4,
            "matrix": 9,
            "input_bias": 3,
            "output_bias": 3,
        }
        for name, length in lengths.items():
            value = getattr(self, name)
            if value is not None and len(value) != length:
                raise ValueError(f"{name} has {len(value)} numbers: want {length}")
        for name in ("mean", "minimum", "reciprocal"):
            if len(getattr(self, name)) > 4:
                raise ValueError(f"{name} has more than 4 numbers, one per channel")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, width and bytes per pixel of the picture in memory."""
        _, rows, per_pixel = FORMATS[self.input_format]
        return int(self.height * rows), self.width, per_pixel

    def common(self) -> tuple[object, ...]:
        """Return what all images of a batch must have in common."""
        return (
            FORMATS[self.input_format][0],
            self.width,
            self.height,
            None if self.matrix is None else tuple(self.matrix),
            tuple(self.input_bias),
            tuple(self.output_bias),
            self.rbuv_swap,
            self.ax_swap,
        )
