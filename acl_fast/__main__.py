"""``python -m acl_fast`` is ``acl-fast``."""

import sys

from acl_fast._cli import main

sys.exit(main())
