"""The configuration file: what is read, and what is refused with which sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from acl_fast._atc import aipp
from acl_fast._atc.convert import Request, convert
from acl_fast._atc.errors import AtcError

from .conftest import passing_on

GOOD = "aipp_op { aipp_mode: static input_format: RGB888_U8 %s }"


def test_blanks_comments_and_defaults() -> None:
    text = """
    # a comment
    aipp_op{aipp_mode:static
      input_format : YUV420SP_U8 # to the end of the line
      csc_switch : true  min_chn_0 : 123.675
    }
    aipp_op : { aipp_mode: "static" related_input_rank: 1 input_format: RGB888_U8 }
    """
    first, second = aipp.parse(text)
    assert first.switch("csc_switch")
    assert first.number("min_chn_0") == 123.675
    assert first.number("var_reci_chn_0") == 1
    assert first.integers("input_bias_{}", 3) == [16, 128, 128]
    assert first.integer("matrix_r0c1") == 516
    assert second.rank == 1


def test_separators_of_protobuf_text() -> None:
    text = "aipp_op { aipp_mode: 'static', input_format: RGB888_U8; mean_chn_0: 4; crop: false, },"
    (block,) = aipp.parse(text)
    assert block.integer("mean_chn_0") == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no aipp_op"),
        ("aipp_op { aipp_mode: static", "closing brace"),
        ("op { }", "aipp_op"),
        ("aipp_op { aipp_mode static }", "followed by"),
        ("aipp_op { input_format: RGB888_U8 }", "aipp_mode"),
        ("aipp_op { aipp_mode: static }", "input_format"),
        ("aipp_op { aipp_mode: dynamic }", "max_src_image_size"),
        ("aipp_op { aipp_mode: dynamic max_src_image_size: 9 crop: true }", "crop is no field"),
        (GOOD % "" + "aipp_op { aipp_mode: dynamic max_src_image_size: 9 }", "one file"),
        (GOOD % "nonsense: 1", "no field"),
        (GOOD % "mean_chn_0: 256", "0 to 255"),
        (GOOD % "mean_chn_0: x", "integer"),
        (GOOD % "var_reci_chn_0: x", "number"),
        (GOOD % "crop: maybe", "true or false"),
        (GOOD % "crop: true crop: true", "twice"),
        (GOOD % "resize: true", "reserved"),
        (GOOD % "left_padding_size: 33", "0 to 32"),
        (GOOD % "related_input_name: x", "Caffe"),
        (GOOD % "" + GOOD % "", "two aipp_op"),
        (
            "aipp_op { aipp_mode: static input_format: YUV420SP_U8 src_image_size_w: 33 }",
            "even",
        ),
    ],
)
def test_bad_text(text: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOFTNPU_AIPP_RESIZE", raising=False)
    with pytest.raises(AtcError, match=words) as caught:
        aipp.parse(text)
    assert caught.value.code == "E10052"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("crop: true", "need src_image_size"),
        ("src_image_size_w: 64 src_image_size_h: 48", "wants 32x24"),
        (
            "src_image_size_w: 64 src_image_size_h: 48 crop: true load_start_pos_w: 40",
            "exceeds",
        ),
        ("related_input_rank: 1", "1 inputs"),
        (
            "src_image_size_w: 32 src_image_size_h: 24 padding: true left_padding_size: 2",
            "34x24",
        ),
    ],
)
def test_does_not_fit_the_model(tmp_path: Path, fields: str, words: str) -> None:
    path = passing_on(tmp_path / "network.onnx", [1, 3, 24, 32], "float32")
    with pytest.raises(AtcError, match=words) as caught:
        convert(Request(path, tmp_path / "network", aipp=aipp.parse(GOOD % fields)))
    assert caught.value.code == "E10052"
    assert not list(tmp_path.glob("*.om"))


def test_channels_must_fit(tmp_path: Path) -> None:
    path = passing_on(tmp_path / "network.onnx", [1, 1, 24, 32], "float32")
    with pytest.raises(AtcError, match="gives 3 channels"):
        convert(Request(path, tmp_path / "network", aipp=aipp.parse(GOOD % "")))


SOURCE = "resize: true src_image_size_w: 64 src_image_size_h: 48 "


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("resize: true", "need src_image_size"),
        (SOURCE + "resize_output_w: 15", "want 16 to 1920"),
        (SOURCE + "resize_output_w: 1921", "0 to 1920"),
        (SOURCE + "resize_output_w: 31", "wants 32x24"),
        (SOURCE + "resize_output_w: 1025", "ratio of 1/16"),
        (SOURCE + "padding: true top_padding_size: 9", "resize_output_h is 15"),
        (SOURCE + "crop: true crop_size_w: 32", "needs crop_size_w"),
        (SOURCE + "crop: true crop_size_w: 32 crop_size_h: 8", "size 32x8"),
        (SOURCE, ""),
        (SOURCE + "resize_output_w: 30 padding: true left_padding_size: 2", ""),
    ],
)
def test_resize(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: str, words: str) -> None:
    monkeypatch.setenv("SOFTNPU_AIPP_RESIZE", "1")
    path = passing_on(tmp_path / "network.onnx", [1, 3, 24, 32], "float32")
    if not words:
        assert convert(Request(path, tmp_path / "network", aipp=aipp.parse(GOOD % fields))).path
        return
    with pytest.raises(AtcError, match=words) as caught:
        convert(Request(path, tmp_path / "network", aipp=aipp.parse(GOOD % fields)))
    assert caught.value.code == "E10052"
