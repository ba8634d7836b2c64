// libjpeg's errors as a sentence, without its exit().
#pragma once

#include <csetjmp>
#include <cstddef>
#include <cstdio>
// libjpeg's header needs size_t and FILE from the two above.
#include <jpeglib.h>
// Its numbers of warnings.
#include <jerror.h>

namespace softnpu::image {

/// Use: `if (setjmp(errors.jump) != 0) { destroy; return errors.text; }`. Objects with destructors
/// stay out of the function that calls setjmp.
struct JpegErrors {
    jpeg_error_mgr manager;  // first: libjpeg hands it back
    jmp_buf jump;
    char text[JMSG_LENGTH_MAX];
    bool damaged;

    /// Stray bytes between segments and odd headers harm no pixel: cameras write such files.
    static bool loses_pixels(int warning) {
        switch (warning) {
            case JWRN_ADOBE_XFORM:
            case JWRN_EXTRANEOUS_DATA:
            case JWRN_JFIF_MAJOR:
                return false;
            default:
                return true;
        }
    }

    jpeg_error_mgr *prepare() {
        jpeg_std_error(&manager);
        text[0] = 0;
        damaged = false;
        manager.error_exit = [](j_common_ptr state) {
            auto *errors = reinterpret_cast<JpegErrors *>(state->err);
            state->err->format_message(state, errors->text);
            longjmp(errors->jump, 1);
        };
        manager.emit_message = [](j_common_ptr state, int level) {
            if (level < 0 && loses_pixels(state->err->msg_code)) {
                reinterpret_cast<JpegErrors *>(state->err)->damaged = true;
            }
        };
        manager.output_message = [](j_common_ptr) {};
        return &manager;
    }
};

}  // namespace softnpu::image
