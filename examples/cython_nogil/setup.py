"""Build frames.pyx against the installed acl_fast: python setup.py build_ext --inplace"""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

import acl_fast

HERE = Path(__file__).resolve().parent

setup(
    name="acl_fast_cython_example",
    ext_modules=cythonize(
        [Extension("frames", ["frames.pyx"], include_dirs=[acl_fast.get_include()])],
        compiler_directives={"language_level": 3},
    ),
)
