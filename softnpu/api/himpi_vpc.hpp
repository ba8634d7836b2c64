// What the picture entries of the second media interface have in common.
#pragma once

#include <vector>

#include "acl/dvpp/hi_dvpp.h"
#include "softnpu/api/entry.hpp"
#include "softnpu/dvpp/check.hpp"
#include "softnpu/dvpp/chip.hpp"
#include "softnpu/dvpp/himpi_vpc.hpp"
#include "softnpu/vpc/vpc.hpp"

namespace softnpu {

/// One picture out of one picture. Picture::data holds the program's address until the work runs.
struct HimpiPiece {
    Picture source, target;
    Rect crop, paste;
    bool pastes = false;
    bool borders = false;
    vpc::Margins margins;
    Interpolation how = Interpolation::card;
    // Scaled twice: first to this size by `how`, then by `how_then`; 0 by 0 where it is not.
    Rect between;
    Interpolation how_then = Interpolation::card;
    uint8_t alpha = 0;  // a card leaves 0 unless it is told otherwise
    int matrix = 0;
};

inline int vpc_error(unsigned code) noexcept {
    return static_cast<int>(code);
}

/// The channel an entry names, on a chip that has the interface.
int find_vpc(hi_vpc_chn chn, std::shared_ptr<VpcChannel> &channel);
/// Copies a picture's description after checking geometry and memory.
int take_vpc_picture(const char *name, const hi_vpc_pic_info *info, Picture &picture,
                     PictureUse use = PictureUse::picture);
/// check_picture_memory.
std::string check_vpc_memory(const char *what, Picture &picture);
int take_vpc_interpolation(hi_u32 number, Interpolation &how);
int take_vpc_border(int type, const hi_vpc_scalar &scalar, vpc::Margins &margins);
/// NOT_SUPPORT where the chip is older than the 310B and A2, which `function` came with.
int check_vpc_newer_chip(const char *function);
/// What all operations end with: a place for the task's number and a time limit.
int check_vpc_call(const hi_u32 *task, hi_s32 milliseconds);
/// ILLEGAL_PARAM.
int wrong_vpc(const char *rule);
int check_vpc_piece(const HimpiPiece &piece);

Rect vpc_whole(const Picture &picture) noexcept;

int submit_vpc_pieces(const char *name, VpcChannel &channel, std::vector<HimpiPiece> pieces,
                      hi_u32 *task, hi_s32 milliseconds);

using VpcOperation = std::function<std::string(const std::vector<Picture> &)>;
/// `operation` sees the pictures by the engines' addresses.
int submit_vpc_operation(const char *name, VpcChannel &channel, std::vector<Picture> pictures,
                         VpcOperation operation, hi_u32 *task, hi_s32 milliseconds);

}  // namespace softnpu
