// Picture and stream descriptors of the first media interface.
#include "acl/ops/acl_dvpp.h"
#include "softnpu/api/dvpp_access.hpp"
#include "softnpu/core/context.hpp"

using namespace softnpu;

namespace {

constexpr uint32_t kMostPictures = 256;

}  // namespace

extern "C" {

// ---- pictures ----

acldvppPicDesc *acldvppCreatePicDesc() {
    return create_in<acldvppPicDesc>(__func__, pic_descs());
}

/// A picture of a batch goes with its batch: its table knows it by a reference of the batch's.
aclError acldvppDestroyPicDesc(acldvppPicDesc *picDesc) {
    return guarded(__func__, [&] {
        if (picDesc == nullptr) return 0;
        const PicDescRef found = pic_descs().find(picDesc);
        if (found && found->in_batch) {
            return fail(ACL_ERROR_INVALID_PARAM,
                        "the picture belongs to a batch; destroy that with "
                        "acldvppDestroyBatchPicDesc");
        }
        return pic_descs().remove(picDesc) ? 0 : fail_handle(picDesc, "picDesc");
    });
}

void *acldvppGetPicDescData(const acldvppPicDesc *picDesc) {
    return get_value<PicDescTable, PicDesc, void *>(__func__, pic_descs(), picDesc, &PicDesc::data);
}

acldvppPixelFormat acldvppGetPicDescFormat(const acldvppPicDesc *picDesc) {
    return static_cast<acldvppPixelFormat>(
        get_value(__func__, pic_descs(), picDesc, &PicDesc::format));
}

uint32_t acldvppGetPicDescHeight(const acldvppPicDesc *picDesc) {
    return get_value(__func__, pic_descs(), picDesc, &PicDesc::height);
}

uint32_t acldvppGetPicDescHeightStride(const acldvppPicDesc *picDesc) {
    return get_value(__func__, pic_descs(), picDesc, &PicDesc::stride_h);
}

uint32_t acldvppGetPicDescRetCode(const acldvppPicDesc *picDesc) {
    return get_value(__func__, pic_descs(), picDesc, &PicDesc::ret_code);
}

uint32_t acldvppGetPicDescSize(const acldvppPicDesc *picDesc) {
    return get_value(__func__, pic_descs(), picDesc, &PicDesc::size);
}

uint32_t acldvppGetPicDescWidth(const acldvppPicDesc *picDesc) {
    return get_value(__func__, pic_descs(), picDesc, &PicDesc::width);
}

uint32_t acldvppGetPicDescWidthStride(const acldvppPicDesc *picDesc) {
    return get_value(__func__, pic_descs(), picDesc, &PicDesc::stride_w);
}

aclError acldvppSetPicDescData(acldvppPicDesc *picDesc, void *dataDev) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(require_pointer(dataDev, "dataDev"));
        return set_value(__func__, pic_descs(), picDesc, &PicDesc::data, dataDev);
    });
}

aclError acldvppSetPicDescFormat(acldvppPicDesc *picDesc, acldvppPixelFormat format) {
    return set_value(__func__, pic_descs(), picDesc, &PicDesc::format,
                     static_cast<int32_t>(format));
}

aclError acldvppSetPicDescHeight(acldvppPicDesc *picDesc, uint32_t height) {
    return set_value(__func__, pic_descs(), picDesc, &PicDesc::height, height);
}

aclError acldvppSetPicDescHeightStride(acldvppPicDesc *picDesc, uint32_t heightStride) {
    return set_value(__func__, pic_descs(), picDesc, &PicDesc::stride_h, heightStride);
}

aclError acldvppSetPicDescRetCode(acldvppPicDesc *picDesc, uint32_t retCode) {
    return set_value(__func__, pic_descs(), picDesc, &PicDesc::ret_code, retCode);
}

aclError acldvppSetPicDescSize(acldvppPicDesc *picDesc, uint32_t size) {
    return set_value(__func__, pic_descs(), picDesc, &PicDesc::size, size);
}

aclError acldvppSetPicDescWidth(acldvppPicDesc *picDesc, uint32_t width) {
    return set_value(__func__, pic_descs(), picDesc, &PicDesc::width, width);
}

aclError acldvppSetPicDescWidthStride(acldvppPicDesc *picDesc, uint32_t widthStride) {
    return set_value(__func__, pic_descs(), picDesc, &PicDesc::stride_w, widthStride);
}

// ---- batches of pictures ----

acldvppBatchPicDesc *acldvppCreateBatchPicDesc(uint32_t batchSize) {
    return guarded_value<acldvppBatchPicDesc *>(__func__, nullptr, [&]() -> acldvppBatchPicDesc * {
        if (require_context() != 0) return nullptr;
        if (batchSize == 0 || batchSize > kMostPictures) {
            fail(ACL_ERROR_INVALID_PARAM, "batchSize %u: want 1 to %u", batchSize, kMostPictures);
            return nullptr;
        }
        const BatchPicDescRef batch = batch_pic_descs().create();
        for (uint32_t i = 0; i < batchSize; ++i) {
            batch->pictures.push_back(pic_descs().create());
            batch->pictures.back()->in_batch = true;
        }
        return static_cast<acldvppBatchPicDesc *>(batch.handle());
    });
}

aclError acldvppDestroyBatchPicDesc(acldvppBatchPicDesc *batchPicDesc) {
    return guarded(__func__, [&] {
        if (batchPicDesc == nullptr) return 0;
        const BatchPicDescRef batch = batch_pic_descs().remove(batchPicDesc);
        if (!batch) return fail_handle(batchPicDesc, "batchPicDesc");
        for (const PicDescRef &picture : batch->pictures) pic_descs().remove(picture.handle());
        return 0;
    });
}

acldvppPicDesc *acldvppGetPicDesc(acldvppBatchPicDesc *batchPicDesc, uint32_t index) {
    return guarded_value<acldvppPicDesc *>(__func__, nullptr, [&]() -> acldvppPicDesc * {
        const BatchPicDescRef batch = batch_pic_descs().find(batchPicDesc);
        if (!batch) return fail_handle(batchPicDesc, "batchPicDesc"), nullptr;
        if (index >= batch->pictures.size()) {
            fail(ACL_ERROR_INVALID_PARAM, "index %u: the batch has %zu pictures", index,
                 batch->pictures.size());
            return nullptr;
        }
        return static_cast<acldvppPicDesc *>(batch->pictures[index].handle());
    });
}

// ---- streams of compressed data ----

acldvppStreamDesc *acldvppCreateStreamDesc() {
    return create_in<acldvppStreamDesc>(__func__, stream_descs());
}

aclError acldvppDestroyStreamDesc(acldvppStreamDesc *streamDesc) {
    return destroy_in(__func__, stream_descs(), streamDesc);
}

void *acldvppGetStreamDescData(const acldvppStreamDesc *streamDesc) {
    return get_value<StreamDescTable, StreamDesc, void *>(__func__, stream_descs(), streamDesc,
                                                          &StreamDesc::data);
}

uint8_t acldvppGetStreamDescEos(const acldvppStreamDesc *streamDesc) {
    return get_value(__func__, stream_descs(), streamDesc, &StreamDesc::eos);
}

acldvppStreamFormat acldvppGetStreamDescFormat(const acldvppStreamDesc *streamDesc) {
    return static_cast<acldvppStreamFormat>(
        get_value(__func__, stream_descs(), streamDesc, &StreamDesc::format));
}

uint32_t acldvppGetStreamDescRetCode(const acldvppStreamDesc *streamDesc) {
    return get_value(__func__, stream_descs(), streamDesc, &StreamDesc::ret_code);
}

uint32_t acldvppGetStreamDescSize(const acldvppStreamDesc *streamDesc) {
    return get_value(__func__, stream_descs(), streamDesc, &StreamDesc::size);
}

uint64_t acldvppGetStreamDescTimestamp(const acldvppStreamDesc *streamDesc) {
    return get_value(__func__, stream_descs(), streamDesc, &StreamDesc::timestamp);
}

/// NULL goes with a size of 0: the end of a stream carries no data.
aclError acldvppSetStreamDescData(acldvppStreamDesc *streamDesc, void *dataDev) {
    return set_value(__func__, stream_descs(), streamDesc, &StreamDesc::data, dataDev);
}

aclError acldvppSetStreamDescEos(acldvppStreamDesc *streamDesc, uint8_t eos) {
    return set_value(__func__, stream_descs(), streamDesc, &StreamDesc::eos, eos);
}

aclError acldvppSetStreamDescRetCode(acldvppStreamDesc *streamDesc, uint32_t retCode) {
    return set_value(__func__, stream_descs(), streamDesc, &StreamDesc::ret_code, retCode);
}

aclError acldvppSetStreamDescSize(acldvppStreamDesc *streamDesc, uint32_t size) {
    return set_value(__func__, stream_descs(), streamDesc, &StreamDesc::size, size);
}

aclError acldvppSetStreamDescTimestamp(acldvppStreamDesc *streamDesc, uint64_t timestamp) {
    return set_value(__func__, stream_descs(), streamDesc, &StreamDesc::timestamp, timestamp);
}

aclError acldvppSetStreamDescFormat(acldvppStreamDesc *streamDesc, acldvppStreamFormat format) {
    return guarded(__func__, [&] {
        if (format < H265_MAIN_LEVEL || format > H264_HIGH_LEVEL) {
            return fail(ACL_ERROR_INVALID_PARAM, "format %d: want 0 (H.265) or 1 to 3 (H.264)",
                        static_cast<int>(format));
        }
        return set_value(__func__, stream_descs(), streamDesc, &StreamDesc::format,
                         static_cast<int32_t>(format));
    });
}

}  // extern "C"
