// H.264 and H.265 through libavcodec.
//
// Frames are decoded by libavcodec's frame threads, so a frame comes out some packets after its own
// went in. Each packet gets a running number as its time stamp, which libavcodec carries to the
// frame; a ring maps the number back to the caller's tag.
//
// Threads conceal damage while others read the same picture: what comes out then depends on their
// timing. A frame comes out when all packets up to its own were decoded, so the first one that
// damage reaches is known in time. From its key frame on, the packets are then decoded once more,
// on one thread, which makes of the same stream the same pictures each time, and the threads begin
// anew at the next key frame. What came out before is left out the second time.
#include <algorithm>
#include <array>
#include <deque>
#include <set>
#include <vector>

extern "C" {
#include <libavutil/pixdesc.h>
}

#include "softnpu/video/annexb.hpp"
#include "softnpu/video/damage.hpp"
#include "softnpu/video/pixels.hpp"
#include "softnpu/video/stage.hpp"
#include "softnpu/video/video.hpp"

namespace softnpu {
namespace {

class LibavPicture final : public DecodedPicture {
  public:
    LibavPicture(Frame frame, std::shared_ptr<PixelWriter> pixels)
        : frame_(std::move(frame)), pixels_(std::move(pixels)) {}

    std::string write(const Picture &picture) const override {
        return pixels_->write(*frame_, picture);
    }

  private:
    const Frame frame_;
    const std::shared_ptr<PixelWriter> pixels_;  // of the decoder
};

struct LibavPacket final : CodedPacket {
    explicit LibavPacket(AvPacket made) : packet(std::move(made)) {}

    AvPacket packet;
};

/// A packet that may have to be decoded once more.
struct Sent {
    AvPacket coded;
    uint64_t number = 0;
    PacketFacts facts;
    bool begins = false;  // decoding may begin here
    bool gaps_allowed = false;
    int block_size = 0;
    std::vector<uint8_t> sets;  // where decoding may begin: the parameter sets
};

/// A frame that nobody has asked for yet.
struct Waiting {
    Frame frame;
    bool is_settled = false;  // came from the one thread: `damaged` is known
    bool damaged = false;
};

class LibavDecoder final : public VideoDecoder {
  public:
    std::string open(Codec codec, int threads) {
        reader_ = PacketReader(codec);
        codec_ = avcodec_find_decoder(codec == Codec::h264 ? AV_CODEC_ID_H264 : AV_CODEC_ID_HEVC);
        threads_ = std::clamp(threads, 1, 16);
        if (codec_ == nullptr) return "this libavcodec has no decoder for the codec";
        return stage_.open(codec_, threads_, false, damage_);
    }

    std::unique_ptr<CodedPacket> keep(const uint8_t *data, size_t size) override {
        if (size == 0 || size > kLargestPacket) return nullptr;
        AvPacket packet = packets_.make(data, size);
        return packet != nullptr ? std::make_unique<LibavPacket>(std::move(packet)) : nullptr;
    }

    std::string send(std::unique_ptr<CodedPacket> kept, uint64_t tag) override {
        if (kept == nullptr) return "the packet is empty or larger than 1 GB, or memory is short";
        if (finished_) reset();
        Sent packet;
        packet.coded = std::move(static_cast<LibavPacket &>(*kept).packet);
        packet.facts = reader_.read(packet.coded->data, static_cast<size_t>(packet.coded->size));
        packet.number = next_++;
        packet.coded->pts = packet.coded->dts = static_cast<int64_t>(packet.number);
        packet.gaps_allowed = reader_.gaps_allowed();
        packet.block_size = reader_.block_size();
        packet.begins = packet.facts.is_key || packet.number == first_;
        if (packet.begins) packet.sets = reader_.parameter_sets();
        note(packet, tag);
        settled_ = false;
        // What libavcodec does not like about the bytes shows in the missing frame.
        return enter(std::move(packet)) == AVERROR(ENOMEM) ? "out of memory" : "";
    }

    std::string finish() override {
        if (!finished_) end_stage();
        finished_ = true;
        return "";
    }

    bool receive(DecodedFrame &out) override {
        if (next_ == first_) return false;  // nothing was sent
        for (int failures = 0; failures < Stage::kFailures;) {
            if (waiting_.empty()) {
                Frame frame;
                const int error = stage_.receive(frame);
                if (error == AVERROR_EOF && !careful_ && damage_.first() != kNone) {
                    decode_again();
                    continue;
                }
                if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return false;
                failures += error != 0;  // of one damaged packet; it goes on behind it
                if (error == 0) hold(std::move(frame));
                continue;
            }
            if (!waiting_.front().is_settled && is_damaged(*waiting_.front().frame)) {
                decode_again();
                continue;
            }
            Waiting next = std::move(waiting_.front());
            waiting_.pop_front();
            if (!next.is_settled) passed(number_of(*next.frame));
            hand_out(std::move(next), out);
            return true;
        }
        return false;
    }

    void settle() override {
        if (settled_ || finished_ || careful_) return;
        settle_stage();
        settled_ = true;
    }

    int reorder_depth() const override {
        return std::max({depth_, stage_.reorder_depth(), reader_.reorder_depth()});
    }

    void reset() override {
        stage_.flush();  // waits for the threads, which may tell of damage
        if (careful_ || damage_.first() != kNone) renew(reader_.parameter_sets());
        waiting_.clear();
        forget();
        first_ = next_;
        depth_ = 0;
        finished_ = careful_ = skips_leading_ = false;
        damage_.clear();
        reader_.restart();
    }

  private:
    static constexpr size_t kLargestPacket = size_t{1} << 30;
    static constexpr uint64_t kTags = 4096;  // more packets than libavcodec ever holds back
    static constexpr uint64_t kNone = ~uint64_t{0};
    // What is kept to be decoded once more.
    static constexpr size_t kMostPackets = 1024;
    static constexpr size_t kMostBytes = size_t{64} << 20;

    /// What is to be known when its frame comes out.
    struct Note {
        uint64_t tag = 0;
        bool is_key = false;
        bool ends_refresh = false;
        uint64_t refresh = 0;  // the packet at which it began
    };

    void note(const Sent &packet, uint64_t tag) {
        notes_[packet.number % kTags] = {tag, packet.facts.is_key, packet.facts.ends_refresh,
                                         refresh_};
        if (packet.facts.begins_refresh) refresh_ = packet.number;
    }

    // ---- packets ----

    /// The next packet of the stream, for the first time or once more.
    int enter(Sent packet) {
        if (careful_ && packet.begins && packet.number > hurt_) hurry(packet);
        if (packet.facts.has_picture && !packet.begins) {
            // As the H.265 decoder leaves out what refers to pictures before its beginning.
            if (skips_leading_ && packet.facts.may_lead) return 0;
            skips_leading_ = false;
        }
        if (packet.block_size != 0) damage_.blocks().set_size(packet.block_size);
        damage_.allow_gaps(packet.gaps_allowed);
        if (packet.facts.lost) damage_.add_gap(packet.number);
        const int64_t mark = DamageList::mark(packet.number, packet.facts.has_picture);
        const int error = stage_.send(packet.coded.get(), mark, ready_);
        if (careful_) {
            stage_.settle(packet.number + 1, ready_);
            stage_.take(ready_);
        } else {
            keep(std::move(packet));
        }
        hold_ready();
        return error;
    }

    void keep(Sent packet) {
        kept_bytes_ += static_cast<size_t>(packet.coded->size);
        kept_.push_back(std::move(packet));
        while (kept_.size() > kMostPackets || kept_bytes_ > kMostBytes) let_go();
    }

    void let_go() {
        kept_bytes_ -= static_cast<size_t>(kept_.front().coded->size);
        kept_.pop_front();
    }

    void forget() {
        kept_.clear();
        kept_bytes_ = 0;
        passed_.clear();
    }

    /// An undamaged frame came out of the threads.
    void passed(uint64_t number) {
        passed_.insert(number);
        if (!note_of(number).is_key) return;
        damage_.pass_key(number);
        while (!kept_.empty() && kept_.front().number < number) let_go();
        passed_.erase(passed_.begin(), passed_.lower_bound(number));
    }

    // ---- after damage ----

    /// Damage reaches the next frame of the threads.
    void decode_again() {
        hurt_ = damage_.first();
        careful_ = true;
        depth_ = reorder_depth();
        std::deque<Sent> again;
        again.swap(kept_);
        kept_bytes_ = 0;
        const auto behind = std::find_if(again.begin(), again.end(),
                                         [this](const Sent &sent) { return sent.number > hurt_; });
        auto start = std::find_if(std::make_reverse_iterator(behind), again.rend(),
                                  [](const Sent &sent) { return sent.begins; });
        if (start != again.rend() && stage_.open(codec_, 1, true, damage_).empty()) {
            auto from = start.base() - 1;
            waiting_.clear();
            damage_.clear();
            begin_at(*from);
            enter_all(again, from);
        } else {
            // Too long ago. What the threads made meanwhile has to do; from now on they work one
            // after the other.
            const auto next =
                std::find_if(behind, again.end(), [](const Sent &sent) { return sent.begins; });
            if (next != again.end()) limit_ = next->number;
            settle_waiting();
            settle_stage();
            enter_all(again, next);
        }
        // As the caller has been told.
        if (finished_) end_stage();
        if (settled_ && !finished_ && !careful_) settle_stage();
    }

    void enter_all(std::deque<Sent> &packets, std::deque<Sent>::iterator from) {
        for (; from != packets.end(); ++from) enter(std::move(*from));
    }

    /// Frames of the threads that have to do.
    void settle_waiting() {
        std::deque<Waiting> all;
        all.swap(waiting_);
        for (Waiting &next : all) hold(std::move(next.frame));
    }

    /// Damage is over at this packet: threads again.
    void hurry(const Sent &packet) {
        depth_ = reorder_depth();
        limit_ = packet.number;
        end_stage();
        limit_ = kNone;
        careful_ = false;
        renew({});
        damage_.clear();
        forget();
        begin_at(packet);
    }

    /// A new decoder with all threads.
    void renew(const std::vector<uint8_t> &sets) {
        if (!stage_.open(codec_, threads_, false, damage_).empty()) {
            stage_.flush();  // out of memory: the old one has to do
        }
        stage_.send_sets(sets, next_, ready_);
    }

    /// The first packet of a new decoder.
    void begin_at(const Sent &packet) {
        stage_.send_sets(packet.sets, packet.number, ready_);
        skips_leading_ = packet.facts.is_key && !packet.facts.is_idr;
    }

    void settle_stage() {
        stage_.settle(next_, ready_);
        hold_ready();
    }

    /// Everything that is in the decoder comes out.
    void end_stage() {
        stage_.finish(ready_);
        if (careful_) stage_.take(ready_);
        hold_ready();
    }

    // ---- frames ----

    uint64_t number_of(const AVFrame &frame) const {
        const auto stamp = static_cast<uint64_t>(frame.pts);
        const bool known = frame.pts != AV_NOPTS_VALUE && stamp < next_ && next_ - stamp < kTags;
        return known ? stamp : next_ - 1;
    }

    const Note &note_of(uint64_t number) const { return notes_[number % kTags]; }

    bool is_damaged(const AVFrame &frame) {
        const uint64_t number = number_of(frame);
        if ((frame.flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame.decode_error_flags != 0) {
            damage_.add(number);
        }
        // The last packet that was decoded before the frame came out.
        const bool known = frame.pkt_dts != AV_NOPTS_VALUE;
        damage_.check_blocks(known ? static_cast<uint64_t>(frame.pkt_dts) : next_ - 1);
        return damage_.covers(number, note_of(number).is_key);
    }

    void hold_ready() {
        for (Frame &frame : ready_) hold(std::move(frame));
        ready_.clear();
    }

    void hold(Frame frame) {
        if (!careful_) {
            waiting_.push_back({std::move(frame), false, false});
            return;
        }
        const uint64_t number = number_of(*frame);
        if (number >= limit_ || passed_.count(number) != 0) return;
        const Note &known = note_of(number);
        if (known.ends_refresh) damage_.refreshed_since(known.refresh);
        const bool damaged = is_damaged(*frame);
        if (known.is_key) damage_.pass_key(number);
        waiting_.push_back({std::move(frame), true, damaged});
    }

    void hand_out(Waiting next, DecodedFrame &out) {
        const AVFrame &frame = *next.frame;
        out.tag = note_of(number_of(frame)).tag;
        out.begins = note_of(number_of(frame)).is_key;
        out.width = static_cast<uint32_t>(frame.width);
        out.height = static_cast<uint32_t>(frame.height);
        out.interlaced = frame.interlaced_frame != 0;
        const AVPixFmtDescriptor *format =
            av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
        out.bit_depth = format != nullptr ? format->comp[0].depth : 8;
        out.damaged = next.damaged;
        out.picture = std::make_shared<LibavPicture>(std::move(next.frame), pixels_);
    }

    const AVCodec *codec_ = nullptr;
    int threads_ = 1;
    PacketReader reader_;
    DamageList damage_;  // before the decoder, whose threads use it
    Stage stage_;
    std::deque<Frame> ready_;      // just out of the decoder
    std::deque<Waiting> waiting_;  // not asked for yet
    std::array<Note, kTags> notes_{};
    uint64_t first_ = 0;  // number of the first packet since the last reset
    uint64_t next_ = 0;
    uint64_t refresh_ = 0;  // the packet at which the last refresh began
    int depth_ = 0;  // the largest that a decoder told; a new one has to read the stream first
    bool finished_ = false;
    bool settled_ = false;
    PacketPool packets_;
    std::deque<Sent> kept_;  // from the last key frame that came out on
    size_t kept_bytes_ = 0;
    std::set<uint64_t> passed_;  // came out since then
    bool careful_ = false;       // damage: one thread
    uint64_t hurt_ = 0;          // the first damaged packet
    uint64_t limit_ = kNone;     // frames from here on come from the next decoder
    bool skips_leading_ = false;
    std::shared_ptr<PixelWriter> pixels_ = std::make_shared<PixelWriter>();
};

}  // namespace

std::unique_ptr<VideoDecoder> make_decoder(Codec codec, int threads, std::string &why) {
    auto decoder = std::make_unique<LibavDecoder>();
    why = decoder->open(codec, threads);
    if (!why.empty()) return nullptr;
    return decoder;
}

}  // namespace softnpu
