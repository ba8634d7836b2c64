"""A stand-in for npu-smi: the forms of output that scripts read, filled with softnpu's devices."""

from __future__ import annotations

import os
import sys
from pathlib import Path

LINE = "+" + "-" * 104 + "+"
COLUMNS = "+" + "-" * 31 + "+" + "-" * 17 + "+" + "-" * 54 + "+"
RULE = "+" + "=" * 31 + "+" + "=" * 17 + "+" + "=" * 54 + "+"
VERSION = "softnpu"

USAGE = """usage: npu-smi info [-l | -m | -t board|usages|memory|common [-i ID] [-c CHIP]]

softnpu computes on the CPU: there is no power, temperature or clock to show."""


def chip_name() -> str:
    """Name of the chip as npu-smi shows it: the SoC name without its vendor prefix."""
    return os.environ.get("SOFTNPU_SOC", "Ascend310P3").removeprefix("Ascend")


def device_count() -> int:
    """Number of devices of softnpu."""
    text = os.environ.get("SOFTNPU_DEVICES", "1")
    return int(text) if text.isdigit() and int(text) > 0 else 1


def memory() -> tuple[int, int]:
    """Memory of the host in MB: used, total."""
    fields = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, rest = line.partition(":")
        fields[name] = int(rest.split()[0]) // 1024
    return fields["MemTotal"] - fields["MemAvailable"], fields["MemTotal"]


def _row(left: str, middle: str, right: str) -> str:
    return f"| {left:<29} | {middle:<15} | {right:<52} |"


def info() -> str:
    """The box of ``npu-smi info``; the name is the third word of its seventh line."""
    used, total = memory()
    lines = [
        LINE,
        f"| {f'npu-smi {VERSION}':<48} {f'Version: {VERSION}':<53} |",
        COLUMNS,
        _row("NPU     Name", "Health", "Power(W)     Temp(C)           Hugepages-Usage(page)"),
        _row("Chip    Device", "Bus-Id", "AICore(%)    Memory-Usage(MB)"),
        RULE,
    ]
    for device in range(device_count()):
        lines += [
            _row(f"{device:<7} {chip_name()}", "OK", f"{'NA':<12} {'NA':<17} 0     / 0"),
            _row(f"{0:<7} {device}", "NA", f"{'NA':<12} {used:<5} / {total}"),
            RULE,
        ]
    return "\n".join(lines)


def mapping() -> str:
    """``npu-smi info -m``."""
    rows = [("NPU ID", "Chip ID", "Chip Logic ID", "Chip Name")]
    rows += [(str(i), "0", str(i), f"Ascend {chip_name()}") for i in range(device_count())]
    return "\n".join("        {:<30} {:<30} {:<30} {}".format(*row) for row in rows)


def listing() -> str:
    """``npu-smi info -l``."""
    pairs = [("Total Count", str(device_count()))]
    for device in range(device_count()):
        pairs += [("", ""), ("NPU ID", str(device)), ("Chip Count", "1")]
    return _pairs(pairs)


def _pairs(pairs: list[tuple[str, str]]) -> str:
    return "\n".join(f"\t{name:<30} : {value}" if name else "" for name, value in pairs)


def topic(name: str, device: int) -> str:
    """``npu-smi info -t NAME -i ID``.

    Raises
    ------
    ValueError
        Nothing is known of this topic or device.
    """
    if not 0 <= device < device_count():
        raise ValueError(f"no NPU {device}; softnpu has {device_count()} (SOFTNPU_DEVICES)")
    used, total = memory()
    head = [("NPU ID", str(device))]
    if name == "board":
        rows = [("Chip Count", "1"), ("Chip Name", f"Ascend{chip_name()}"), ("NPU Name", "softnpu")]
    elif name == "memory":
        rows = [("DDR Capacity(MB)", str(total)), ("Chip ID", "0")]
    elif name in ("usages", "common"):
        rows = [
            ("DDR Capacity(MB)", str(total)),
            ("DDR Usage Rate(%)", str(100 * used // total)),
            ("Aicore Usage Rate(%)", "NA"),
            ("Chip ID", "0"),
        ]
    else:
        raise ValueError(f"softnpu has nothing to show for -t {name}")
    return _pairs(head + rows)


def _option(words: list[str], name: str) -> str | None:
    if name not in words:
        return None
    index = words.index(name) + 1
    if index == len(words):
        raise ValueError(f"{name} needs a value")
    return words[index]


def main(argv: list[str] | None = None) -> int:
    """Run the stand-in with a command line; return the exit code."""
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    if words[0] in ("-v", "--version"):
        print(f"npu-smi version: {VERSION}")
        return 0
    try:
        if words[0] != "info":
            raise ValueError(f"softnpu has no npu-smi {words[0]}")
        rest = words[1:]
        wanted = _option(rest, "-t")
        if wanted:
            print(topic(wanted, int(_option(rest, "-i") or 0)))
        elif "-m" in rest:
            print(mapping())
        elif "-l" in rest:
            print(listing())
        elif rest:
            raise ValueError(f"softnpu has no npu-smi info {' '.join(rest)}")
        else:
            print(info())
    except ValueError as error:
        print(f"npu-smi: {error}\n{USAGE}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
