"""From a request to an .om file: read, cut, shape, type, infer the gears, write."""

from __future__ import annotations

import math
import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acl_fast._version import __version__

from . import aipp, aipp_inputs, om, source, translate
from .dtypes import BY_ACL, BY_IR, BY_NAME, DType, tensor_format
from .errors import AtcError, invalid_value
from .gears import MAX_GEARS, Gears, place
from .shapes import Dim, Dims, resolve, text

OM_SUFFIX = ".om"


@dataclass(frozen=True)
class Request:
    """What to convert and how; option texts are parsed already.

    ``gear`` is None or (kind, text of the gear option). ``output_types`` maps a tensor name to
    an output type; the key "" stands for all outputs.
    """

    model: Path
    output: Path
    soc: str = "Ascend310P3"
    input_format: str = "NCHW"
    input_shape: dict[str, Dims] = field(default_factory=dict)
    shape_option: str = "input_shape"
    gear: tuple[str, str] | None = None
    max_gears: int = MAX_GEARS
    out_nodes: tuple[str, ...] = ()
    output_types: dict[str, str] = field(default_factory=dict)
    fp16_inputs: tuple[str, ...] = ()
    aipp: tuple[aipp.Block, ...] = ()
    host: tuple[str, str] = ("linux", platform.machine())


@dataclass(frozen=True)
class Result:
    """A finished conversion. ``notes`` are sentences for the user."""

    path: Path
    size: int
    manifest: dict[str, Any]
    operators: int
    notes: tuple[str, ...]


# The stage names that progress reports and failures show.
Progress = Callable[[str], None]


@contextmanager
def _stage(progress: Progress, name: str) -> Iterator[None]:
    progress(name)
    try:
        yield
    except AtcError as error:
        error.where = error.where or name
        raise


def convert(request: Request, progress: Progress = lambda name: None) -> Result:
    """Convert one ONNX model.

    Raises
    ------
    AtcError
        With the E-code that CANN's atc uses for such a mistake, if it has one.
    OSError
        The output cannot be written.
    """
    folder = request.output.parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".atc-", dir=folder) as scratch:
        with _stage(progress, "check the ONNX model"):
            src, names, path = _open(request, Path(scratch))
        with _stage(progress, "set shapes"):
            shapes, gears = _shapes(request, src)
        with _stage(progress, "translate operators"):
            settled = gears.envelope(shapes) if gears else shapes
            model = translate.translate(path, src, settled, Path(scratch))
            _check_ports(model, src)
        with _stage(progress, "infer shapes"):
            gear_dims = _infer(model, src, shapes, gears)
        with _stage(progress, "set types"):
            model = _set_types(model, request, src, names)
        with _stage(progress, "write"):
            manifest = _manifest(request, src, model, gears, gear_dims)
            target = _target(request, manifest)
            size, operators = _write(model, manifest, target, Path(scratch))
    return Result(target, size, manifest, operators, _notes(src))


def _notes(src: source.Source) -> tuple[str, ...]:
    if not src.complaint:
        return ()
    return (f"onnx.checker complains, but the engine understands the model: {src.complaint}",)


# ---- reading ----------------------------------------------------------------------------------


def _open(request: Request, scratch: Path) -> tuple[source.Source, dict[str, str], Path]:
    """Check and describe the file; resolve names; cut it when --out_nodes asks for that."""
    proto = source.parse(request.model)
    complaint = source.check(request.model)
    types = [entry for entry in request.output_types if entry]
    tensors = source.resolve_outputs(proto.graph, types, "output_type") if types else []
    wanted = dict(zip(types, tensors, strict=True))
    path = request.model
    if request.out_nodes:
        ends = source.resolve_outputs(proto.graph, request.out_nodes, "out_nodes")
        path, proto = source.prune(path, ends, scratch)
    return source.describe(request.model, proto, complaint), wanted, path


def _check_ports(model: Any, src: source.Source) -> None:
    """The engine must have kept every input and output: names are matched by position."""
    for kind, ports, declared in (
        ("input", model.inputs, src.inputs),
        ("output", model.outputs, src.outputs),
    ):
        if len(ports) != len(declared):
            raise AtcError(
                "E19000",
                f"The engine sees {len(ports)} {kind}s where the ONNX model declares "
                f"{len(declared)}: {', '.join(port.name for port in declared)}.",
                "Remove duplicate or non-tensor entries from the model's interface.",
            )
        for port, info in zip(ports, declared, strict=True):
            if port.get_element_type().get_type_name() not in BY_IR:
                raise AtcError(
                    "E19000",
                    f"The {kind} [{info.name}] has the element type "
                    f"{port.get_element_type().get_type_name()}, which no Ascend model takes.",
                    "Move its pre- or postprocessing out of the model.",
                )


# ---- shapes -----------------------------------------------------------------------------------


def _shapes(request: Request, src: source.Source) -> tuple[list[Dims], Gears | None]:
    names = [port.name for port in src.inputs]
    shapes = resolve(
        request.shape_option,
        request.input_shape,
        [(port.name, port.dims) for port in src.inputs],
    )
    if request.gear is None:
        return shapes, None
    kind, value = request.gear
    gears = place(
        kind,
        value,
        names,
        shapes,
        list(request.input_shape),
        input_format=request.input_format,
        max_gears=request.max_gears,
    )
    return shapes, gears


def _reshape(model: Any, src: source.Source, shapes: list[Dims], what: str) -> None:
    try:
        model.reshape({index: translate.partial(dims) for index, dims in enumerate(shapes)})
    except RuntimeError as error:
        given = "; ".join(
            f"{port.name}:{text(dims)}" for port, dims in zip(src.inputs, shapes, strict=True)
        )
        raise AtcError(
            "E19000",
            f"The model cannot take the shape [{given}]{what}. "
            f"Reason: {translate.brief(str(error))}",
            "Correct the shape, or export the ONNX model with dynamic axes.",
        ) from None


def _infer(
    model: Any, src: source.Source, shapes: list[Dims], gears: Gears | None
) -> list[list[list[int]]]:
    """Give the model its input shapes; return the output dims of every gear."""
    if not shapes:
        return []
    if gears is None:
        _reshape(model, src, shapes, "")
        return []
    dims = []
    for gear in gears.values:
        # A copy shares the weights; reshaping one model twice would keep the first rewrite.
        trial = model.clone()
        what = f" of gear [{','.join(map(str, gear))}]"
        _reshape(trial, src, gears.fill(shapes, gear), what)
        dims.append(
            [
                _static(port, info, what)
                for port, info in zip(trial.outputs, src.outputs, strict=True)
            ]
        )
    _reshape(model, src, gears.envelope(shapes), " of all gears together")
    return dims


def _static(port: Any, info: source.Port, what: str) -> list[int]:
    shape = port.get_partial_shape()
    if shape.is_dynamic:
        raise AtcError(
            "E19000",
            f"Output [{info.name}] has the shape {shape}{what}: it depends on the data, "
            "not on the gear alone.",
            "Cut the model before it with --out_nodes, or use a shape range without gears.",
        )
    return [int(size) for size in shape.to_shape()]


# ---- types ------------------------------------------------------------------------------------


def _set_types(model: Any, request: Request, src: source.Source, names: dict[str, str]) -> Any:
    """Element types at the ports; the computation between them stays as it is."""
    import openvino as ov
    from openvino.preprocess import PrePostProcessor

    processor = PrePostProcessor(model)
    inputs = [port.name for port in src.inputs]
    for name in request.fp16_inputs:
        if name not in inputs:
            raise source.unknown_name(name, "input_fp16_nodes", inputs)
        index = inputs.index(name)
        kind = model.input(index).get_element_type().get_type_name()
        if kind not in ("f32", "f16"):
            raise invalid_value(
                "input_fp16_nodes", name, f"the input has the type {BY_IR[kind].name}, not FP32."
            )
        processor.input(index).tensor().set_element_type(ov.Type.f16)
    wanted = _output_types(request, src, names)
    for index, port in enumerate(model.outputs):
        kind = wanted.get(index) or port.get_element_type().get_type_name()
        # Also where nothing changes: an input that is an output too keeps its type this way.
        processor.output(index).tensor().set_element_type(getattr(ov.Type, kind))
    return processor.build()


def _output_types(request: Request, src: source.Source, names: dict[str, str]) -> dict[int, str]:
    wanted: dict[int, str] = {}
    outputs = [port.name for port in src.outputs]
    for entry, kind in request.output_types.items():
        if not entry:
            wanted.update(dict.fromkeys(range(len(outputs)), BY_NAME[kind].ir))
            continue
        tensor = names[entry]
        if tensor not in outputs:
            raise AtcError(
                "E10016",
                f"Operator [{entry}] in parameter [--output_type] is no output of the model.",
                f"Name it in --out_nodes too. Outputs are: {', '.join(outputs)}.",
            )
        wanted[outputs.index(tensor)] = BY_NAME[kind].ir
    return wanted


# ---- the manifest and the file ----------------------------------------------------------------


def _dims(port: Any) -> Dims:
    shape = port.get_partial_shape()
    if shape.rank.is_dynamic:
        raise AtcError(
            "E19000",
            f"Tensor {sorted(port.get_names())} has no fixed number of dimensions.",
            "Cut the model before it with --out_nodes.",
        )
    return tuple(Dim(dim.get_min_length(), dim.get_max_length()) for dim in shape)


def _nbytes(dtype: DType, dims: Dims) -> int:
    """Bytes at the largest size; 0 when there is none."""
    if any(dim.hi < 0 for dim in dims):
        return 0
    return dtype.nbytes * math.prod(dim.hi for dim in dims)


def _tensor(request: Request, name: str, port: Any, ranged: bool) -> dict[str, Any]:
    dims = _dims(port)
    dtype = BY_IR[port.get_element_type().get_type_name()]
    return {
        "name": name,
        "dtype": dtype.acl,
        "format": tensor_format(request.input_format, len(dims)),
        "dims": [dim.lo if dim.fixed else -1 for dim in dims],
        "range": [list(dim) for dim in dims]
        if ranged and any(not dim.fixed for dim in dims)
        else None,
        "size": _nbytes(dtype, dims),
    }


def _unique(names: list[str]) -> list[str]:
    """Programs look tensors up by name, so a second one of a name gets a number."""
    seen: set[str] = set()
    result = []
    for name in names:
        candidate, count = name, 0
        while candidate in seen:
            count += 1
            candidate = f"{name}_{count}"
        seen.add(candidate)
        result.append(candidate)
    return result


def _manifest(
    request: Request,
    src: source.Source,
    model: Any,
    gears: Gears | None,
    gear_dims: list[list[list[int]]],
) -> dict[str, Any]:
    def tensors(ports: Any, infos: tuple[source.Port, ...]) -> list[dict[str, Any]]:
        names = _unique([info.name for info in infos])
        return [
            _tensor(request, name, port, ranged=gears is None)
            for name, port in zip(names, ports, strict=True)
        ]

    inputs = tensors(model.inputs, src.inputs)
    outputs = tensors(model.outputs, src.outputs)
    if gears is not None:
        _set_gear_sizes(inputs, _input_gear_dims(model, gears))
        for tensor, dim in gears.where:
            inputs[tensor]["dims"][dim] = -1
        _set_gear_sizes(outputs, gear_dims)
        for index, output in enumerate(outputs):
            output["gear_dims"] = [dims[index] for dims in gear_dims]
    if request.aipp:
        aipp_inputs.attach(
            request.aipp, inputs, gears, soc_name=request.soc, fp16_inputs=request.fp16_inputs
        )
    read = [tensor["aipp"]["network"] if "aipp" in tensor else tensor for tensor in inputs]
    dynamic = gears is None and any(-1 in tensor["dims"] for tensor in read + outputs)
    return {
        "name": request.output.name.removesuffix(OM_SUFFIX),
        "soc": request.soc,
        "producer": _producer(src),
        "dynamic": dynamic,
        "gear": gears.manifest() if gears else None,
        "inputs": inputs,
        "outputs": outputs,
    }


def _input_gear_dims(model: Any, gears: Gears) -> list[list[list[int]]]:
    shapes = [_dims(port) for port in model.inputs]
    return [
        [[dim.lo for dim in dims] for dims in gears.fill(shapes, gear)] for gear in gears.values
    ]


def _set_gear_sizes(tensors: list[dict[str, Any]], gear_dims: list[list[list[int]]]) -> None:
    """Dims and bytes of what the gears really give; the engine's intervals may be wider."""
    for index, tensor in enumerate(tensors):
        shapes = [dims[index] for dims in gear_dims]
        tensor["dims"] = [
            sizes[0] if len(set(sizes)) == 1 else -1 for sizes in zip(*shapes, strict=True)
        ]
        tensor["size"] = BY_ACL[tensor["dtype"]].nbytes * max(map(math.prod, shapes))


def _producer(src: source.Source) -> str:
    import openvino as ov

    engine = ov.__version__.split("-")[0]
    return f"acl_fast {__version__}, OpenVINO {engine}, from {src.producer or 'ONNX'}"


def _target(request: Request, manifest: dict[str, Any]) -> Path:
    """Models with parts that only the host can shape carry its name, as CANN's do."""
    name = manifest["name"]
    if manifest["dynamic"]:
        name += "_" + "_".join(request.host)
    return request.output.with_name(name + OM_SUFFIX)


def _write(model: Any, manifest: dict[str, Any], target: Path, scratch: Path) -> tuple[int, int]:
    import openvino as ov

    xml, weights = scratch / "model.xml", scratch / "model.bin"
    ov.serialize(model, xml, weights)
    operators = sum(
        1 for op in model.get_ops() if op.get_type_name() not in ("Parameter", "Result", "Constant")
    )
    return om.write(target, manifest, xml, weights), operators
