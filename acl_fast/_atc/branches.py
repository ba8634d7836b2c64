"""Branches of an ONNX file that the engine cannot read as they stand.

It translates both branches of an If, also the one that a constant rules out and that may be
impossible for the shapes at hand; and it takes conditions of one dimension at most.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import source


def simplify(path: Path, folder: Path) -> Path | None:
    """Write a copy of the model without the branches that constants decide.

    The conditions that are left get one dimension: ONNX allows any shape of one element, and
    exporters write [1, 1]. Returns None if the model has no If.
    """
    import onnx

    model = source.parse(path, weights=True)
    if not source.nodes_of_types(model.graph, {("", "If")}):
        return None
    onnx.load_external_data_for_model(model, str(path.parent))
    while _inline_one(model):
        pass
    _flatten_conditions(model.graph)
    return source.save(model, folder / "simple.onnx")


def _is_if(node: Any) -> bool:
    return node.op_type == "If" and node.domain in ("", "ai.onnx")


def _replace_nodes(graph: Any, nodes: Iterable[Any]) -> None:
    # Deleting the old ones ends them: only copies stay whole.
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


# ---- conditions that are constant ---------------------------------------------------------------


def _inline_one(model: Any) -> bool:
    """Put the chosen branch in the place of the first If that a constant decides."""
    graph = model.graph
    for position, node in enumerate(graph.node):
        chosen = _decided(model, node.input[0]) if _is_if(node) else None
        if chosen is None:
            continue
        name = "then_branch" if chosen else "else_branch"
        (branch,) = (attribute.g for attribute in node.attribute if attribute.name == name)
        if branch.sparse_initializer:
            continue
        graph.initializer.extend(_renamed_constants(branch, node))
        nodes = [*graph.node[:position], *_inlined(branch, node), *graph.node[position + 1 :]]
        _replace_nodes(graph, nodes)
        return True
    return False


def _decided(model: Any, name: str) -> bool | None:
    """Value of a condition, None if it depends on an input or cannot be told."""
    import numpy as np
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    makers = {output: node for node in model.graph.node for output in node.output}
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes: dict[int, Any] = {}
    used: dict[str, Any] = {}
    pending = [name]
    while pending:
        tensor = pending.pop()
        if not tensor or tensor in used:
            continue
        if tensor in constants:
            used[tensor] = constants[tensor]
            continue
        node = makers.get(tensor)
        if node is None or any(_graphs(entry) for entry in node.attribute):
            return None
        if node.op_type.startswith(("Random", "Bernoulli", "Multinomial")):
            return None
        if id(node) not in nodes:
            nodes[id(node)] = node
            pending += node.input
    ordered = [node for node in model.graph.node if id(node) in nodes]
    output = helper.make_tensor_value_info(name, TensorProto.BOOL, None)
    graph = helper.make_graph(ordered, "condition", [], [output], list(used.values()))
    part = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    try:
        (value,) = ReferenceEvaluator(part).run(None, {})
        return bool(np.asarray(value).item())
    except Exception:  # whatever the evaluator lacks: the If stays
        return None


def _prefix(node: Any) -> str:
    """Make names of a branch new in the whole model: the outputs of an If are unique."""
    return "/".join(node.output) + "/"


def _own_names(branch: Any) -> set[str]:
    names = {output for node in branch.node for output in node.output if output}
    return names | {tensor.name for tensor in branch.initializer}


def _renamed_constants(branch: Any, node: Any) -> list[Any]:
    copies = [type(t).FromString(t.SerializeToString()) for t in branch.initializer]
    for tensor in copies:
        tensor.name = _prefix(node) + tensor.name
    return copies


def _inlined(branch: Any, node: Any) -> list[Any]:
    """Nodes of a branch under new names, and those that give its results the If's names."""
    from onnx import helper

    prefix = _prefix(node)
    names = {name: prefix + name for name in _own_names(branch)}
    nodes = [type(inner).FromString(inner.SerializeToString()) for inner in branch.node]
    for inner in nodes:
        _rename(inner, names)
    for result, output in zip(branch.output, node.output, strict=True):
        if output:
            source_name = names.get(result.name, result.name)
            nodes.append(helper.make_node("Identity", [source_name], [output]))
    return nodes


def _rename(node: Any, names: dict[str, str]) -> None:
    for field in (node.input, node.output):
        field[:] = [names.get(name, name) for name in field]
    for attribute in node.attribute:
        for graph in _graphs(attribute):
            for inner in graph.node:
                _rename(inner, names)
            for info in graph.output:
                info.name = names.get(info.name, info.name)


# ---- conditions that are not --------------------------------------------------------------------


def _flatten_conditions(graph: Any) -> None:
    """Put a Reshape before each If of a graph and of its branches."""
    from onnx import TensorProto, helper

    nodes = []
    for node in graph.node:
        for attribute in node.attribute:
            for inner in _graphs(attribute):
                _flatten_conditions(inner)
        if _is_if(node):
            flat, shape = _prefix(node) + "condition", _prefix(node) + "condition_shape"
            constant = helper.make_tensor(shape, TensorProto.INT64, [1], [1])
            nodes.append(helper.make_node("Constant", [], [shape], value=constant))
            nodes.append(helper.make_node("Reshape", [node.input[0], shape], [flat]))
            node.input[0] = flat
        nodes.append(node)
    _replace_nodes(graph, nodes)


def _graphs(attribute: Any) -> list[Any]:
    """Subgraphs that an attribute holds."""
    return [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]
