// Encoder and picture channels of the second media interface used from many threads at once, for
// the sanitizers. Its decoders are in test_media.cpp.
#include <atomic>
#include <cstring>

#include "acl/dvpp/hi_dvpp.h"
#include "tests/cpp/media.hpp"

namespace {

constexpr int kFrames = 6;

/// NV12 with a pattern that moves with `number`.
std::string pattern(int number) {
    std::string bytes(kBytes, '\0');
    for (size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<char>(i % kWidth + i / kWidth * 2 + static_cast<size_t>(number));
    }
    return bytes;
}

Memories frames() {
    Memories made;
    for (int i = 0; i < kFrames; ++i) {
        made.push_back(std::make_unique<Memory>(pattern(3 * i).data(), kBytes));
    }
    return made;
}

// ---- encoders ----

hi_venc_chn_attr encoder(hi_payload_type type) {
    hi_venc_chn_attr attr{};
    attr.venc_attr.type = type;
    attr.venc_attr.max_pic_width = attr.venc_attr.pic_width = kWidth;
    attr.venc_attr.max_pic_height = attr.venc_attr.pic_height = kHeight;
    attr.venc_attr.buf_size = 1 << 20;
    attr.venc_attr.is_by_frame = HI_TRUE;
    const bool hevc = type == HI_PT_H265;
    attr.rc_attr.rc_mode = hevc ? HI_VENC_RC_MODE_H265_CBR : HI_VENC_RC_MODE_H264_CBR;
    attr.rc_attr.h264_cbr = {3, 1, 25, 25, 500};
    return attr;
}

hi_s32 send(hi_venc_chn chn, const Memory &memory, hi_u64 number) {
    hi_video_frame_info frame{};
    frame.v_frame.width = kWidth;
    frame.v_frame.height = kHeight;
    frame.v_frame.pixel_format = HI_PIXEL_FORMAT_YUV_SEMIPLANAR_420;
    for (size_t i = 0; i < 2; ++i) {
        frame.v_frame.width_stride[i] = kWidth;
        frame.v_frame.height_stride[i] = kHeight;
    }
    frame.v_frame.virt_addr[0] = memory.data();
    frame.v_frame.pts = number;
    return hi_mpi_venc_send_frame(chn, &frame, -1);
}

/// Until `count` packets came, or the channel is gone; how many had bytes.
int fetch(hi_venc_chn chn, int count) {
    int good = 0;
    for (int i = 0; i < count; ++i) {
        hi_venc_pack packs[8]{};
        hi_venc_stream stream{};
        stream.pack = packs;
        stream.pack_cnt = 8;
        if (hi_mpi_venc_get_stream(chn, &stream, -1) != HI_SUCCESS) break;
        good += stream.pack_cnt > 0 && !copied(packs[0].addr, packs[0].len).empty();
        hi_mpi_venc_release_stream(chn, &stream);
    }
    return good;
}

/// In the last round the thread that fetches waits for more than is sent: it is told that the
/// channel is gone.
void encode(hi_venc_chn chn, hi_payload_type type) {
    const Memories pictures = frames();
    const hi_venc_chn_attr attr = encoder(type);
    constexpr int kRounds = 3;
    for (int round = 0; round < kRounds; ++round) {
        const bool last = round == kRounds - 1;
        OK(hi_mpi_venc_create_chn(chn, &attr));
        const hi_venc_start_param start{-1};
        OK(hi_mpi_venc_start_chn(chn, &start));
        std::atomic<int> good{0};
        Worker fetching([&] { good = fetch(chn, last ? kFrames + 1 : kFrames); });
        Worker asking([&] {
            for (int i = 0; i < 20; ++i) {
                hi_venc_chn_status status{};
                hi_venc_chn_attr now{};
                if (hi_mpi_venc_query_status(chn, &status) != HI_SUCCESS) break;
                hi_mpi_venc_get_chn_attr(chn, &now);
                hi_mpi_venc_request_idr(chn, HI_TRUE);
            }
        });
        for (size_t i = 0; i < pictures.size(); ++i) OK(send(chn, *pictures[i], i));
        if (!last) {
            fetching.join();
            EQUAL(good.load(), kFrames);
        }
        asking.join();
        OK(hi_mpi_venc_stop_chn(chn));
        OK(hi_mpi_venc_destroy_chn(chn));
        if (last) fetching.join();
    }
}

// ---- pictures ----

hi_vpc_pic_info picture(const Memory &memory, uint32_t width, uint32_t height,
                        hi_pixel_format format = HI_PIXEL_FORMAT_YUV_SEMIPLANAR_420) {
    const uint32_t pixel = format == HI_PIXEL_FORMAT_RGB_888 ? 3 : 1;
    return {memory.data(), memory.size(), width, height, width * pixel, height, format};
}

void finish(hi_vpc_chn chn, hi_u32 task) {
    OK(hi_mpi_vpc_get_process_result(chn, task, -1));
}

/// Crops of one picture and its colours, read back.
std::string crop_and_convert(hi_vpc_chn chn, const Memory &source) {
    constexpr uint32_t kPieces = 4;
    const hi_vpc_pic_info from = picture(source, kWidth, kHeight);
    Memories pieces;
    hi_vpc_crop_resize_region regions[kPieces]{};
    for (uint32_t i = 0; i < kPieces; ++i) {
        pieces.push_back(std::make_unique<Memory>(64 * 32 * 3 / 2));
        regions[i].dest_pic_info = picture(*pieces.back(), 64, 32);
        regions[i].crop_region = {i * 2, i * 16, 100, 80};
        regions[i].resize_info = {64, 32, 0};
    }
    const Memory rgb(kWidth * kHeight * 3);
    hi_vpc_pic_info colours = picture(rgb, kWidth, kHeight, HI_PIXEL_FORMAT_RGB_888);
    hi_u32 first = 0, second = 0;
    OK(hi_mpi_vpc_crop_resize(chn, &from, regions, kPieces, &first, -1));
    OK(hi_mpi_vpc_convert_color(chn, &from, &colours, &second, -1));
    finish(chn, second);
    finish(chn, first);
    std::string bytes = copied(rgb.data(), rgb.size());
    for (const auto &piece : pieces) bytes += copied(piece->data(), piece->size());
    return bytes;
}

/// The matrix that is the default, as the program's own.
void set_own_matrix(hi_vpc_chn chn) {
    hi_csc_matrix number{};
    hi_csc_coefficient known{};
    OK(hi_mpi_sys_get_chn_csc_matrix(HI_ID_VPC, chn, &number, &known));
    OK(hi_mpi_sys_set_chn_csc_matrix(HI_ID_VPC, chn, HI_CSC_MATRIX_USER, &known));
}

}  // namespace

TEST("encoders: one thread sends, one fetches, one asks, one destroys") {
    if (!has_engines()) return;
    Session session;
    OK(hi_mpi_sys_init());
    std::vector<std::unique_ptr<Worker>> workers;
    for (hi_venc_chn chn = 0; chn < 3; ++chn) {
        workers.push_back(
            std::make_unique<Worker>([chn] { encode(chn, chn == 1 ? HI_PT_H265 : HI_PT_H264); }));
    }
    join_all(workers);
    OK(hi_mpi_sys_exit());
    check_nothing_left();
}

TEST("picture channels: several threads share one, others come and go") {
    Session session;
    OK(hi_mpi_sys_init());
    {
        const hi_vpc_chn_attr attr{};
        const Memory source(pattern(7).data(), kBytes);
        OK(hi_mpi_vpc_create_chn(0, &attr));
        set_own_matrix(0);
        const std::string wanted = crop_and_convert(0, source);
        std::vector<std::unique_ptr<Worker>> workers;
        for (int i = 0; i < 3; ++i) {
            workers.push_back(std::make_unique<Worker>([&] {
                for (int round = 0; round < 4; ++round) {
                    set_own_matrix(0);
                    CHECK(crop_and_convert(0, source) == wanted);
                }
            }));
        }
        workers.push_back(std::make_unique<Worker>([&] {
            for (int round = 0; round < 4; ++round) {
                hi_vpc_chn chn = -1;
                OK(hi_mpi_vpc_sys_create_chn(&chn, &attr));
                set_own_matrix(chn);
                CHECK(crop_and_convert(chn, source) == wanted);
                // Destroyed with work in its queue.
                const Memory small(64 * 32 * 3 / 2);
                const hi_vpc_pic_info from = picture(source, kWidth, kHeight);
                hi_vpc_pic_info to = picture(small, 64, 32);
                hi_u32 task = 0;
                OK(hi_mpi_vpc_resize(chn, &from, &to, 0, 0, 0, &task, -1));
                OK(hi_mpi_vpc_destroy_chn(chn));
            }
        }));
        join_all(workers);
        OK(hi_mpi_vpc_destroy_chn(0));
    }
    OK(hi_mpi_sys_exit());
    check_nothing_left();
}

TEST_MAIN
