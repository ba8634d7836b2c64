"""What ``import acl`` finds in the processes that a program starts: acl_fast.pyacl, installed."""

from acl_fast.pyacl import install

install()  # also in the place of this module: importers are given what stands there at the end
