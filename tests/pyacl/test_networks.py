"""Trained networks of others, in programs of the usual shape, against ONNX Runtime."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image, ImageDraw, ImageFont

from acl_fast._atc import aipp
from acl_fast._atc.convert import Request, convert
from acl_fast._atc.errors import AtcError
from acl_fast._atc.shapes import parse_input_shape
from acl_fast._demo import assets
from benchmarks import models as _models  # noqa: F401  # registers the files
from tests.aipp import aipp_model
from tests.aipp.aipp_model import Config
from tests.pyacl import networks as _networks  # noqa: F401  # too
from tests.pyacl.test_programs import JPEG_TO_RGB, decoded, errors, run

TEXT = ["Ascend-310P", "UpsideDown42", "&readable!"]
RATE = 16000


def session(name: str, model: onnx.ModelProto | None = None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    source = model.SerializeToString() if model else str(assets.fetch(name))
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def page() -> Image.Image:
    """Three lines of text, the second one upside down."""
    font = ImageFont.load_default(34)
    made = Image.new("RGB", (600, 300), "white")
    for row, text in enumerate(TEXT):
        line = Image.new("RGB", (430, 60), "white")
        ImageDraw.Draw(line).text((10, 8), text, fill=(0, 0, 80 * row), font=font)
        made.paste(line.rotate(180) if row == 1 else line, (40, 20 + 90 * row))
    return made


@pytest.fixture(scope="module")
def text_networks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Detection with image gears, direction with batch gears, recognition with dims gears."""
    folder = tmp_path_factory.mktemp("ocr")
    options = {
        "detection": ("x:1,3,-1,-1", ("image", "320,640;640,640"), "NCHW"),
        "direction": ("x:-1,3,48,192", ("batch", "1,2,4"), "NCHW"),
        "recognition": ("x:-1,3,48,-1", ("dims", "1,320;4,320;4,480"), "ND"),
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


def speech(begin: float, end: float) -> np.ndarray:
    """Part of a recording, times in seconds."""
    with wave.open(str(assets.fetch("speech.wav"))) as file:
        file.setpos(int(begin * RATE))
        data = file.readframes(int((end - begin) * RATE))
    return np.frombuffer(data, np.int16).astype(np.float32) / 32768


def made(name: str, folder: Path, shape: str = "", model: Path | None = None) -> Path:
    shapes = parse_input_shape(shape) if shape else {}
    path = model or assets.fetch(f"{name}.onnx")
    return convert(Request(path, folder / name, input_shape=shapes)).path


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("voice", 16000),
        ("voice_by_shape", 16000),
        ("voice_by_rate", 16000),
        ("voice_by_rate", 8000),
    ],
)
def test_state_from_one_execution_to_the_next(tmp_path: Path, name: str, rate: int) -> None:
    samples = speech(0, 4)[:: RATE // rate]
    np.save(tmp_path / "samples.npy", samples)
    chunk, context = (512, 64) if rate == RATE else (256, 32)
    om = made(name, tmp_path, f"input:1,{chunk + context};state:2,1,128")
    run("speech", om, rate, tmp_path / "samples.npy", tmp_path / "out.npy")
    assert errors() == ""
    found = np.load(tmp_path / "out.npy")
    network = session(f"{name}.onnx")
    feed = {"state": np.zeros((2, 1, 128), np.float32), "sr": np.array(rate)}
    feed = {port.name: feed.get(port.name) for port in network.get_inputs()}
    padded = np.concatenate([np.zeros(context, np.float32), samples])
    expected = []
    for start in range(0, len(samples) - chunk + 1, chunk):
        feed["input"] = padded[start : start + chunk + context][None]
        score, feed["state"] = network.run(None, feed)
        expected.append(score[0, 0])
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert found.min() < 0.05
    assert found.max() > 0.95


def test_both_rates_in_one_file(tmp_path: Path) -> None:
    """Each branch holds for its own window alone: a constant has to decide, and does."""
    shape = "input:1,576;state:2,1,128"
    with pytest.raises(AtcError, match="If_0_else_branch") as caught:
        made("voice_both", tmp_path, shape)
    assert "put one in place of the input that its condition depends on" in caught.value.solution
    model = onnx.load(assets.fetch("voice_both.onnx"))
    (rate,) = (port for port in model.graph.input if port.name == "sr")
    model.graph.input.remove(rate)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(RATE), "sr"))
    onnx.save(model, tmp_path / "fixed.onnx")
    om = made("voice_both", tmp_path, shape, tmp_path / "fixed.onnx")
    window = speech(3, 3 + 576 / RATE)[None]
    state = np.random.default_rng(0).standard_normal((2, 1, 128)).astype(np.float32)
    found = infer(om, tmp_path, window, state)
    feed = {"input": window, "state": state, "sr": np.array(RATE)}
    for actual, expected in zip(found, session("voice_both.onnx").run(None, feed), strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-4)


def test_words_in_speech(tmp_path: Path) -> None:
    """Three networks in a chain, one of which takes a branch that its own result chooses."""
    count = 512 + 195 * 160
    samples = speech(10, 10 + 3 * count / RATE) * 32768
    np.save(tmp_path / "samples.npy", samples)
    names = ["alexa", "jarvis", "mycroft"]
    shapes = ["", "", "input_1:1,16,96"]
    words = [made(name, tmp_path, shape) for name, shape in zip(names, shapes, strict=True)]
    mel = made("melspectrogram", tmp_path, f"input:1,{count}")
    embedding = made("embedding", tmp_path, "input_1:16,76,32,1")
    run("wakeword", mel, embedding, tmp_path / "samples.npy", tmp_path / "out.npz", *words)
    assert errors() == ""
    found = np.load(tmp_path / "out.npz")
    assert len(found["scores"]) == 3
    networks = [session(f"{name}.onnx") for name in ("melspectrogram", "embedding", *names)]

    def execute(network: onnxruntime.InferenceSession, array: np.ndarray) -> np.ndarray:
        return network.run(None, {network.get_inputs()[0].name: array})[0]

    for part, scores in zip(samples.reshape(3, count), found["scores"], strict=True):
        frames = execute(networks[0], part[None]).reshape(196, 32) / 10 + 2
        windows = np.stack([frames[start : start + 76] for start in range(0, 121, 8)])
        features = execute(networks[1], windows[..., None])
        expected = [execute(network, features.reshape(1, 16, 96)) for network in networks[2:]]
        np.testing.assert_allclose(scores, np.ravel(expected), atol=1e-4)
    np.testing.assert_allclose(found["frames"], frames, atol=1e-4)
    np.testing.assert_allclose(found["embedding"], features, atol=2e-3)


def infer(om: Path, folder: Path, *arrays: np.ndarray) -> list[np.ndarray]:
    for index, array in enumerate(arrays):
        np.save(folder / f"in_{index}.npy", array)
    run("infer", om, folder)
    assert errors() == ""
    return [np.load(path) for path in sorted(folder.glob("out_*.npy"))]


def test_notes_of_a_melody(tmp_path: Path) -> None:
    om = made("notes", tmp_path, "serving_default_input_2:0:1,43844,1")
    t = np.arange(43844) / 22050
    pitch = np.where(t < 1, 440.0, 261.63)
    phase = 2 * np.pi * np.cumsum(pitch) / 22050
    sound = sum(0.4 / n * np.sin(n * phase) for n in (1, 2, 3)).astype(np.float32)
    found = infer(om, tmp_path, sound[None, :, None])
    network = session("notes.onnx")
    expected = network.run(None, {network.get_inputs()[0].name: sound[None, :, None]})
    for actual, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, wanted, atol=1e-3)
    notes = found[1][0]
    # Rows are 1/86 s, columns keys of a piano: A4, then C4.
    assert notes[20:70].mean(0).argmax() == 48
    assert notes[110:160].mean(0).argmax() == 39


def test_types_of_files(tmp_path: Path) -> None:
    """Integers as input: the first and the last kilobyte of each file."""
    paths = [Path(__file__), assets.fetch("astronaut.png"), assets.fetch("speech.wav")]
    paths += [assets.fetch("alexa.onnx"), assets.fetch("file_types.json")]
    data = np.full((len(paths), 2048), 256, np.int32)
    for row, path in zip(data, paths, strict=True):
        content = path.read_bytes()
        begin = content[:4096].lstrip()[:1024]
        end = content[-4096:].rstrip()[-1024:]
        row[: len(begin)] = list(begin)
        row[2048 - len(end) :] = list(end)
    (found,) = infer(made("file_types", tmp_path, f"bytes:{len(paths)},2048"), tmp_path, data)
    (expected,) = session("file_types.onnx").run(None, {"bytes": data})
    np.testing.assert_allclose(found, expected, atol=1e-4)
    labels = json.loads(assets.fetch("file_types.json").read_text())["target_labels_space"]
    assert [labels[kind] for kind in found.argmax(1)] == ["python", "png", "wav", "onnx", "json"]


def test_a_face_in_a_photograph(tmp_path: Path) -> None:
    """JPEGD, VPC and AIPP before a network that was exported for another size."""
    size = 384
    config = Config("YUV420SP_U8", size, size, matrix=JPEG_TO_RGB)
    request = Request(
        assets.fetch("faces.onnx"),
        tmp_path / "faces",
        input_shape=parse_input_shape(f"input.1:1,3,{size},{size}"),
        aipp=aipp.parse(config.text()),
    )
    photo = tmp_path / "photo.jpg"
    Image.open(assets.fetch("astronaut.png")).convert("RGB").save(photo, quality=92, subsampling=2)
    run("classify", convert(request).path, size, size, tmp_path / "out.npz", photo)
    assert errors() == ""
    found = [value for _, value in sorted(np.load(tmp_path / "out.npz").items())]
    model = onnx.load(assets.fetch("faces.onnx"))
    for place, side in enumerate((1, 3, size, size)):
        model.graph.input[0].type.tensor_type.shape.dim[place].dim_value = side
    del model.graph.value_info[:]
    for port in model.graph.output:
        port.type.tensor_type.ClearField("shape")
    network = session("faces.onnx", model)
    picture = aipp_model.run(config, decoded(photo, (size, size))[..., None])
    expected = network.run(None, {"input.1": picture.reshape(1, 3, size, size).astype(np.float32)})
    for actual, wanted in zip(found, expected, strict=True):
        assert np.abs(actual - wanted).mean() < 0.02
    heat, scale, offset, _ = found
    row, column = np.unravel_index(heat[0, 0].argmax(), heat.shape[2:])
    assert heat[0, 0, row, column] > 0.8
    height, width = 4 * np.exp(scale[0, :, row, column])
    centre = 4 * (np.array([row, column]) + offset[0, :, row, column] + 0.5)
    # Of a picture of 512 x 512.
    np.testing.assert_allclose(centre * 512 / size, [125, 222], atol=15)
    np.testing.assert_allclose(np.array([height, width]) * 512 / size, [130, 95], atol=25)
