"""The ONNX file: is it sound, what are its inputs and outputs, which node is meant by a name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import AtcError
from .shapes import Dim, Dims

# Complaints of the checker that leave a usable graph: operators that it does not know (old ones,
# other domains, newer opsets) and outputs without a shape. The engine has the last word on these.
_HARMLESS = (
    "No Op registered",
    "deprecated in domain_version",
    "No opset import",
    "is higher than the checker's",
    "Field 'shape' of 'type' is required but missing",
)


@dataclass(frozen=True)
class Port:
    """An input or output as the ONNX file declares it."""

    name: str
    onnx_type: int
    dims: Dims | None


@dataclass(frozen=True)
class Source:
    """What the converter keeps of an ONNX file; no weights, so they are not held twice."""

    path: Path
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    opsets: dict[str, int]
    producer: str
    complaint: str


def node_name(node: Any, index: int) -> str:
    """Name of a node; unnamed ones are called ``Type_index``."""
    return str(node.name) or f"{node.op_type}_{index}"


_DATA_FIELDS = (
    "raw_data",
    "float_data",
    "int32_data",
    "int64_data",
    "double_data",
    "uint64_data",
    "string_data",
)


def parse(path: Path, *, weights: bool = False) -> Any:
    """Parse the file; without ``weights`` the constants keep their names and shapes only.

    A checker and an engine load the file too: none of them should find it in memory already.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    if not path.is_file():
        what = "is a directory" if path.is_dir() else "does not exist"
        raise AtcError(
            "E10001",
            f"Value [{path}] for parameter [--model] is invalid. Reason: the file {what}.",
            "Give --model the path of an ONNX file.",
        )
    try:
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        raise _not_onnx(path, str(error)) from None
    if not model.HasField("graph") or not (model.graph.node or model.graph.output):
        raise _not_onnx(path, "it holds no graph")
    if not weights:
        for tensor in model.graph.initializer:
            for field in _DATA_FIELDS:
                tensor.ClearField(field)
        # A message keeps what it was parsed into; only a new one is small.
        model = onnx.ModelProto.FromString(model.SerializeToString())
    return model


def _not_onnx(path: Path, reason: str) -> AtcError:
    with path.open("rb") as file:
        head = file.read(8)
    hint = ""
    if head.startswith((b"SOFTNPU\0", b"IMOD")):
        hint = " It is an .om already."
    elif head.startswith(b"\x89HDF"):
        hint = " It looks like a Keras/HDF5 file."
    elif head.startswith(b"PK\x03\x04"):
        hint = " It looks like a PyTorch checkpoint or another zip archive."
    elif not head:
        hint = " It is empty."
    return AtcError(
        "E10001",
        f"Value [{path}] for parameter [--model] is invalid. "
        f"Reason: the file is no ONNX model: {reason}.{hint}",
        "Give an ONNX file (--framework=5); export other frameworks to ONNX first.",
    )


def check(path: Path) -> str:
    """Run the ONNX checker; return a complaint about operators that it does not know.

    Raises
    ------
    AtcError
        The graph itself is broken; the checker names the node.
    """
    import onnx

    try:
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError as error:
        text = " ".join(str(error).split())
        if any(sign in text for sign in _HARMLESS):
            return text
        raise AtcError(
            "E19000",
            f"The ONNX model [{path}] is corrupt. Reason: {text}",
            "Export the model again; onnx.checker.check_model must accept it.",
        ) from None
    return ""


def _port(info: Any) -> Port:
    tensor = info.type.tensor_type
    dims: Dims | None = None
    if tensor.HasField("shape"):
        dims = tuple(
            Dim(dim.dim_value, dim.dim_value) if dim.HasField("dim_value") else Dim(0, -1)
            for dim in tensor.shape.dim
        )
        # Exporters also write 0 or -1 for "any size".
        dims = tuple(dim if dim.hi > 0 else Dim(0, -1) for dim in dims)
    return Port(info.name, tensor.elem_type, dims)


def graph_inputs(graph: Any) -> Iterator[Any]:
    """Inputs a caller must feed: old files list initializers among the inputs too."""
    constants = {tensor.name for tensor in graph.initializer}
    constants.update(tensor.values.name for tensor in graph.sparse_initializer)
    return (info for info in graph.input if info.name not in constants)


def describe(path: Path, model: Any, complaint: str) -> Source:
    """Collect what the converter needs to know of the parsed file."""
    infos = list(graph_inputs(model.graph))
    for info in infos:
        if not info.type.HasField("tensor_type"):
            raise AtcError(
                "E19000",
                f"Input [{info.name}] of the ONNX model is no tensor but a "
                f"{info.type.WhichOneof('value') or 'value without type'}.",
                "Export the model with plain tensors as inputs.",
            )
    return Source(
        path,
        tuple(_port(info) for info in infos),
        tuple(_port(info) for info in model.graph.output),
        {entry.domain: entry.version for entry in model.opset_import},
        " ".join(filter(None, (model.producer_name, model.producer_version))),
        complaint,
    )


# ---- names in --out_nodes and --output_type ---------------------------------------------------


def _resolve_node(graph: Any, entry: str) -> str | None:
    name, _, index = entry.rpartition(":")
    if not name or not index.isdigit():
        return None
    for position, node in enumerate(graph.node):
        if node_name(node, position) == name:
            outputs = list(node.output)
            return str(outputs[int(index)]) if int(index) < len(outputs) else None
    return None


def _tensors(graph: Any) -> set[str]:
    names = {name for node in graph.node for name in node.output if name}
    names.update(info.name for info in graph.output)
    return names


def resolve_outputs(graph: Any, entries: Iterable[str], option: str) -> list[str]:
    """Tensor names that the entries of an option mean.

    All entries are written ``node:index`` or all are tensor names. Tensor names may hold a
    colon themselves, so the style is the one in which every entry is found.
    """
    wanted = list(entries)
    by_node = [_resolve_node(graph, entry) for entry in wanted]
    if all(name is not None for name in by_node):
        return [name for name in by_node if name is not None]
    tensors = _tensors(graph)
    if all(entry in tensors for entry in wanted):
        return wanted
    missing = [
        e for e, found in zip(wanted, by_node, strict=True) if not found and e not in tensors
    ]
    if not missing:
        raise AtcError(
            "E10001",
            f"Value [{';'.join(wanted)}] for parameter [--{option}] is invalid. "
            "Reason: it mixes node:index entries with tensor names.",
            "Use one of the two styles for all entries.",
        )
    raise unknown_name(missing[0], option, _similar(missing[0], graph, tensors))


def unknown_name(entry: str, option: str, known: Iterable[str]) -> AtcError:
    """E10016: an option names something that the model does not have."""
    listed = ", ".join(known)
    return AtcError(
        "E10016",
        f"Operator [{entry}] in parameter [--{option}] is not found in the model.",
        f"Separate entries with ';' and use the model's own names"
        f"{', for example: ' + listed if listed else ''}.",
    )


def _similar(entry: str, graph: Any, tensors: set[str]) -> list[str]:
    import difflib

    names = [f"{node_name(node, i)}:0" for i, node in enumerate(graph.node)] + sorted(tensors)
    return difflib.get_close_matches(entry, names, n=3, cutoff=0.5) or names[-3:]


def prune(path: Path, outputs: list[str], folder: Path) -> tuple[Path, Any]:
    """Write a copy of the model that ends at ``outputs``; operators behind them are gone.

    Returns the path of the copy and the copy itself, whose constants lie in the side file.

    The weights go to a side file: the engine maps it instead of holding one more copy.
    """
    import onnx

    model = parse(path, weights=True)
    graph = model.graph
    onnx.load_external_data_for_model(model, str(path.parent))
    makers = {name: node for node in graph.node for name in node.output}
    needed: set[int] = set()
    pending = list(outputs)
    while pending:
        node = makers.get(pending.pop())
        if node is None or id(node) in needed:
            continue
        needed.add(id(node))
        pending += list(node.input) + list(_captured(node))
    kept = [node for node in graph.node if id(node) in needed]
    infos = {info.name: info for info in (*graph.value_info, *graph.output)}
    ends = [infos.get(name) or onnx.ValueInfoProto(name=name) for name in outputs]
    copies = [onnx.ValueInfoProto.FromString(info.SerializeToString()) for info in ends]
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept]
    del graph.node[:], graph.output[:]
    graph.node.extend(nodes)
    graph.output.extend(copies)
    return save(model, folder / "model.onnx"), model


def save(model: Any, target: Path) -> Path:
    """Write a model, its weights beside it."""
    import onnx

    weights = f"{target.stem}.weights"
    onnx.save_model(
        model, str(target), save_as_external_data=True, location=weights, size_threshold=1024
    )
    return target


def _captured(node: Any) -> Iterator[str]:
    """Names that a node's subgraphs (If, Loop, Scan) read, inner names included."""
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from inner.input
                yield from _captured(inner)
            yield from (info.name for info in graph.output)


def nodes_of_types(graph: Any, types: set[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Nodes, in subgraphs too, of the given (domain, type) pairs: (name, domain, type)."""
    found = []
    for index, node in enumerate(graph.node):
        domain = "" if node.domain == "ai.onnx" else node.domain
        if (domain, node.op_type) in types:
            found.append((node_name(node, index), domain, node.op_type))
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                found += nodes_of_types(inner, types)
    return found
