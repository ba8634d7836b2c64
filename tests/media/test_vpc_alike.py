"""Random work through both media interfaces: the same pixels, or refused by both."""

from __future__ import annotations

import random

import numpy as np

import acl_fast as af
from acl_fast import media

FORMATS = list(media.FORMATS)
INTERFACES = ("v1", "v2")


class Work:
    """An operation with random arguments, right or wrong."""

    def __init__(self, chance: random.Random) -> None:
        def even(most: int) -> int:
            return 2 * chance.randint(5, most // 2)

        self.format, self.other = chance.choice(FORMATS), chance.choice(FORMATS)
        width, height = self.source = even(300), even(240)
        self.size = even(400), even(400)
        left, top = 2 * chance.randint(0, width // 4), 2 * chance.randint(0, height // 4)
        self.box = left, top, even(width), even(height)
        self.place = 16 * chance.randint(0, 4), 2 * chance.randint(0, 10), even(120), even(120)
        self.name = chance.choice(
            ["resize", "to", "crop", "paste", "letterbox", "convert", "batch"]
        )

    def run(self, own: media.Vpc, image: media.Image, out: media.Image) -> list[media.Image]:
        match self.name:
            case "resize":
                return [own.resize(image, *self.size)]
            case "to":
                return [own.resize(image, *self.size, format=self.other)]
            case "crop":
                return [own.crop(image, *self.box)]
            case "paste":
                return [own.paste(image, *self.place, out=out)]
            case "letterbox":
                return [own.letterbox(image, *self.size, fill=30)[0]]
            case "convert":
                return [own.convert(image, self.other)]
        return own.batch_crop_resize([image, image], [[self.box] * 2, [self.box]], *self.size)


def test_random_work(device: af.Device, stream: af.Stream) -> None:
    chance, pixels = random.Random(5), np.random.default_rng(5)
    waiting = [media.Vpc(device, interface=name) for name in INTERFACES]
    queued = [media.Vpc(device, stream, interface=name) for name in INTERFACES]
    done = 0
    for number in range(200):
        work = Work(chance)
        image = media.Image.empty(device, *work.source, work.format)
        image.upload(pixels.integers(0, 256, image.shape, np.uint8))
        found: list[list[bytes] | type[Exception]] = []
        for own in queued if number % 2 else waiting:
            out = media.Image.empty(device, 200, 160, work.format)
            out.upload(np.full(out.shape, 7, np.uint8))
            try:
                images = work.run(own, image, out)
                stream.synchronize()
                found.append([made.to_numpy().tobytes() for made in images])
            except (af.AclError, ValueError) as error:
                found.append(ValueError if isinstance(error, ValueError) else af.AclError)
        assert found[0] == found[1], vars(work)
        done += isinstance(found[0], list)
    assert done > 120
    for own in waiting + queued:
        own.close()
