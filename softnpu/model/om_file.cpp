#include "softnpu/model/om_file.hpp"

#include <zlib.h>

#include <cstdio>
#include <cstring>
#include <string_view>

#include "acl/error_codes/ge_error_codes.h"

namespace softnpu {
namespace {

constexpr char kMagic[8] = {'S', 'O', 'F', 'T', 'N', 'P', 'U', '\0'};
constexpr uint32_t kVersion = 1;
constexpr uint32_t kHeaderSize = 72;
constexpr size_t kSectionAlignment = 64;
constexpr const char *kSections[] = {"manifest", "xml", "bin"};

template <typename T>
T load(const uint8_t *at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

std::string hex(uint64_t value) {
    char text[20];
    std::snprintf(text, sizeof text, "0x%08llx", static_cast<unsigned long long>(value));
    return text;
}

[[noreturn]] void cut_short(const std::string &origin, const std::string &detail) {
    throw ModelError(ACL_ERROR_GE_EXEC_MODEL_DATA_SIZE_INVALID,
                     origin + " is cut short: " + detail + "; copy or convert it again");
}

[[noreturn]] void corrupt(const std::string &origin, const std::string &detail) {
    throw ModelError(ACL_ERROR_GE_PARAM_INVALID,
                     origin + " is corrupt: " + detail + "; copy or convert it again");
}

size_t align_up(size_t size) {
    return (size + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

// The checksum does not cover the header. That sections follow each other without a gap is what
// tells a wrong offset, which would otherwise load the wrong weights.
[[noreturn]] void misplaced(const std::string &origin, size_t index, size_t offset) {
    corrupt(origin, std::string("section '") + kSections[index] + "' at " + std::to_string(offset) +
                        " does not follow the one before it");
}

uint32_t crc_of(const uint8_t *data, size_t size) {
    // zlib counts in 32 bits.
    uLong crc = crc32(0, nullptr, 0);
    for (size_t at = 0; at < size;) {
        const size_t part = size - at < (1u << 30) ? size - at : (1u << 30);
        crc = crc32(crc, data + at, static_cast<uInt>(part));
        at += part;
    }
    return static_cast<uint32_t>(crc);
}

struct Section {
    size_t offset = 0;
    size_t size = 0;
};

Section read_section(const uint8_t *data, size_t size, size_t index, const std::string &origin) {
    const Section section{load<uint64_t>(data + 16 + index * 16),
                          load<uint64_t>(data + 24 + index * 16)};
    const std::string name = std::string("section '") + kSections[index] + "' at " +
                             std::to_string(section.offset) + " with " +
                             std::to_string(section.size) + " bytes";
    if (section.offset < kHeaderSize || section.offset % kSectionAlignment != 0)
        corrupt(origin, name + " does not start on a 64-byte boundary behind the header");
    if (section.offset > size || section.size > size - section.offset)
        cut_short(origin, name + " ends beyond the " + std::to_string(size) + " bytes there are");
    return section;
}

// Walks the outermost fields of an ONNX ModelProto. Tells a model from any other file, and a whole
// model from one that was cut short, without parsing it.
class OnnxScan {
  public:
    OnnxScan(const uint8_t *data, size_t size) : at_(data), end_(data + size) {}

    enum class Verdict { model, other, cut_short };

    Verdict run() {
        // Every exporter writes ir_version first, and it is a small number.
        if (end_ - at_ < 2 || at_[0] != 0x08 || at_[1] == 0 || at_[1] > 0x40) return Verdict::other;
        bool has_graph = false;
        bool has_operators = false;
        while (at_ < end_) {
            uint64_t tag = 0;
            if (!varint(tag)) return Verdict::cut_short;
            const uint64_t field = tag >> 3;
            if (field == 0 || field > 100) return Verdict::other;
            has_graph |= field == 7;
            has_operators |= field == 8;
            uint64_t length = 0;
            switch (tag & 7) {
                case 0:
                    if (!varint(length)) return Verdict::cut_short;
                    break;
                case 2:
                    if (!varint(length)) return Verdict::cut_short;
                    if (length > static_cast<uint64_t>(end_ - at_)) return Verdict::cut_short;
                    at_ += length;
                    break;
                default:
                    return Verdict::other;
            }
        }
        if (!has_graph && !has_operators) return Verdict::other;
        return has_graph && has_operators ? Verdict::model : Verdict::cut_short;
    }

  private:
    bool varint(uint64_t &value) {
        value = 0;
        for (unsigned shift = 0; shift < 64 && at_ < end_; shift += 7) {
            const uint8_t byte = *at_++;
            value |= static_cast<uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return true;
        }
        return false;
    }

    const uint8_t *at_;
    const uint8_t *end_;
};

}  // namespace

ModelKind model_kind(const uint8_t *data, size_t size, const std::string &origin) {
    if (size == 0)
        throw ModelError(ACL_ERROR_GE_EXEC_MODEL_DATA_SIZE_INVALID, origin + " is empty");
    const size_t known = size < sizeof kMagic ? size : sizeof kMagic;
    if (std::memcmp(data, kMagic, known) == 0) return ModelKind::om;
    if (size >= 4 && std::memcmp(data, "IMOD", 4) == 0)
        throw ModelError(ACL_ERROR_GE_PARAM_INVALID,
                         origin +
                             " was compiled for a real NPU, which softnpu is not: convert the "
                             "original model with `acl-fast atc`, or load its .onnx directly");
    switch (OnnxScan(data, size).run()) {
        case OnnxScan::Verdict::model:
            return ModelKind::onnx;
        case OnnxScan::Verdict::cut_short:
            cut_short(origin, "it starts like an ONNX model but ends too early");
        case OnnxScan::Verdict::other:
            break;
    }
    std::string head;
    for (size_t i = 0; i < size && i < 8; ++i) {
        char text[4];
        std::snprintf(text, sizeof text, "%s%02x", i == 0 ? "" : " ", data[i]);
        head += text;
    }
    throw ModelError(ACL_ERROR_GE_PARAM_INVALID,
                     origin +
                         " is not a model: it is neither an .om of softnpu nor ONNX (it "
                         "starts with " +
                         head + ")");
}

namespace {

struct Sections {
    Section manifest, xml, bin;
};

Sections read_container(const uint8_t *data, size_t size, const std::string &origin) {
    if (size < kHeaderSize)
        cut_short(origin, std::to_string(size) + " bytes, its header alone has 72");
    if (std::memcmp(data, kMagic, sizeof kMagic) != 0) corrupt(origin, "wrong magic number");
    const auto version = load<uint32_t>(data + 8);
    if (version != kVersion)
        throw ModelError(ACL_ERROR_GE_PARAM_INVALID,
                         origin + " has format version " + std::to_string(version) +
                             ", this softnpu reads version 1: convert the model again");
    const auto header = load<uint32_t>(data + 12);
    if (header != kHeaderSize)
        corrupt(origin, "header size " + std::to_string(header) + " instead of 72");
    Section sections[3];
    size_t end = kHeaderSize;
    for (size_t i = 0; i < 3; ++i) {
        sections[i] = read_section(data, size, i, origin);
        if (sections[i].offset != align_up(end)) misplaced(origin, i, sections[i].offset);
        end = sections[i].offset + sections[i].size;
    }
    if (end != size) corrupt(origin, std::to_string(size - end) + " bytes follow its last section");
    if (load<uint32_t>(data + 68) != 0) corrupt(origin, "its reserved field is not 0");
    const auto stored = load<uint32_t>(data + 64);
    const uint32_t actual = crc_of(data + kHeaderSize, size - kHeaderSize);
    if (stored != actual)
        corrupt(origin, "checksum " + hex(actual) + ", but " + hex(stored) + " was recorded");
    return {sections[0], sections[1], sections[2]};
}

}  // namespace

std::string om_manifest(const uint8_t *data, size_t size, const std::string &origin) {
    const Section manifest = read_container(data, size, origin).manifest;
    return std::string(reinterpret_cast<const char *>(data + manifest.offset), manifest.size);
}

OmFile parse_om(const uint8_t *data, size_t size, const std::string &origin) {
    const Sections sections = read_container(data, size, origin);
    OmFile file;
    file.description =
        parse_manifest(reinterpret_cast<const char *>(data + sections.manifest.offset),
                       sections.manifest.size, origin);
    file.xml_offset = sections.xml.offset;
    file.xml_size = sections.xml.size;
    file.bin_offset = sections.bin.offset;
    file.bin_size = sections.bin.size;
    file.description.weight_bytes = file.bin_size;
    if (file.xml_size == 0) corrupt(origin, "section 'xml' is empty");
    return file;
}

bool may_have_external_data(const uint8_t *data, size_t size) {
    // A StringStringEntryProto whose key is "location".
    constexpr std::string_view kKey("\x0a\x08location", 10);
    return std::string_view(reinterpret_cast<const char *>(data), size).find(kKey) !=
           std::string_view::npos;
}

}  // namespace softnpu
