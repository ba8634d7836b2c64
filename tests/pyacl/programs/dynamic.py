"""Dynamic batch, image size and dims, chosen before each execution.

usage: dynamic.py kind model.om out.npz   (kind: batch, hw or dims)
"""

import sys

import acl
import numpy as np
from model import Model, check

NAME = "ascend_mbatch_shape_data"


def gears(kind, model):
    if kind == "batch":
        found, ret = acl.mdl.get_dynamic_batch(model.desc)
        check(ret, "get_dynamic_batch")
        return found["batch"][: found["batchCount"]]
    if kind == "hw":
        found, ret = acl.mdl.get_dynamic_hw(model.desc, -1)
        check(ret, "get_dynamic_hw")
        return found["hw"]
    count, ret = acl.mdl.get_input_dynamic_gear_count(model.desc, -1)
    check(ret, "get_input_dynamic_gear_count")
    found, ret = acl.mdl.get_input_dynamic_dims(model.desc, -1, count)
    check(ret, "get_input_dynamic_dims")
    return [dims["dims"] for dims in found]


def main(kind, path, out):
    check(acl.init(), "init")
    check(acl.rt.set_device(0), "set_device")
    model = Model(path)
    index, ret = acl.mdl.get_input_index_by_name(model.desc, NAME)
    check(ret, "get_input_index_by_name")
    results = {}
    dims, ret = acl.mdl.get_input_dims(model.desc, 0)
    check(ret, "get_input_dims")
    for number, gear in enumerate(gears(kind, model)):
        shape = list(dims["dims"])
        if kind == "batch":
            shape[0] = gear
            ret = acl.mdl.set_dynamic_batch_size(model.id, model.input_dataset, index, gear)
        elif kind == "hw":
            shape[2:] = gear
            ret = acl.mdl.set_dynamic_hw_size(model.id, model.input_dataset, index, *gear)
        else:
            shape = gear
            argument = {"name": "", "dimCount": len(gear), "dims": gear}
            ret = acl.mdl.set_input_dynamic_dims(model.id, model.input_dataset, index, argument)
        check(ret, "set gear")
        array = np.random.default_rng(number).random(shape, np.float32)
        model.copy_in([array])
        model.execute()
        results[f"in_{number}"], results[f"out_{number}"] = array, model.results()[0]
    np.savez(out, **results)
    model.close()
    check(acl.rt.reset_device(0), "reset_device")
    check(acl.finalize(), "finalize")


if __name__ == "__main__":
    main(*sys.argv[1:])
