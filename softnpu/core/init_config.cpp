#include "softnpu/core/init_config.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "acl/acl_base.h"
#include "softnpu/core/status.hpp"

namespace softnpu {
namespace {

constexpr int kDeepest = 10;
constexpr std::streamoff kLargest = 10 << 20;

int read_text(const char *path, std::string &text) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) {
        return fail(ACL_ERROR_INVALID_FILE, "cannot open %s: %s", path, std::strerror(errno));
    }
    const std::streamoff size = file.tellg();
    if (size < 0 || size > kLargest) {
        return fail(ACL_ERROR_INVALID_FILE,
                    "%s is not a configuration file: want JSON up to 10 MiB", path);
    }
    text.resize(static_cast<size_t>(size));
    file.seekg(0);
    if (!file.read(text.data(), size)) {
        return fail(ACL_ERROR_INVALID_FILE, "cannot read %s: %s", path, std::strerror(errno));
    }
    return 0;
}

/// Levels of objects and arrays, without parsing: deep nesting must not reach the parser's
/// recursion.
int depth_of(const std::string &text) {
    int depth = 0;
    int deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted && c == '\\') {
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == '{' || c == '[')) {
            deepest = std::max(deepest, ++depth);
        } else if (!quoted && (c == '}' || c == ']')) {
            --depth;
        }
    }
    return deepest;
}

/// {"defaultDevice": {"default_device": "0"}}; a number is taken too.
int read_default_device(const char *path, const nlohmann::json &json, InitConfig &result) {
    const auto section = json.find("defaultDevice");
    if (section == json.end()) return 0;
    const auto value = section->is_object() ? section->find("default_device") : section->end();
    if (section->is_object() && value != section->end()) {
        const std::string text = value->is_string() ? value->get<std::string>() : value->dump();
        if (!text.empty() && text.size() < 6 &&
            text.find_first_not_of("0123456789") == std::string::npos) {
            result.default_device = std::stoi(text);
            return 0;
        }
    }
    return fail(ACL_ERROR_INVALID_PARAM,
                "%s: defaultDevice wants {\"default_device\": \"<id>\"} with a device id", path);
}

}  // namespace

int read_init_config(const char *path, InitConfig &result) {
    if (path == nullptr || *path == '\0') return 0;
    std::string text;
    if (int code = read_text(path, text)) return code;
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) return 0;
    if (depth_of(text) > kDeepest) {
        return fail(ACL_ERROR_PARSE_FILE, "%s is nested deeper than %d levels", path, kDeepest);
    }
    try {
        const auto json = nlohmann::json::parse(text);
        if (!json.is_object()) {
            return fail(ACL_ERROR_PARSE_FILE, "%s: want a JSON object at the top", path);
        }
        result.text = json.dump();
        return read_default_device(path, json, result);
    } catch (const nlohmann::json::exception &error) {
        return fail(ACL_ERROR_PARSE_FILE, "%s: %s", path, error.what());
    }
}

}  // namespace softnpu
