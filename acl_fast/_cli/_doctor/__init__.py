"""The checks of ``acl-fast doctor``, one module for each thing that can be broken.

Nothing here loads a device library into the doctor's own process: a broken one may crash it.
"""
