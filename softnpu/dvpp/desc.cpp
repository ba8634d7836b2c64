#include "softnpu/dvpp/desc.hpp"

namespace softnpu {
PicDescTable &pic_descs() noexcept {
    return only_table<PicDescTable>();
}
BatchPicDescTable &batch_pic_descs() noexcept {
    return only_table<BatchPicDescTable>();
}
StreamDescTable &stream_descs() noexcept {
    return only_table<StreamDescTable>();
}
RoiConfigTable &roi_configs() noexcept {
    return only_table<RoiConfigTable>();
}
ResizeConfigTable &resize_configs() noexcept {
    return only_table<ResizeConfigTable>();
}
BorderConfigTable &border_configs() noexcept {
    return only_table<BorderConfigTable>();
}
JpegeConfigTable &jpege_configs() noexcept {
    return only_table<JpegeConfigTable>();
}
HistTable &hists() noexcept {
    return only_table<HistTable>();
}
LutMapTable &lut_maps() noexcept {
    return only_table<LutMapTable>();
}

}  // namespace softnpu
