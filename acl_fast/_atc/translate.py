"""ONNX to the engine's operators, and what the engine says when it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import branches, source
from .errors import AtcError
from .shapes import Dims


def translate(path: Path, src: source.Source, shapes: Sequence[Dims], scratch: Path) -> Any:
    """Let the engine read the model; name what it does not know.

    Parameters
    ----------
    path
        The file, cut already if that was asked for.
    src
        What the file declares; its inputs have the order of ``shapes``.
    shapes
        What --input_shape makes of the inputs.
    scratch
        A folder for a copy of the model, if one is needed.

    Raises
    ------
    AtcError
        An operator is unknown to the engine, or cannot be translated as it is used here.
    """
    from openvino.frontend import FrontEndManager

    frontend = FrontEndManager().load_by_framework("onnx")
    try:
        return _without_identities(frontend.convert(frontend.load(str(path))))
    except Exception:  # the classes of the engine's frontends share no base of their own
        pass
    # Branches that ask for a rank are decided by the shapes that the user gives, as in CANN's atc.
    # Only then: a translation that needs no shapes leaves them open to be changed.
    simpler = branches.simplify(path, scratch) or path
    known = {port.name: partial(dims) for port, dims in zip(src.inputs, shapes, strict=True)}

    def load() -> Any:
        loaded = frontend.load(str(simpler))
        for place in loaded.get_inputs():
            for name in place.get_names():
                if name in known:
                    loaded.set_partial_shape(place, known[name])
        return loaded

    try:
        return _without_identities(frontend.convert(load()))
    except Exception as error:  # as above
        raise _failure(frontend, load, path, str(error)) from None


def _without_identities(model: Any) -> Any:
    """Take out what copies a tensor: the engine loses sight of a shape that goes through one."""
    for node in model.get_ops():
        if node.get_type_name() != "Identity":
            continue
        for target in list(node.output(0).get_target_inputs()):
            # Names belong to the tensor: an output of the model keeps its own.
            if target.get_node().get_type_name() != "Result":
                target.replace_source_output(node.input_value(0))
    model.validate_nodes_and_infer_types()
    return model


def partial(dims: Dims) -> Any:
    """Return the engine's form of a shape."""
    import openvino as ov

    return ov.PartialShape([ov.Dimension(dim.lo, dim.hi) for dim in dims])


def _failure(frontend: Any, load: Callable[[], Any], path: Path, message: str) -> AtcError:
    proto = source.parse(path)
    domains = {entry.domain or "ai.onnx": entry.version for entry in proto.opset_import}
    # Operators that it knows but cannot translate here stay behind as well, with a reason.
    explained = set(re.findall(r"^-- (\w+)-\d+ with a message", message, re.MULTILINE))
    types = {entry for entry in _unknown_types(frontend, load) if entry[1] not in explained}
    nodes = source.nodes_of_types(proto.graph, types)
    if nodes:
        listed = "; ".join(
            f"No parser is registered for Op [{name}, optype "
            f"[{domain or 'ai.onnx'}::{domains.get(domain or 'ai.onnx', '?')}::{kind}]]"
            for name, domain, kind in nodes[:10]
        )
        more = f" and {len(nodes) - 10} more nodes" if len(nodes) > 10 else ""
        return AtcError(
            "E19010",
            f"{listed}{more}.",
            "softnpu's engine does not know these operators. Cut the model before them with "
            "--out_nodes, or export it with other operators or another opset.",
            nodes=tuple(name for name, _, _ in nodes),
        )
    advice = "Check the named node in the ONNX model."
    if source.nodes_of_types(proto.graph, {("", "If")}):
        advice += (
            " Every branch of an If must be able to take the shapes of the inputs, or a constant "
            "must decide it: put one in place of the input that its condition depends on."
        )
    return AtcError(
        "E19000", f"The ONNX model [{path}] cannot be translated. Reason: {brief(message)}", advice
    )


def _unknown_types(frontend: Any, load: Callable[[], Any]) -> set[tuple[str, str]]:
    """(domain, type) of operators that the engine leaves untranslated."""
    try:
        # Untranslated operators point into the loaded file: it must outlive the loop.
        loaded = load()
        converted = frontend.convert_partially(loaded)
    except Exception:  # as above; the caller then reports the first failure
        return set()
    types = set()
    for operator in converted.get_ordered_ops():
        if "ONNX" not in operator.get_type_name():
            continue
        attributes = operator.get_attributes()
        if "ONNX_META_type" in attributes:
            domain = attributes.get("ONNX_META_domain", "")
            types.add(("" if domain == "ai.onnx" else domain, attributes["ONNX_META_type"]))
    return types


def brief(message: str) -> str:
    """The sentences of an engine message that concern the model, not the engine's sources."""
    lines = [line.strip() for line in message.split("\nSummary:")[0].splitlines()]
    kept = [
        re.sub(r"Check '.*' failed at [^:]*:\d+:? ?", "", line)
        for line in lines
        if line and not line.startswith(("Exception from", "FrontEnd API failed", "Model wasn't"))
    ]
    return " ".join(line for line in kept if line) or message.strip()
