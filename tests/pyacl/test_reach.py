"""Every function is called once, with NULL for everything, and says what it should of that."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from acl_fast.pyacl import SUBMODULES, _coverage_gen

ROOT = Path(__file__).resolve().parents[2]
REACHABLE = [name for name, (_, state) in _coverage_gen.FUNCTIONS.items() if state != "unsupported"]
# One process calls them all: creating and setting would otherwise be felt by other tests. What
# ends the device comes last, in this order.
PROGRAM = """
import json
from acl_fast import pyacl as acl
from acl_fast.pyacl import _coverage_gen
from tests.pyacl.calling import call_with_nothing

LAST = [
    "acl.rt.device_task_abort", "acl.himpi.sys_exit", "acl.prof.finalize", "acl.rt.reset_device",
    "acl.rt.reset_device_force", "acl.finalize_reference", "acl.finalize",
]
results = {}

assert acl.init() == 0 and acl.rt.set_device(0) == 0 and acl.himpi.sys_init() == 0
todo = [n for n, (_, s) in _coverage_gen.FUNCTIONS.items() if s != "unsupported"]
for name in [n for n in todo if n not in LAST] + [n for n in LAST if n in todo]:
    results[name] = call_with_nothing(name)
    if name not in LAST and acl.rt.get_device() != (0, 0):
        assert acl.rt.set_device(0) == 0
print(json.dumps(results, default=repr))
"""


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PROGRAM],
        capture_output=True, text=True, timeout=120, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_nothing_is_left_out(results: dict[str, Any]) -> None:
    assert set(results) == set(REACHABLE)


INVALID = 100000
SYS, RGN, VDEC, VPC, VENC, PNGD = (0xA0008000 | m << 16 for m in (2, 3, 5, 7, 8, 0x40))
# What these answer is a code other than INVALID (himpi: other than "no such channel"). Where a row
# comes from: a section of the behaviour facts (§), the published reference of the function (ref),
# the meaning of the code in the headers or in the code table of hi_mpi (meaning), or softnpu's own
# choice, because nothing published says what happens (own).
ROWS: list[tuple[int, str, str]] = [
    (100002, "§2", "init"),
    (107000, "§4", "rt.synchronize_stream_with_timeout"),
    (107015, "§6", "rt.launch_callback"),
    (145003, "§7", "mdl.unload"),
    (145003, "meaning", "mdl.bundle_unload mdl.bundle_get_model_id mdl.bundle_get_model_num"),
    (145003, "meaning", "mdl.get_aipp_type mdl.get_first_aipp_info"),
    (107021, "ref", "rt.ctx_get_sys_param_opt"),
    (107000, "own", "rt.synchronize_device_with_timeout rt.synchronize_event_with_timeout"),
    # A flag of 0 is none.
    (107000, "own", "rt.create_event_with_flag"),
    # Not on this card, as the reference's tables of products say.
    (207000, "ref", "rt.get_memcpy_desc_size"),
    (107000, "own", "rt.device_enable_peer_access"),
    (100011, "meaning", "prof.model_un_subscribe"),
    (100043, "meaning", "prof.finalize"),
    (100027, "§14", "media.dvpp_png_predict_dec_size"),
    (500001, "own", "prof.pop prof.range_stop"),
    (SYS | 3, "ref", "himpi.sys_create_epoll"),
    (SYS | 3, "own", "himpi.dvpp_malloc"),
    (SYS | 5, "meaning", "himpi.sys_close_epoll himpi.sys_ctl_epoll himpi.sys_wait_epoll"),
    (SYS | 6, "§16", "himpi.dvpp_free himpi.sys_get_image_align_info"),
    # Not on this card: only the 310B binds, and only the 310 and 910 lack the matrix.
    (SYS | 8, "§13", "himpi.sys_get_chn_csc_matrix himpi.sys_set_chn_csc_matrix"),
    (SYS | 8, "§16", "himpi.vb_block_copyref himpi.vb_destroy_pool himpi.vb_release_block"),
    (SYS | 8, "own", "himpi.sys_bind himpi.sys_full_init himpi.sys_unbind"),
    (0xFFFFFFFF, "own", "himpi.vb_create_pool himpi.vb_get_block"),
    (VPC | 6, "§16", "himpi.vpc_create_chn himpi.vpc_sys_create_chn"),
    (VPC | 6, "§16", "himpi.vpc_convert_color_v2"),
    # Not on this card: the newer ones warp, and none stitches or has priorities.
    (VPC | 8, "ref", "himpi.vpc_get_affine_lut himpi.vpc_get_affine_transform"),
    (VPC | 8, "ref", "himpi.vpc_get_lut_mem_size himpi.vpc_get_perspective_lut"),
    (VPC | 8, "ref", "himpi.vpc_get_remap_lut himpi.vpc_get_rotation_matrix"),
    (VPC | 8, "ref", "himpi.vpc_get_roundview_stitching_param himpi.vpc_roundview_stitching"),
    (VPC | 8, "ref", "himpi.vpc_set_chn_opt_attr himpi.vpc_set_roundview_stitching_param"),
    (VDEC | 6, "§16", "himpi.vdec_create_chn himpi.vdec_get_jpegd_output_info"),
    (VENC | 6, "§16", "himpi.venc_create_chn himpi.venc_get_jpege_predicted_size"),
    (VENC | 6, "§16", "himpi.venc_send_frame_ex himpi.venc_get_mod_param himpi.venc_set_mod_param"),
    # A 310B's.
    (RGN | 8, "ref", "himpi.rgn_attach_to_chn himpi.rgn_create himpi.rgn_destroy"),
    (RGN | 8, "ref", "himpi.rgn_detach_from_chn himpi.rgn_get_canvas_info"),
    (RGN | 8, "ref", "himpi.rgn_get_display_attr himpi.rgn_set_display_attr"),
    (RGN | 8, "ref", "himpi.rgn_update_canvas"),
    (PNGD | 6, "§16", "himpi.png_get_image_info himpi.pngd_create_chn"),
    (VDEC | 8, "own", "himpi.dvpp_get_image_info"),
]
# Everything else that is given NULL: §1, for V1 §12; channel 0, which nobody made: §16.
# NULL or 0 is a right argument: the default stream, device 0, a switch turned off, nothing to do.
FINE = """
finalize finalize_reference get_version get_cann_attribute get_cann_attribute_list
get_device_capability sys_get_cann_version rt.get_device rt.get_device_count rt.get_mem_info
rt.get_run_mode rt.get_context rt.create_context rt.create_stream rt.create_event rt.create_notify
rt.create_event_ex_with_flag
rt.create_stream_with_config rt.device_get_stream_priority_range
rt.stream_get_id rt.stream_query rt.get_stream_overflow_switch
rt.get_device_sat_mode rt.get_thread_last_task_id rt.query_device_status rt.set_device
rt.device_can_access_peer rt.device_disable_peer_access rt.get_device_utilization_rate
rt.reset_device rt.reset_device_force rt.device_task_abort rt.set_ts_device rt.subscribe_report
rt.unsubscribe_report rt.synchronize_device rt.synchronize_stream rt.set_device_sat_mode
rt.set_exception_info_callback rt.set_op_execute_time_out rt.set_op_execute_time_out_with_ms
rt.set_op_wait_timeout rt.set_stream_overflow_switch rt.set_sys_param_opt rt.ctx_set_sys_param_opt
rt.reset_overflow_status rt.get_sys_param_opt op.set_compile_flag prof.get_op_desc_size
himpi.sys_init himpi.sys_exit himpi.dvpp_get_version
media.dvpp_destroy_batch_pic_desc media.dvpp_destroy_border_config media.dvpp_destroy_channel_desc
media.dvpp_destroy_hist media.dvpp_destroy_jpege_config media.dvpp_destroy_lut_map
media.dvpp_destroy_pic_desc media.dvpp_destroy_resize_config media.dvpp_destroy_roi_config
media.dvpp_destroy_stream_desc media.vdec_destroy_channel_desc media.vdec_destroy_frame_config
media.venc_destroy_channel_desc media.venc_destroy_frame_config
"""
# These return what they found or made, without a code. They make something of nothing at all:
MADE = """
create_data_buffer create_tensor_desc mdl.create_config_handle mdl.create_dataset mdl.create_desc
mdl.create_exec_config_handle op.create_attr prof.create_config prof.create_stamp
prof.create_step_info prof.create_subscribe_config rt.create_stream_config_handle
media.dvpp_create_border_config media.dvpp_create_channel_desc media.dvpp_create_hist
media.dvpp_create_jpege_config media.dvpp_create_lut_map media.dvpp_create_pic_desc
media.dvpp_create_resize_config media.dvpp_create_roi_config media.dvpp_create_stream_desc
media.vdec_create_channel_desc media.vdec_create_frame_config media.venc_create_channel_desc
media.venc_create_frame_config
"""
# A getter of NULL has nothing to tell, and these are getters (or return nothing at all):
PLAIN = """
app_log destroy_tensor_desc set_tensor_desc_name op.destroy_attr op.destroy_handle
prof.destroy_stamp prof.destroy_step_info get_recent_err_msg float_to_float16 float16_to_float
get_compileopt_size get_tensor_desc_dim mdl.create_aipp mdl.get_tensor_real_name
media.dvpp_create_batch_pic_desc media.dvpp_get_pic_desc himpi.vb_handle_to_addr
himpi.vdec_get_pic_buf_size himpi.vdec_get_tmv_buf_size
himpi.venc_get_qpmap_size himpi.venc_get_qpmap_stride
"""
OWN = {"data_type_size": 4, "get_soc_name": "Ascend310P3"}
# Both return a code or a value, which ours does not tell: what the thread failed with before.
LAST_ERRORS = {"rt.get_last_error", "rt.peek_at_last_error"}
NOTHING: tuple[Any, ...] = (None, 0, 0.0, "", -1, 0xFFFFFFFF)

BY_NAME = {name: code for code, _, names in ROWS for name in names.split()}
CHANNELS = {"vdec": VDEC, "vpc": VPC, "venc": VENC, "pngd": PNGD}


def complaint(name: str, result: Any) -> str | None:
    """What is wrong with a result."""
    last = result[-1] if isinstance(result, list) else result
    if name in OWN:
        wanted: tuple[Any, ...] = (OWN[name],)
    elif name in BY_NAME:
        wanted = (BY_NAME[name],)
    elif name in LAST_ERRORS:
        wanted = (*BY_NAME.values(), 0, INVALID)
    elif name in MADE.split():
        return None if isinstance(result, int) and result > 0 else "made nothing"
    elif name in FINE.split():
        wanted = (0,)
    elif name in PLAIN.split():
        wanted = NOTHING
    elif name.startswith("himpi."):
        wanted = (CHANNELS[name[6:].split("_")[0]] | 5,)
    elif "get_" in name and not isinstance(result, list) and last != INVALID:
        wanted = NOTHING
    else:
        wanted = (INVALID,)
    return None if last in wanted else f"{result!r} instead of {wanted}"


@pytest.mark.parametrize("module", ["", *SUBMODULES])
def test_null_is_answered(results: dict[str, Any], module: str) -> None:
    prefix = f"acl.{module}." if module else "acl."
    mine = [name for name in results if name.rpartition(".")[0] + "." == prefix]
    assert mine or module in ("fv", "util")
    found = {name: complaint(name.removeprefix("acl."), results[name]) for name in mine}
    assert not {name: text for name, text in found.items() if text}


def test_every_row_says_where_it_comes_from() -> None:
    named = [name for *_, names in ROWS for name in names.split()]
    assert len(named) == len(set(named))
    assert {f"acl.{name}" for name in named} <= set(REACHABLE)
    for code, source, names in ROWS:
        assert source in ("ref", "meaning", "own") or re.fullmatch(r"§\d+", source), (code, names)
