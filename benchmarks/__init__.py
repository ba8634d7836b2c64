"""Speed of acl_fast, each figure beside its counterpart: ``python -m benchmarks``."""
