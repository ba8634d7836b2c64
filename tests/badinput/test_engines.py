"""A softnpu without its media engines: af.info() says so, and the rest works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import acl_fast as af

from . import child

UNSUPPORTED, VDEC_UNSUPPORTED, VENC_UNSUPPORTED = 200006, 0xA0058008 - 2**32, 0xA0088008 - 2**32
MISSING = ("image", "scale", "video")

PROGRAM = """
from acl_fast import media
engines = af.info().engines
for kind in ("image", "scale", "video"):
    assert engines[kind].startswith("missing: softnpu was built without"), engines
    assert "./run.sh setup" in engines[kind]
dev = af.Device(0)
before = live()
def refused(package, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except af.AclError as error:
        print(error.code, package in str(error) and "run.sh setup" in str(error))
    else:
        raise AssertionError(f"{call} works without its engine")
for v in ("v1", "v2"):
    refused("libavcodec-dev", media.VideoDecoder, dev, "h264", width=256, height=128, interface=v)
    refused("libavcodec-dev", media.VideoEncoder, dev, 256, 128, "h264", interface=v)
image = media.Image.empty(dev, 256, 128)
with media.JpegEncoder(dev) as encoder:
    refused("libjpeg-dev", encoder.encode, image)
with media.JpegDecoder(dev) as decoder:
    refused("libjpeg-dev", decoder.decode, bytes(100))
    refused("libpng-dev", decoder.decode_png, bytes(100))
small = media.vpc.resize(image, 128, 64)  # the card's filter is softnpu's own
colours = media.Image.empty(dev, 256, 128, "rgb")
refused("libyuv-dev", media.vpc.resize, colours, 128, 64)
del image, small, colours
media.vpc.close_all()
gc.collect()
assert live() == before, (live(), before)
works(dev)
print("works")
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all of softnpu's libraries but its media engines."""
    folder = tmp_path_factory.mktemp("lib64")
    for library in Path(af.info().library).parent.glob("*.so"):
        if library.stem.removeprefix("libsoftnpu_") not in MISSING:
            (folder / library.name).symlink_to(library)
    return folder


def test_calls_say_how_to_get_an_engine(bare: Path) -> None:
    """With the documented code, and the sentence."""
    out = child.run(PROGRAM, ACL_FAST_LIBRARY=str(bare / "libascendcl.so")).splitlines()
    codes = [*[UNSUPPORTED] * 2, VDEC_UNSUPPORTED, VENC_UNSUPPORTED, *[UNSUPPORTED] * 4]
    assert out == [*(f"{code} True" for code in codes), "works"]


def test_info_names_the_engines() -> None:
    engines = af.info().engines
    assert engines["models"].startswith("OpenVINO ")
    assert engines["image"].startswith("libjpeg")
    assert engines["scale"].startswith("libyuv ")
    assert engines["video"].startswith("libavcodec ")


def libraries(folder: Path, **environment: str) -> tuple[str, set[str], dict[str, str]]:
    """Configure softnpu; what CMake says, which libraries there will be, how files are compiled."""
    command = ["cmake", "-S", str(child.ROOT), "-B", str(folder), "-G", "Ninja"]
    command += ["-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", f"-DSOFTNPU_OUTPUT_DIR={folder / 'lib64'}"]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    entries = json.loads((folder / "compile_commands.json").read_text())
    commands = {
        str(Path(entry["file"]).relative_to(child.ROOT)): entry["command"].replace(str(folder), "")
        for entry in entries
        if Path(entry["file"]).is_relative_to(child.ROOT)
    }
    targets = (folder / "build.ninja").read_text()
    return done.stdout, set(re.findall(r"lib64/(\w+)\.so:", targets)), commands


@pytest.mark.skipif(not (shutil.which("cmake") and shutil.which("ninja")), reason="no build tools")
def test_a_machine_without_the_packages_builds_the_rest(tmp_path: Path) -> None:
    """The same libraries, built in the same way, but for the engines, which are named."""
    _, all_made, all_commands = libraries(tmp_path / "all")
    said, made, commands = libraries(tmp_path / "bare", PKG_CONFIG_LIBDIR=str(tmp_path))
    for kind, package in (("image", "jpeg"), ("scale", "swscale"), ("video", "avcodec")):
        assert f"no {kind} engine, lib{package} is missing" in said
    assert all_made - made == {f"libsoftnpu_{kind}" for kind in MISSING}
    assert made <= all_made
    kept = {
        name: command for name, command in all_commands.items() if name.split("/")[1] not in MISSING
    }
    assert commands == kept
    assert len(commands) > 100
