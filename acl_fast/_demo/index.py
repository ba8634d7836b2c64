"""Find and download one file of a package index, without running anything that is in it.

``pip download`` builds a source archive to learn its metadata, which runs the archive's setup
code. So only pip's *configuration* is used here (index addresses, certificate file); the index
itself is read through its "simple" interface and the file is taken as bytes.
"""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import os
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from ast import literal_eval
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{JSON_TYPE}, text/html;q=0.1"
TIMEOUT = 60.0
CHUNK = 1 << 18

Progress = Callable[[int, int], None]


class PackageIndexError(RuntimeError):
    """No configured package index delivered the file."""


@dataclass(frozen=True)
class IndexSettings:
    """What pip is configured to use: index addresses in order, and a certificate file."""

    urls: tuple[str, ...]
    certificate: str | None = None


def read_settings() -> IndexSettings:
    """Ask pip for its indexes; environment variables win over files, as they do in pip."""
    settings = _parse_config(_pip("config", "list"))
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        raise PackageIndexError("pip is configured with no-index, so no package index may be asked")
    first = settings.get("index-url") or _default_index()
    urls = [first, *settings.get("extra-index-url", "").split()]
    return IndexSettings(tuple(url.rstrip("/") for url in urls), settings.get("cert") or None)


def _pip(*arguments: str) -> str:
    # Wide columns: pip wraps its help text, and an address must stay in one piece.
    environment = {**os.environ, "COLUMNS": "500", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [sys.executable, "-m", "pip", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip().splitlines()
        raise PackageIndexError(
            f"`{' '.join(command)}` failed ({reason[-1] if reason else 'no message'}); pip tells "
            "which package index this machine uses: install pip in this environment"
        )
    return done.stdout


def _parse_config(listing: str) -> dict[str, str]:
    """Merge the lines of ``pip config list``; a later section overrides an earlier one."""
    sections: dict[str, dict[str, str]] = {}
    for line in listing.splitlines():
        match = re.fullmatch(r"(:?\w+:?)\.([\w-]+)=(.*)", line.strip())
        if match:
            section, key, value = match.groups()
            sections.setdefault(section, {})[key] = str(literal_eval(value))
    merged: dict[str, str] = {}
    for section in ("global", "download", ":env:"):
        merged.update(sections.get(section, {}))
    return merged


def _default_index() -> str:
    match = re.search(r"--index-url.*?\(default\s+(\S+?)\)", _pip("download", "--help"), re.DOTALL)
    if not match:
        raise PackageIndexError("pip does not tell its default package index; set PIP_INDEX_URL")
    return match.group(1)


class _Links(html.parser.HTMLParser):
    """Collect the link targets of an index page written in HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.targets += [value for key, value in attrs if key == "href" and value]


def _links(body: bytes, content_type: str, base: str) -> Mapping[str, str]:
    """Map each file name on an index page to its absolute address."""
    if content_type.startswith(JSON_TYPE):
        files: list[dict[str, Any]] = json.loads(body)["files"]
        return {entry["filename"]: urllib.parse.urljoin(base, entry["url"]) for entry in files}
    parser = _Links()
    parser.feed(body.decode("utf-8", "replace"))
    links = {}
    for target in parser.targets:
        address = urllib.parse.urljoin(base, target)
        path = urllib.parse.urlsplit(address).path
        links[urllib.parse.unquote(path.rsplit("/", 1)[-1])] = address
    return links


def _request(url: str, accept: str) -> urllib.request.Request:
    """Build a request; a user name and password in the address become a header."""
    parts = urllib.parse.urlsplit(url)
    headers = {"Accept": accept, "User-Agent": "acl_fast"}
    if parts.username is not None:
        user = urllib.parse.unquote(parts.username)
        password = urllib.parse.unquote(parts.password or "")
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {token}"
        url = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return urllib.request.Request(url, headers=headers)


def _open(settings: IndexSettings, url: str, accept: str = "*/*") -> Any:
    context = ssl.create_default_context(cafile=settings.certificate)
    return urllib.request.urlopen(_request(url, accept), timeout=TIMEOUT, context=context)


def _locate(settings: IndexSettings, index: str, project: str, filename: str) -> str | None:
    """Return the address of ``filename`` in one index, or None where it does not have it."""
    page = f"{index}/{re.sub(r'[-_.]+', '-', project).lower()}/"
    if page.startswith("file:"):
        page += "index.html"  # a folder on disk has no server to add this
    with _open(settings, page, ACCEPT) as reply:
        content_type = reply.headers.get("Content-Type", "text/html")
        address = _links(reply.read(), content_type, reply.url).get(filename)
    return address and _with_login(address, index)


def _with_login(address: str, index: str) -> str:
    """Add the index's user name and password to an address on the same host, and no other."""
    login, _, host = urllib.parse.urlsplit(index).netloc.rpartition("@")
    parts = urllib.parse.urlsplit(address)
    if not login or parts.netloc != host:
        return address
    return urllib.parse.urlunsplit(parts._replace(netloc=f"{login}@{host}"))


def _copy(reply: Any, target: IO[bytes], progress: Progress | None) -> str:
    """Copy the body of ``reply`` and return its sha256."""
    total = int(reply.headers.get("Content-Length") or 0)
    digest = hashlib.sha256()
    done = 0
    while chunk := reply.read(CHUNK):
        target.write(chunk)
        digest.update(chunk)
        done += len(chunk)
        if progress:
            progress(done, total)
    if total and done != total:
        raise OSError(f"connection ended after {done} of {total} bytes")
    return digest.hexdigest()


def download(
    project: str, filename: str, target: IO[bytes], progress: Progress | None = None
) -> str:
    """Write one file of ``project`` to ``target``, from the first index that delivers it.

    Parameters
    ----------
    project, filename
        Name of the package and of its archive, as on the index page.
    target
        Open, seekable binary file; rewritten from its start.
    progress
        Called with the bytes so far and the expected total (0 if unknown).

    Returns
    -------
    str
        sha256 of the file, in hex.

    Raises
    ------
    PackageIndexError
        No index has the file or can be reached; the message lists what each one said.
    """
    settings = read_settings()
    causes = []
    for number, index in enumerate(settings.urls, 1):
        # Addresses may hold a password, so a message says "index 1" and not the address.
        try:
            address = _locate(settings, index, project, filename)
            if address is None:
                causes.append(f"index {number}: has {project}, but no {filename}")
                continue
            target.seek(0)
            target.truncate()
            with _open(settings, address) as reply:
                return _copy(reply, target, progress)
        except urllib.error.HTTPError as error:
            causes.append(f"index {number}: HTTP {error.code} {error.reason}")
        except urllib.error.URLError as error:
            causes.append(f"index {number}: {error.reason}")
        except (OSError, ValueError, KeyError) as error:
            causes.append(f"index {number}: {type(error).__name__}: {error}")
    raise PackageIndexError("; ".join(causes))
