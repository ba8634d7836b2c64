"""Where somebody speaks: a network whose state is an output and the next execution's input.

usage: speech.py model.om rate samples.npy out.npy   (samples: float32)
"""

import sys

import acl
import numpy as np
from model import D2H, H2D, check

CHUNKS = {8000: 256, 16000: 512}
STATE = 2 * 128 * 4


class Network:
    """Two datasets for each side: what one writes as state the other reads, without a copy."""

    def __init__(self, path, rate):
        self.chunk = CHUNKS[rate]
        self.context = self.chunk // 8
        self.id, ret = acl.mdl.load_from_file(path)
        check(ret, "load_from_file")
        self.memory = []
        self.samples = self.malloc((self.chunk + self.context) * 4)
        self.scores = [self.malloc(4) for _ in range(2)]
        self.states = [self.malloc(STATE) for _ in range(2)]
        self.rate = self.malloc(8)
        number = np.array([rate], np.int64)
        ret = acl.rt.memcpy(*self.rate, acl.util.numpy_to_ptr(number), 8, H2D)
        check(ret, "memcpy")
        names = self.names()
        self.inputs = []
        for state in self.states:
            blocks = {"input": self.samples, "state": state, "sr": self.rate}
            self.inputs.append(self.dataset(*(blocks[name] for name in names)))
        self.outputs = [
            self.dataset(score, state)
            for score, state in zip(self.scores, reversed(self.states), strict=True)
        ]
        check(acl.rt.memset(self.states[0][0], STATE, 0, STATE), "memset")
        self.turn = 0

    def names(self):
        desc = acl.mdl.create_desc()
        check(acl.mdl.get_desc(desc, self.id), "get_desc")
        count = acl.mdl.get_num_inputs(desc)
        found = [acl.mdl.get_input_name_by_index(desc, index) for index in range(count)]
        check(acl.mdl.destroy_desc(desc), "destroy_desc")
        return found

    def malloc(self, size):
        pointer, ret = acl.rt.malloc(size, 2)
        check(ret, "malloc")
        self.memory.append(pointer)
        return pointer, size

    @staticmethod
    def dataset(*blocks):
        made = acl.mdl.create_dataset()
        for block in blocks:
            _, ret = acl.mdl.add_dataset_buffer(made, acl.create_data_buffer(*block))
            check(ret, "add_dataset_buffer")
        return made

    def feed(self, window, stream):
        pointer = acl.util.bytes_to_ptr(window)
        ret = acl.rt.memcpy_async(*self.samples, pointer, len(window), H2D, stream)
        check(ret, "memcpy_async")
        ret = acl.mdl.execute_async(
            self.id, self.inputs[self.turn], self.outputs[self.turn], stream
        )
        check(ret, "execute_async")

    def score(self):
        score = np.zeros(1, np.float32)
        data, size = self.scores[self.turn]
        check(acl.rt.memcpy(acl.util.numpy_to_ptr(score), 4, data, size, D2H), "memcpy")
        self.turn ^= 1
        return score[0]

    def close(self):
        check(acl.mdl.unload(self.id), "unload")
        for made in self.inputs + self.outputs:
            for index in range(acl.mdl.get_dataset_num_buffers(made)):
                acl.destroy_data_buffer(acl.mdl.get_dataset_buffer(made, index))
            check(acl.mdl.destroy_dataset(made), "destroy_dataset")
        for pointer in self.memory:
            check(acl.rt.free(pointer), "free")


def main(path, rate, source, out):
    check(acl.init(), "init")
    check(acl.rt.set_device(0), "set_device")
    stream, ret = acl.rt.create_stream()
    check(ret, "create_stream")
    network = Network(path, int(rate))
    samples = np.concatenate([np.zeros(network.context, np.float32), np.load(source)])
    found = []
    width = network.context + network.chunk
    for start in range(0, len(samples) - width + 1, network.chunk):
        network.feed(samples[start : start + width].tobytes(), stream)
        check(acl.rt.synchronize_stream(stream), "synchronize_stream")
        found.append(network.score())
    np.save(out, np.array(found))
    network.close()
    check(acl.rt.destroy_stream(stream), "destroy_stream")
    check(acl.rt.reset_device(0), "reset_device")
    check(acl.finalize(), "finalize")


if __name__ == "__main__":
    main(*sys.argv[1:])
