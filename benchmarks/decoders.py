"""16 decoders at once against one, on the same cores: frames of all of them, and memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks import backend, vdec
from benchmarks.growth import resident
from benchmarks.harness import Contestant, Row, Settings, Spread, Target, contest

environment = backend.environment
COUNT = 16
OUTPUTS = 8
# Frames per second of all together at least 0.95 of those of one.
TARGET = Target(1 / 0.95)


def measure(settings: Settings) -> list[Row]:
    import acl_fast as af

    clip = vdec.BUNNY
    case = f"{COUNT} decoders, {clip.name}, a frame"
    device = af.Device(0)
    module = vdec.direct(Path(str(af.info()["library"])))
    packets = clip.packets()

    def opened(channel: int) -> Any:
        return module.Decoder(packets, False, clip.nbytes, channel, OUTPUTS)

    first = opened(0)
    first.run(1)
    before = resident()
    others = [opened(channel) for channel in range(1, COUNT)]
    everyone = [first, *others]
    with ThreadPoolExecutor(COUNT) as pool:

        def together(n: int) -> float:
            """The longest of them: all start at the same time."""
            return max(pool.map(lambda decoder: float(decoder.run(n)), everyone))

        together(1)
        grown = (resident() - before) / (COUNT - 1)
        own = OUTPUTS * clip.nbytes + sum(map(len, packets))
        contestants = [
            Contestant("one decoder", lambda n: first.run(n) / clip.frames),
            Contestant(f"{COUNT} decoders", lambda n: together(n) / (COUNT * clip.frames), TARGET),
        ]
        rows = contest(case, "ms", contestants, settings.fewer(40), 0.001)
    for decoder in everyone:
        decoder.close()
    note = f"without the {own / 2**20:.1f} MiB that the program keeps for it: pictures and packets"
    value = Spread.of([max(0.0, grown - own) / 2**20])
    rows.append(Row(case, "memory per decoder", "MiB", value, note=note))
    del device
    return rows
