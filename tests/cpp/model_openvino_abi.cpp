// Compiles softnpu's own declarations of OpenVINO's C interface against the headers of the wheel.
// Everything is checked by the compiler; running the program only reports that.
#include <openvino/c/openvino.h>

#include <cstddef>
#include <cstdio>
#include <type_traits>

#include "softnpu/model/openvino_c.hpp"

namespace ours = softnpu::ov;

// Theirs<T>: the type OpenVINO uses where we use T.
template <typename T>
struct Theirs {
    using type = T;
};
#define SAME(mine, other)   \
    template <>             \
    struct Theirs<mine> {   \
        using type = other; \
    }
SAME(ours::Core, ov_core_t);
SAME(ours::Network, ov_model_t);
SAME(ours::Compiled, ov_compiled_model_t);
SAME(ours::Request, ov_infer_request_t);
SAME(ours::Tensor, ov_tensor_t);
SAME(ours::Port, ov_output_const_port_t);
SAME(ours::Status, ov_status_e);
SAME(ours::Element, ov_element_type_e);
SAME(ours::Shape, ov_shape_t);
SAME(ours::Dimension, ov_dimension_t);
SAME(ours::PartialShape, ov_partial_shape_t);
SAME(ours::Version, ov_version_t);
template <typename T>
struct Theirs<const T> {
    using type = const typename Theirs<T>::type;
};
template <typename T>
struct Theirs<T *> {
    using type = typename Theirs<T>::type *;
};
template <typename R, typename... A>
struct Theirs<R(A...)> {
    using type = typename Theirs<R>::type(typename Theirs<A>::type...);
};
template <typename R, typename... A>
struct Theirs<R(A..., ...)> {
    using type = typename Theirs<R>::type(typename Theirs<A>::type..., ...);
};

#define CHECK_FUNCTION(name, result, parameters)                                                 \
    static_assert(std::is_same_v<Theirs<std::remove_pointer_t<decltype(ours::Api::name)>>::type, \
                                 decltype(ov_##name)>,                                           \
                  "ov_" #name " is declared differently in OpenVINO's header");
SOFTNPU_OPENVINO_FUNCTIONS(CHECK_FUNCTION)

#define CHECK_ELEMENT(mine, other) \
    static_assert(static_cast<unsigned>(ours::Element::mine) == static_cast<unsigned>(other))
CHECK_ELEMENT(dynamic, DYNAMIC);
CHECK_ELEMENT(boolean, BOOLEAN);
CHECK_ELEMENT(bf16, BF16);
CHECK_ELEMENT(f16, F16);
CHECK_ELEMENT(f32, F32);
CHECK_ELEMENT(f64, F64);
CHECK_ELEMENT(i4, I4);
CHECK_ELEMENT(i8, I8);
CHECK_ELEMENT(i16, I16);
CHECK_ELEMENT(i32, I32);
CHECK_ELEMENT(i64, I64);
CHECK_ELEMENT(u1, U1);
CHECK_ELEMENT(u4, U4);
CHECK_ELEMENT(u8, U8);
CHECK_ELEMENT(u16, U16);
CHECK_ELEMENT(u32, U32);
CHECK_ELEMENT(u64, U64);
CHECK_ELEMENT(text, STRING);
static_assert(static_cast<int>(ours::kOk) == static_cast<int>(OK));

#define CHECK_FIELD(mine, other, ours_name, theirs_name)                             \
    static_assert(offsetof(ours::mine, ours_name) == offsetof(other, theirs_name) && \
                  sizeof(ours::mine::ours_name) == sizeof(other::theirs_name))
static_assert(sizeof(ours::Shape) == sizeof(ov_shape_t));
CHECK_FIELD(Shape, ov_shape_t, rank, rank);
CHECK_FIELD(Shape, ov_shape_t, dims, dims);
static_assert(sizeof(ours::Dimension) == sizeof(ov_dimension_t));
CHECK_FIELD(Dimension, ov_dimension_t, min, min);
CHECK_FIELD(Dimension, ov_dimension_t, max, max);
static_assert(sizeof(ours::PartialShape) == sizeof(ov_partial_shape_t));
CHECK_FIELD(PartialShape, ov_partial_shape_t, rank, rank);
CHECK_FIELD(PartialShape, ov_partial_shape_t, dims, dims);
static_assert(sizeof(ours::Version) == sizeof(ov_version_t));
CHECK_FIELD(Version, ov_version_t, build, buildNumber);
CHECK_FIELD(Version, ov_version_t, description, description);

int main() {
    std::puts("declarations of OpenVINO's C interface agree with its headers");
    return 0;
}
