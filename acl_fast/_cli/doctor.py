"""acl-fast doctor: what is missing or broken, the first cause, and the line that mends it."""

from __future__ import annotations

import argparse
import json

from ._doctor import cann, probe, selftest, settings, soft
from ._doctor.findings import FAIL, NOTE, OK, Findings


def examine(*, run_selftest: bool = True) -> Findings:
    """Run all checks, each thing after what it needs."""
    findings = Findings()
    settings.check(findings)
    has_cann = cann.check(findings)
    backend = probe.load_backend()
    soft.check_package(findings, backend)
    # With CANN in use softnpu is a spare; without, it is what everything runs on.
    soft.check(findings, needed=not has_cann or backend.get("kind") == "softnpu")
    if "import" in backend:
        return findings
    findings.places = backend["log"].splitlines()
    if cause := backend.get("cause"):
        # The search stops at its own first cause; a check above may have named the mend already.
        mend = findings.cause.mend if findings.cause else soft.REBUILD
        findings.add("backend", FAIL, cause, mend)
        return findings
    findings.add("backend", OK, f"{backend['kind']} ({backend['choice']}): {backend['library']}")
    if backend["layers"]:
        findings.add("backend", NOTE, f"layers: {backend['layers']}")
    if run_selftest:
        selftest.check(findings)
    return findings


def main(argv: list[str]) -> int:
    """Run ``acl-fast doctor``; return 0 if everything needed is in place, else 1."""
    parser = argparse.ArgumentParser(
        prog="acl-fast doctor",
        description="Find out why CANN or softnpu does not work: every path tried, what is "
        "missing, the first cause, and the line that mends it.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--no-selftest", action="store_true", help="leave the self test out")
    options = parser.parse_args(argv)
    findings = examine(run_selftest=not options.no_selftest)
    if options.json:
        print(json.dumps(findings.document(), indent=2))
    else:
        print("\n".join(findings.lines()))
    return 1 if findings.cause else 0
