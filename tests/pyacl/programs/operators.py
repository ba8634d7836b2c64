"""Single operators: Add, Cast and a matrix product.

usage: operators.py out.npz
"""

import sys

import acl
import numpy as np
from model import D2H, H2D, check

FLOAT, FLOAT16, INT32, ND = 0, 1, 3, 2
DTYPES = {FLOAT: np.float32, FLOAT16: np.float16, INT32: np.int32}


class Tensor:
    def __init__(self, data_type, shape, array=None):
        self.dtype, self.shape = np.dtype(DTYPES[data_type]), shape
        self.desc = acl.create_tensor_desc(data_type, shape, ND)
        self.size = acl.get_tensor_desc_size(self.desc)
        self.memory, ret = acl.rt.malloc(self.size, 0)
        check(ret, "malloc")
        self.buffer = acl.create_data_buffer(self.memory, self.size)
        if array is not None:
            array = np.ascontiguousarray(array, self.dtype)
            pointer = acl.util.numpy_to_ptr(array)
            check(acl.rt.memcpy(self.memory, self.size, pointer, array.nbytes, H2D), "memcpy")

    def numpy(self):
        host = np.empty(self.shape, self.dtype)
        pointer = acl.util.numpy_to_ptr(host)
        check(acl.rt.memcpy(pointer, host.nbytes, self.memory, host.nbytes, D2H), "memcpy")
        return host

    def free(self):
        acl.destroy_tensor_desc(self.desc)
        check(acl.destroy_data_buffer(self.buffer), "destroy_data_buffer")
        check(acl.rt.free(self.memory), "free")


def main(out):
    check(acl.init(), "init")
    check(acl.rt.set_device(0), "set_device")
    stream, ret = acl.rt.create_stream()
    check(ret, "create_stream")
    random = np.random.default_rng(3)
    x, y = random.random((8, 16), np.float32), random.random((8, 16), np.float32)
    z = random.random((16, 4), np.float32)
    a, b, total = Tensor(FLOAT, [8, 16], x), Tensor(FLOAT, [8, 16], y), Tensor(FLOAT, [8, 16])
    half = Tensor(FLOAT16, [8, 16])
    c, product = Tensor(FLOAT, [16, 4], z), Tensor(FLOAT, [8, 4])
    attr = acl.op.create_attr()
    ret = acl.op.execute_v2(
        "Add", [a.desc, b.desc], [a.buffer, b.buffer], [total.desc], [total.buffer], attr, stream
    )
    check(ret, "Add")
    check(acl.op.cast(a.desc, a.buffer, half.desc, half.buffer, 0, stream), "cast")
    acl.op.set_attr_bool(attr, "transpose_x1", False)
    acl.op.set_attr_bool(attr, "transpose_x2", False)
    ret = acl.op.execute_v2(
        "MatMul",
        [a.desc, c.desc],
        [a.buffer, c.buffer],
        [product.desc],
        [product.buffer],
        attr,
        stream,
    )
    check(ret, "MatMul")
    check(acl.rt.synchronize_stream(stream), "synchronize_stream")
    np.savez(out, x=x, y=y, z=z, total=total.numpy(), half=half.numpy(), product=product.numpy())
    acl.op.destroy_attr(attr)
    for tensor in (a, b, total, half, c, product):
        tensor.free()
    check(acl.rt.destroy_stream(stream), "destroy_stream")
    check(acl.rt.reset_device(0), "reset_device")
    check(acl.finalize(), "finalize")


if __name__ == "__main__":
    main(*sys.argv[1:])
