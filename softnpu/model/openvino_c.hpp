// The part of OpenVINO's C interface that softnpu calls, declared here so that softnpu builds
// without OpenVINO: the library is found and opened when the first model is loaded.
// tests/cpp/model_openvino_abi.cpp compares every line with the headers of the wheel.
#pragma once

#include <cstddef>
#include <cstdint>

namespace softnpu::ov {

// Opaque objects of the library.
struct Core;
struct Network;   // ov_model_t
struct Compiled;  // ov_compiled_model_t
struct Request;   // ov_infer_request_t
struct Tensor;
struct Port;  // ov_output_const_port_t

// ov_status_e
enum Status : int { kOk = 0 };

// ov_element_type_e, since OpenVINO 2025.
enum class Element : unsigned {
    dynamic = 0,
    boolean = 1,
    bf16 = 2,
    f16 = 3,
    f32 = 4,
    f64 = 5,
    i4 = 6,
    i8 = 7,
    i16 = 8,
    i32 = 9,
    i64 = 10,
    u1 = 11,
    u4 = 14,
    u8 = 16,
    u16 = 17,
    u32 = 18,
    u64 = 19,
    text = 23,
};

// ov_shape_t: passed by value, does not own `dims`.
struct Shape {
    int64_t rank;
    int64_t *dims;
};

// ov_dimension_t, also ov_rank_t; max -1 = unbounded.
struct Dimension {
    int64_t min;
    int64_t max;
};

// ov_partial_shape_t: passed by value.
struct PartialShape {
    Dimension rank;
    Dimension *dims;
};

// ov_version_t
struct Version {
    const char *build;
    const char *description;
};

// X(name without the "ov_" prefix, return type, parameters)
#define SOFTNPU_OPENVINO_FUNCTIONS(X)                                                         \
    X(get_openvino_version, Status, (Version *))                                              \
    X(version_free, void, (Version *))                                                        \
    X(get_error_info, const char *, (Status))                                                 \
    X(get_last_err_msg, const char *, ())                                                     \
    X(free, void, (const char *))                                                             \
    X(core_create, Status, (Core **))                                                         \
    X(core_free, void, (Core *))                                                              \
    X(core_read_model, Status, (const Core *, const char *, const char *, Network **))        \
    X(core_read_model_from_memory_buffer, Status,                                             \
      (const Core *, const char *, size_t, const Tensor *, Network **))                       \
    X(core_compile_model, Status,                                                             \
      (const Core *, const Network *, const char *, size_t, Compiled **, ...))                \
    X(model_free, void, (Network *))                                                          \
    X(model_inputs_size, Status, (const Network *, size_t *))                                 \
    X(model_outputs_size, Status, (const Network *, size_t *))                                \
    X(model_const_input_by_index, Status, (const Network *, size_t, Port **))                 \
    X(model_const_output_by_index, Status, (const Network *, size_t, Port **))                \
    X(model_reshape_by_port_indexes, Status,                                                  \
      (const Network *, const size_t *, const PartialShape *, size_t))                        \
    X(compiled_model_free, void, (Compiled *))                                                \
    X(compiled_model_inputs_size, Status, (const Compiled *, size_t *))                       \
    X(compiled_model_outputs_size, Status, (const Compiled *, size_t *))                      \
    X(compiled_model_input_by_index, Status, (const Compiled *, size_t, Port **))             \
    X(compiled_model_output_by_index, Status, (const Compiled *, size_t, Port **))            \
    X(compiled_model_get_property, Status, (const Compiled *, const char *, char **))         \
    X(compiled_model_create_infer_request, Status, (const Compiled *, Request **))            \
    X(infer_request_free, void, (Request *))                                                  \
    X(infer_request_set_input_tensor_by_index, Status, (Request *, size_t, const Tensor *))   \
    X(infer_request_set_output_tensor_by_index, Status, (Request *, size_t, const Tensor *))  \
    X(infer_request_get_input_tensor_by_index, Status, (const Request *, size_t, Tensor **))  \
    X(infer_request_get_output_tensor_by_index, Status, (const Request *, size_t, Tensor **)) \
    X(infer_request_infer, Status, (Request *))                                               \
    X(infer_request_cancel, Status, (Request *))                                              \
    X(tensor_create, Status, (Element, Shape, Tensor **))                                     \
    X(tensor_create_from_host_ptr, Status, (Element, Shape, void *, Tensor **))               \
    X(tensor_get_shape, Status, (const Tensor *, Shape *))                                    \
    X(tensor_get_byte_size, Status, (const Tensor *, size_t *))                               \
    X(tensor_data, Status, (const Tensor *, void **))                                         \
    X(tensor_free, void, (Tensor *))                                                          \
    X(shape_free, Status, (Shape *))                                                          \
    X(partial_shape_free, void, (PartialShape *))                                             \
    X(port_get_any_name, Status, (const Port *, char **))                                     \
    X(port_get_partial_shape, Status, (const Port *, PartialShape *))                         \
    X(port_get_element_type, Status, (const Port *, Element *))                               \
    X(output_const_port_free, void, (Port *))

// One pointer per function, filled when the library is opened.
struct Api {
#define SOFTNPU_OPENVINO_POINTER(name, result, parameters) result(*name) parameters = nullptr;
    SOFTNPU_OPENVINO_FUNCTIONS(SOFTNPU_OPENVINO_POINTER)
#undef SOFTNPU_OPENVINO_POINTER
};

}  // namespace softnpu::ov
