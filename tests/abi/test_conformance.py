"""What softnpu says about itself is what its libraries do."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ROOT / "acl_fast" / "softnpu" / "lib64"

sys.path.insert(0, str(ROOT / "tools"))
from _apigen.api import Api  # noqa: E402

API = Api()


def exported(path: Path) -> set[str]:
    """Names of the functions that a library defines for others."""
    text = subprocess.run(
        ["nm", "-D", "--defined-only", path], check=True, text=True, capture_output=True
    ).stdout
    return {line.split()[2] for line in text.splitlines() if line.split()[1] in "TW"}


@pytest.mark.parametrize("library", API.libraries)
def test_exports_are_the_table(library: str) -> None:
    names = exported(LIBRARIES / f"lib{library}.so")
    own = {name for name in names if name.startswith("softnpu")}
    assert "softnpu_is_stub" in own
    assert ("softnpuVersion" in own) == (library == "ascendcl")
    assert names - own == {f.name for f in API.functions if f.library == library}


@pytest.mark.parametrize("library", API.libraries)
def test_states_are_true(library: str) -> None:
    """Unsupported and still a stub are the same thing."""
    is_stub = ctypes.CDLL(str(LIBRARIES / f"lib{library}.so")).softnpu_is_stub
    functions = [f for f in API.functions if f.library == library]
    stubs = {f.name for f in functions if is_stub(f.name.encode()) == 1}
    unsupported = {f.name for f in functions if f.softnpu == "unsupported"}
    assert sorted(stubs - unsupported) == [], "claimed, but not implemented"
    assert sorted(unsupported - stubs) == [], "implemented, but without a row in conformance"


def test_unknown_name_is_no_entry() -> None:
    library = ctypes.CDLL(str(LIBRARIES / "libascendcl.so"))
    assert library.softnpu_is_stub(b"aclrtMaloc") == -1


def test_another_ascendcl_takes_nothing_over(tmp_path: Path) -> None:
    """A library loaded first that defines the same names changes neither states nor calls."""
    ours = [f for f in API.functions if f.library == "ascendcl"]
    stub = next(f.name for f in ours if f.softnpu == "unsupported" and f.ret == "aclError")
    source = tmp_path / "other.c"
    names = ["aclInit", "aclrtSetDevice", stub]
    source.write_text("".join(f"int {name}() {{ return 77; }}\n" for name in names))
    other = tmp_path / "libother.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", other, source], check=True)
    code = f"""
import ctypes
ours = ctypes.CDLL({str(LIBRARIES / "libascendcl.so")!r})
print(ctypes.CDLL(None).aclInit(None), ours.aclInit(None))
print(*[ours.softnpu_is_stub(name) for name in (b"aclInit", {stub.encode()!r})])
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"LD_PRELOAD": str(other)},
        text=True,
        capture_output=True,
    )
    assert result.stdout.splitlines() == ["77 0", "0 1"], result.stderr
