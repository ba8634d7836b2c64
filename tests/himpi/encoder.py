"""Structures of the second media interface's encoders."""

from __future__ import annotations

import ctypes as C


class ChnAttr(C.Structure):
    _fields_ = [
        *((n, C.c_int) for n in ("type", "max_width", "max_height", "buf_size", "profile")),
        *((n, C.c_int) for n in ("by_frame", "width", "height")),
        ("codec", C.c_uint32 * 7),
        ("rc_mode", C.c_int),
        *((n, C.c_uint32) for n in ("gop", "rates_0", "rates_1", "rates_2", "rates_3")),
        ("more", C.c_uint32 * 4),
        ("gop_mode", C.c_int),
        ("gop_values", C.c_uint32 * 3),
    ]


class PackInfo(C.Structure):
    _fields_ = [("type", C.c_int), ("offset", C.c_uint32), ("length", C.c_uint32)]


class Pack(C.Structure):
    _fields_ = [
        ("physical", C.c_uint64),
        ("address", C.c_void_p),
        ("length", C.c_uint32),
        ("pts", C.c_uint64),
        ("is_end", C.c_int),
        ("type", C.c_int),
        ("offset", C.c_uint32),
        ("count", C.c_uint32),
        ("infos", PackInfo * 8),
    ]


class Stream(C.Structure):
    _fields_ = [
        ("pack", C.POINTER(Pack)),
        ("count", C.c_uint32),
        ("seq", C.c_uint32),
        ("info", C.c_uint32 * 14),
        ("advanced", C.c_uint64 * 64),
    ]


class Status(C.Structure):
    _fields_ = [
        *((n, C.c_uint32) for n in ("left_pics", "left_bytes", "left_frames", "cur_packs")),
        *((n, C.c_uint32) for n in ("left_recv", "left_enc", "snap")),
        ("pts", C.c_uint64),
        ("info", C.c_uint64 * 10),
    ]
