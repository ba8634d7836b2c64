"""A picture scaled through hi_mpi_vpc and video decoded through hi_mpi_vdec.

usage: himpi.py packets.npz out.npz
"""

import sys

import acl
import numpy as np
from model import D2H, H2D, check

NV12 = 1


def media(data=None, size=None):
    size = data.size if data is not None else size
    pointer, ret = acl.himpi.dvpp_malloc(0, size)
    check(ret, "dvpp_malloc")
    if data is not None:
        check(acl.rt.memcpy(pointer, size, acl.util.numpy_to_ptr(data), size, H2D), "memcpy")
    return pointer


def host(pointer, size):
    array = np.empty(size, np.uint8)
    check(acl.rt.memcpy(acl.util.numpy_to_ptr(array), size, pointer, size, D2H), "memcpy")
    return array


def picture(pointer, width, height):
    return {
        "picture_address": pointer,
        "picture_buffer_size": width * height * 3 // 2,
        "picture_width": width,
        "picture_height": height,
        "picture_width_stride": width,
        "picture_height_stride": height,
        "picture_format": NV12,
    }


def main(path, out):
    source = np.load(path)
    width, height, count = (int(source[name]) for name in ("width", "height", "count"))
    check(acl.init(), "init")
    check(acl.rt.set_device(0), "set_device")
    check(acl.himpi.sys_init(), "sys_init")
    attr = {
        "type": 265 if source["hevc"] else 96,
        "mode": 1,
        "pic_width": width,
        "pic_height": height,
        "stream_buf_size": width * height * 3 // 2,
        "frame_buf_size": 0,
        "frame_buf_cnt": 0,
        "video_attr": {"ref_frame_num": 16, "temporal_mvp_en": 1, "tmv_buf_size": 0},
    }
    chn = 0
    check(acl.himpi.vdec_create_chn(chn, attr), "vdec_create_chn")
    check(acl.himpi.vdec_start_recv_stream(chn), "vdec_start_recv_stream")
    size = width * height * 3 // 2
    frames, memory = {}, []
    for number in range(count):
        data = source[f"p{number}"]
        memory.append(media(data))
        stream = {
            "end_of_frame": True,
            "end_of_stream": False,
            "need_display": True,
            "pts": number,
            "len": data.size,
            "addr": memory[-1],
        }
        target = media(size=size)
        pic_info = {
            "width": width,
            "height": height,
            "width_stride": width,
            "height_stride": height,
            "pixel_format": NV12,
            "vir_addr": target,
            "buffer_size": size,
        }
        check(acl.himpi.vdec_send_stream(chn, stream, pic_info, 1000), "vdec_send_stream")
    check(acl.himpi.vdec_send_stream(chn, {"end_of_stream": True, "len": 0}, {}, 1000), "end")
    while len(frames) < count:
        frame, _, stream, ret = acl.himpi.vdec_get_frame(chn, 5000)
        check(ret, "vdec_get_frame")
        if frame["v_frame"]["virt_addr"][0]:
            assert frame["v_frame"]["frame_flag"] == 0, frame
            frames[stream["pts"]] = frame["v_frame"]["virt_addr"][0]
        check(acl.himpi.vdec_release_frame(chn, frame), "vdec_release_frame")
    check(acl.himpi.vdec_stop_recv_stream(chn), "vdec_stop_recv_stream")
    check(acl.himpi.vdec_destroy_chn(chn), "vdec_destroy_chn")

    vpc, ret = acl.himpi.vpc_sys_create_chn({"attr": 0})
    check(ret, "vpc_sys_create_chn")
    small = media(size=320 * 128 * 3 // 2)
    task, ret = acl.himpi.vpc_resize(
        vpc, picture(frames[0], width, height), picture(small, 320, 128), 0, 0, 0, -1
    )
    check(ret, "vpc_resize")
    check(acl.himpi.vpc_get_process_result(vpc, task, -1), "vpc_get_process_result")
    tile = media(size=64 * 64 * 3 // 2)
    regions = [
        {
            "dest_pic_info": picture(tile, 64, 64),
            "crop_region": {
                "top_offset": 16,
                "left_offset": 32,
                "crop_width": 64,
                "crop_height": 64,
            },
        }
    ]
    task, ret = acl.himpi.vpc_crop(vpc, picture(frames[0], width, height), regions, 1, -1)
    check(ret, "vpc_crop")
    check(acl.himpi.vpc_get_process_result(vpc, task, -1), "vpc_get_process_result")
    np.savez(
        out,
        frames=np.stack([host(frames[n], size) for n in sorted(frames)]),
        order=list(frames),
        small=host(small, 320 * 128 * 3 // 2),
        tile=host(tile, 64 * 64 * 3 // 2),
    )
    check(acl.himpi.vpc_destroy_chn(vpc), "vpc_destroy_chn")
    for pointer in (*memory, *frames.values(), small, tile):
        check(acl.himpi.dvpp_free(pointer), "dvpp_free")
    check(acl.himpi.sys_exit(), "sys_exit")
    check(acl.rt.reset_device(0), "reset_device")
    check(acl.finalize(), "finalize")


if __name__ == "__main__":
    main(*sys.argv[1:])
