#include "softnpu/dvpp/frame_writer.hpp"

#include "acl/ops/acl_dvpp.h"
#include "softnpu/vpc/vpc.hpp"

namespace softnpu {

/// The decoder knows one matrix only; by another, RGB goes through NV12.
std::string FrameWriter::write(const DecodedPicture &decoded, const Picture &target, int matrix) {
    const FormatInfo *format = format_info(target.format);
    if (matrix == ACL_DVPP_CSC_MATRIX_BT601_WIDE || format == nullptr || format->is_yuv) {
        return decoded.write(target);
    }
    Picture yuv;
    yuv.format = PIXEL_FORMAT_YUV_SEMIPLANAR_420;
    yuv.width = target.width;
    yuv.height = target.height;
    yuv.stride_w = row_bytes(yuv.format, yuv.width, 16);
    yuv.stride_h = (yuv.height + 1) / 2 * 2;
    yuv.size = picture_bytes(yuv.format, yuv.stride_w, yuv.stride_h);
    between_.resize(yuv.size);
    yuv.data = between_.data();
    std::string why = decoded.write(yuv);
    return why.empty() ? vpc::convert_color(yuv, target, matrix) : why;
}

}  // namespace softnpu
