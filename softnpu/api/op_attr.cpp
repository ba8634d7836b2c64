// aclopAttr.
#include "acl/acl_op.h"
#include "softnpu/api/entry.hpp"
#include "softnpu/op/attr.hpp"

using namespace softnpu;
using op::Attribute;
using Kind = op::Attribute::Kind;

namespace {

// Run `fill(attribute)`, which returns a status, and set the attribute.
template <class Fill>
int set_attribute(const char *function, const aclopAttr *attr, const char *name, Kind kind,
                  Fill &&fill) {
    return guarded(function, [&] {
        SOFTNPU_CHECK(require_pointer(attr, "attr"));
        SOFTNPU_CHECK(require_pointer(name, "attrName"));
        const op::AttributeRef found = op::attribute_table().find(attr);
        if (!found)
            return fail(ACL_ERROR_INVALID_PARAM,
                        "%p is not a live aclopAttr: never created, or destroyed already",
                        static_cast<const void *>(attr));
        Attribute value;
        value.kind = kind;
        SOFTNPU_CHECK(fill(value));
        found->set(name, std::move(value));
        return 0;
    });
}

template <class T, class Target>
int copy_list(Attribute &value, int count, const T *values, std::vector<Target> &target) {
    value.is_list = true;
    if (count < 0) return fail(ACL_ERROR_INVALID_PARAM, "numValues is %d", count);
    if (count > 0) SOFTNPU_CHECK(require_pointer(values, "values"));
    target.assign(values, values + count);
    return 0;
}

int one(Attribute &value, int64_t number) {
    value.integers = {number};
    return 0;
}

int text(Attribute &value, const char *string) {
    SOFTNPU_CHECK(require_pointer(string, "attrValue"));
    value.texts.emplace_back(string);
    return 0;
}

}  // namespace

extern "C" {

aclopAttr *aclopCreateAttr(void) {
    return guarded_value<aclopAttr *>("aclopCreateAttr", nullptr, [] {
        return static_cast<aclopAttr *>(op::create_attributes());
    });
}

void aclopDestroyAttr(const aclopAttr *attr) {
    if (attr == nullptr) return;
    guarded("aclopDestroyAttr", [&] {
        if (op::destroy_attributes(attr)) return 0;
        return fail(ACL_ERROR_INVALID_PARAM, "%p is not a live aclopAttr",
                    static_cast<const void *>(attr));
    });
}

aclError aclopSetAttrBool(aclopAttr *attr, const char *attrName, uint8_t attrValue) {
    return set_attribute("aclopSetAttrBool", attr, attrName, Kind::boolean,
                         [&](Attribute &value) { return one(value, attrValue != 0); });
}

aclError aclopSetAttrInt(aclopAttr *attr, const char *attrName, int64_t attrValue) {
    return set_attribute("aclopSetAttrInt", attr, attrName, Kind::integer,
                         [&](Attribute &value) { return one(value, attrValue); });
}

aclError aclopSetAttrFloat(aclopAttr *attr, const char *attrName, float attrValue) {
    return set_attribute("aclopSetAttrFloat", attr, attrName, Kind::real, [&](Attribute &value) {
        value.reals = {attrValue};
        return 0;
    });
}

aclError aclopSetAttrString(aclopAttr *attr, const char *attrName, const char *attrValue) {
    return set_attribute("aclopSetAttrString", attr, attrName, Kind::text,
                         [&](Attribute &value) { return text(value, attrValue); });
}

aclError aclopSetAttrDataType(aclopAttr *attr, const char *attrName, aclDataType attrValue) {
    return set_attribute("aclopSetAttrDataType", attr, attrName, Kind::type,
                         [&](Attribute &value) { return one(value, attrValue); });
}

aclError aclopSetAttrListBool(aclopAttr *attr, const char *attrName, int numValues,
                              const uint8_t *values) {
    return set_attribute(
        "aclopSetAttrListBool", attr, attrName, Kind::boolean,
        [&](Attribute &value) { return copy_list(value, numValues, values, value.integers); });
}

aclError aclopSetAttrListInt(aclopAttr *attr, const char *attrName, int numValues,
                             const int64_t *values) {
    return set_attribute(
        "aclopSetAttrListInt", attr, attrName, Kind::integer,
        [&](Attribute &value) { return copy_list(value, numValues, values, value.integers); });
}

aclError aclopSetAttrListDataType(aclopAttr *attr, const char *attrName, int numValues,
                                  const aclDataType values[]) {
    return set_attribute(
        "aclopSetAttrListDataType", attr, attrName, Kind::type,
        [&](Attribute &value) { return copy_list(value, numValues, values, value.integers); });
}

aclError aclopSetAttrListFloat(aclopAttr *attr, const char *attrName, int numValues,
                               const float *values) {
    return set_attribute(
        "aclopSetAttrListFloat", attr, attrName, Kind::real,
        [&](Attribute &value) { return copy_list(value, numValues, values, value.reals); });
}

aclError aclopSetAttrListString(aclopAttr *attr, const char *attrName, int numValues,
                                const char **values) {
    return set_attribute("aclopSetAttrListString", attr, attrName, Kind::text,
                         [&](Attribute &value) {
                             value.is_list = true;
                             if (numValues < 0)
                                 return fail(ACL_ERROR_INVALID_PARAM, "numValues is %d", numValues);
                             if (numValues > 0) SOFTNPU_CHECK(require_pointer(values, "values"));
                             for (int i = 0; i < numValues; ++i)
                                 SOFTNPU_CHECK(text(value, values[i]));
                             return 0;
                         });
}

aclError aclopSetAttrListListInt(aclopAttr *attr, const char *attrName, int numLists,
                                 const int *numValues, const int64_t *const values[]) {
    return set_attribute(
        "aclopSetAttrListListInt", attr, attrName, Kind::integer, [&](Attribute &value) {
            value.is_list = true;
            if (numLists < 0) return fail(ACL_ERROR_INVALID_PARAM, "numLists is %d", numLists);
            if (numLists > 0) SOFTNPU_CHECK(require_pointer(numValues, "numValues"));
            if (numLists > 0) SOFTNPU_CHECK(require_pointer(values, "values"));
            for (int i = 0; i < numLists; ++i)
                SOFTNPU_CHECK(
                    copy_list(value, numValues[i], values[i], value.lists.emplace_back()));
            return 0;
        });
}

}  // extern "C"
