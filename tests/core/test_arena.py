from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import acl_fast as af

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@relaxed
@given(
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from(["uint8", "float32", "int64"]))),
    st.sampled_from(["device", "dvpp"]),
)
def test_pieces_obey_the_device(
    device: af.Device, wanted: list[tuple[int, str]], kind: str
) -> None:
    """Aligned, padded and apart from each other, whatever their sizes."""
    alignment = 128 if kind == "dvpp" else 64
    with device.arena(20000, kind=kind) as arena:
        pieces = []
        for count, dtype in wanted:
            padded = (count * np.dtype(dtype).itemsize + 31) // 32 * 32 + 32
            if padded > arena.remaining:
                with pytest.raises(MemoryError, match="left"):
                    arena.empty(count, dtype)
                continue
            piece = arena.empty(count, dtype)
            assert piece.address_int % alignment == 0
            pieces.append((piece.address_int, padded, piece))
        spans = sorted((start, start + size) for start, size, _ in pieces)
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
        assert arena.pieces == len(pieces)
        for number, (_, _, piece) in enumerate(pieces):
            piece.fill_bytes(number % 251)
        for number, (_, _, piece) in enumerate(pieces):
            assert set(piece.download().tobytes()) <= {number % 251}


def test_space_returns_when_no_piece_is_left(device: af.Device) -> None:
    arena = device.arena(1024)
    piece = arena.empty(900, "uint8")
    with pytest.raises(MemoryError):
        arena.empty(900, "uint8")
    view = piece.view((9, 100))
    piece.close()
    with pytest.raises(MemoryError):
        arena.empty(900, "uint8")
    del view
    arena.empty(900, "uint8")


def test_pieces_outlive_the_arena(device: af.Device) -> None:
    arena = device.arena(4096)
    piece = arena.empty(100, "int32")
    arena.close()
    arena.close()
    del arena
    piece.upload(np.arange(100, dtype=np.int32))
    assert piece.download().sum() == 4950


def test_use_after_close_and_bad_sizes(device: af.Device) -> None:
    arena = device.arena(64)
    arena.close()
    with pytest.raises(af.ClosedError):
        arena.empty(1)
    assert repr(arena) == "<acl_fast.Arena closed>"
    with pytest.raises(ValueError, match="0 bytes"):
        device.arena(0)


def test_pieces_are_bound_to_requests(device: af.Device, add_model: af.Model) -> None:
    arena = device.arena(4096)
    request = add_model.create_request(
        [arena.empty((2, 3), "float32"), arena.empty((2, 3), "float32")],
        [arena.empty((2, 3), "float32")],
    )
    request.inputs["a"].upload(np.ones((2, 3), np.float32))
    request.inputs["b"].upload(np.full((2, 3), 4, np.float32))
    request.run()
    assert (request.outputs[0].download() == 5).all()
