"""Run the Cython loop: python setup.py build_ext --inplace && python main.py model.om"""

import sys

import numpy as np
from frames import run_brightness_sweep

import acl_fast as af

STEPS = 50

with af.Device(0) as device:
    model = device.load_model(sys.argv[1])
    request = model.create_request()
    stream = device.create_stream()
    picture = device.empty(model.inputs[0].shape, np.float32)
    mean = device.empty(model.outputs[0].shape, np.float32)
    request.set_input(0, picture)
    request.set_output(0, mean)
    request.bind(stream)
    print("sum:", run_brightness_sweep(request, stream, picture, mean, STEPS))
