"""Exceptions, without a device."""

from __future__ import annotations

import pickle

import pytest

import acl_fast as af
from acl_fast.errors import error_from_code


@pytest.mark.parametrize(
    ("code", "cls", "builtin", "name"),
    [
        (100000, af.AclValueError, ValueError, "ACL_ERROR_INVALID_PARAM"),
        (107001, af.AclIndexError, IndexError, "ACL_ERROR_RT_INVALID_DEVICEID"),
        (145002, af.AclModelError, ValueError, "ACL_ERROR_GE_EXEC_MODEL_PATH_INVALID"),
        (200006, af.UnsupportedError, NotImplementedError, "ACL_ERROR_FEATURE_UNSUPPORTED"),
        (207001, af.AclMemoryError, MemoryError, "ACL_ERROR_RT_MEMORY_ALLOCATION"),
        (507046, af.AclTimeoutError, TimeoutError, "ACL_ERROR_RT_STREAM_SYNC_TIMEOUT"),
        (507011, af.AclError, RuntimeError, "ACL_ERROR_RT_MODEL_EXECUTE"),
    ],
)
def test_class_name_and_text(code: int, cls: type, builtin: type, name: str) -> None:
    error = error_from_code(code, "aclrtSomething", "the vendor's words")
    assert type(error) is cls
    assert isinstance(error, builtin)
    assert (error.code, error.name, error.function) == (code, name, "aclrtSomething")
    for part in ("aclrtSomething", name, str(code), "the vendor's words"):
        assert part in str(error)


def test_unknown_codes_still_format() -> None:
    error = error_from_code(987654, "f")
    assert error.name == "ACL_ERROR_987654"
    assert "f failed" in str(error)


def test_errors_survive_pickle() -> None:
    for code in (100000, 145002, 200006, 207001, 507046, 1):
        error = error_from_code(code, "aclrtMalloc", "why")
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert (copy.code, copy.detail) == (code, "why")


def test_fork_error_says_spawn() -> None:
    assert "spawn" in str(af.ForkError())
    assert "spawn" in str(pickle.loads(pickle.dumps(af.ForkError())))
