"""JPEG files through JPEGD and VPC into a model whose input AIPP prepares.

usage: classify.py model.om width height out.npz picture.jpg...
"""

import sys

import acl
import numpy as np
from model import H2D, Model, check

NV12 = 1


def align(value, step):
    return (value + step - 1) // step * step


class Pictures:
    def __init__(self, stream):
        self.stream = stream
        self.channel = acl.media.dvpp_create_channel_desc()
        check(acl.media.dvpp_create_channel(self.channel), "dvpp_create_channel")
        self.config = acl.media.dvpp_create_resize_config()

    def desc(self, data, size, width, height, stride_w, stride_h):
        desc = acl.media.dvpp_create_pic_desc()
        acl.media.dvpp_set_pic_desc_data(desc, data)
        acl.media.dvpp_set_pic_desc_size(desc, size)
        acl.media.dvpp_set_pic_desc_format(desc, NV12)
        acl.media.dvpp_set_pic_desc_width(desc, width)
        acl.media.dvpp_set_pic_desc_height(desc, height)
        acl.media.dvpp_set_pic_desc_width_stride(desc, stride_w)
        acl.media.dvpp_set_pic_desc_height_stride(desc, stride_h)
        return desc

    def decode(self, path):
        data = np.fromfile(path, np.uint8)
        pointer = acl.util.numpy_to_ptr(data)
        width, height, _, ret = acl.media.dvpp_jpeg_get_image_info(pointer, data.size)
        check(ret, "dvpp_jpeg_get_image_info")
        size, ret = acl.media.dvpp_jpeg_predict_dec_size(pointer, data.size, NV12)
        check(ret, "dvpp_jpeg_predict_dec_size")
        packet, ret = acl.media.dvpp_malloc(data.size)
        check(ret, "dvpp_malloc")
        check(acl.rt.memcpy(packet, data.size, pointer, data.size, H2D), "memcpy")
        self.decoded, ret = acl.media.dvpp_malloc(size)
        check(ret, "dvpp_malloc")
        desc = self.desc(self.decoded, size, width, height, align(width, 128), align(height, 16))
        ret = acl.media.dvpp_jpeg_decode_async(self.channel, packet, data.size, desc, self.stream)
        check(ret, "dvpp_jpeg_decode_async")
        check(acl.rt.synchronize_stream(self.stream), "synchronize_stream")
        acl.media.dvpp_free(packet)
        return desc

    def resize(self, source, data, size, width, height):
        target = self.desc(data, size, width, height, width, height)
        ret = acl.media.dvpp_vpc_resize_async(
            self.channel, source, target, self.config, self.stream
        )
        check(ret, "dvpp_vpc_resize_async")
        check(acl.rt.synchronize_stream(self.stream), "synchronize_stream")
        acl.media.dvpp_destroy_pic_desc(source)
        acl.media.dvpp_free(self.decoded)
        acl.media.dvpp_destroy_pic_desc(target)

    def close(self):
        check(acl.media.dvpp_destroy_resize_config(self.config), "destroy config")
        check(acl.media.dvpp_destroy_channel(self.channel), "dvpp_destroy_channel")
        check(acl.media.dvpp_destroy_channel_desc(self.channel), "destroy desc")


def main(path, width, height, out, *files):
    width, height = int(width), int(height)
    check(acl.init(), "init")
    check(acl.rt.set_device(0), "set_device")
    context, ret = acl.rt.create_context(0)
    check(ret, "create_context")
    stream, ret = acl.rt.create_stream()
    check(ret, "create_stream")
    model, pictures, found = Model(path), Pictures(stream), {}
    size = width * height * 3 // 2
    room, ret = acl.media.dvpp_malloc(size)
    check(ret, "dvpp_malloc")
    # What the picture engine writes is the model's input, without a copy.
    buffer = acl.mdl.get_dataset_buffer(model.input_dataset, 0)
    own = acl.get_data_buffer_addr(buffer)
    check(acl.update_data_buffer(buffer, room, size), "update_data_buffer")
    for number, name in enumerate(files):
        pictures.resize(pictures.decode(name), room, size, width, height)
        model.execute()
        for index, result in enumerate(model.results()):
            found[f"result_{number}_{index}"] = result
    np.savez(out, **found)
    check(acl.update_data_buffer(buffer, own, size), "update_data_buffer")
    acl.media.dvpp_free(room)
    pictures.close()
    model.close()
    check(acl.rt.destroy_stream(stream), "destroy_stream")
    check(acl.rt.destroy_context(context), "destroy_context")
    check(acl.rt.reset_device(0), "reset_device")
    check(acl.finalize(), "finalize")


if __name__ == "__main__":
    main(*sys.argv[1:])
