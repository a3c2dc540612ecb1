"""Builds the compiled kernels of mlcore/native; all else about the package is in pyproject.toml."""

from hashlib import sha256
from pathlib import Path

from setuptools import Extension, setup

SOURCES = Path("mlcore/native")
# One extension for each level of processors, of the same sources: the best that runs is loaded.
LEVELS = {
    "baseline": [],
    "x86_64_v3": ["-march=x86-64-v3"],  # AVX2
    "x86_64_v4": ["-march=x86-64-v4"],  # AVX-512
}
# Every level gives the same bits: no product is fused with a sum, unless the code says so.
FLAGS = [
    "-std=c++17",
    "-O3",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fvisibility=hidden",
    "-Wno-psabi",
]
# What mlcore/native/__init__.py compares: a library that is older than its sources is not loaded.
FINGERPRINT = sha256(
    b"".join(path.read_bytes() for path in sorted(SOURCES.glob("*.?pp")))
).hexdigest()

setup(
    ext_modules=[
        Extension(
            f"mlcore.native.{level}",
            sources=sorted(map(str, SOURCES.glob("*.cpp"))),
            depends=sorted(map(str, SOURCES.glob("*.hpp"))),
            define_macros=[("FINGERPRINT", f'"{FINGERPRINT}"')],
            extra_compile_args=[*FLAGS, *flags],
            extra_link_args=["-static-libstdc++", "-static-libgcc"],
            # Called by ctypes, so it needs no headers of Python and one build serves all versions.
            py_limited_api=True,
            # Without a compiler, or on another kind of processor, numpy and scipy do the work.
            optional=True,
        )
        for level, flags in LEVELS.items()
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
