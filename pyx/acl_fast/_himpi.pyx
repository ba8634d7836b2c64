"""What the ports of the second media interface (hi_mpi) have in common."""

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from libc.string cimport memset

from acl_fast cimport abi
from acl_fast.abi cimport (
    aclError,
    hi_pixel_format,
    hi_pngd_chn_attr,
    hi_u32,
    hi_u64,
    hi_vdec_chn_attr,
    hi_vdec_pic_info,
    hi_vdec_stream,
    hi_venc_chn_attr,
    hi_video_frame_info,
)
from acl_fast._errors cimport check
from acl_fast._picdesc cimport PicDesc

cdef enum:
    CHANNELS = 256
    INVALID_ID = 2              # the last byte of such codes


cdef int create_vdec(int channel, const void *attr) noexcept nogil:
    return abi.hi_mpi_vdec_create_chn(channel, <const hi_vdec_chn_attr *>attr)


cdef int create_venc(int channel, const void *attr) noexcept nogil:
    return abi.hi_mpi_venc_create_chn(channel, <const hi_venc_chn_attr *>attr)


cdef int create_pngd(int channel, const void *attr) noexcept nogil:
    return abi.hi_mpi_pngd_create_chn(channel, <const hi_pngd_chn_attr *>attr)


cdef int32_t create_at_free_number(Creator create, const void *attr, uint32_t exists,
                                   uint32_t not_ready, const char *function) except -1:
    cdef int code = 0, number
    with nogil:
        for number in range(CHANNELS):
            code = create(number, attr)
            if <uint32_t>code == not_ready and abi.hi_mpi_sys_init() == 0:
                code = create(number, attr)
            if <uint32_t>code != exists:
                break
    # Numbers end at the chip's own limit, too.
    if <uint32_t>code == exists or (number > 0 and <uint32_t>code & 0xFF == INVALID_ID):
        raise RuntimeError(f"{function.decode()}: {number + (<uint32_t>code == exists)} channels "
                           "of this kind are open: close one")
    check(<aclError>code, function)
    return number


cdef void fill_packet(hi_vdec_stream *packet, void *address, size_t nbytes, uint64_t pts) noexcept:
    memset(packet, 0, sizeof(packet[0]))
    packet.end_of_frame = abi.HI_TRUE
    packet.need_display = abi.HI_TRUE
    packet.pts = <hi_u64>pts
    packet.len = <hi_u32>nbytes
    packet.addr = <abi.hi_u8 *>address


cdef void fill_target(hi_vdec_pic_info *target, PicDesc picture) noexcept:
    memset(target, 0, sizeof(target[0]))
    target.width = picture.width
    target.height = picture.height
    target.width_stride = picture.stride_width
    target.height_stride = picture.stride_height
    target.pixel_format = <hi_pixel_format>picture.format
    target.vir_addr = <hi_u64><uintptr_t>picture.buffer.address
    target.buffer_size = <hi_u32>picture.buffer.nbytes


cdef void fill_frame(hi_video_frame_info *frame, PicDesc picture, uint64_t pts) noexcept:
    cdef char *address = <char *>picture.buffer.address
    cdef int plane
    memset(frame, 0, sizeof(frame[0]))
    frame.v_frame.width = picture.width
    frame.v_frame.height = picture.height
    frame.v_frame.pixel_format = <hi_pixel_format>picture.format
    for plane in range(2):
        frame.v_frame.width_stride[plane] = picture.stride_width
        frame.v_frame.height_stride[plane] = picture.stride_height
    frame.v_frame.virt_addr[0] = address
    if picture.planes == 2:
        frame.v_frame.virt_addr[1] = (address + <size_t>picture.stride_width
                                      * picture.stride_height)
    frame.v_frame.pts = <hi_u64>pts
