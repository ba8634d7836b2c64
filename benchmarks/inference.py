"""Model execution through acl_fast and through the C interface, against OpenVINO itself."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from benchmarks import backend, models, native
from benchmarks.harness import Contestant, Row, Settings, Target, contest, flatten, statement

environment = backend.environment


def openvino_direct() -> ModuleType:
    """OpenVINO's C interface, from the very library that softnpu opens."""
    import openvino
    import pybind11

    folder = Path(openvino.__file__).parent
    library = max((folder / "libs").glob("libopenvino_c.so*"))
    flags = [f"-I{pybind11.get_include()}", f"-I{folder / 'include'}"]
    flags += [str(library), f"-Wl,-rpath,{library.parent}"]
    return native.extension("openvino_direct", native.HERE / "native/openvino_direct.cpp", flags)


def yolo(settings: Settings) -> list[Row]:
    """A real network: what lies between the caller and the engine must vanish."""
    import acl_fast as af

    path = str(models.yolo())
    engine = openvino_direct().Model(path, backend.THREADS)
    device = af.Device(0)
    request = device.load_model(path).create_request()
    direct = backend.acl_direct().Model(path)
    run = statement("request.run()", "pass", 1, request=request)
    contestants = [
        Contestant("OpenVINO C interface", engine.run),
        Contestant("C++ aclmdlExecute", direct.run, Target(1.02)),
        Contestant("request.run()", run, Target(1.02)),
    ]
    return contest("YOLOv3-tiny, synchronous", "ms", contestants, settings.fewer(5))


def tiny(settings: Settings) -> list[Row]:
    """One Add: nothing but what lies between."""
    import acl_fast as af

    path = str(models.add())
    engine = openvino_direct().Model(path, backend.THREADS)
    device = af.Device(0)
    stream = device.create_stream()
    # One model each: synchronous and asynchronous execution of one model id must not mix.
    request = device.load_model(path).create_request()
    queued = device.load_model(path).create_request()
    acl = backend.acl_direct()
    direct, direct_queued = acl.Model(path), acl.Model(path)
    run = statement("request.run()", request=request)
    there_and_back = "request.run_async(stream); stream.synchronize()"
    run_async = statement(there_and_back, request=queued, stream=stream)
    contestants = [
        Contestant("OpenVINO C interface", engine.run),
        Contestant("C++ aclmdlExecute", direct.run, Target(10, "+")),
        Contestant("request.run()", run, Target(10, "+")),
        Contestant("C++ executeAsync + synchronise", direct_queued.run_async, Target(20, "+")),
        Contestant("request.run_async() + synchronize()", run_async, Target(20, "+")),
    ]
    return contest("one Add on float[1, 8]", "us", contestants, settings)


def measure(settings: Settings) -> list[Row]:
    return flatten([yolo(settings), tiny(settings)])
