// One JPEG picture through acldvpp and through libjpeg's own interface, each with everything that
// can be kept from picture to picture kept. libjpeg reads and writes planes as they are coded.

#include <pybind11/pybind11.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>
// libjpeg's header needs size_t and FILE.
#include <jpeglib.h>

#include "acl/acl.h"
#include "acl/ops/acl_dvpp.h"

namespace py = pybind11;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

void check(aclError code, const char *what) {
    if (code == 0) return;
    const char *message = aclGetRecentErrMsg();
    throw std::runtime_error(std::string(what) + ": " + (message != nullptr ? message : "failed"));
}

/// Y, U and V of 4:2:0 in whole blocks, with the rows that libjpeg asks for.
struct Planes {
    std::vector<uint8_t> memory[3];
    std::vector<JSAMPROW> rows[3];
    uint32_t stride[3];

    Planes(uint32_t width, uint32_t height) {
        for (int c = 0; c < 3; ++c) {
            const uint32_t lines = ((height + 15) / 16 * 16) >> (c > 0);
            stride[c] = ((width + 31) / 32 * 32) >> (c > 0);
            memory[c].resize(size_t{stride[c]} * lines);
            for (uint32_t y = 0; y < lines; ++y) {
                rows[c].push_back(memory[c].data() + size_t{stride[c]} * y);
            }
        }
    }

    void band(uint32_t first, JSAMPARRAY planes[3]) {
        for (int c = 0; c < 3; ++c) planes[c] = rows[c].data() + (first >> (c > 0));
    }
};

/// Both ways of one picture, in both directions.
class Still {
  public:
    Still(const std::string &file, uint32_t width, uint32_t height)
        : file_(file), width_(width), height_(height), planes_(width, height) {
        channel_ = acldvppCreateChannelDesc();
        check(acldvppCreateChannel(channel_), "acldvppCreateChannel");
        check(aclrtCreateStream(&stream_), "aclrtCreateStream");
        config_ = acldvppCreateJpegeConfig();
        check(acldvppSetJpegeConfigLevel(config_, 90), "acldvppSetJpegeConfigLevel");
        const uint32_t stride = (width + 127) / 128 * 128, lines = (height + 15) / 16 * 16;
        picture_ = acldvppCreatePicDesc();
        bytes_ = stride * lines * 3 / 2;
        check(acldvppMalloc(&pixels_, bytes_), "acldvppMalloc");
        acldvppSetPicDescData(picture_, pixels_);
        acldvppSetPicDescSize(picture_, bytes_);
        acldvppSetPicDescFormat(picture_, PIXEL_FORMAT_YUV_SEMIPLANAR_420);
        acldvppSetPicDescWidthStride(picture_, stride);
        acldvppSetPicDescHeightStride(picture_, lines);
        room_ = bytes_ + (1u << 20);
        check(acldvppMalloc(&compressed_, room_), "acldvppMalloc");
        check(acldvppMalloc(&input_, file_.size()), "acldvppMalloc");
        check(aclrtMemcpy(input_, file_.size(), file_.data(), file_.size(),
                          ACL_MEMCPY_HOST_TO_DEVICE),
              "aclrtMemcpy");
        decoder_.err = jpeg_std_error(&errors_);
        jpeg_create_decompress(&decoder_);
        encoder_.err = &errors_;
        jpeg_create_compress(&encoder_);
        output_.resize(room_);
        decode(1);
        libjpeg_decode(1);
        if (std::memcmp(pixels_, planes_.memory[0].data(), width) != 0) {
            throw std::runtime_error("the two decoders differ");
        }
    }

    double decode(long n) {
        const auto start = Clock::now();
        for (long i = 0; i < n; ++i) {
            check(acldvppJpegDecodeAsync(channel_, input_, static_cast<uint32_t>(file_.size()),
                                         picture_, stream_),
                  "acldvppJpegDecodeAsync");
            check(aclrtSynchronizeStream(stream_), "aclrtSynchronizeStream");
        }
        return seconds_since(start);
    }

    double libjpeg_decode(long n) {
        const auto start = Clock::now();
        for (long i = 0; i < n; ++i) {
            jpeg_mem_src(&decoder_, reinterpret_cast<const unsigned char *>(file_.data()),
                         file_.size());
            jpeg_read_header(&decoder_, TRUE);
            decoder_.raw_data_out = TRUE;
            decoder_.do_fancy_upsampling = FALSE;
            decoder_.dct_method = JDCT_ISLOW;
            decoder_.out_color_space = JCS_YCbCr;
            jpeg_start_decompress(&decoder_);
            while (decoder_.output_scanline < decoder_.output_height) {
                JSAMPARRAY rows[3];
                planes_.band(decoder_.output_scanline, rows);
                jpeg_read_raw_data(&decoder_, rows, 16);
            }
            jpeg_finish_decompress(&decoder_);
        }
        return seconds_since(start);
    }

    double encode(long n) {
        acldvppSetPicDescWidth(picture_, width_);
        acldvppSetPicDescHeight(picture_, height_);
        const auto start = Clock::now();
        for (long i = 0; i < n; ++i) {
            uint32_t size = room_;
            check(acldvppJpegEncodeAsync(channel_, picture_, compressed_, &size, config_, stream_),
                  "acldvppJpegEncodeAsync");
            check(aclrtSynchronizeStream(stream_), "aclrtSynchronizeStream");
        }
        return seconds_since(start);
    }

    double libjpeg_encode(long n) {
        const auto start = Clock::now();
        for (long i = 0; i < n; ++i) {
            unsigned char *data = output_.data();
            unsigned long size = output_.size();
            jpeg_mem_dest(&encoder_, &data, &size);
            encoder_.image_width = width_;
            encoder_.image_height = height_;
            encoder_.input_components = 3;
            encoder_.in_color_space = JCS_YCbCr;
            jpeg_set_defaults(&encoder_);
            jpeg_set_quality(&encoder_, 90, TRUE);
            encoder_.raw_data_in = TRUE;
            encoder_.dct_method = JDCT_ISLOW;
            jpeg_start_compress(&encoder_, TRUE);
            while (encoder_.next_scanline < encoder_.image_height) {
                JSAMPARRAY rows[3];
                planes_.band(encoder_.next_scanline, rows);
                jpeg_write_raw_data(&encoder_, rows, 16);
            }
            jpeg_finish_compress(&encoder_);
        }
        return seconds_since(start);
    }

    void close() {
        jpeg_destroy_decompress(&decoder_);
        jpeg_destroy_compress(&encoder_);
        for (void *memory : {pixels_, input_, compressed_}) acldvppFree(memory);
        acldvppDestroyPicDesc(picture_);
        acldvppDestroyJpegeConfig(config_);
        acldvppDestroyChannel(channel_);
        acldvppDestroyChannelDesc(channel_);
        aclrtDestroyStream(stream_);
    }

  private:
    std::string file_;
    uint32_t width_, height_, bytes_ = 0, room_ = 0;
    Planes planes_;
    acldvppChannelDesc *channel_ = nullptr;
    acldvppPicDesc *picture_ = nullptr;
    acldvppJpegeConfig *config_ = nullptr;
    aclrtStream stream_ = nullptr;
    void *pixels_ = nullptr, *input_ = nullptr, *compressed_ = nullptr;
    jpeg_error_mgr errors_{};
    jpeg_decompress_struct decoder_{};
    jpeg_compress_struct encoder_{};
    std::vector<unsigned char> output_;
};

}  // namespace

PYBIND11_MODULE(jpeg_direct, module) {
    py::class_<Still>(module, "Still")
        .def(py::init([](const py::bytes &file, uint32_t width, uint32_t height) {
            return new Still(file, width, height);
        }))
        .def("decode", &Still::decode)
        .def("encode", &Still::encode)
        .def("libjpeg_decode", &Still::libjpeg_decode)
        .def("libjpeg_encode", &Still::libjpeg_encode)
        .def("close", &Still::close);
}
