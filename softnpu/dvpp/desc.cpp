#include "softnpu/dvpp/desc.hpp"

namespace softnpu {
namespace {

/// Created once, never destroyed: device threads may still run while static objects die.
template <class Table>
Table &only() noexcept {
    static auto *table = new Table;
    return *table;
}

}  // namespace

PicDescTable &pic_descs() noexcept {
    return only<PicDescTable>();
}
BatchPicDescTable &batch_pic_descs() noexcept {
    return only<BatchPicDescTable>();
}
StreamDescTable &stream_descs() noexcept {
    return only<StreamDescTable>();
}
RoiConfigTable &roi_configs() noexcept {
    return only<RoiConfigTable>();
}
ResizeConfigTable &resize_configs() noexcept {
    return only<ResizeConfigTable>();
}
BorderConfigTable &border_configs() noexcept {
    return only<BorderConfigTable>();
}
JpegeConfigTable &jpege_configs() noexcept {
    return only<JpegeConfigTable>();
}
HistTable &hists() noexcept {
    return only<HistTable>();
}
LutMapTable &lut_maps() noexcept {
    return only<LutMapTable>();
}

}  // namespace softnpu
