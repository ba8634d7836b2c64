"""Trained networks of others, in programs of the usual shape, against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image, ImageDraw, ImageFont

from acl_fast._atc.convert import Request, convert
from acl_fast._atc.shapes import parse_input_shape
from acl_fast._demo import assets
from benchmarks import models as _networks  # noqa: F401  # registers the files
from tests.pyacl.test_programs import errors, run

TEXT = ["Ascend-310P", "UpsideDown42", "&readable!"]
RATE = 16000


def session(name: str) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(assets.fetch(name)), providers=["CPUExecutionProvider"])


def page() -> Image.Image:
    """Three lines of text, the second one upside down."""
    font = ImageFont.load_default(34)
    made = Image.new("RGB", (600, 300), "white")
    for row, text in enumerate(TEXT):
        line = Image.new("RGB", (430, 60), "white")
        ImageDraw.Draw(line).text((10, 8), text, fill=(0, 0, 80 * row), font=font)
        made.paste(line.rotate(180) if row == 1 else line, (40, 20 + 90 * row))
    return made


def voice(seconds: float, begin: float, end: float) -> np.ndarray:
    """Pulses at 120 Hz through the formants of a vowel, in syllables, between two times."""
    count = int(seconds * RATE)
    t = np.arange(count) / RATE
    pitch = 120 + 20 * np.sin(2 * np.pi * 1.5 * t)
    spectrum = np.fft.rfft(np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0))
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(count))
    for formant, width in ((700, 90), (1200, 110), (2600, 160)):
        radius = np.exp(-np.pi * width / RATE)
        angle = 2 * np.pi * formant / RATE
        spectrum /= 1 - 2 * radius * np.cos(angle) * z + (radius * z) ** 2
    sound = np.fft.irfft(spectrum, count)
    loudness = ((t > begin) & (t < end)) * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * t))
    noise = 0.001 * np.random.default_rng(0).standard_normal(count)
    return (0.6 * sound / np.abs(sound).max() * loudness + noise).astype(np.float32)


@pytest.fixture(scope="module")
def text_networks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Detection with image gears, direction with batch gears, recognition with dims gears."""
    folder = tmp_path_factory.mktemp("ocr")
    options = {
        "detection": ("x:1,3,-1,-1", ("image", "320,640;640,640"), "NCHW"),
        "direction": ("x:-1,3,48,192", ("batch", "1,2,4"), "NCHW"),
        "recognition": ("x:-1,3,48,-1", ("dims", "1,320;4,320;4,640"), "ND"),
    }
    return [
        convert(
            Request(
                assets.fetch(f"text_{name}.onnx"),
                folder / name,
                input_shape=parse_input_shape(shape),
                gear=gear,
                input_format=layout,
            )
        ).path
        for name, (shape, gear, layout) in options.items()
    ]


def test_text_of_a_page(text_networks: list[Path], tmp_path: Path) -> None:
    (characters,) = onnx.load(assets.fetch("text_recognition.onnx")).metadata_props
    (tmp_path / "characters.txt").write_text(characters.value, encoding="utf-8")
    page().save(tmp_path / "page.png")
    names = ["characters.txt", "page.png", "out.npz"]
    said = run("ocr", *text_networks, *(tmp_path / name for name in names))
    assert said.splitlines() == TEXT
    assert errors() == ""
    found = np.load(tmp_path / "out.npz")
    for short, name in (("det", "detection"), ("cls", "direction"), ("rec", "recognition")):
        (expected,) = session(f"text_{name}.onnx").run(None, {"x": found[f"{short}_in"]})
        np.testing.assert_allclose(found[f"{short}_out"], expected, atol=2e-4)


def test_state_from_one_execution_to_the_next(tmp_path: Path) -> None:
    samples = voice(3, 0.7, 2.2)
    np.save(tmp_path / "samples.npy", samples)
    om = convert(Request(assets.fetch("voice_activity.onnx"), tmp_path / "voice")).path
    run("speech", om, tmp_path / "samples.npy", tmp_path / "out.npy")
    assert errors() == ""
    found = np.load(tmp_path / "out.npy")
    network = session("voice_activity.onnx")
    state = np.zeros((2, 1, 128), np.float32)
    padded = np.concatenate([np.zeros(64, np.float32), samples])
    expected = []
    for start in range(0, len(samples) - 511, 512):
        window = padded[start : start + 576][None]
        score, state = network.run(None, {"input": window, "state": state})
        expected.append(score[0, 0])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    # Somebody speaks where somebody does: windows of 32 ms.
    assert found[:20].max() < 0.2 < 0.8 < found[26:40].min()
    assert found[-10:].max() < 0.2
