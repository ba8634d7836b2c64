"""Video encoding."""

import operator

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint32_t, uintptr_t
from libc.stdlib cimport free
from libc.string cimport memset

from acl_fast._channel cimport Job, VideoChannel
from acl_fast._device cimport Context
from acl_fast._image cimport Image
from acl_fast._memory cimport Buffer
from acl_fast._picdesc cimport format_from_object, format_name
from acl_fast._runtime cimport enter
from acl_fast._timeline cimport Timeline, parse_timeout

from acl_fast._media_interface import choose_interface
from acl_fast._vdec import CODECS

PROFILES = ("baseline", "main", "high")
RATE_CONTROLS = ("vbr", "cbr")

# Bits per pixel for a bit rate that nobody chose.
DEFAULT_BITS = 0.1

cdef enum:
    LEAST_BITRATE = 10          # kbit/s
    MOST_BITRATE = 614400


@cython.final
cdef class Packet:
    """A compressed frame in Annex B, bytes-like and read-only.

    Attributes
    ----------
    pts : object
        That of the picture.
    is_key : bool
        Decoding may begin here; parameter sets come with it.
    nbytes : int
    """

    def __init__(self):
        raise TypeError("packets are made by a VideoEncoder")

    def __dealloc__(self):
        free(self.data)

    def __len__(self):
        return <Py_ssize_t>self.nbytes

    def __bytes__(self):
        return PyBytes_FromStringAndSize(<char *>self.data, <Py_ssize_t>self.nbytes)

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.data, <Py_ssize_t>self.nbytes, 1, flags)

    def __repr__(self):
        kind = "key " if self.is_key else ""
        return f"<acl_fast.media.Packet {kind}{self.nbytes} bytes, pts {self.pts}>"


@cython.final
@cython.no_gc_clear
cdef class VideoEncoder(VideoChannel):
    """Encodes NV12 or NV21 pictures of one size to H.264 or H.265, in the order they come.

    Packets have start codes (Annex B) and no reordering: each picture gives one packet. Results
    come to a native thread that never needs the GIL.

    Parameters
    ----------
    device : Device or Context
    width, height : int
        Of the pictures: even, 128 to 4096.
    codec : {'h264', 'h265', 'hevc'}
    format : {'nv12', 'nv21'}
    rate : int
        Pictures per second, for the rate control.
    bitrate : int, optional
        kbit/s; by default a tenth of a bit per pixel.
    rate_control : {'vbr', 'cbr'}
        Whether ``bitrate`` is the most or what is always spent.
    gop : int, optional
        Pictures from one key frame to the next; by default those of two seconds.
    profile : {'baseline', 'main', 'high'}
        Of H.264.
    interface : {'v1', 'v2'}, optional
        acldvpp or hi_mpi; by default what the device has, V1 where it has both.

    Attributes
    ----------
    device : Context
    codec : str
    interface : str
        'v1' or 'v2'.
    lost : int
        Pictures that gave no packet; the one after them is a key frame.
    """

    def __init__(self, Context device not None, width, height, str codec="h264", *, format="nv12",
                 rate=25, bitrate=None, rate_control="vbr", gop=None, profile="high",
                 interface=None):
        if self.jobs is not None:
            raise TypeError("an encoder is set up once")
        device.check_open()
        if codec not in CODECS:
            raise ValueError(f"codec is one of {', '.join(CODECS)}, not {codec!r}")
        if profile not in PROFILES:
            raise ValueError(f"profile is one of {', '.join(PROFILES)}, not {profile!r}")
        if rate_control not in RATE_CONTROLS:
            raise ValueError(f"rate_control is 'vbr' or 'cbr', not {rate_control!r}")
        interface = choose_interface(device, interface, "aclvencCreateChannel")
        memset(&self.options, 0, sizeof(self.options))
        self.options.hevc = CODECS[codec]
        self.options.profile = PROFILES.index(profile)
        self.options.format = format_from_object(format)
        if self.options.format not in (1, 2):
            raise ValueError(f"pictures to encode are 'nv12' or 'nv21', not {format!r}")
        self.options.width = within("width", width, 128, 4096)
        self.options.height = within("height", height, 128, 4096)
        if self.options.width % 2 or self.options.height % 2:
            raise ValueError(f"pictures to encode have even sizes, not {width}x{height}")
        self.options.rate = within("rate", rate, 1, 240)
        self.options.gop = within("gop", 2 * self.options.rate if gop is None else gop, 1, 65536)
        if bitrate is None:
            bits = DEFAULT_BITS * self.options.width * self.options.height * self.options.rate
            bitrate = max(LEAST_BITRATE, min(MOST_BITRATE, round(bits / 1000)))
        self.options.bitrate = within("bitrate", bitrate, LEAST_BITRATE, MOST_BITRATE)
        self.options.constant = rate_control == "cbr"
        self.set_up(device, codec, interface, True)
        self.worker.hevc = self.options.hevc
        try:
            self.port.open(&self.options)
        except BaseException:
            self.close()
            raise

    @property
    def width(self):
        """Of the pictures."""
        return self.options.width

    @property
    def height(self):
        """Of the pictures."""
        return self.options.height

    @property
    def format(self):
        """Name of the pictures' pixel format."""
        return format_name(self.options.format)

    cdef int check_picture(self, Image image) except -1:
        image.check_open()
        image.refuse_region("encoded")
        if <uint32_t>image.width != self.options.width \
                or <uint32_t>image.height != self.options.height \
                or image.desc.format != self.options.format:
            raise ValueError(
                f"the encoder takes {self.format} {self.width}x{self.height}, not {image.format} "
                f"{image.width}x{image.height}: scale or convert it with vpc"
            )
        return 0

    def send(self, Image image not None, pts=None, *, key=False):
        """Queue one picture; blocks, with the GIL released, while the channel is full.

        Waits for what a stream still writes to the picture. The picture must not be written until
        its packet was received; closing it is fine. C functions: aclvencSendFrame,
        hi_mpi_venc_send_frame.

        Parameters
        ----------
        image : Image
        pts : object, optional
            Given to the packet; by default the picture's.
        key : bool
            Make it a key frame.
        """
        cdef Job *job
        self.check_open()
        self.check_picture(image)
        await_writers(image)
        with self.lock:
            self.check_open()
            enter(self.worker.context)
            job = self.take_job()
            try:
                self.pending[job.index] = (image.desc, image.pts if pts is None else pts)
                self.flushed = False
                self.port.send_picture(job, image.desc, key)
            except BaseException:
                self.give_back(job)
                raise

    def receive(self, timeout=0):
        """Return the next packet; None when none is ready in time.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait, with the GIL released; None waits for ever, if anything is on its way.

        Returns
        -------
        Packet or None
        """
        cdef Job *job
        cdef double seconds = parse_timeout(timeout)
        while True:
            self.check_open()
            job = self.next_done(seconds)
            if job == NULL:
                return None
            # Whoever closes the channel frees its jobs, and waits until none is used.
            self.receiving += 1
            try:
                packet = self.packet_of(job)
            finally:
                self.receiving -= 1
            if packet is not None:
                return packet
            self.lost += 1

    cdef Packet packet_of(self, Job *job):
        """Take the packet out of a job that is done, and give that back; None without a packet."""
        cdef Packet packet = None
        self.count_lost(job.index)
        if job.code == 0:
            packet = Packet.__new__(Packet)
            packet.data = job.data
            job.data = NULL
            packet.nbytes = job.nbytes
            packet.is_key = job.is_key
            packet.pts = self.pending[job.index][1]
        self.give_back(job)
        return packet

    cdef int give_up_rest(self) except -1:
        return self.count_lost(-1)

    cdef int count_lost(self, Py_ssize_t until) except -1:
        """Give up pictures sent before job ``until`` (-1: all): V2 leaves out what failed."""
        cdef Py_ssize_t index
        cdef Job *job
        self.receiving += 1
        try:
            for index in list(self.pending):
                if index == until:
                    break
                job = <Job *><uintptr_t>self.jobs[index]
                # Another thread may have taken an earlier one and not have come here yet.
                if not job.taken:
                    self.give_back(job)
                    self.lost += 1
        finally:
            self.receiving -= 1
        return 0

    def encode(self, images):
        """Encode an iterable of pictures; yield packets in the same order.

        Parameters
        ----------
        images : iterable of Image

        Yields
        ------
        Packet
        """
        return self._results(images)

    def encode_async(self, images):
        """Encode in asyncio: an asynchronous iterator of packets; ``images`` may be one, too."""
        return self._results_async(images)

    def _send_item(self, item):
        self.send(item)

    def __repr__(self):
        if self.worker == NULL:
            return "<acl_fast.media.VideoEncoder closed>"
        return (f"<acl_fast.media.VideoEncoder {self.codec} {self.width}x{self.height} "
                f"{len(self.pending)} in flight>")


cdef uint32_t within(str name, object value, int least, int most) except? 0:
    number = operator.index(value)
    if not least <= number <= most:
        raise ValueError(f"{name} {number} is not within {least} and {most}")
    return number


cdef int await_writers(Image image) except -1:
    """Wait for queued work that writes the picture; a request that does is refused."""
    cdef Buffer state = image.memory.state()
    cdef Timeline pending = state.pending
    if pending is not None and state.pending_seq > pending.completed:
        pending.synchronize(-1.0)
    return image.memory.check_ready()
