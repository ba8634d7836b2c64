// The parser of model files against damaged, cut and random bytes. Worth most under sanitizers.
#include <cstring>
#include <random>
#include <string>

#include "check.hpp"
#include "onnx_writer.hpp"
#include "softnpu/model/om_file.hpp"

namespace {

using softnpu::ModelError;

const uint8_t *data_of(const std::string &bytes) {
    return reinterpret_cast<const uint8_t *>(bytes.data());
}

// What becomes of some bytes: "" when they parse, else the reason.
std::string outcome(const std::string &bytes) {
    // A copy of the exact size lets the sanitizer see a read beyond the end.
    const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
    try {
        if (softnpu::model_kind(exact.data(), exact.size(), "it") == softnpu::ModelKind::om)
            softnpu::parse_om(exact.data(), exact.size(), "it");
        return "";
    } catch (const ModelError &error) {
        CHECK(error.code >= 145000 && error.code < 146000);
        CHECK(std::strlen(error.what()) > 5);
        return error.what();
    }
}

std::string sealed(std::string bytes) {
    const uint32_t crc = writer::crc32(bytes.substr(72));
    std::memcpy(&bytes[64], &crc, sizeof crc);
    return bytes;
}

TEST("a sound file parses") {
    const std::string bytes = writer::gear_om();
    const softnpu::OmFile file = softnpu::parse_om(data_of(bytes), bytes.size(), "it");
    EQUAL(bytes.substr(file.xml_offset, file.xml_size), writer::add_ir());
    EQUAL(file.bin_size, size_t{0});
    EQUAL(file.description.inputs.size(), size_t{2});
    EQUAL(file.description.gears->values.size(), size_t{3});
    EQUAL(file.description.largest_gear(), size_t{2});
    CHECK(file.description.outputs[0].gear_dims[1] == (softnpu::Dims{2, 3}));
}

TEST("every length is refused but the whole") {
    for (const std::string &whole : {writer::gear_om(), writer::add({2, 3})}) {
        for (size_t size = 0; size < whole.size(); ++size)
            CHECK(!outcome(whole.substr(0, size)).empty());
        EQUAL(outcome(whole), std::string());
    }
}

TEST("one changed byte is found by the checksum") {
    const std::string whole = writer::gear_om();
    for (size_t at = 72; at < whole.size(); at += 3) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ 0x20);
        CHECK(outcome(bytes).find("checksum") != std::string::npos);
    }
}

TEST("damage with a right checksum") {
    const std::string whole = writer::gear_om();
    std::mt19937 random(1);
    for (int i = 0; i < 20000; ++i) {
        std::string bytes = whole;
        const size_t end = i % 2 == 0 ? 512 : bytes.size();  // header and manifest, or anywhere
        for (unsigned n = random() % 4 + 1; n > 0; --n) {
            const size_t at = 8 + random() % (end - 8);
            bytes[at] =
                static_cast<char>(random() % 3 == 0 ? "0189-[]{},\":"[random() % 12] : random());
        }
        outcome(sealed(bytes));
    }
}

TEST("random bytes behind each magic") {
    std::mt19937 random(2);
    for (int i = 0; i < 5000; ++i) {
        std::string bytes(random() % 300, '\0');
        for (char &c : bytes) c = static_cast<char>(random());
        const std::string starts[] = {std::string("SOFTNPU\0", 8), "IMOD", "\x08\x08", ""};
        const std::string all = starts[random() % 4] + bytes;
        CHECK(!outcome(all).empty() || all.compare(0, 2, "\x08\x08") == 0);
    }
}

TEST("numbers beyond all bounds in the manifest") {
    const std::string manifest = writer::gear_manifest();
    for (const char *number : {"-1", "-2", "1e400", "99999999999999999999", "9223372036854775807",
                               "18446744073709551615", "null", "\"x\"", "[]", "1.5"}) {
        for (const char *key :
             {"\"dtype\":", "\"format\":", "\"size\":", "[[1],[", "[[0,", "[-1,"}) {
            std::string changed = manifest;
            const size_t at = changed.find(key) + std::strlen(key);
            const size_t end = changed.find_first_of(",]", at);
            changed.replace(at, end - at, number);
            outcome(writer::om(changed, writer::add_ir(), ""));
        }
    }
}

}  // namespace

int main(int count, char **values) {
    return check::run(count > 1 ? values[1] : nullptr);
}
