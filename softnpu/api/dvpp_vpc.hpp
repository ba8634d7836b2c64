// What the entries of the picture engine have in common: arguments taken at submission, pictures
// checked and worked on in the stream.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "acl/ops/acl_dvpp.h"
#include "softnpu/api/dvpp_access.hpp"
#include "softnpu/dvpp/channel.hpp"
#include "softnpu/dvpp/check.hpp"
#include "softnpu/stream/stream.hpp"
#include "softnpu/vpc/vpc.hpp"

namespace softnpu {

/// A picture descriptor as it was when the operation was queued.
struct PictureArgument {
    PicDescRef desc;
    Picture picture;
};

int take_picture(const char *name, const acldvppPicDesc *desc, PictureArgument &taken,
                 PictureUse use = PictureUse::picture);
/// The same for a result: the first chips write NV12 and NV21 only.
int take_target(const char *name, const acldvppPicDesc *desc, PictureArgument &taken,
                PictureUse use = PictureUse::picture);
int take_roi(const char *name, const acldvppRoiConfig *config, Rect &taken);
int take_interpolation(const acldvppResizeConfig *config, Interpolation &taken);
int take_margins(const acldvppBorderConfig *config, vpc::Margins &taken);

/// 200006 for an operation that the first chips do not have.
int check_newer_chip(const char *function);

Rect whole_of(const Picture &picture);

/// One picture out of one picture.
struct Piece {
    PictureArgument source;
    PictureArgument target;
    Rect crop, paste;
    bool pastes = false;   // `paste` was given by the program
    bool scales = true;    // else crop and paste must have one size
    bool borders = false;  // fill `margins` around the pasted pixels
    vpc::Margins margins;
    Interpolation how = Interpolation::card;
    int matrix = 0;
};

/// Queue work that gives "" or a sentence; the sentence fails the task with 100000 and the targets
/// get a return code other than 0.
int submit_pieces(const char *function, acldvppChannelDesc *channelDesc, std::vector<Piece> pieces,
                  aclrtStream stream);

using Operation = std::function<std::string(const Picture &source, const Picture &target)>;
/// One source, one target (or none), with pictures checked before `operation` sees them.
int submit_operation(const char *function, const acldvppChannelDesc *channelDesc,
                     PictureArgument source, PictureArgument target, Operation operation,
                     aclrtStream stream);

}  // namespace softnpu
