"""The folder that a program's own processes have on their path; see ``acl.py`` in it."""
