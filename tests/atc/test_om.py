"""The .om container: byte layout, and what is refused."""

from __future__ import annotations

import json
import struct
import zlib

import pytest

from acl_fast._atc import Om, OmError


@pytest.fixture
def om_file(conv, convert):
    return convert(conv, input_shape="x:1,3,8,8").path


def test_layout(om_file):
    data = om_file.read_bytes()
    assert data[:8] == b"SOFTNPU\0"
    assert struct.unpack_from("<II", data, 8) == (1, 72)
    spans = [struct.unpack_from("<QQ", data, 16 + 16 * i) for i in range(3)]
    crc, reserved = struct.unpack_from("<II", data, 64)
    assert reserved == 0
    assert crc == zlib.crc32(data[72:])
    assert all(offset % 64 == 0 for offset, _ in spans)
    manifest, xml, weights = (data[offset : offset + size] for offset, size in spans)
    assert spans[-1][0] + spans[-1][1] == len(data)
    assert json.loads(manifest)["name"] == "m"
    assert xml.startswith(b"<?xml")
    assert len(weights) >= 5 * 3 * 3 * 3 * 4


def test_reader_gives_the_sections(om_file):
    om = Om(om_file)
    data = om_file.read_bytes()
    assert data.endswith(bytes(om.weights))
    assert bytes(om.xml) in data
    assert om.size == len(data)


def test_every_damaged_byte_is_noticed(om_file, tmp_path):
    data = om_file.read_bytes()
    bad = tmp_path / "bad.om"
    for position in (0, 9, 17, 25, 65, 72, 130, len(data) // 2, len(data) - 1):
        bad.write_bytes(data[:position] + bytes([data[position] ^ 0x40]) + data[position + 1 :])
        with pytest.raises(OmError, match=r"bad\.om"):
            Om(bad)


def test_every_truncation_is_noticed(om_file, tmp_path):
    data = om_file.read_bytes()
    bad = tmp_path / "bad.om"
    for size in (0, 5, 8, 40, 71, 72, 200, len(data) - 1):
        bad.write_bytes(data[:size])
        with pytest.raises(OmError, match=r"bad\.om"):
            Om(bad)


def packed(spans, body, *, header_size=72, reserved=0):
    """A file with this header and a checksum that matches."""
    head = struct.pack(
        "<8sII6QII", b"SOFTNPU\0", 1, header_size, *spans, zlib.crc32(body), reserved
    )
    return head + body


def test_a_layout_that_the_checksum_does_not_cover_is_checked(om_file, tmp_path):
    data = om_file.read_bytes()
    body = data[72:]
    spans = list(struct.unpack_from("<6Q", data, 16))
    bad = tmp_path / "bad.om"
    bad.write_bytes(packed(spans, body))
    assert bytes(Om(bad).weights) == bytes(Om(om_file).weights)

    moved = [*spans[:4], spans[4] + 64, spans[5]]
    swapped = [*spans[:2], *spans[4:], *spans[2:4]]
    for wrong, words in [
        (packed(moved, body + bytes(64)), "does not follow"),
        (packed([*spans[:4], spans[4] + 64, spans[5] - 64], body), "does not follow"),
        (packed([*spans[:4], spans[4] + 4, spans[5] - 4], body), "does not follow"),
        (packed(swapped, body), "does not follow"),
        (packed([0, *spans[1:]], body), "does not follow"),
        (packed(spans, body + b"x"), "1 bytes follow"),
        (packed([*spans[:5], spans[5] - 1], body), "1 bytes follow"),
        (packed(spans, body, reserved=1), "reserved"),
        (packed(spans, body, header_size=64), "header size"),
        (packed([*spans[:4], 2**64 - 64, 128], body), "truncated"),
    ]:
        bad.write_bytes(wrong)
        with pytest.raises(OmError, match=rf"bad\.om.*{words}"):
            Om(bad)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"IMOD" + bytes(300), "real NPU"),
        (b"", "empty"),
        (b"\x08\x07\x12\x04pytorch" * 20, "not an .om"),
    ],
)
def test_other_files_are_refused_with_what_to_do(tmp_path, data, words):
    path = tmp_path / "other.om"
    path.write_bytes(data)
    with pytest.raises(OmError, match=words) as caught:
        Om(path)
    assert "acl-fast atc" in str(caught.value)


def test_a_failed_conversion_leaves_the_old_file(conv, om_file, atc):
    before = om_file.read_bytes()
    result = atc(
        model=conv,
        framework=5,
        soc_version="Ascend310",
        output=om_file.with_suffix(""),
        input_shape="x:1,4,8,8",
    )
    assert result.code == 1
    assert om_file.read_bytes() == before
    assert [path.name for path in om_file.parent.iterdir()] == [om_file.name]


def test_a_conversion_replaces_the_file_under_a_reader(conv, convert, om_file):
    old = Om(om_file)
    before = bytes(old.weights)
    convert(conv, input_shape="x:2,3,8,8")
    assert bytes(old.weights) == before
    assert Om(om_file).manifest["inputs"][0]["dims"] == [2, 3, 8, 8]
