// softnpu's own .om container and the telling apart of model files.
//
// Little endian: magic "SOFTNPU\0", u32 version, u32 header size 72, then (u64 offset, u64 size) of
// three sections on 64-byte boundaries: manifest (JSON), xml and bin (OpenVINO IR); u32 crc32 of
// everything behind the header, u32 zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "softnpu/core/export.hpp"
#include "softnpu/model/description.hpp"

namespace softnpu {

enum class ModelKind { om, onnx };

/// What the bytes are, whatever the file is called. Throws ModelError for everything that is not a
/// model: empty (145006), made for a real NPU, cut short or unknown. `origin` names it in messages.
SOFTNPU_API ModelKind model_kind(const uint8_t *data, size_t size, const std::string &origin);

struct OmFile {
    Description description;
    size_t xml_offset = 0;
    size_t xml_size = 0;
    size_t bin_offset = 0;
    size_t bin_size = 0;
};

/// Parses and verifies the container. Throws ModelError.
SOFTNPU_API OmFile parse_om(const uint8_t *data, size_t size, const std::string &origin);

/// The text of the manifest of a sound container, whatever it describes. Throws ModelError.
SOFTNPU_API std::string om_manifest(const uint8_t *data, size_t size, const std::string &origin);

/// The manifest alone.
Description parse_manifest(const char *text, size_t size, const std::string &origin);

/// True when an ONNX model may keep weights in files beside it. May say so of one that does not.
bool may_have_external_data(const uint8_t *data, size_t size);

}  // namespace softnpu
