from collections.abc import Callable
from typing import Any

__all__: list[str]
MEDIA: list[str]

def launch_callback(
    fn: Callable[[Any], object], user_data: Any, block_type: int, stream: int, /
) -> int:
    """launch_callback(fn, user_data, block_type, stream)

    ``fn(user_data)`` runs on the thread that loops on process_report for the stream.
    C function: aclrtLaunchCallback. Releases the GIL."""

def process_report(timeout: int, /) -> int:
    """process_report(timeout)

    Wait at most ``timeout`` ms (-1: for ever) for a callback and run it.
    C function: aclrtProcessReport. Releases the GIL."""

def unsubscribe_report(thread_id: int, stream: int, /) -> int:
    """unsubscribe_report(thread_id, stream)

    C function: aclrtUnSubscribeReport. Releases the GIL."""

def destroy_stream(stream: int, /) -> int:
    """destroy_stream(stream)

    C function: aclrtDestroyStream. Releases the GIL."""

def destroy_stream_force(stream: int, /) -> int:
    """destroy_stream_force(stream)

    C function: aclrtDestroyStreamForce. Releases the GIL."""

def set_exception_info_callback(callback: Callable[[int], object] | int | None, /) -> int:
    """set_exception_info_callback(callback)

    ``callback(exception_info)`` runs where a task failed; None or 0 takes it back.
    C function: aclrtSetExceptionInfoCallback. Releases the GIL."""

def vdec_set_channel_desc_callback(
    channel_desc: int, callback: Callable[[int, int, Any], object], /
) -> int:
    """vdec_set_channel_desc_callback(channel_desc, callback)

    ``callback(input_stream_desc, output_pic_desc, user_data)`` runs for each frame.
    C function: aclvdecSetChannelDescCallback."""

def venc_set_channel_desc_callback(
    channel_desc: int, callback: Callable[[int, int, Any], object], /
) -> int:
    """venc_set_channel_desc_callback(channel_desc, callback)

    ``callback(input_pic_desc, output_stream_desc, user_data)`` runs for each frame.
    C function: aclvencSetChannelDescCallback."""

def vdec_send_frame(
    channel_desc: int, input: int, output: int, config: int, user_data: Any, /
) -> int:
    """vdec_send_frame(channel_desc, input, output, config, user_data)

    C function: aclvdecSendFrame. Releases the GIL."""

def vdec_send_skipped_frame(channel_desc: int, input: int, config: int, user_data: Any, /) -> int:
    """vdec_send_skipped_frame(channel_desc, input, config, user_data)

    C function: aclvdecSendSkippedFrame. Releases the GIL."""

def venc_send_frame(
    channel_desc: int, input: int, reserve: int | None, config: int, user_data: Any, /
) -> int:
    """venc_send_frame(channel_desc, input, reserve, config, user_data)

    C function: aclvencSendFrame. Releases the GIL."""

def vdec_destroy_channel_desc(channel_desc: int, /) -> int:
    """vdec_destroy_channel_desc(channel_desc)

    C function: aclvdecDestroyChannelDesc. Releases the GIL."""

def venc_destroy_channel_desc(channel_desc: int, /) -> int:
    """venc_destroy_channel_desc(channel_desc)

    C function: aclvencDestroyChannelDesc. Releases the GIL."""

def callbacks_waiting() -> int:
    """How many callbacks are on their way; for tests."""
