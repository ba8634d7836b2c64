"""A package of somebody else, compiled against an installed acl_fast."""

from Cython.Build import cythonize
from setuptools import Extension, setup

import acl_fast

setup(
    name="downstream",
    version="1.0",
    ext_modules=cythonize(
        [
            Extension(
                "downstream",
                ["downstream.pyx"],
                include_dirs=[acl_fast.get_include()],
                define_macros=[("ENABLE_DVPP_INTERFACE", "1")],
            )
        ],
        include_path=[acl_fast.get_cython_include()],
        language_level=3,
    ),
)
