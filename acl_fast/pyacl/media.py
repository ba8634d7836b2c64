"""The first media interface: dvpp_*, vdec_*, venc_*.

Everything here has the names and conventions of ``acl.media``.
"""

from acl_fast._pyacl_callbacks import (
    vdec_destroy_channel_desc,
    vdec_send_frame,
    vdec_send_skipped_frame,
    vdec_set_channel_desc_callback,
    venc_destroy_channel_desc,
    venc_send_frame,
    venc_set_channel_desc_callback,
)
from acl_fast._pyacl_media_gen import *
from acl_fast._pyacl_options import (
    dvpp_get_channel_desc_param,
    dvpp_set_channel_desc_param,
    vdec_get_channel_desc_callback,
    vdec_get_channel_desc_param,
    vdec_set_channel_desc_param,
    venc_get_channel_desc_callback,
    venc_get_channel_desc_param,
    venc_set_channel_desc_param,
)
