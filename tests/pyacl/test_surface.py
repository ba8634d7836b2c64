"""Names, arities and conventions, against the calls that public programs make."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from acl_fast import pyacl as acl
from acl_fast.pyacl import _coverage_gen
from tests.pyacl.calling import find

CALLS = [
    line.split()
    for line in Path(__file__).with_name("calls.txt").read_text().splitlines()
    if not line.startswith("#")
]
# Programs give these an argument fewer or more than the function has.
OPTIONAL = {"acl.init": {0, 1}}


def run(program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments, "-c", program] if program else [sys.executable]
    return subprocess.run(
        command if program else [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **variables},
    )


@pytest.mark.parametrize(("name", "counts", "results"), CALLS, ids=[row[0] for row in CALLS])
def test_public_programs_calls_exist(name: str, counts: str, results: str) -> None:
    function = find(name)
    assert isinstance(function, types.BuiltinFunctionType)
    wanted = {int(count) for count in counts.split(",")}
    document = function.__doc__ or ""
    parameters = document.split("(", 1)[1].split(")", 1)[0]
    have = len([part for part in parameters.split(",") if part.strip()])
    # One that takes nothing ignores what it is given.
    assert have in wanted or (have == 0 and wanted <= {0, 1}) or wanted == OPTIONAL.get(name)


def test_every_function_of_the_table_is_there() -> None:
    missing = [name for name in _coverage_gen.FUNCTIONS if not callable(find(name))]
    assert not missing
    assert len(_coverage_gen.FUNCTIONS) > 700


def test_coverage_tells_the_state_of_each() -> None:
    states = acl.coverage()
    assert states["acl.rt.malloc"].startswith("works")
    assert set(states) == set(_coverage_gen.FUNCTIONS)
    assert {state.split(":")[0] for state in states.values()} == {"works", "unsupported here"}


@pytest.mark.parametrize("module", ["", ".rt", ".mdl", ".media", ".util", ".himpi", ".op"])
def test_modules_hold_functions_and_say_so(module: str) -> None:
    found = find("acl" + module)
    public = [name for name in dir(found) if not name.startswith("_")]
    assert all(name in dir(found) for name in public)
    for name in public:
        value = getattr(found, name)
        if isinstance(value, types.BuiltinFunctionType):
            assert inspect.getdoc(value)


def test_probes_of_programs() -> None:
    assert "bytes_to_ptr" in dir(acl.util)
    assert hasattr(acl.rt, "memcpy_async")
    assert not hasattr(acl, "tdt")
    assert callable(acl.set_tensor_place_ment)
    assert callable(acl.prof.model_un_subscribe)


def test_import_as_acl() -> None:
    program = (
        "from acl_fast import pyacl; pyacl.install()\n"
        "import acl, acl.rt\n"
        "from acl.rt import memcpy\n"
        "from acl import mdl\n"
        "assert acl is pyacl and memcpy is acl.rt.memcpy and mdl is acl.mdl\n"
        "print(acl.init(), acl.rt.set_device(0), acl.rt.reset_device(0), acl.finalize())\n"
    )
    done = run(program)
    assert (done.returncode, done.stdout) == (0, "0 0 0 0\n"), done.stderr


def test_run_a_program(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("VALUE = 7\n")
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, acl\nfrom helper import VALUE\n"
        "print(__name__, VALUE, sys.argv[1:], acl.init(), acl.finalize())\n"
    )
    done = run("", "-m", "acl_fast.pyacl", str(program), "a", "--b")
    assert (done.returncode, done.stdout) == (0, "__main__ 7 ['a', '--b'] 0 0\n"), done.stderr
    program.write_text("import sys\nsys.exit(3)\n")
    assert run("", "-m", "acl_fast.pyacl", str(program)).returncode == 3
    missing = run("", "-m", "acl_fast.pyacl", str(tmp_path / "none.py"))
    assert missing.returncode == 2
    assert "there is no program" in missing.stderr
    listing = run("", "-m", "acl_fast.pyacl", "--coverage")
    assert "acl.mdl.execute_async" in listing.stdout


def test_anything_with_index_is_an_int() -> None:
    memory, ret = acl.rt.malloc(np.uint32(64), np.int64(0))
    assert ret == 0
    assert acl.rt.memset(np.uint64(memory), np.int32(64), True, 64) == 0
    assert acl.rt.free(np.uint64(memory)) == 0


@pytest.mark.parametrize(
    ("name", "arguments", "error", "text"),
    [
        ("acl.rt.malloc", ("x", 0), TypeError, r"acl.rt.malloc\(\): size is an int, not str"),
        ("acl.rt.malloc", (64, 1.5), TypeError, r"policy is an int, not float"),
        ("acl.rt.free", (1 << 64,), ValueError, r"dev_ptr 18446744073709551616 is not within"),
        ("acl.rt.set_device", (1 << 40,), ValueError, r"device_id 1099511627776"),
        ("acl.mdl.load_from_file", (7,), TypeError, r"model_path is a str, not int"),
        ("acl.create_tensor_desc", (0, 7, 2), TypeError, r"dims is a list, not int"),
        ("acl.create_tensor_desc", (0, ["a"], 2), TypeError, r"dims is an int, not str"),
        ("acl.set_tensor_shape_range", (0, 7), TypeError, r"dims_range is a list, not int"),
        ("acl.set_tensor_shape_range", (0, [7]), TypeError, r"a list of pairs, not int"),
        ("acl.set_tensor_value_range", (0, None), TypeError, r"value_range is a list, not None"),
        ("acl.op.set_attr_list_list_int", (0, "n", 7), TypeError, r"values is a list, not int"),
        ("acl.rt.memcpy", (0, 0), TypeError, r"memcpy\(\) takes exactly 5 positional"),
        ("acl.create_tensor_desc", (0,), TypeError, r"takes 3 arguments, or 4 with the lengths"),
        (
            "acl.himpi.vpc_create_chn",
            (0, [1]),
            TypeError,
            r"attr is a dict of hi_vpc_chn_attr",
        ),
        ("acl.rt.launch_callback", (3, 0, 0, 0), TypeError, r"the callback is a function"),
        ("acl.util.ptr_to_numpy", (0, (4,), 11), ValueError, r"ptr is NULL"),
        ("acl.util.ptr_to_numpy", (64, (4,), 99), ValueError, r"npy_type 99 is none of"),
        ("acl.util.start_thread", (1, []), TypeError, r"func is a function"),
    ],
)
def test_wrong_arguments_are_named(
    name: str, arguments: tuple[object, ...], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        find(name)(*arguments)  # type: ignore[operator]


def test_failures_are_codes_with_words() -> None:
    assert acl.rt.set_device(-1) != 0
    message = acl.get_recent_err_msg()
    assert message is not None
    assert "aclrtSetDevice" in message
    assert acl.mdl.execute_async(12345, 1, 2, 3) != 0
    assert acl.mdl.get_desc(0, 0) != 0
    assert acl.mdl.get_num_inputs(0xDEAD_BEEF) == 0
    assert acl.destroy_data_buffer(12345) != 0
    assert acl.himpi.vpc_destroy_chn(5) >= 0xA0000000


def test_arrays_come_with_or_without_their_lengths() -> None:
    for arguments in ((0, [2, 3], 2), (0, 2, [2, 3], 2)):
        desc = acl.create_tensor_desc(*arguments)
        assert acl.get_tensor_desc_num_dims(desc) == 2
        assert acl.get_tensor_desc_dim_v2(desc, 1) == (3, 0)
        acl.destroy_tensor_desc(desc)


def test_in_out_handles_are_echoed() -> None:
    dataset, buffer = acl.mdl.create_dataset(), acl.create_data_buffer(0, 0)
    assert acl.mdl.add_dataset_buffer(dataset, buffer) == (dataset, 0)
    desc = acl.create_tensor_desc(0, [1], 2)
    assert acl.mdl.set_dataset_tensor_desc(dataset, desc, 0) == (dataset, 0)
    acl.destroy_tensor_desc(desc)
    assert acl.mdl.destroy_dataset(dataset) == 0
    assert acl.destroy_data_buffer(buffer) == 0
