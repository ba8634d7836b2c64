"""Video through VDEC with a report thread, and back through VENC.

usage: video.py packets.npz out.npz   (packets: arrays p0, p1, ...; width; height; hevc)
"""

import sys

import acl
import numpy as np
from model import D2H, H2D, check

NV12, H264, HEVC = 1, 3, 0

running = True
frames, packets = {}, []


def report_loop(args):
    check(acl.rt.set_context(args[0]), "set_context")
    while running:
        acl.rt.process_report(100)


def on_frame(stream_desc, pic_desc, user_data):
    acl.media.dvpp_free(acl.media.dvpp_get_stream_desc_data(stream_desc))
    acl.media.dvpp_destroy_stream_desc(stream_desc)
    code = acl.media.dvpp_get_pic_desc_ret_code(pic_desc)
    data = acl.media.dvpp_get_pic_desc_data(pic_desc)
    size = acl.media.dvpp_get_pic_desc_size(pic_desc)
    host = np.empty(size, np.uint8)
    check(acl.rt.memcpy(acl.util.numpy_to_ptr(host), size, data, size, D2H), "memcpy")
    frames[user_data["number"]] = (code, host, data)
    acl.media.dvpp_destroy_pic_desc(pic_desc)
    if user_data["number"] == 3:
        raise RuntimeError("a callback that fails does not end the loop")


def on_packet(pic_desc, stream_desc, user_data):
    data = acl.media.dvpp_get_stream_desc_data(stream_desc)
    size = acl.media.dvpp_get_stream_desc_size(stream_desc)
    host = bytes(size)
    check(acl.rt.memcpy(acl.util.bytes_to_ptr(host), size, data, size, D2H), "memcpy")
    packets.append((user_data, acl.media.dvpp_get_stream_desc_ret_code(stream_desc), host))


def decode(source, thread, width, height):
    channel = acl.media.vdec_create_channel_desc()
    acl.media.vdec_set_channel_desc_channel_id(channel, 10)
    acl.media.vdec_set_channel_desc_thread_id(channel, thread)
    acl.media.vdec_set_channel_desc_callback(channel, on_frame)
    acl.media.vdec_set_channel_desc_entype(channel, HEVC if source["hevc"] else H264)
    acl.media.vdec_set_channel_desc_out_pic_format(channel, NV12)
    check(acl.media.vdec_create_channel(channel), "vdec_create_channel")
    config = acl.media.vdec_create_frame_config()
    count, size = int(source["count"]), width * height * 3 // 2
    for number in range(count):
        data = source[f"p{number}"]
        packet, ret = acl.media.dvpp_malloc(data.size)
        check(ret, "dvpp_malloc")
        check(acl.rt.memcpy(packet, data.size, acl.util.numpy_to_ptr(data), data.size, H2D), "in")
        stream_desc = acl.media.dvpp_create_stream_desc()
        acl.media.dvpp_set_stream_desc_data(stream_desc, packet)
        acl.media.dvpp_set_stream_desc_size(stream_desc, data.size)
        picture, ret = acl.media.dvpp_malloc(size)
        check(ret, "dvpp_malloc")
        pic_desc = acl.media.dvpp_create_pic_desc()
        acl.media.dvpp_set_pic_desc_data(pic_desc, picture)
        acl.media.dvpp_set_pic_desc_size(pic_desc, size)
        acl.media.dvpp_set_pic_desc_format(pic_desc, NV12)
        user_data = {"number": number}
        ret = acl.media.vdec_send_frame(channel, stream_desc, pic_desc, config, user_data)
        check(ret, "vdec_send_frame")
    end = acl.media.dvpp_create_stream_desc()
    acl.media.dvpp_set_stream_desc_eos(end, 1)
    check(acl.media.vdec_send_frame(channel, end, 0, config, None), "end")
    acl.media.dvpp_destroy_stream_desc(end)
    check(acl.media.vdec_destroy_channel(channel), "vdec_destroy_channel")
    check(acl.media.vdec_destroy_channel_desc(channel), "destroy desc")
    check(acl.media.vdec_destroy_frame_config(config), "destroy config")


def encode(thread, width, height):
    channel = acl.media.venc_create_channel_desc()
    acl.media.venc_set_channel_desc_thread_id(channel, thread)
    acl.media.venc_set_channel_desc_callback(channel, on_packet)
    acl.media.venc_set_channel_desc_entype(channel, 2)
    acl.media.venc_set_channel_desc_pic_format(channel, NV12)
    acl.media.venc_set_channel_desc_key_frame_interval(channel, 16)
    acl.media.venc_set_channel_desc_pic_width(channel, width)
    acl.media.venc_set_channel_desc_pic_height(channel, height)
    check(acl.media.venc_create_channel(channel), "venc_create_channel")
    config = acl.media.venc_create_frame_config()
    acl.media.venc_set_frame_config_force_i_frame(config, 0)
    acl.media.venc_set_frame_config_eos(config, 0)
    descs = []
    for number in sorted(frames):
        pic_desc = acl.media.dvpp_create_pic_desc()
        acl.media.dvpp_set_pic_desc_data(pic_desc, frames[number][2])
        acl.media.dvpp_set_pic_desc_size(pic_desc, width * height * 3 // 2)
        ret = acl.media.venc_send_frame(channel, pic_desc, 0, config, number)
        check(ret, "venc_send_frame")
        descs.append(pic_desc)
    acl.media.venc_set_frame_config_eos(config, 1)
    check(acl.media.venc_send_frame(channel, 0, 0, config, None), "end")
    check(acl.media.venc_destroy_channel(channel), "venc_destroy_channel")
    check(acl.media.venc_destroy_channel_desc(channel), "destroy desc")
    check(acl.media.venc_destroy_frame_config(config), "destroy config")
    for pic_desc in descs:
        acl.media.dvpp_free(acl.media.dvpp_get_pic_desc_data(pic_desc))
        acl.media.dvpp_destroy_pic_desc(pic_desc)


def main(path, out):
    global running
    source = np.load(path)
    width, height = int(source["width"]), int(source["height"])
    check(acl.init(), "init")
    check(acl.rt.set_device(0), "set_device")
    context, ret = acl.rt.get_context()
    check(ret, "get_context")
    thread, ret = acl.util.start_thread(report_loop, [context])
    check(ret, "start_thread")
    decode(source, thread, width, height)
    encode(thread, width, height)
    running = False
    check(acl.util.stop_thread(thread), "stop_thread")
    np.savez(
        out,
        codes=[frames[n][0] for n in sorted(frames)],
        frames=np.stack([frames[n][1] for n in sorted(frames)]),
        order=list(frames),
        users=[user for user, _, _ in packets],
        **{f"e{n}": np.frombuffer(data, np.uint8) for n, (_, _, data) in enumerate(packets)},
    )
    check(acl.rt.reset_device(0), "reset_device")
    check(acl.finalize(), "finalize")


if __name__ == "__main__":
    main(*sys.argv[1:])
