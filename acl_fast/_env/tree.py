"""Write a tree of files and links so that it is right afterwards, whatever was there before."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


class EnvError(Exception):
    """The tree cannot be written; the message says why and what to do."""


@dataclass(frozen=True)
class File:
    """A text file."""

    text: str
    executable: bool = False


@dataclass(frozen=True)
class Link:
    """A symbolic link; the target is relative to the link, or absolute."""

    target: str


@dataclass(frozen=True)
class Folder:
    """A folder; those above other entries need not be listed."""


Entry = File | Link | Folder
Tree = Mapping[str, Entry]


def materialise(root: Path, tree: Tree, *, owned: Iterable[str] = ()) -> list[str]:
    """Make ``root`` hold ``tree``; return the paths that had to be written.

    Each entry is replaced in one step, so processes that do this at the same time only write
    the same things twice, and a reader never meets half a file. What is right is not touched.

    Parameters
    ----------
    root : Path
        The folder; made if it does not exist.
    tree : mapping
        Relative path to entry.
    owned : iterable of str
        Folders in which links that the tree does not list are removed: leftovers of another
        version.

    Raises
    ------
    EnvError
        Something is in the way that is not ours, or the disk refuses.
    """
    written = []
    try:
        for name, entry in tree.items():
            path = root / name
            if not _is_right(path, entry):
                _write(path, entry)
                written.append(name)
        for folder in owned:
            for path in (root / folder).iterdir():
                if path.is_symlink() and str(path.relative_to(root)) not in tree:
                    path.unlink(missing_ok=True)
    except OSError as error:
        raise EnvError(
            f"cannot write {error.filename or root}: {error.strerror}. "
            "Choose another folder with --prefix, or remove what is in the way."
        ) from error
    return written


def _is_right(path: Path, entry: Entry) -> bool:
    if isinstance(entry, Folder):
        return path.is_dir()
    if isinstance(entry, Link):
        return path.is_symlink() and os.readlink(path) == entry.target
    if path.is_symlink() or not path.is_file():
        return False
    executable = os.access(path, os.X_OK)
    return executable == entry.executable and path.read_bytes() == entry.text.encode()


def _write(path: Path, entry: Entry) -> None:
    if isinstance(entry, Folder):
        if path.is_symlink():
            path.unlink(missing_ok=True)
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        # A folder may hold the user's own files, so it is not ours to delete.
        raise EnvError(f"{path} is a folder where softnpu puts a file. Move it away.")
    # A name of our own in the same folder: the replacement is a single rename.
    handle, temporary = tempfile.mkstemp(prefix=".acl-fast-", dir=path.parent)
    try:
        if isinstance(entry, Link):
            os.close(handle)
            os.unlink(temporary)
            os.symlink(entry.target, temporary)
        else:
            with os.fdopen(handle, "wb") as file:
                file.write(entry.text.encode())
            os.chmod(temporary, 0o755 if entry.executable else 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
