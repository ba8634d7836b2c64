"""``acl-fast bench``."""

from __future__ import annotations

from pathlib import Path

import pytest

from acl_fast._cli import bench


def test_runs_the_benchmarks_of_the_checkout(capfd: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--list"]) == 0
    assert "overhead" in capfd.readouterr().out


def test_says_that_a_wheel_has_no_benchmarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "CHECKOUT", tmp_path)
    assert bench.main([]) == 1
    message = capsys.readouterr().err
    assert str(tmp_path) in message
    assert "./run.sh bench" in message
