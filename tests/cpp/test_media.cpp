// Media channels used from many threads at once; meant for the sanitizers as much as for the
// result. Streams to decode come from the encoder channels themselves.
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <map>

#include "acl/dvpp/hi_dvpp.h"
#include "tests/cpp/media.hpp"

namespace {

constexpr int kFrames = 6;

/// A picture with a moving pattern and its description.
struct Frame {
    Memory memory;
    acldvppPicDesc *desc = acldvppCreatePicDesc();

    explicit Frame(uint32_t width = kWidth, uint32_t height = kHeight)
        : memory(width * height * 3 / 2) {
        describe(desc, memory.data(), width, height);
    }
    explicit Frame(int number) : Frame() {
        std::string bytes(kBytes, '\0');
        for (size_t i = 0; i < bytes.size(); ++i) {
            bytes[i] = static_cast<char>(i % kWidth + i / kWidth * 2 + static_cast<size_t>(number));
        }
        OK(aclrtMemcpy(memory.data(), kBytes, bytes.data(), kBytes,
                       is_discrete() ? ACL_MEMCPY_HOST_TO_DEVICE : ACL_MEMCPY_DEVICE_TO_DEVICE));
    }
    ~Frame() { acldvppDestroyPicDesc(desc); }
    Frame(const Frame &) = delete;
    Frame &operator=(const Frame &) = delete;

    static void describe(acldvppPicDesc *desc, void *data, uint32_t width, uint32_t height) {
        OK(acldvppSetPicDescData(desc, data));
        OK(acldvppSetPicDescSize(desc, width * height * 3 / 2));
        OK(acldvppSetPicDescFormat(desc, PIXEL_FORMAT_YUV_SEMIPLANAR_420));
        OK(acldvppSetPicDescWidth(desc, width));
        OK(acldvppSetPicDescHeight(desc, height));
        OK(acldvppSetPicDescWidthStride(desc, width));
        OK(acldvppSetPicDescHeightStride(desc, height));
    }
};

/// A thread that serves the callbacks of channels.
class ReportThread {
  public:
    ReportThread() {
        thread_ = std::thread([this] {
            aclrtSetDevice(0);
            id_ = static_cast<uint64_t>(pthread_self());
            while (!stop_) {
                if (aclrtProcessReport(5) == ACL_ERROR_RT_THREAD_SUBSCRIBE) {
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
                }
            }
            aclrtResetDevice(0);
        });
        while (id_ == 0) std::this_thread::yield();
    }
    ~ReportThread() {
        stop_ = true;
        thread_.join();
    }
    uint64_t id() const { return id_; }

  private:
    std::atomic<uint64_t> id_{0};
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

// ---- encoding ----

struct Encoding {
    std::vector<std::string> packets;  // callbacks come on one thread, ended by the end
    std::atomic<int> called{0};
};

void encoded(acldvppPicDesc *, acldvppStreamDesc *packet, void *user) {
    auto &encoding = *static_cast<Encoding *>(user);
    if (acldvppGetStreamDescRetCode(packet) == 0) {
        encoding.packets.push_back(
            copied(acldvppGetStreamDescData(packet), acldvppGetStreamDescSize(packet)));
    }
    ++encoding.called;
}

struct Encoder {
    aclvencChannelDesc *desc = aclvencCreateChannelDesc();
    aclvencFrameConfig *config = aclvencCreateFrameConfig();

    Encoder(acldvppStreamFormat type, uint64_t thread) {
        OK(aclvencSetChannelDescThreadId(desc, thread));
        OK(aclvencSetChannelDescCallback(desc, encoded));
        OK(aclvencSetChannelDescEnType(desc, type));
        OK(aclvencSetChannelDescPicFormat(desc, PIXEL_FORMAT_YUV_SEMIPLANAR_420));
        OK(aclvencSetChannelDescPicWidth(desc, kWidth));
        OK(aclvencSetChannelDescPicHeight(desc, kHeight));
        OK(aclvencSetChannelDescKeyFrameInterval(desc, 3));
        OK(aclvencCreateChannel(desc));
    }
    ~Encoder() {
        aclvencDestroyChannel(desc);
        aclvencDestroyChannelDesc(desc);
        aclvencDestroyFrameConfig(config);
    }
    void send(const Frame &frame, Encoding &encoding) {
        OK(aclvencSendFrame(desc, frame.desc, nullptr, config, &encoding));
    }
    void end() {
        OK(aclvencSetFrameConfigEos(config, 1));
        OK(aclvencSendFrame(desc, nullptr, nullptr, config, nullptr));
        OK(aclvencSetFrameConfigEos(config, 0));
    }
};

/// `ends`: with an end of stream; else the channel is destroyed with frames in flight.
std::vector<std::string> encode(acldvppStreamFormat type, uint64_t thread, bool ends) {
    Encoding encoding;
    std::vector<std::unique_ptr<Frame>> frames;
    {
        Encoder encoder(type, thread);
        for (int i = 0; i < kFrames; ++i) {
            frames.push_back(std::make_unique<Frame>(i * 3));
            encoder.send(*frames.back(), encoding);
        }
        if (ends) encoder.end();
    }
    EQUAL(encoding.called.load(), kFrames);
    return encoding.packets;
}

// ---- decoding ----

struct Decoding {
    std::atomic<int> good{0};
    std::atomic<int> called{0};
};

/// What one frame in flight holds.
struct Sent {
    Decoding &decoding;
    Memory packet;
    Memory picture{kBytes};
};

void decoded(acldvppStreamDesc *stream, acldvppPicDesc *picture, void *user) {
    if (picture == nullptr) return;  // a skipped frame, which holds nothing
    const std::unique_ptr<Sent> sent(static_cast<Sent *>(user));
    sent->decoding.good += acldvppGetPicDescRetCode(picture) == 0;
    acldvppDestroyStreamDesc(stream);
    acldvppDestroyPicDesc(picture);
    ++sent->decoding.called;
}

struct Decoder {
    aclvdecChannelDesc *desc = aclvdecCreateChannelDesc();
    std::atomic<bool> destroyed{false};

    Decoder(acldvppStreamFormat type, uint64_t thread, uint32_t id) {
        OK(aclvdecSetChannelDescChannelId(desc, id));
        OK(aclvdecSetChannelDescThreadId(desc, thread));
        OK(aclvdecSetChannelDescCallback(desc, decoded));
        OK(aclvdecSetChannelDescEnType(desc, type));
        OK(aclvdecSetChannelDescOutPicFormat(desc, PIXEL_FORMAT_YUV_SEMIPLANAR_420));
        OK(aclvdecCreateChannel(desc));
    }
    ~Decoder() {
        if (!destroyed) aclvdecDestroyChannel(desc);
        aclvdecDestroyChannelDesc(desc);
    }
    void send(const std::string &packet, Decoding &decoding) {
        auto *sent = new Sent{decoding, Memory(packet.data(), packet.size())};
        acldvppStreamDesc *stream = acldvppCreateStreamDesc();
        OK(acldvppSetStreamDescData(stream, sent->packet.data()));
        OK(acldvppSetStreamDescSize(stream, sent->packet.size()));
        acldvppPicDesc *picture = acldvppCreatePicDesc();
        OK(acldvppSetPicDescData(picture, sent->picture.data()));
        OK(acldvppSetPicDescSize(picture, kBytes));
        OK(aclvdecSendFrame(desc, stream, picture, nullptr, sent));
    }
    void end() {
        acldvppStreamDesc *stream = acldvppCreateStreamDesc();
        OK(acldvppSetStreamDescEos(stream, 1));
        OK(aclvdecSendFrame(desc, stream, nullptr, nullptr, nullptr));
        OK(acldvppDestroyStreamDesc(stream));
    }
};

void decode(acldvppStreamFormat type, const std::vector<std::string> &packets, uint64_t thread,
            uint32_t id, bool ends) {
    Decoding decoding;
    {
        Decoder decoder(type, thread, id);
        for (const std::string &packet : packets) decoder.send(packet, decoding);
        std::string damaged = packets.back();
        damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
        decoder.send(damaged, decoding);
        if (ends) decoder.end();
    }
    EQUAL(decoding.called.load(), kFrames + 1);
    CHECK(decoding.good.load() >= kFrames);
}

// ---- pictures ----

struct PictureChannel {
    acldvppChannelDesc *desc = acldvppCreateChannelDesc();
    PictureChannel() { OK(acldvppCreateChannel(desc)); }
    ~PictureChannel() {
        acldvppDestroyChannel(desc);
        acldvppDestroyChannelDesc(desc);
    }
};

/// Cuts one picture into pieces; returns them, read back. The pieces of one picture are the same
/// on whichever stream and beside whatever else.
std::string crop_batch(const PictureChannel &channel, aclrtStream stream) {
    constexpr uint32_t kPieces = 5;
    const Frame source(7);
    acldvppBatchPicDesc *from = acldvppCreateBatchPicDesc(1);
    acldvppBatchPicDesc *to = acldvppCreateBatchPicDesc(kPieces);
    Frame::describe(acldvppGetPicDesc(from, 0), source.memory.data(), kWidth, kHeight);
    std::vector<std::unique_ptr<Memory>> pieces;
    acldvppRoiConfig *areas[kPieces];
    for (uint32_t i = 0; i < kPieces; ++i) {
        pieces.push_back(std::make_unique<Memory>(64 * 32 * 3 / 2));
        Frame::describe(acldvppGetPicDesc(to, i), pieces.back()->data(), 64, 32);
        areas[i] = acldvppCreateRoiConfig(i * 16, i * 16 + 99, i * 2, i * 2 + 79);
    }
    uint32_t count = kPieces;
    acldvppResizeConfig *resize = acldvppCreateResizeConfig();
    OK(acldvppVpcBatchCropResizeAsync(channel.desc, from, &count, 1, to, areas, resize, stream));
    OK(aclrtSynchronizeStream(stream));
    std::string bytes;
    for (const auto &piece : pieces) bytes += copied(piece->data(), piece->size());
    for (acldvppRoiConfig *area : areas) acldvppDestroyRoiConfig(area);
    acldvppDestroyResizeConfig(resize);
    acldvppDestroyBatchPicDesc(from);
    acldvppDestroyBatchPicDesc(to);
    return bytes;
}

void jpeg_there_and_back(const PictureChannel &channel, aclrtStream stream) {
    const Frame source(11);
    acldvppJpegeConfig *config = acldvppCreateJpegeConfig();
    OK(acldvppSetJpegeConfigLevel(config, 90));
    uint32_t size = 0;
    OK(acldvppJpegPredictEncSize(source.desc, config, &size));
    const Memory file(size);
    OK(acldvppJpegEncodeAsync(channel.desc, source.desc, file.data(), &size, config, stream));
    OK(aclrtSynchronizeStream(stream));
    const std::string bytes = copied(file.data(), size);
    uint32_t width = 0, height = 0, need = 0;
    int32_t components = 0;
    OK(acldvppJpegGetImageInfo(bytes.data(), size, &width, &height, &components));
    EQUAL(width, kWidth);
    OK(acldvppJpegPredictDecSize(bytes.data(), size, PIXEL_FORMAT_YUV_SEMIPLANAR_420, &need));
    const Memory output(need);
    acldvppPicDesc *desc = acldvppCreatePicDesc();
    OK(acldvppSetPicDescData(desc, output.data()));
    OK(acldvppSetPicDescSize(desc, need));
    OK(acldvppSetPicDescFormat(desc, PIXEL_FORMAT_YUV_SEMIPLANAR_420));
    OK(acldvppJpegDecodeAsync(channel.desc, file.data(), size, desc, stream));
    OK(aclrtSynchronizeStream(stream));
    EQUAL(acldvppGetPicDescRetCode(desc), 0u);
    acldvppDestroyPicDesc(desc);
    acldvppDestroyJpegeConfig(config);
}

hi_s32 send_himpi(hi_vdec_chn chn, const Memory &input, const Memory &picture, hi_u64 number) {
    hi_vdec_stream stream{};
    stream.end_of_frame = HI_TRUE;
    stream.need_display = HI_TRUE;
    stream.pts = number;
    stream.len = input.size();
    stream.addr = static_cast<hi_u8 *>(input.data());
    hi_vdec_pic_info info{};
    info.width = kWidth;
    info.height = kHeight;
    info.width_stride = kWidth;
    info.height_stride = kHeight;
    info.pixel_format = HI_PIXEL_FORMAT_YUV_SEMIPLANAR_420;
    info.vir_addr = reinterpret_cast<hi_u64>(picture.data());
    info.buffer_size = kBytes;
    return hi_mpi_vdec_send_stream(chn, &stream, &info, -1);
}

/// Until `count` frames came, or the channel is gone; how many were whole.
int fetch_himpi(hi_vdec_chn chn, int count) {
    int good = 0;
    for (int i = 0; i < count; ++i) {
        hi_video_frame_info frame{};
        hi_vdec_stream stream{};
        if (hi_mpi_vdec_get_frame(chn, &frame, nullptr, &stream, -1) != HI_SUCCESS) break;
        good += frame.v_frame.frame_flag == 0;
        hi_mpi_vdec_release_frame(chn, &frame);
    }
    return good;
}

/// In the last round nobody sends as much as the thread that fetches waits for: it is told that the
/// channel is gone.
void send_and_fetch(hi_vdec_chn chn, const Memories &inputs) {
    Memories pictures;
    while (pictures.size() < inputs.size()) pictures.push_back(std::make_unique<Memory>(kBytes));
    hi_vdec_chn_attr attr{};
    attr.type = HI_PT_H264;
    attr.mode = HI_VDEC_SEND_MODE_FRAME;
    attr.pic_width = kWidth;
    attr.pic_height = kHeight;
    attr.stream_buf_size = kWidth * kHeight;
    constexpr int kRounds = 4;
    for (int round = 0; round < kRounds; ++round) {
        const bool last = round == kRounds - 1;
        OK(hi_mpi_vdec_create_chn(chn, &attr));
        OK(hi_mpi_vdec_start_recv_stream(chn));
        std::atomic<int> good{0};
        Worker fetching([&] { good = fetch_himpi(chn, last ? kFrames + 1 : kFrames); });
        for (size_t i = 0; i < inputs.size(); ++i) {
            OK(send_himpi(chn, *inputs[i], *pictures[i], i));
            hi_vdec_chn_status status{};
            OK(hi_mpi_vdec_query_status(chn, &status));
        }
        if (!last) {
            fetching.join();
            EQUAL(good.load(), kFrames);
        }
        OK(hi_mpi_vdec_stop_recv_stream(chn));
        if (!last) OK(hi_mpi_vdec_reset_chn(chn));
        OK(hi_mpi_vdec_destroy_chn(chn));
        if (last) fetching.join();
    }
}

}  // namespace

TEST("media channels of every kind work side by side on shared threads") {
    if (!has_engines()) return;
    Session session;
    {
        ReportThread one, two;
        const auto h264 = encode(H264_HIGH_LEVEL, one.id(), true);
        const auto h265 = encode(H265_MAIN_LEVEL, two.id(), true);
        EQUAL(h264.size(), size_t{kFrames});
        EQUAL(h265.size(), size_t{kFrames});
        std::vector<std::unique_ptr<Worker>> workers;
        for (uint32_t i = 0; i < 4; ++i) {
            workers.push_back(std::make_unique<Worker>([&, i] {
                const bool hevc = i % 2 == 1;
                const uint64_t thread = i < 2 ? one.id() : two.id();
                for (int round = 0; round < 4; ++round) {
                    decode(hevc ? H265_MAIN_LEVEL : H264_HIGH_LEVEL, hevc ? h265 : h264, thread, i,
                           round % 2 == 0);
                }
            }));
        }
        for (int i = 0; i < 2; ++i) {
            workers.push_back(std::make_unique<Worker>([&, i] {
                for (int round = 0; round < 2; ++round) {
                    encode(H264_MAIN_LEVEL, i == 0 ? one.id() : two.id(), round == 0);
                }
            }));
        }
        const PictureChannel shared;
        StreamOf first;
        const std::string wanted = crop_batch(shared, first);
        for (int i = 0; i < 2; ++i) {
            workers.push_back(std::make_unique<Worker>([&] {
                const StreamOf stream;
                for (int round = 0; round < 8; ++round) {
                    CHECK(crop_batch(shared, stream) == wanted);
                    jpeg_there_and_back(shared, stream);
                }
            }));
        }
        join_all(workers);
    }
    check_nothing_left();
}

TEST("of two threads that destroy a channel in use one does") {
    if (!has_engines()) return;
    Session session;
    {
        ReportThread report;
        const auto packets = encode(H264_HIGH_LEVEL, report.id(), true);
        for (int round = 0; round < 6; ++round) {
            Decoding decoding;
            Decoder decoder(H264_HIGH_LEVEL, report.id(), 9);
            std::atomic<int> destroyed{0};
            std::vector<std::unique_ptr<Worker>> workers;
            for (const std::string &packet : packets) decoder.send(packet, decoding);
            for (int i = 0; i < 2; ++i) {
                workers.push_back(std::make_unique<Worker>(
                    [&] { destroyed += aclvdecDestroyChannel(decoder.desc) == 0; }));
            }
            join_all(workers);
            decoder.destroyed = true;
            EQUAL(destroyed.load(), 1);
            EQUAL(decoding.called.load(), kFrames);
        }
    }
    check_nothing_left();
}

TEST("channels of the second interface: one thread sends, one fetches, one destroys") {
    if (!has_engines()) return;
    Session session;
    OK(hi_mpi_sys_init());
    {
        ReportThread report;
        const auto packets = encode(H264_HIGH_LEVEL, report.id(), true);
        Memories inputs;
        for (const std::string &packet : packets) {
            inputs.push_back(std::make_unique<Memory>(packet.data(), packet.size()));
        }
        std::vector<std::unique_ptr<Worker>> workers;
        for (hi_vdec_chn chn = 0; chn < 2; ++chn) {
            workers.push_back(std::make_unique<Worker>([&, chn] { send_and_fetch(chn, inputs); }));
        }
        join_all(workers);
    }
    OK(hi_mpi_sys_exit());
    check_nothing_left();
}

TEST("channels whose context has gone take no frames and go at once") {
    if (!has_engines()) return;
    Session session;
    {
        ReportThread report;
        aclrtContext stays = nullptr, goes = nullptr;
        OK(aclrtGetCurrentContext(&stays));
        OK(aclrtCreateContext(&goes, 0));
        Decoder decoder(H264_HIGH_LEVEL, report.id(), 4);
        Encoder encoder(H264_HIGH_LEVEL, report.id());
        OK(aclrtDestroyContext(goes));
        OK(aclrtSetCurrentContext(stays));
        acldvppStreamDesc *end = acldvppCreateStreamDesc();
        OK(acldvppSetStreamDescEos(end, 1));
        EQUAL(aclvdecSendFrame(decoder.desc, end, nullptr, nullptr, nullptr),
              ACL_ERROR_INVALID_PARAM);
        OK(acldvppDestroyStreamDesc(end));
        Encoding encoding;
        const Frame frame(1);
        EQUAL(aclvencSendFrame(encoder.desc, frame.desc, nullptr, encoder.config, &encoding),
              ACL_ERROR_INVALID_PARAM);
        OK(aclvencSetFrameConfigEos(encoder.config, 1));
        EQUAL(aclvencSendFrame(encoder.desc, nullptr, nullptr, encoder.config, nullptr),
              ACL_ERROR_INVALID_PARAM);
        const auto start = std::chrono::steady_clock::now();
        decoder.destroyed = true;
        OK(aclvdecDestroyChannel(decoder.desc));
        OK(aclvencDestroyChannel(encoder.desc));
        CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
    }
    check_nothing_left();
}

TEST("a device goes while threads send to its channels") {
    if (!has_engines()) return;
    OK(aclInit(nullptr));
    OK(aclrtSetDevice(0));
    ReportThread report;
    aclrtContext context = nullptr;
    OK(aclrtGetCurrentContext(&context));
    Encoding encoding;
    const Frame frame(1);
    auto *encoder = new Encoder(H264_HIGH_LEVEL, report.id());  // goes with the device
    std::thread sender([&] {
        aclrtSetCurrentContext(context);
        while (aclvencSendFrame(encoder->desc, frame.desc, nullptr, encoder->config, &encoding) ==
               0) {
        }
    });
    while (encoding.called < 5) std::this_thread::yield();
    OK(aclrtResetDeviceForce(0));
    sender.join();
    OK(aclFinalize());
    EQUAL(check::counter("live_media_channels"), 0u);
    EQUAL(check::counter("live_streams"), 0u);
    delete encoder;
}

TEST("a device goes with its media channels at work") {
    if (!has_engines()) return;
    // What was in flight is never called back, and stays the program's.
    static Decoding decoding;
    static auto *left = new std::vector<void *>;
    {
        Session session;
        ReportThread report;
        const auto packets = encode(H264_HIGH_LEVEL, report.id(), true);
        auto *decoder = new Decoder(H264_HIGH_LEVEL, report.id(), 3);
        left->push_back(decoder);
        for (const std::string &packet : packets) {
            auto *memory = new Memory(packet.data(), packet.size());
            left->push_back(memory);
            acldvppStreamDesc *stream = acldvppCreateStreamDesc();
            OK(acldvppSetStreamDescData(stream, memory->data()));
            OK(acldvppSetStreamDescSize(stream, memory->size()));
            OK(aclvdecSendSkippedFrame(decoder->desc, stream, nullptr, &decoding));
        }
    }
    EQUAL(check::counter("live_media_channels"), 0u);
    EQUAL(check::counter("live_streams"), 0u);
}

TEST_MAIN
