"""Step 5 of docs/pyacl.md: the same chain, VDEC -> VPC -> model, written twice."""

from __future__ import annotations

import inspect
import queue
import threading
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

from benchmarks.harness import Contestant, Row, Settings, contest, statement
from benchmarks.pyacl_steps import check, pairs
from benchmarks.vdec import BUNNY

FRAMES, SIDE, NV12, H264 = 8, 416, 1, 3
NAMES = ("pyACL's descriptions", "acl_fast.media")
WIDTH, HEIGHT = BUNNY.width, BUNNY.height
PICTURE, SMALL = WIDTH * HEIGHT * 3 // 2, SIDE * SIDE * 3 // 2


def describe(media: Any, data: int, size: int, width: int, height: int) -> int:
    """A picture's description."""
    desc: int = media.dvpp_create_pic_desc()
    media.dvpp_set_pic_desc_data(desc, data)
    media.dvpp_set_pic_desc_size(desc, size)
    media.dvpp_set_pic_desc_format(desc, NV12)
    media.dvpp_set_pic_desc_width(desc, width)
    media.dvpp_set_pic_desc_height(desc, height)
    media.dvpp_set_pic_desc_width_stride(desc, width)
    media.dvpp_set_pic_desc_height_stride(desc, height)
    return desc


class Descriptions:
    """With pyACL's descriptions: a report thread, a callback and every piece of memory by hand."""

    def __init__(self, path: str) -> None:
        from acl_fast import pyacl

        acl: Any = pyacl
        self.acl = acl
        self.context, _ = acl.rt.get_context()
        self.stream, _ = acl.rt.create_stream()
        self.model, _ = acl.mdl.load_from_file(path)
        self.small, _ = acl.media.dvpp_malloc(SMALL)
        desc = acl.mdl.create_desc()
        acl.mdl.get_desc(desc, self.model)
        self.inputs, self.outputs = acl.mdl.create_dataset(), acl.mdl.create_dataset()
        acl.mdl.add_dataset_buffer(self.inputs, acl.create_data_buffer(self.small, SMALL))
        for index in range(acl.mdl.get_num_outputs(desc)):
            size = acl.mdl.get_output_size_by_index(desc, index)
            buffer = acl.create_data_buffer(acl.rt.malloc(size, 0)[0], size)
            acl.mdl.add_dataset_buffer(self.outputs, buffer)
        self.vpc = acl.media.dvpp_create_channel_desc()
        acl.media.dvpp_create_channel(self.vpc)
        self.resizing = acl.media.dvpp_create_resize_config()

    def report(self) -> None:
        self.acl.rt.set_context(self.context)
        while self.running:
            self.acl.rt.process_report(20)

    def on_frame(self, stream_desc: int, pic_desc: int, user_data: object) -> None:
        media = self.acl.media
        media.dvpp_free(media.dvpp_get_stream_desc_data(stream_desc))
        media.dvpp_destroy_stream_desc(stream_desc)
        self.decoded.put(pic_desc)

    def send(self, channel: int, config: int, packet: bytes) -> None:
        media, size = self.acl.media, len(packet)
        data, _ = media.dvpp_malloc(size)
        self.acl.rt.memcpy(data, size, self.acl.util.bytes_to_ptr(packet), size, 1)
        stream_desc = media.dvpp_create_stream_desc()
        media.dvpp_set_stream_desc_data(stream_desc, data)
        media.dvpp_set_stream_desc_size(stream_desc, size)
        room, _ = media.dvpp_malloc(PICTURE)
        pic_desc = describe(media, room, PICTURE, WIDTH, HEIGHT)
        check(media.vdec_send_frame(channel, stream_desc, pic_desc, config, None))

    def infer(self, source: int) -> None:
        media = self.acl.media
        target = describe(media, self.small, SMALL, SIDE, SIDE)
        vpc, resizing, stream = self.vpc, self.resizing, self.stream
        check(media.dvpp_vpc_resize_async(vpc, source, target, resizing, stream))
        check(self.acl.mdl.execute_async(self.model, self.inputs, self.outputs, stream))
        check(self.acl.rt.synchronize_stream(stream))
        media.dvpp_free(media.dvpp_get_pic_desc_data(source))
        media.dvpp_destroy_pic_desc(source)
        media.dvpp_destroy_pic_desc(target)

    def run(self, packets: Iterable[bytes]) -> None:
        media = self.acl.media
        self.decoded, self.running = queue.Queue[int](), True
        thread = threading.Thread(target=self.report)
        thread.start()
        channel = media.vdec_create_channel_desc()
        media.vdec_set_channel_desc_channel_id(channel, 10)
        media.vdec_set_channel_desc_thread_id(channel, thread.ident)
        media.vdec_set_channel_desc_callback(channel, self.on_frame)
        media.vdec_set_channel_desc_entype(channel, H264)
        media.vdec_set_channel_desc_out_pic_format(channel, NV12)
        check(media.vdec_create_channel(channel))
        config = media.vdec_create_frame_config()
        sent = 0
        for packet in packets:
            self.send(channel, config, packet)
            sent += 1
        end = media.dvpp_create_stream_desc()
        media.dvpp_set_stream_desc_eos(end, 1)
        media.vdec_send_frame(channel, end, 0, config, None)
        for _ in range(sent):
            self.infer(self.decoded.get())
        media.vdec_destroy_channel(channel)
        media.vdec_destroy_channel_desc(channel)
        media.vdec_destroy_frame_config(config)
        media.dvpp_destroy_stream_desc(end)
        self.running = False
        thread.join()


class Objects:
    """With acl_fast.media."""

    def __init__(self, path: str) -> None:
        import acl_fast as af
        from acl_fast import media

        self.device = af.Device(0)
        self.stream = self.device.create_stream()
        self.vpc = media.Vpc(self.device, self.stream)
        self.small = media.Image.empty(self.device, SIDE, SIDE)
        self.request = self.device.load_model(path).create_request()
        self.request.set_input(0, self.small)

    def run(self, packets: Iterable[bytes]) -> None:
        from acl_fast import media

        with media.VideoDecoder(self.device, "h264", width=WIDTH, height=HEIGHT) as decoder:
            for image in decoder.decode(packets):
                self.vpc.resize(image, out=self.small)
                self.request.run_async(self.stream)
                self.stream.synchronize()


def lines(*parts: Any) -> int:
    """How long a program is, without its blank lines."""
    return sum(
        bool(line.strip()) for part in parts for line in inspect.getsource(part).splitlines()
    )


def chain(settings: Settings) -> list[Row]:
    """Time of a frame, and the length of the programs."""
    from acl_fast._demo import model

    path = str(model.write_om(model.read(), "Ascend310P3"))
    packets = BUNNY.packets()[:FRAMES]
    contestants, length = [], []

    def timed(program: Any) -> Callable[[int], float]:
        def run(n: int) -> float:
            begin = perf_counter()
            for _ in range(n):
                program.run(packets)
            return (perf_counter() - begin) / FRAMES

        return run

    for name, kind, *more in ((NAMES[0], Descriptions, describe), (NAMES[1], Objects)):
        length.append([float(lines(kind, *more))])
        contestants.append(Contestant(name, timed(kind(path))))
    rows = contest("pyACL step 5, a frame", "ms", contestants, settings.fewer(50))
    rows += pairs("pyACL step 5, program", NAMES, length, "lines")
    return rows + host(settings)


def host(settings: Settings) -> list[Row]:
    """One picture through VPC, so small that what the host does with it is most of the time."""
    import acl_fast as af
    from acl_fast import media, pyacl

    acl: Any = pyacl
    side, nbytes = 64, 64 * 64 * 3 // 2
    stream, _ = acl.rt.create_stream()
    channel, config = acl.media.dvpp_create_channel_desc(), acl.media.dvpp_create_resize_config()
    acl.media.dvpp_create_channel(channel)
    memory, _ = acl.media.dvpp_malloc(nbytes)

    def descriptions() -> None:
        room, _ = acl.media.dvpp_malloc(nbytes)
        source = describe(acl.media, memory, nbytes, side, side)
        target = describe(acl.media, room, nbytes // 4, side // 2, side // 2)
        check(acl.media.dvpp_vpc_resize_async(channel, source, target, config, stream))
        check(acl.rt.synchronize_stream(stream))
        acl.media.dvpp_destroy_pic_desc(source)
        acl.media.dvpp_destroy_pic_desc(target)
        acl.media.dvpp_free(room)

    image, half = (media.Image.empty(af.Device(0), size, size) for size in (side, side // 2))
    contestants = [
        Contestant(NAMES[0], statement("f()", f=descriptions)),
        Contestant(
            NAMES[1],
            statement("resize(image, out=half)", resize=media.vpc.resize, image=image, half=half),
        ),
    ]
    return contest("pyACL step 5, a small picture", "us", contestants, settings)
