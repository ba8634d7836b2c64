"""Run a model on every frame of a video, file or camera, without a copy of a picture by the host.

python video_to_model.py street.mp4 mean-nv12.om
python video_to_model.py rtsp://camera/stream mean-nv12.om
"""

import sys

import numpy as np

import acl_fast as af
from acl_fast import media, softnpu

with af.Device(0) as device, media.open_video(sys.argv[1], timeout=10) as video:
    model = device.load_model(sys.argv[2])
    picture = model.picture(0)  # what AIPP reads
    if picture is None or picture.format != "nv12":
        sys.exit(f"{sys.argv[2]} does not take NV12 pictures: compile it with --insert_op_conf")
    request = model.create_request()
    frames, total = 0, np.zeros(model.outputs[0].shape, np.float64)
    before = softnpu.counters() if af.info().backend == "softnpu" else {}

    with media.VideoDecoder(device, video.codec, width=video.width, height=video.height) as decoder:
        for image in decoder.decode(video):  # NV12 in device memory, in display order
            small, box = media.vpc.letterbox(image, picture.width, picture.height)
            request.set_input(0, small)  # the model reads the picture where it lies
            request.run()
            total += request.outputs[0].download()
            frames += 1

    print("frames:", frames)
    print("mean result:", (total / frames).ravel()[:8])
    if before:
        after = softnpu.counters()
        copied = {key: after[key] - before[key] for key in after if key.startswith("bytes_")}
        print("copied bytes:", copied)
