"""acl-fast run: load a model, feed it, time it, keep its outputs."""

from __future__ import annotations

import argparse
import math
import re
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]


class RunError(Exception):
    """A request that cannot be run; the message says what to change."""


def parse(argv: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="acl-fast run",
        description="Run a model (.om, .onnx) on random or given inputs and time it.",
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="FILE",
        help=".npy, or raw data; once for each input, in order (default: random data)",
    )
    parser.add_argument("--output", metavar="DIR", help="write each output to DIR as .npy")
    parser.add_argument("--device", type=int, default=0, metavar="N")
    parser.add_argument("--loops", type=int, default=10, metavar="N", help="timed runs")
    parser.add_argument("--warmup", type=int, default=1, metavar="N", help="runs before these")
    parser.add_argument("--gear", metavar="N,N", help="gear to run (default: the largest)")
    parser.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="NAME:N,N",
        help="shape of an input of a shape-range model",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random data")
    options = parser.parse_args(argv)
    if options.loops < 1 or options.warmup < 0:
        parser.error("--loops is at least 1 and --warmup at least 0")
    return options


def main(argv: list[str]) -> int:
    """Run ``acl-fast run``; return the exit code."""
    options = parse(argv)
    try:
        return run(options)
    except (RunError, RuntimeError, OSError, ValueError, ImportError) as error:
        print(f"acl-fast run: {error}", file=sys.stderr)
        return 1


def run(options: argparse.Namespace) -> int:
    """Load, feed, time, report."""
    import acl_fast as af

    with af.Device(options.device) as device, device.load_model(options.model) as model:
        request = model.create_request()
        given = [load(Path(name), model.inputs, i) for i, name in enumerate(options.input)]
        if given and len(given) != len(model.inputs):
            raise RunError(
                f"{len(given)} files are given, the model has {len(model.inputs)} inputs: "
                + ", ".join(desc.name for desc in model.inputs)
            )
        choose_shapes(model, request, options, given)
        fill(request, model.inputs, given, options.seed)
        seconds = measure(request, options.warmup, options.loops)
        show(options.model, model, request)
        print(timing(seconds))
        if options.output:
            save(Path(options.output), model.outputs, request)
    return 0


# ---- shapes -----------------------------------------------------------------------------------


def choose_shapes(
    model: Any, request: Any, options: argparse.Namespace, given: Sequence[Array]
) -> None:
    """Set the gear, or the shapes of a shape-range model."""
    shapes = dict(parse_shape(entry) for entry in options.shape)
    unknown = set(shapes) - {desc.name for desc in model.inputs}
    if unknown:
        raise RunError(
            f"--shape names {sorted(unknown)[0]!r}; inputs are "
            + ", ".join(desc.name for desc in model.inputs)
        )
    if model.gears is not None:
        kind, gears = model.gears
        set_gear(request, kind, gears, options.gear)
    elif options.gear:
        raise RunError("--gear is given, but the model has no gears")
    for index, desc in enumerate(model.inputs):
        if model.gears is not None or -1 not in desc.shape:
            continue
        shape = shapes.get(desc.name)
        if shape is None:
            shape = given[index].shape if given else smallest(desc)
        request.set_shape(index, shape)


def parse_shape(entry: str) -> tuple[str, tuple[int, ...]]:
    """``name:1,3,224,224`` as a pair."""
    name, _, dims = entry.rpartition(":")
    if not name or not re.fullmatch(r"\d+(,\d+)*", dims):
        raise RunError(f"--shape {entry}: write it as NAME:1,3,224,224")
    return name, tuple(map(int, dims.split(",")))


def set_gear(request: Any, kind: str, gears: list[tuple[int, ...]], wanted: str | None) -> None:
    """Choose a gear: the wanted one, else the one that computes most."""
    gear = max(gears, key=math.prod)
    if wanted is not None:
        gear = tuple(int(part) for part in wanted.split(",") if part.strip().isdigit())
        # A dims gear may be written short, as the dynamic dimensions only: set_dims() knows.
        if gear not in gears and kind != "dims":
            listed = "; ".join(",".join(map(str, entry)) for entry in gears)
            raise RunError(f"--gear {wanted}: the model has the {kind} gears {listed}")
    if kind == "batch":
        request.set_batch(gear[0])
    elif kind == "image":
        request.set_image_size(*gear)
    else:
        request.set_dims(gear)


def smallest(desc: Any) -> tuple[int, ...]:
    """The smallest shape that a range allows."""
    bounds = desc.shape_range or [(1, -1)] * len(desc.shape)
    return tuple(
        dim if dim >= 0 else max(1, lo) for dim, (lo, _) in zip(desc.shape, bounds, strict=True)
    )


# ---- data -------------------------------------------------------------------------------------


def load(path: Path, descs: Sequence[Any], index: int) -> Array:
    """Read the file of one input."""
    import numpy as np

    if index >= len(descs):
        raise RunError(f"{path}: the model has only {len(descs)} inputs")
    desc = descs[index]
    if path.suffix == ".npy":
        array: Array = np.load(path, allow_pickle=False)
        if array.dtype != desc.dtype:
            raise RunError(
                f"{path} holds {array.dtype}, input {desc.name!r} takes {desc.dtype}: "
                f"convert it with .astype({str(desc.dtype)!r})"
            )
        return array
    return np.fromfile(path, desc.dtype)


def random_array(generator: np.random.Generator, shape: Sequence[int], dtype: Any) -> Array:
    """Data of any element type: normal numbers, or small whole ones."""
    import numpy as np

    if np.dtype(dtype).kind in "iub":
        return generator.integers(0, 2 if np.dtype(dtype).kind == "b" else 10, shape).astype(dtype)
    return generator.standard_normal(shape).astype(dtype)


def fill(request: Any, descs: Sequence[Any], given: Sequence[Array], seed: int) -> None:
    """Upload given or random data to every input."""
    import numpy as np

    generator = np.random.default_rng(seed)
    for index, (desc, buffer) in enumerate(zip(descs, request.inputs, strict=True)):
        if not given:
            array = random_array(generator, buffer.shape, desc.dtype)
        elif given[index].size == math.prod(buffer.shape):
            array = given[index].reshape(buffer.shape)
        else:
            raise RunError(
                f"input {desc.name!r} takes shape {tuple(buffer.shape)}, "
                f"the file has {tuple(given[index].shape)}"
            )
        buffer.upload(np.ascontiguousarray(array))


def measure(request: Any, warmup: int, loops: int) -> list[float]:
    """Seconds of each timed run."""
    for _ in range(warmup):
        request.run()
    seconds = []
    for _ in range(loops):
        start = time.perf_counter()
        request.run()
        seconds.append(time.perf_counter() - start)
    return seconds


def save(folder: Path, descs: Sequence[Any], request: Any) -> None:
    """Write the outputs as .npy files."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    for index, (desc, buffer) in enumerate(zip(descs, request.outputs, strict=True)):
        name = re.sub(r"[^\w.-]+", "_", desc.name).strip("_") or "output"
        path = folder / f"{index}_{name}.npy"
        np.save(path, buffer.download())
        print(f"wrote {path}")


# ---- report -----------------------------------------------------------------------------------


def show(name: str, model: Any, request: Any) -> None:
    """Inputs and outputs with the shapes that were run, and the range of each output."""
    print(name)
    if model.gears is not None:
        kind, gears = model.gears
        listed = "; ".join(",".join(map(str, gear)) for gear in gears)
        print(f"  gears ({kind}): {listed}")
    for role, descs, buffers in (
        ("input", model.inputs, request.inputs),
        ("output", model.outputs, request.outputs),
    ):
        for index, (desc, buffer) in enumerate(zip(descs, buffers, strict=True)):
            shape = "x".join(map(str, buffer.shape)) or "scalar"
            line = f"  {role} {index}  {desc.name}  {shape}  {desc.dtype}  {desc.format}"
            if role == "output":
                line += "  " + spread(buffer.download())
            print(line)


def spread(array: Array) -> str:
    """Smallest, mean and largest value."""
    if not array.size:
        return "empty"
    wide = array.astype("float64")
    return f"min {wide.min():.6g}  mean {wide.mean():.6g}  max {wide.max():.6g}"


def timing(seconds: Sequence[float]) -> str:
    """One line of statistics, in milliseconds."""
    ms = sorted(1e3 * value for value in seconds)
    # The 99th percentile by rank: with fewer than 100 runs it is the slowest one.
    p99 = ms[min(len(ms) - 1, math.ceil(0.99 * len(ms)) - 1)]
    median = statistics.median(ms)
    return (
        f"{len(ms)} runs: median {median:.3f} ms, mean {statistics.fmean(ms):.3f}, "
        f"min {ms[0]:.3f}, p99 {p99:.3f}, max {ms[-1]:.3f}; {1e3 / median:.1f} runs/s"
    )
