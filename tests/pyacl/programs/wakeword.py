"""Words in speech: a chain of networks on one stream, each reading what the last one wrote.

usage: wakeword.py melspectrogram.om embedding.om samples.npy out.npz word.om...
"""

import sys

import acl
import numpy as np
from model import Model, check

WINDOWS, FRAMES, STEP = 16, 76, 8


class Word(Model):
    """A network whose input is another one's output, where it lies."""

    def read_from(self, source):
        buffer = acl.mdl.get_dataset_buffer(self.input_dataset, 0)
        check(acl.rt.free(acl.get_data_buffer_addr(buffer)), "free")
        ret = acl.update_data_buffer(buffer, source["buffer"], source["size"])
        check(ret, "update_data_buffer")

    def close(self):
        buffer = acl.mdl.get_dataset_buffer(self.input_dataset, 0)
        check(acl.update_data_buffer(buffer, self.memory(4)["buffer"], 4), "update_data_buffer")
        super().close()


def main(mel_path, embedding_path, source, out, *word_paths):
    check(acl.init(), "init")
    check(acl.rt.set_device(0), "set_device")
    stream, ret = acl.rt.create_stream()
    check(ret, "create_stream")
    mel, embedding = Model(mel_path), Model(embedding_path)
    words = [Word(path) for path in word_paths]
    for word in words:
        word.read_from(embedding.outputs[0])
    samples = np.load(source)
    count = mel.inputs[0]["size"] // 4
    found = []
    for start in range(0, len(samples) - count + 1, count):
        mel.copy_in([samples[start : start + count]])
        mel.execute()
        frames = mel.results()[0].reshape(-1, 32) / 10 + 2
        rows = np.arange(WINDOWS)[:, None] * STEP + np.arange(FRAMES)
        embedding.copy_in([frames[rows][..., None]], stream)
        for model in (embedding, *words):
            model.execute_async(stream)
        check(acl.rt.synchronize_stream(stream), "synchronize_stream")
        found.append([word.results()[0].item() for word in words])
    np.savez(out, scores=found, frames=frames, embedding=embedding.results()[0])
    for model in (*words, embedding, mel):
        model.close()
    check(acl.rt.destroy_stream(stream), "destroy_stream")
    check(acl.rt.reset_device(0), "reset_device")
    check(acl.finalize(), "finalize")


if __name__ == "__main__":
    main(*sys.argv[1:])
