"""Ends and destructions inside callbacks of one report thread that serves several channels."""

from __future__ import annotations

import ctypes as C
import threading
from collections.abc import Callable

import pytest

from tests.softnpu_model.acl import AclError, acl
from tests.vdec import codec
from tests.vdec.test_vdec import room
from tests.vdec.vdec import Channel as Decoder
from tests.vdec.vdec import ReportThread, dvpp
from tests.venc.venc import Channel as Encoder
from tests.venc.venc import bikes

FAILURE = 500001


def ends_both(decoder: Decoder, encoder: Encoder) -> None:
    """What must come back at once, though callbacks of both are due on this very thread."""
    decoder.end()
    encoder.end()
    for call in (dvpp.aclvdecDestroyChannel, dvpp.aclvencDestroyChannel):
        channel: Decoder | Encoder = decoder if call is dvpp.aclvdecDestroyChannel else encoder
        with pytest.raises(AclError, match="inside a callback") as error:
            call(channel.desc)
        assert error.value.code == FAILURE


@pytest.mark.parametrize("where", ["decoder", "encoder", "launched"])
def test_ends_inside_any_callback_do_not_wait(report: ReportThread, where: str) -> None:
    video, stream = bikes(6), codec.bikes(6)
    inside, failures = threading.Event(), list[BaseException]()

    def once(*_: object) -> None:
        if inside.is_set():
            return
        inside.set()
        try:
            ends_both(decoder, encoder)
        except BaseException as error:
            failures.append(error)

    def hook(name: str) -> Callable[..., None] | None:
        return once if where == name else None

    encoder = Encoder(report, video.width, video.height, hook=hook("encoder"))
    decoder = Decoder(report, hook=hook("decoder"))
    report.sleep()  # what is due comes in one go
    with decoder, encoder:
        for number, packet in enumerate(stream.packets):
            decoder.send(packet, number, nbytes=room(stream.width, stream.height))
        for frame in video.frames:
            encoder.send(frame)
        launched = None
        if where == "launched":
            launched = launch(report, once)
        report.gate.set()
        assert inside.wait(10)
        if launched:
            launched()
        decoder.end()
        encoder.end()
        assert not failures, failures
        assert len(decoder.results) == len(encoder.packets) == 6


def launch(report: ReportThread, function: Callable[..., None]) -> Callable[[], None]:
    """aclrtLaunchCallback on a stream that the report thread serves, too; returns its end."""
    stream = C.c_void_p()
    acl.aclrtCreateStream(C.byref(stream))
    acl.aclrtSubscribeReport(C.c_uint64(report.id), stream)
    callback = C.CFUNCTYPE(None, C.c_void_p)(function)
    acl.aclrtLaunchCallback(callback, None, 0, stream)

    def end(keep: object = callback) -> None:
        acl.aclrtSynchronizeStream(stream)
        acl.aclrtUnSubscribeReport(C.c_uint64(report.id), stream)
        acl.aclrtDestroyStream(stream)

    return end
