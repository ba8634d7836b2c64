// Writes small ONNX models and .om files byte by byte, so that the C++ tests need no Python.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace writer {

using Dims = std::vector<int64_t>;

inline std::string varint(uint64_t value) {
    std::string text;
    for (; value >= 0x80; value >>= 7) text += static_cast<char>(value | 0x80);
    return text + static_cast<char>(value);
}
inline std::string number(unsigned field, uint64_t value) {
    return varint(field << 3) + varint(value);
}
inline std::string bytes(unsigned field, const std::string &value) {
    return varint(field << 3 | 2) + varint(value.size()) + value;
}

constexpr unsigned kFloat = 1;
constexpr unsigned kInt64 = 7;

/// ValueInfoProto; a dim of -1 gets a name, so that it varies.
inline std::string tensor(const std::string &name, const Dims &dims, unsigned type = kFloat) {
    std::string shape;
    for (const int64_t dim : dims)
        shape += bytes(1, dim >= 0 ? number(1, static_cast<uint64_t>(dim)) : bytes(2, "n"));
    return bytes(1, name) + bytes(2, bytes(1, number(1, type) + bytes(2, shape)));
}

inline std::string node(const std::string &op, const std::vector<std::string> &inputs,
                        const std::vector<std::string> &outputs) {
    std::string text;
    for (const auto &name : inputs) text += bytes(1, name);
    for (const auto &name : outputs) text += bytes(2, name);
    return text + bytes(4, op);
}

inline std::string weights(const std::string &name, const Dims &dims,
                           const std::vector<float> &values) {
    std::string text;
    for (const int64_t dim : dims) text += number(1, static_cast<uint64_t>(dim));
    const auto *raw = reinterpret_cast<const char *>(values.data());
    return text + number(2, kFloat) + bytes(8, name) +
           bytes(9, std::string(raw, values.size() * sizeof(float)));
}

struct Graph {
    std::vector<std::string> nodes, inputs, outputs, weights;
};

inline std::string onnx(const Graph &graph) {
    std::string body;
    for (const auto &item : graph.nodes) body += bytes(1, item);
    body += bytes(2, "graph");
    for (const auto &item : graph.weights) body += bytes(5, item);
    for (const auto &item : graph.inputs) body += bytes(11, item);
    for (const auto &item : graph.outputs) body += bytes(12, item);
    return number(1, 8) + bytes(7, body) + bytes(8, bytes(1, "") + number(2, 17));
}

/// c = a + b
inline std::string add(const Dims &dims) {
    return onnx({{node("Add", {"a", "b"}, {"c"})},
                 {tensor("a", dims), tensor("b", dims)},
                 {tensor("c", dims)},
                 {}});
}

/// y = x . w, w of [inner, columns] filled with `value`
inline std::string matmul(int64_t rows, int64_t inner, int64_t columns, float value) {
    const std::vector<float> values(static_cast<size_t>(inner * columns), value);
    return onnx({{node("MatMul", {"x", "w"}, {"y"})},
                 {tensor("x", {rows, inner})},
                 {tensor("y", {rows, columns})},
                 {weights("w", {inner, columns}, values)}});
}

inline uint32_t crc32(const std::string &data) {
    uint32_t crc = ~0u;
    for (const char c : data) {
        crc ^= static_cast<uint8_t>(c);
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

template <typename T>
std::string little(T value) {
    return std::string(reinterpret_cast<const char *>(&value), sizeof value);
}

/// The .om container of three sections.
inline std::string om(const std::string &manifest, const std::string &xml, const std::string &bin) {
    std::string head("SOFTNPU\0", 8);
    head += little(uint32_t{1}) + little(uint32_t{72});
    std::string body;
    for (const std::string &section : {manifest, xml, bin}) {
        body.resize((72 + body.size() + 63) / 64 * 64 - 72);
        head += little(uint64_t{72 + body.size()}) + little(uint64_t{section.size()});
        body += section;
    }
    return head + little(crc32(body)) + little(uint32_t{0}) + body;
}

/// IR of c = a + b with rows "?" (-1) of three floats.
inline std::string add_ir() {
    const std::string dims = "<dim>-1</dim><dim>3</dim>";
    const auto parameter = [&](int id, const std::string &name) {
        return "<layer id=\"" + std::to_string(id) + "\" name=\"" + name +
               "\" type=\"Parameter\" version=\"opset1\"><data shape=\"?,3\" element_type=\"f32\"/>"
               "<output><port id=\"0\" precision=\"FP32\" names=\"" +
               name + "\">" + dims + "</port></output></layer>";
    };
    return "<?xml version=\"1.0\"?><net name=\"g\" version=\"11\"><layers>" + parameter(0, "a") +
           parameter(1, "b") +
           "<layer id=\"2\" name=\"c\" type=\"Add\" version=\"opset1\">"
           "<data auto_broadcast=\"numpy\"/><input>"
           "<port id=\"0\" precision=\"FP32\">" +
           dims +
           "</port>"
           "<port id=\"1\" precision=\"FP32\">" +
           dims +
           "</port></input><output>"
           "<port id=\"2\" precision=\"FP32\" names=\"c\">" +
           dims +
           "</port></output></layer>"
           "<layer id=\"3\" name=\"r\" type=\"Result\" version=\"opset1\"><input>"
           "<port id=\"0\" precision=\"FP32\">" +
           dims +
           "</port></input></layer></layers><edges>"
           "<edge from-layer=\"0\" from-port=\"0\" to-layer=\"2\" to-port=\"0\"/>"
           "<edge from-layer=\"1\" from-port=\"0\" to-layer=\"2\" to-port=\"1\"/>"
           "<edge from-layer=\"2\" from-port=\"2\" to-layer=\"3\" to-port=\"0\"/></edges></net>";
}

/// c = a + b of [n, 3] with the batch gears 1, 2 and 4.
inline std::string gear_manifest() {
    const auto tensor = [](const std::string &name, const std::string &more) {
        return "{\"name\":\"" + name +
               "\",\"dtype\":0,\"format\":2,\"dims\":[-1,3],\"range\":null,\"size\":48" + more +
               "}";
    };
    return "{\"name\":\"add\",\"soc\":\"Ascend310P3\",\"producer\":\"test\",\"dynamic\":false,"
           "\"gear\":{\"kind\":\"batch\",\"gears\":[[1],[2],[4]],\"where\":[[0,0],[1,0]]},"
           "\"inputs\":[" +
           tensor("a", "") + "," + tensor("b", "") + "],\"outputs\":[" +
           tensor("c", ",\"gear_dims\":[[1,3],[2,3],[4,3]]") + "]}";
}

inline std::string gear_om() {
    return om(gear_manifest(), add_ir(), "");
}

}  // namespace writer
