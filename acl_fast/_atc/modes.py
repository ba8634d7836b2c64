"""The modes besides conversion: JSON of a model, check only, and what an .om holds."""

from __future__ import annotations

import json
import tempfile
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import source
from .convert import convert
from .dtypes import BY_ACL, BY_IR, FORMAT_NAMES
from .errors import AtcError, invalid_value
from .om import Om, OmError

if TYPE_CHECKING:
    from .options import Arguments
    from .report import Report

GE_TYPES = {
    "FP32": "DT_FLOAT",
    "FP16": "DT_FLOAT16",
    "DOUBLE": "DT_DOUBLE",
    "BF16": "DT_BF16",
}


def _ge_type(name: str) -> str:
    return GE_TYPES.get(name, f"DT_{name}")


def open_om(path: Path, option: str) -> Om:
    """Open an .om, or say which option names a bad one."""
    try:
        return Om(path)
    except OSError as error:
        raise invalid_value(option, str(path), f"{error.strerror or error}.") from None
    except OmError as error:
        raise invalid_value(option, str(path), str(error)) from None


# ---- mode 6 and --display_model_info ----------------------------------------------------------


def show(path: Path, report: Report) -> None:
    """Print what an .om was built from and what it needs."""
    model = open_om(path, "om")
    manifest = model.manifest
    report.line("============ Display Model Info start ============")
    report.line(f"Original model name: {manifest['name']}")
    report.line(f"soc_version[{manifest['soc']}]")
    report.line(f"producer[{manifest['producer']}]")
    report.line(f"dynamic[{'shape range' if manifest['dynamic'] else 'no'}]")
    report.line(
        f"file size[{model.size} B], weight size[{len(model.weights)} B], "
        f"graph size[{len(model.xml)} B]"
    )
    report.summary(manifest)
    report.line("============ Display Model Info end   ============")


# ---- mode 1 -----------------------------------------------------------------------------------


def to_json(arguments: Arguments) -> None:
    """Write an .om or an ONNX model as JSON, without its weights."""
    arguments.require("om", "json")
    path = Path(arguments["om"])
    if "framework" in arguments:
        if arguments["framework"] != "5":
            raise invalid_value("framework", arguments["framework"], "only ONNX (5) is supported.")
        document = _onnx_document(path)
    else:
        document = om_document(open_om(path, "om"))
    target = Path(arguments["json"])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _onnx_document(path: Path) -> dict[str, Any]:
    from google.protobuf import json_format  # type: ignore[import-untyped]

    model = source.parse(path)
    document: dict[str, Any] = json_format.MessageToDict(model, preserving_proto_field_name=True)
    return document


def om_document(model: Om) -> dict[str, Any]:
    """An .om in the layout of CANN's graph JSON: model, graph, op, tensor descriptions."""
    root = ElementTree.fromstring(bytes(model.xml))
    layers = {layer.get("id", ""): layer for layer in root.iterfind("layers/layer")}
    feeds: dict[tuple[str, str], str] = {}
    for edge in root.iterfind("edges/edge"):
        maker = layers[edge.get("from-layer", "")]
        ports = [port.get("id") for port in maker.iterfind("output/port")]
        index = ports.index(edge.get("from-port"))
        feeds[edge.get("to-layer", ""), edge.get("to-port", "")] = f"{maker.get('name')}:{index}"
    operators = [_operator(layer, feeds) for layer in layers.values()]
    return {
        "name": model.manifest["name"],
        "version": 1,
        "attr": [
            {"key": key, "value": {"s": json.dumps(model.manifest[key])}}
            for key in ("soc", "producer", "dynamic", "gear")
        ],
        "interface": {
            kind: [_interface(tensor) for tensor in model.manifest[kind]]
            for kind in ("inputs", "outputs")
        },
        "graph": [{"name": model.manifest["name"], "op": operators}],
    }


def _interface(tensor: dict[str, Any]) -> dict[str, Any]:
    return {
        **tensor,
        "dtype": _ge_type(BY_ACL[tensor["dtype"]].name),
        "format": FORMAT_NAMES[tensor["format"]],
    }


def _operator(layer: ElementTree.Element, feeds: dict[tuple[str, str], str]) -> dict[str, Any]:
    identity = layer.get("id", "")
    inputs = list(layer.iterfind("input/port"))
    data = layer.find("data")
    return {
        "name": layer.get("name"),
        "type": layer.get("type"),
        "input": [feeds.get((identity, port.get("id", "")), "") for port in inputs],
        "attr": [
            {"key": key, "value": {"s": value}}
            for key, value in sorted(data.attrib.items() if data is not None else ())
        ],
        "input_desc": [_description(port) for port in inputs],
        "output_desc": [_description(port) for port in layer.iterfind("output/port")],
    }


def _description(port: ElementTree.Element) -> dict[str, Any]:
    precision = port.get("precision", "").lower()
    row = BY_IR.get({"fp32": "f32", "fp16": "f16", "fp64": "f64"}.get(precision, precision))
    dims = [int(dim.text or 0) for dim in port.iterfind("dim")]
    return {
        "dtype": _ge_type(row.name) if row else precision.upper(),
        "layout": "ND",
        "shape": {"dim": dims},
    }


# ---- mode 3 -----------------------------------------------------------------------------------


def precheck(arguments: Arguments, report: Report) -> None:
    """Try the conversion without keeping its result; write which operators are supported."""
    from .command import build_request

    request = build_request(arguments, output=False)
    target = Path(arguments["check_report"])
    target.parent.mkdir(parents=True, exist_ok=True)
    proto = source.parse(request.model)
    failure: AtcError | None = None
    with tempfile.TemporaryDirectory(prefix="atc-check-") as scratch:
        try:
            convert(replace(request, output=Path(scratch) / "check"), report.stage)
        except AtcError as error:
            failure = error
    report.end_stage()
    unknown = set(failure.nodes) if failure else set()
    operators = [
        {
            "op_name": name,
            "op_type": node.op_type,
            "result": "failed" if name in unknown else "success",
        }
        for node, name in (
            (node, source.node_name(node, index)) for index, node in enumerate(proto.graph.node)
        )
    ]
    document = {
        "model_name": [str(request.model)],
        "result": "failed" if failure else "success",
        "reason": str(failure) if failure else "",
        "op": operators,
    }
    target.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    report.line(f"  report: {target}")
    if failure:
        raise failure
