"""Decode a video, scale it and encode it again: VDEC, VPC and VENC hand each other device memory.

python transcode.py street.mp4 small.h264 640 360
"""

import sys
from pathlib import Path

import acl_fast as af
from acl_fast import media

source, target = sys.argv[1:3]
width, height = map(int, sys.argv[3:5])

with af.Device(0) as device, media.open_video(source) as video:
    rate = max(1, round(video.rate))
    with (
        media.VideoDecoder(device, video.codec, width=video.width, height=video.height) as decoder,
        media.VideoEncoder(device, width, height, codec="h264", rate=rate) as encoder,
        Path(target).open("wb") as file,
    ):
        # Generators all the way: pictures go through as they come, a few at a time.
        images = (media.vpc.resize(image, width, height) for image in decoder.decode(video))
        packets = 0
        for packet in encoder.encode(images):
            file.write(packet)
            packets += 1
    print(f"{packets} packets of {width}x{height} in {target}")
