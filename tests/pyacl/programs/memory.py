"""Copies between host and device in all directions and kinds of memory."""

import sys

import acl
import numpy as np

H2H, H2D, D2H, D2D = range(4)


def check(ret, what):
    if ret != 0:
        raise Exception(f"{what} failed: {ret}, {acl.get_recent_err_msg()}")


class Memory:
    def __init__(self, kind, size):
        self.kind, self.size = kind, size
        if kind == "device":
            self.ptr, ret = acl.rt.malloc(size, 0)
        elif kind == "cached":
            self.ptr, ret = acl.rt.malloc_cached(size, 0)
        elif kind == "host":
            self.ptr, ret = acl.rt.malloc_host(size)
        elif kind == "dvpp":
            self.ptr, ret = acl.media.dvpp_malloc(size)
        else:
            self.ptr, ret = acl.himpi.dvpp_malloc(0, size)
        check(ret, kind)

    @property
    def on_host(self):
        return self.kind == "host"

    def free(self):
        if self.kind == "host":
            ret = acl.rt.free_host(self.ptr)
        elif self.kind == "dvpp":
            ret = acl.media.dvpp_free(self.ptr)
        elif self.kind == "himpi":
            ret = acl.himpi.dvpp_free(self.ptr)
        else:
            ret = acl.rt.free(self.ptr)
        check(ret, "free")


def direction(source, target):
    return {(True, True): H2H, (True, False): H2D, (False, True): D2H, (False, False): D2D}[
        source.on_host, target.on_host
    ]


def copy(source, target, size, stream):
    kind = direction(source, target)
    if kind == H2H:
        # A card copies nothing from host to host in a stream.
        check(acl.rt.memcpy(target.ptr, size, source.ptr, size, kind), "memcpy")
        return
    check(acl.rt.memcpy_async(target.ptr, size, source.ptr, size, kind, stream), "memcpy_async")
    check(acl.rt.synchronize_stream(stream), "synchronize_stream")


def main():
    check(acl.init(), "init")
    check(acl.rt.set_device(0), "set_device")
    check(acl.himpi.sys_init(), "sys_init")
    stream, ret = acl.rt.create_stream()
    check(ret, "create_stream")
    size, right = 1 << 16, 0
    pattern = np.random.default_rng(5).integers(0, 256, size, dtype=np.uint8)
    kinds = ("device", "cached", "host", "dvpp", "himpi")
    for first in kinds:
        for second in kinds:
            a, b = Memory(first, size), Memory(second, size)
            out = Memory("host", size)
            bytes_data = pattern.tobytes()
            into = H2H if a.on_host else H2D
            check(acl.rt.memcpy(a.ptr, size, acl.util.bytes_to_ptr(bytes_data), size, into), "in")
            copy(a, b, size, stream)
            copy(b, out, size, stream)
            right += acl.util.ptr_to_bytes(out.ptr, size) == bytes_data
            for memory in (a, b, out):
                memory.free()
    free, total, ret = acl.rt.get_mem_info(1)
    check(ret, "get_mem_info")
    print(right, 0 < free <= total)
    check(acl.rt.destroy_stream(stream), "destroy_stream")
    check(acl.himpi.sys_exit(), "sys_exit")
    check(acl.rt.reset_device(0), "reset_device")
    check(acl.finalize(), "finalize")
    return 0


if __name__ == "__main__":
    sys.exit(main())
