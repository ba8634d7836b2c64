"""Garbage as arguments: codes, None, TypeError or ValueError, and never a crash."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Host addresses that are read or written by definition, callbacks by address, and what ends the
# device for everybody.
PROGRAM = """
import random, sys
from acl_fast import pyacl as acl, softnpu
from acl_fast.pyacl import _coverage_gen

HOST = {
    "acl.rt.memcpy", "acl.rt.memcpy_async", "acl.rt.memcpy2d", "acl.rt.memcpy2d_async",
    "acl.rt.memset", "acl.rt.memset_async", "acl.rt.memcpy_async_with_condition",
    "acl.rt.host_register", "acl.rt.get_overflow_status", "acl.set_tensor_const",
    "acl.mdl.load_from_mem", "acl.mdl.load_from_mem_with_mem", "acl.mdl.get_desc_from_mem",
    "acl.mdl.query_size_from_mem", "acl.mdl.bundle_load_from_mem", "acl.op.load",
    "acl.mdl.set_config_opt", "acl.mdl.set_exec_config_opt", "acl.rt.set_stream_config_opt",
    "acl.media.dvpp_jpeg_get_image_info", "acl.media.dvpp_jpeg_get_image_info_v2",
    "acl.media.dvpp_jpeg_predict_dec_size", "acl.media.dvpp_png_get_image_info",
    "acl.media.dvpp_png_predict_dec_size", "acl.media.dvpp_jpeg_encode_async",
    "acl.media.dvpp_get_channel_desc_param", "acl.media.dvpp_set_channel_desc_param",
    "acl.media.vdec_get_channel_desc_param", "acl.media.vdec_set_channel_desc_param",
    "acl.media.venc_get_channel_desc_param", "acl.media.venc_set_channel_desc_param",
    "acl.himpi.vpc_calc_hist", "acl.prof.set_config", "acl.prof.get_op_num",
    "acl.prof.get_model_id", "acl.prof.get_op_name", "acl.prof.get_op_name_len",
    "acl.prof.get_op_type", "acl.prof.get_op_type_len", "acl.prof.get_op_start",
    "acl.prof.get_op_end", "acl.prof.get_op_duration", "acl.dump_reg_callback",
    "acl.prof.get_step_timestamp", "acl.prof.create_config", "acl.rt.malloc_physical",
    "acl.rt.mem_get_allocation_granularity", "acl.rt.get_mem_uce_info", "acl.rt.mem_uce_repair",
}
ENDING = {
    "acl.init", "acl.finalize", "acl.finalize_reference", "acl.rt.reset_device",
    "acl.rt.reset_device_force", "acl.rt.set_device", "acl.rt.process_report", "acl.himpi.sys_exit",
    "acl.rt.create_context", "acl.rt.device_task_abort", "acl.app_log", "acl.prof.finalize",
    "acl.prof.init",
}

def find(name):
    found = acl
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    return found

def live():
    return {k: v for k, v in softnpu.counters().items() if k.startswith("live_")}

mode, seed = sys.argv[1], int(sys.argv[2])
random.seed(seed)
assert acl.init() == 0 and acl.rt.set_device(0) == 0
assert acl.himpi.sys_init() == 0
GARBAGE = [0, 1, -1, 7, 0xDEAD_BEEF, 1 << 63, (1 << 64) - 1, 0x7F00_0000_1000, 12345678901234]
calls = raised = 0
before = live()
for name, (c_name, state) in _coverage_gen.FUNCTIONS.items():
    if state == "unsupported" or name in HOST or name in ENDING or "callback" in name:
        continue
    function = find(name)
    head = (function.__doc__ or "").strip().split("\\n")[0]
    names = [p.strip() for p in head[head.index("(") + 1 : head.index(")")].split(",") if p.strip()]
    creates = "create" in name or "malloc" in name or "float" in name
    for _ in range(6):
        arguments = []
        for parameter in names:
            if parameter in ("milli_sec", "timeout"):
                arguments.append(0)
            elif mode == "types":
                arguments.append(random.choice(["text", 1.5, [1, 2], {}, None, object(), b"x"]))
            elif parameter.endswith(("_info", "_attr", "_param", "pic", "frame", "stream")) and (
                "himpi" in name
            ):
                arguments.append(random.choice([{}, None, {"width": -1, "len": 1 << 40}]))
            else:
                arguments.append(random.choice(GARBAGE))
        try:
            result = function(*arguments)
        except (TypeError, ValueError, OverflowError):
            raised += 1
            continue
        except MemoryError:
            continue
        calls += 1
        if name == "acl.rt.subscribe_report":
            if result == 0:
                acl.rt.unsubscribe_report(*arguments)
        elif name == "acl.rt.reserve_mem_address":
            if result[1] == 0:
                acl.rt.release_mem_address(result[0])
        elif name == "acl.himpi.vpc_sys_create_chn":
            if result[1] == 0:
                acl.himpi.vpc_destroy_chn(result[0])
        elif creates and name.endswith("_create_chn"):
            if result == 0:
                find(name.replace("create", "destroy"))(arguments[0])
        elif creates:
            # What came into being by accident goes again.
            made = result[0] if isinstance(result, tuple) else result
            ret = result[-1] if isinstance(result, tuple) else 0
            if ret == 0 and isinstance(made, int) and made and "float" not in name:
                base, _, tail = name.rpartition(".")
                undo = tail.replace("create", "destroy")
                for suffix in ("_ex_with_flag", "_with_flag", "_with_config", "_v2", "_for_cast"):
                    undo = undo.removesuffix(suffix)
                if "malloc" in tail:
                    undo = "dvpp_free" if "dvpp" in tail else (
                        "free_host" if "host" in tail else "free")
                if "create_handle_for" in tail:
                    base, undo = "acl.op", "destroy_handle"
                owner = find(base)
                if hasattr(owner, undo):
                    getattr(owner, undo)(made)
    if acl.rt.get_device() != (0, 0):
        acl.rt.set_device(0)
assert live() == before, (before, live())
stream, ret = acl.rt.create_stream()
assert ret == 0, (ret, acl.get_recent_err_msg())
memory, ret = acl.rt.malloc(1024, 0)
assert ret == 0
assert acl.rt.memset_async(memory, 1024, 7, 1024, stream) == 0
assert acl.rt.synchronize_stream(stream) == 0
assert acl.rt.free(memory) == 0 and acl.rt.destroy_stream(stream) == 0
print("done", calls, raised)
"""


@pytest.mark.parametrize("mode", ["numbers", "types"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_garbage_never_crashes(mode: str, seed: int) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PROGRAM, mode, str(seed)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "SOFTNPU_MEMORY": "1G"},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    word, calls, raised = done.stdout.split()
    assert word == "done"
    assert int(calls) + int(raised) > 2000
