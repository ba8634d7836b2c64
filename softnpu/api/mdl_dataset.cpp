// Datasets: the data buffers of one execution.
#include "acl/acl_mdl.h"
#include "softnpu/core/data_buffer.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/core/tensor_desc.hpp"
#include "softnpu/model/dataset.hpp"

using namespace softnpu;

namespace {

int refuse_dataset() {
    return fail(ACL_ERROR_INVALID_PARAM, "the dataset is NULL or destroyed");
}

}  // namespace

extern "C" {

aclmdlDataset *aclmdlCreateDataset(void) {
    return guarded_value("aclmdlCreateDataset", static_cast<aclmdlDataset *>(nullptr), [] {
        return static_cast<aclmdlDataset *>(dataset_table().create().handle());
    });
}

aclError aclmdlDestroyDataset(const aclmdlDataset *dataset) {
    return guarded("aclmdlDestroyDataset",
                   [&] { return dataset_table().remove(dataset) ? 0 : refuse_dataset(); });
}

aclError aclmdlAddDatasetBuffer(aclmdlDataset *dataset, aclDataBuffer *dataBuffer) {
    return guarded("aclmdlAddDatasetBuffer", [&] {
        const DatasetRef target = dataset_table().find(dataset);
        if (!target) return refuse_dataset();
        DataBuffer value;
        if (!read_data_buffer(dataBuffer, value))
            return fail(ACL_ERROR_INVALID_PARAM, "the data buffer is NULL or destroyed");
        target->add(dataBuffer);
        return 0;
    });
}

size_t aclmdlGetDatasetNumBuffers(const aclmdlDataset *dataset) {
    return guarded_value("aclmdlGetDatasetNumBuffers", size_t{0}, [&] {
        const DatasetRef source = dataset_table().find(dataset);
        return source ? source->size() : 0;
    });
}

aclDataBuffer *aclmdlGetDatasetBuffer(const aclmdlDataset *dataset, size_t index) {
    return guarded_value("aclmdlGetDatasetBuffer", static_cast<aclDataBuffer *>(nullptr), [&] {
        const DatasetRef source = dataset_table().find(dataset);
        return static_cast<aclDataBuffer *>(source ? source->buffer(index) : nullptr);
    });
}

aclError aclmdlSetDatasetTensorDesc(aclmdlDataset *dataset, aclTensorDesc *tensorDesc,
                                    size_t index) {
    return guarded("aclmdlSetDatasetTensorDesc", [&] {
        const DatasetRef target = dataset_table().find(dataset);
        if (!target) return refuse_dataset();
        bool done = false;
        if (tensorDesc == nullptr) {
            done = target->clear_desc(index);
        } else {
            const TensorDescRef desc = tensor_desc_table().find(tensorDesc);
            if (!desc) return fail(ACL_ERROR_INVALID_PARAM, "the tensor desc was destroyed");
            // A copy of its own: the desc may be the dataset's, see aclmdlGetDatasetTensorDesc.
            const TensorDesc copy = *desc;
            done = target->set_desc(index, copy);
        }
        if (done) return 0;
        return fail(ACL_ERROR_INVALID_PARAM, "index %zu, the dataset has %zu buffers", index,
                    target->size());
    });
}

aclTensorDesc *aclmdlGetDatasetTensorDesc(const aclmdlDataset *dataset, size_t index) {
    return guarded_value("aclmdlGetDatasetTensorDesc", static_cast<aclTensorDesc *>(nullptr),
                         [&]() -> aclTensorDesc * {
                             const DatasetRef source = dataset_table().find(dataset);
                             if (!source) return refuse_dataset(), nullptr;
                             if (index >= source->size()) {
                                 fail(ACL_ERROR_INVALID_PARAM,
                                      "index %zu, the dataset has %zu buffers", index,
                                      source->size());
                             }
                             return static_cast<aclTensorDesc *>(source->desc(index));
                         });
}

}  // extern "C"
