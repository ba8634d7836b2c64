"""The model class that most public programs have: load, datasets, execute, numpy out."""

import acl
import numpy as np

H2D, D2H = 1, 2
NPY = {0: np.float32, 1: np.float16, 2: np.int8, 3: np.int32, 4: np.uint8, 9: np.int64}


def check(ret, what):
    if ret != 0:
        raise Exception(f"{what} failed: {ret}, {acl.get_recent_err_msg()}")


class Model:
    def __init__(self, path, from_memory=False):
        if from_memory:
            with open(path, "rb") as file:
                self.data = file.read()
            pointer = acl.util.bytes_to_ptr(self.data)
            self.id, ret = acl.mdl.load_from_mem(pointer, len(self.data))
        else:
            self.id, ret = acl.mdl.load_from_file(path)
        check(ret, "load")
        self.desc = acl.mdl.create_desc()
        check(acl.mdl.get_desc(self.desc, self.id), "get_desc")
        count = acl.mdl.get_num_inputs(self.desc)
        sizes = [acl.mdl.get_input_size_by_index(self.desc, i) for i in range(count)]
        self.inputs = [self.memory(size) for size in sizes]
        self.input_dataset = self.dataset(self.inputs)
        count = acl.mdl.get_num_outputs(self.desc)
        sizes = [acl.mdl.get_output_size_by_index(self.desc, i) for i in range(count)]
        self.outputs = [self.memory(size) for size in sizes]
        self.output_dataset = self.dataset(self.outputs)

    @staticmethod
    def memory(size):
        pointer, ret = acl.rt.malloc(size, 0)
        check(ret, "malloc")
        return {"buffer": pointer, "size": size}

    @staticmethod
    def dataset(items):
        dataset = acl.mdl.create_dataset()
        for item in items:
            data = acl.create_data_buffer(item["buffer"], item["size"])
            _, ret = acl.mdl.add_dataset_buffer(dataset, data)
            check(ret, "add_dataset_buffer")
        return dataset

    def copy_in(self, arrays, stream=None):
        self.held = [np.ascontiguousarray(array) for array in arrays]
        for array, item in zip(self.held, self.inputs, strict=False):
            pointer = acl.util.numpy_to_ptr(array)
            arguments = (item["buffer"], item["size"], pointer, array.nbytes, H2D)
            if stream is None:
                check(acl.rt.memcpy(*arguments), "memcpy")
            else:
                check(acl.rt.memcpy_async(*arguments, stream), "memcpy_async")

    def execute(self):
        check(acl.mdl.execute(self.id, self.input_dataset, self.output_dataset), "execute")

    def execute_async(self, stream):
        ret = acl.mdl.execute_async(self.id, self.input_dataset, self.output_dataset, stream)
        check(ret, "execute_async")

    def results(self):
        found = []
        for index in range(acl.mdl.get_dataset_num_buffers(self.output_dataset)):
            buffer = acl.mdl.get_dataset_buffer(self.output_dataset, index)
            data, size = acl.get_data_buffer_addr(buffer), acl.get_data_buffer_size_v2(buffer)
            host, ret = acl.rt.malloc_host(size)
            check(ret, "malloc_host")
            check(acl.rt.memcpy(host, size, data, size, D2H), "memcpy")
            dims, ret = acl.mdl.get_cur_output_dims(self.desc, index)
            check(ret, "get_cur_output_dims")
            dtype = np.dtype(NPY[acl.mdl.get_output_data_type(self.desc, index)])
            nbytes = int(np.prod(dims["dims"])) * dtype.itemsize
            bytes_data = acl.util.ptr_to_bytes(host, nbytes)
            found.append(np.frombuffer(bytes_data, dtype).reshape(dims["dims"]))
            check(acl.rt.free_host(host), "free_host")
        return found

    def close(self):
        for dataset in (self.input_dataset, self.output_dataset):
            for index in range(acl.mdl.get_dataset_num_buffers(dataset)):
                buffer = acl.mdl.get_dataset_buffer(dataset, index)
                check(acl.rt.free(acl.get_data_buffer_addr(buffer)), "free")
                check(acl.destroy_data_buffer(buffer), "destroy_data_buffer")
            check(acl.mdl.destroy_dataset(dataset), "destroy_dataset")
        check(acl.mdl.destroy_desc(self.desc), "destroy_desc")
        check(acl.mdl.unload(self.id), "unload")
