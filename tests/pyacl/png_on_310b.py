"""PNG files in numpy's memory; run as Ascend310B4 by test_table_himpi.py."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from acl_fast import pyacl as acl
from tests.pyacl.test_table_media import HEIGHT, INVALID, RGB, WIDTH, done, file, picture
from tests.pyacl.test_table_media import t as t

media: Any = acl.media


def test_files_in_host_memory(t: SimpleNamespace, unified: bool) -> None:
    """Decoded where the program runs on the chip itself, and refused by a card in a host."""
    data = np.frombuffer(file("PNG"), np.uint8).copy()
    file_at = acl.util.numpy_to_ptr(data)
    size, _ = media.dvpp_png_predict_dec_size(file_at, data.size, RGB)
    room, _ = media.dvpp_malloc(size)
    desc = media.dvpp_create_pic_desc()
    for name, value in (("data", room), ("size", size), ("format", RGB)):
        getattr(media, f"dvpp_set_pic_desc_{name}")(desc, value)
    code = media.dvpp_png_decode_async(t.channel, file_at, data.size, desc, t.stream)
    data[:] = 0  # a program that does not wait has taken its memory back
    assert code == (0 if unified else INVALID)
    if unified:
        assert done(t, code) == 0
        host = np.empty(size, np.uint8)
        assert acl.rt.memcpy(acl.util.numpy_to_ptr(host), size, room, size, 2) == 0
        stride = media.dvpp_get_pic_desc_width_stride(desc)
        ours = host.reshape(-1, stride)[:HEIGHT, : 3 * WIDTH].reshape(HEIGHT, WIDTH, 3)
        np.testing.assert_array_equal(ours, np.asarray(picture()))
    run = media.dvpp_png_decode_async
    assert run(t.channel, 0xDEAD0000, 64, desc, t.stream) == INVALID
    # Nothing is known of the other engines: JPEG files stay in memory of the device.
    jpeg = file("JPEG")
    assert (
        media.dvpp_jpeg_decode_async(
            t.channel, acl.util.bytes_to_ptr(jpeg), len(jpeg), desc, t.stream
        )
        == INVALID
    )
    media.dvpp_destroy_pic_desc(desc)
    assert media.dvpp_free(room) == 0
