"""The command: options to a request, modes, and failure text."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from . import aipp, gears, modes, soc
from .convert import Request, convert
from .dtypes import BY_NAME
from .errors import AtcError, invalid_value
from .options import Arguments, help_text
from .report import Report
from .shapes import Dims, parse_input_shape, parse_input_shape_range
from .singleop import compile_operators

FRAMEWORKS = {"0": "Caffe", "1": "MindSpore", "3": "TensorFlow"}
GEAR_OPTIONS = {option: kind for kind, option in gears.OPTION_OF_KIND.items()}
TYPES = ("FP32", "FP16", "UINT8", "INT8", "UINT16", "INT16", "UINT32", "INT32")
DEFECT = "E19999"
OUTPUT_TYPES = (*TYPES, "UINT64", "INT64", "DOUBLE")


def main(argv: list[str] | None = None) -> int:
    """Run atc with a command line; return 0 or 1."""
    report = Report()
    report.start()
    try:
        words = sys.argv[1:] if argv is None else list(argv)
        arguments = Arguments(words)
        if "help" in arguments or not words:
            report.line(help_text())
            return 0
        report.level = arguments["log"]
        _run(arguments, report)
    except Exception as error:
        failure = _as_failure(error)
        report.failure(failure)
        if failure.code == DEFECT or report.wants("debug"):
            report.line(traceback.format_exc())
        return 1
    report.success()
    return 0


def _as_failure(error: Exception) -> AtcError:
    """Any exception as the one that the report can print."""
    if isinstance(error, AtcError):
        return error
    if isinstance(error, OSError):
        return AtcError(
            "E19001",
            f"The file system refused: {error}.",
            "Check the path, its permissions and the free space.",
        )
    if isinstance(error, ImportError):
        return AtcError(
            "E19002",
            f"A package that the converter needs is missing: {error}.",
            'Install it with: pip install "acl_fast[softnpu]"',
        )
    return AtcError(
        DEFECT,
        f"Unexpected {type(error).__name__}: {error}",
        "This is a defect of the converter: report it with the lines below.",
    )


def _run(arguments: Arguments, report: Report) -> None:
    _refuse_unsupported(arguments)
    mode = arguments["mode"]
    if "singleop" in arguments:
        _compile_operators(arguments, report)
    elif mode == "1":
        modes.to_json(arguments)
    elif mode == "3":
        modes.precheck(arguments, report)
    elif mode == "5":
        raise invalid_value(
            "mode", "5", "softnpu writes no ge_proto dumps that it could turn into JSON."
        )
    elif mode == "6":
        arguments.require("om")
        modes.show(Path(arguments["om"]), report)
    else:
        _convert(arguments, report)


def _refuse_unsupported(arguments: Arguments) -> None:
    """Options whose meaning this version cannot give, so that nothing is silently dropped."""
    for name in ("is_input_adjust_hw_layout", "is_output_adjust_hw_layout"):
        values = [part.strip() for part in arguments[name].split(",") if part.strip()]
        if any(value not in ("true", "false") for value in values):
            raise invalid_value(name, arguments[name], "it is a list of true and false.")
        if "true" in values:
            raise invalid_value(
                name, arguments[name], "softnpu has no NC1HWC0 tensors.", f"Leave --{name} out."
            )


def _compile_operators(arguments: Arguments, report: Report) -> None:
    """--singleop: --output is a folder."""
    arguments.require("output", "soc_version")
    arguments.exclude("singleop", "model")
    soc.family(arguments["soc_version"])
    folder = Path(arguments["output"])
    for path, size in compile_operators(arguments["singleop"], folder, arguments["soc_version"]):
        report.line(f"  {path}: {size} bytes")


def _convert(arguments: Arguments, report: Report) -> None:
    request = build_request(arguments)
    result = convert(request, report.stage)
    report.end_stage()
    report.without_effect(arguments.without_effect())
    for note in result.notes:
        report.note(note)
    report.summary(result.manifest)
    report.line(f"  {result.path}: {result.size} bytes, {result.operators} operators")
    if arguments["display_model_info"] == "1":
        modes.show(result.path, report)


def build_request(arguments: Arguments, *, output: bool = True) -> Request:
    """Check what options say about each other and gather them."""
    arguments.require("model", "framework", *(("output",) if output else ()), "soc_version")
    _check_framework(arguments)
    family = soc.family(arguments["soc_version"])
    arguments.exclude(*GEAR_OPTIONS, "input_shape_range")
    arguments.exclude("input_shape", "input_shape_range")
    arguments.exclude("precision_mode", "precision_mode_v2")
    shapes, option = _input_shape(arguments)
    gear = next(
        ((kind, arguments[name]) for name, kind in GEAR_OPTIONS.items() if name in arguments), None
    )
    return Request(
        model=Path(arguments["model"]),
        output=_output(arguments["output"] or "check"),
        soc=arguments["soc_version"],
        input_format=arguments["input_format"],
        input_shape=shapes,
        shape_option=option,
        gear=gear,
        max_gears=gears.MAX_GEARS_950 if family == "Ascend950" else gears.MAX_GEARS,
        out_nodes=_list(arguments["out_nodes"]),
        output_types=_output_types(arguments["output_type"]),
        fp16_inputs=_list(arguments["input_fp16_nodes"]),
        aipp=aipp.read(Path(arguments["insert_op_conf"])) if "insert_op_conf" in arguments else (),
        host=(arguments["host_env_os"], arguments["host_env_cpu"]),
    )


def _check_framework(arguments: Arguments) -> None:
    number = arguments["framework"]
    if name := FRAMEWORKS.get(number):
        raise invalid_value(
            "framework",
            number,
            f"softnpu converts ONNX models, not {name} models.",
            f"Export the {name} model to ONNX and use --framework=5.",
        )


def _input_shape(arguments: Arguments) -> tuple[dict[str, Dims], str]:
    if "input_shape_range" in arguments:
        return parse_input_shape_range(arguments["input_shape_range"]), "input_shape_range"
    return parse_input_shape(arguments["input_shape"]), "input_shape"


def _output(value: str) -> Path:
    if value.endswith("/"):
        raise invalid_value("output", value, "it names a folder, not a file.", "Add a file name.")
    return Path(value).expanduser()


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(";") if part.strip())


def _output_types(value: str) -> dict[str, str]:
    types: dict[str, str] = {}
    for entry in _list(value):
        name, _, kind = entry.rpartition(":")
        kind = kind.strip().upper()
        if kind not in OUTPUT_TYPES or kind not in BY_NAME:
            raise invalid_value(
                "output_type", value, f"[{kind}] is none of {', '.join(OUTPUT_TYPES)}."
            )
        if name in types:
            raise invalid_value("output_type", value, f"[{name or 'all'}] is given twice.")
        types[name] = kind
    if "" in types and len(types) > 1:
        raise invalid_value("output_type", value, "it gives a type for all outputs and for some.")
    return types
