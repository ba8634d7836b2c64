"""``acl-fast`` itself: help, unknown commands, and how little it imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from acl_fast import _cli


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "acl_fast", *words], capture_output=True, text=True
    )


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help(word):
    result = run(word)
    assert result.returncode == 0
    for name in _cli.available():
        assert f"  {name} " in result.stdout


def test_without_a_command():
    result = run()
    assert result.returncode == 2
    assert "usage: acl-fast" in result.stdout


def test_unknown_command():
    result = run("doktor")
    assert result.returncode == 2
    assert "'doktor'" in result.stderr
    assert "did you mean doctor" in result.stderr


@pytest.mark.parametrize("name", ["info", "doctor", "env", "run"])
def test_help_of_a_command_loads_no_device(name):
    code = (
        "import sys; from acl_fast._cli import main\n"
        f"try: main(['{name}', '--help'])\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'numpy', 'onnx', 'openvino', 'acl_fast._atc.convert', 'acl_fast._demo.run'}\n"
        "maps = open('/proc/self/maps').read()\n"
        "print(sorted(heavy & set(sys.modules)), 'libascendcl' in maps)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"usage: acl-fast {name}")
    assert result.stdout.splitlines()[-1] == "[] False"


def test_interrupt_is_an_exit_code(monkeypatch):
    from acl_fast._cli import info

    def interrupt(argv):
        raise KeyboardInterrupt

    monkeypatch.setattr(info, "main", interrupt)
    assert _cli.main(["info"]) == 130


@pytest.mark.parametrize("words", ["--help", "atc --help", "doctor --no-selftest"])
def test_closed_pipe_is_quiet(words):
    # The reader is gone before anything is written.
    command = f"{sys.executable} -m acl_fast {words} | true"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert result.stderr == ""
