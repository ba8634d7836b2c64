"""Any model on any files, as the tools that try a model out do.

usage: infer.py model.om folder   (reads folder/in_0.npy..., writes folder/out_0.npy...)
"""

import sys

import acl
import numpy as np
from model import Model, check


def main(path, folder):
    check(acl.init(), "init")
    check(acl.rt.set_device(0), "set_device")
    model = Model(path)
    arrays = [np.load(f"{folder}/in_{index}.npy") for index in range(len(model.inputs))]
    for index, (array, item) in enumerate(zip(arrays, model.inputs, strict=True)):
        if array.nbytes != item["size"]:
            raise SystemExit(f"input {index} has {item['size']} bytes, its file {array.nbytes}")
    model.copy_in(arrays)
    model.execute()
    for index, result in enumerate(model.results()):
        np.save(f"{folder}/out_{index}.npy", result)
    model.close()
    check(acl.rt.reset_device(0), "reset_device")
    check(acl.finalize(), "finalize")


if __name__ == "__main__":
    main(*sys.argv[1:])
