"""The .om container of softnpu: reader, writer and checks.

A file is a 72-byte header and three sections, each on a 64-byte boundary::

    char magic[8] = "SOFTNPU\\0"    u32 version = 1    u32 header_size = 72
    3 x { u64 offset, u64 size }    manifest (JSON), xml (OpenVINO IR), bin (IR weights)
    u32 crc32 of every byte from header_size to the end    u32 reserved = 0

All integers are little endian.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

MAGIC = b"SOFTNPU\0"
VERSION = 1
HEADER = struct.Struct("<8sII6QII")
ALIGN = 64
CHUNK = 1 << 20
CANN_MAGIC = b"IMOD"


class OmError(ValueError):
    """A file that is not a sound .om of softnpu; the message says why and what to do."""


def _pad(size: int) -> int:
    return -size % ALIGN


class _CheckedWriter:
    """Append to a file and keep the checksum, so that no section is read back for it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.crc = 0
        self.position = HEADER.size

    def append(self, data: bytes) -> None:
        self.file.write(data)
        self.crc = zlib.crc32(data, self.crc)
        self.position += len(data)

    def section(self, chunks: Iterator[bytes]) -> tuple[int, int]:
        """Write one section on a boundary; return its offset and size."""
        self.append(bytes(_pad(self.position)))
        start = self.position
        for chunk in chunks:
            self.append(chunk)
        return start, self.position - start


def _chunks(path: Path | None) -> Iterator[bytes]:
    if path is None:
        return
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def write(
    path: Path, manifest: dict[str, Any], xml: Path | None = None, weights: Path | None = None
) -> int:
    """Write an .om from a manifest and the two files of an IR; return its size in bytes.

    An .om of a single operator has no IR.

    The file appears under its name only when it is complete: a reader never sees half of it,
    and a failed conversion leaves an older file as it was.
    """
    text = json.dumps(manifest, ensure_ascii=False, separators=(",", ":")).encode()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(bytes(HEADER.size))
            writer = _CheckedWriter(file)
            spans: list[int] = []
            for chunks in (iter([text]), _chunks(xml), _chunks(weights)):
                spans += writer.section(chunks)
            file.seek(0)
            file.write(HEADER.pack(MAGIC, VERSION, HEADER.size, *spans, writer.crc, 0))
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    return writer.position


def check_magic(head: bytes, name: str) -> None:
    """Refuse what is not an .om of softnpu, by its first bytes."""
    if head.startswith(MAGIC):
        return
    if head.startswith(CANN_MAGIC):
        raise OmError(
            f"{name} was compiled by CANN's atc for a real NPU; softnpu cannot run its kernels. "
            "Convert the original ONNX model with acl-fast atc, or load the .onnx directly."
        )
    if not head:
        raise OmError(f"{name} is empty. Convert the model again with acl-fast atc.")
    raise OmError(
        f"{name} is not an .om file (it starts with {head[:8]!r}). "
        "Make one with: acl-fast atc --model=model.onnx --framework=5 --output=NAME "
        "--soc_version=Ascend310P3"
    )


class Om:
    """An .om of softnpu, mapped into memory.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    check : bool
        Also compare the checksum (reads the whole file).

    Attributes
    ----------
    manifest : dict
        Names, types, shapes and gears of inputs and outputs.
    xml, weights : memoryview
        The OpenVINO IR; views of the mapped file.

    Raises
    ------
    OmError
        The file is no sound .om.
    OSError
        The file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], *, check: bool = True) -> None:
        self.path = Path(path)
        with self.path.open("rb") as file:
            self.size = os.fstat(file.fileno()).st_size
            head = file.read(HEADER.size)
            check_magic(head, str(path))
            if len(head) < HEADER.size:
                raise OmError(f"{path} is truncated: {len(head)} bytes, less than its header.")
            # The mapping lives as long as a view of it does; nothing has to close it.
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        view = memoryview(self._map)
        _, version, header_size, *spans, crc, reserved = HEADER.unpack(head)
        if version != VERSION:
            raise OmError(
                f"{path} has container version {version}; this acl_fast reads {VERSION}. "
                "Convert the model again with acl-fast atc."
            )
        if header_size != HEADER.size:
            raise self._corrupt(f"its header size is {header_size} instead of {HEADER.size}")
        sections = self._sections(view, spans)
        if reserved != 0:
            raise self._corrupt("its reserved field is not 0")
        if check and zlib.crc32(view[HEADER.size :]) != crc:
            raise self._corrupt("its checksum does not match")
        try:
            self.manifest: dict[str, Any] = json.loads(bytes(sections[0]))
        except ValueError as error:
            raise self._corrupt(f"its manifest is no JSON ({error})") from None
        self.xml, self.weights = sections[1:]
        if isinstance(self.manifest, dict) and "single_op" in self.manifest:
            raise OmError(
                f"{path} holds a single operator, not a model. Name its folder in "
                "acl.op.set_model_dir."
            )
        if not self.xml:
            raise self._corrupt("its network is empty")

    def _corrupt(self, detail: str) -> OmError:
        return OmError(f"{self.path} is corrupt: {detail}. Convert or copy it again.")

    def _sections(self, view: memoryview, spans: list[int]) -> list[memoryview]:
        """Cut the file where its header says.

        The checksum does not cover the header. That sections follow each other without a gap is
        what tells a wrong offset, which would otherwise give the wrong weights.
        """
        sections = []
        end = HEADER.size
        for offset, size in zip(spans[::2], spans[1::2], strict=True):
            if offset + size > self.size:
                raise OmError(
                    f"{self.path} is truncated: a section ends at byte {offset + size}, "
                    f"the file has {self.size}. Convert or copy it again."
                )
            if offset != end + _pad(end):
                raise self._corrupt(f"its section at {offset} does not follow the one before it")
            end = offset + size
            sections.append(view[offset:end])
        if end != self.size:
            raise self._corrupt(f"{self.size - end} bytes follow its last section")
        return sections

    def read_model(self) -> Any:
        """The IR as an ``openvino.Model`` (needs openvino; copies the weights)."""
        import numpy as np
        import openvino as ov

        # A model without constants has an empty section.
        weights = ov.Tensor(np.frombuffer(self.weights, np.uint8))
        return ov.Core().read_model(bytes(self.xml), weights)
