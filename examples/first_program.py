"""Load a model, run it once, read its outputs.

python first_program.py model.om
"""

import sys

import numpy as np

import acl_fast as af

with af.Device(0) as device:  # init, set device, context
    model = device.load_model(sys.argv[1])
    for tensor in (*model.inputs, *model.outputs):
        print(f"{tensor.name}: {tensor.shape} {tensor.dtype}")

    # A request owns memory of the right kind and alignment for every input and output.
    request = model.create_request()
    picture = np.random.default_rng(0).random(model.inputs[0].shape, dtype=np.float32)
    request.inputs[0].upload(picture)  # works on a card and on softnpu alike
    request.run()  # waits, with the GIL released
    result = request.outputs[0].download()

    print("result:", result.ravel()[:8])
    print("mean colour of the picture:", picture.mean(axis=(0, 2, 3)))
