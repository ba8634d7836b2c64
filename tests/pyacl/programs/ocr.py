"""Text of a page: find the lines, turn them the right way up, read them.

usage: ocr.py detection.om direction.om recognition.om characters.txt page.png out.npz
"""

import sys

import acl
import cv2
import numpy as np
from model import Model, check

GEARS = "ascend_mbatch_shape_data"


class GearModel(Model):
    """A model with gears: the one that was chosen gives the size of what is copied."""

    def __init__(self, path):
        super().__init__(path)
        self.gear_index, ret = acl.mdl.get_input_index_by_name(self.desc, GEARS)
        check(ret, "get_input_index_by_name")

    def image_gears(self):
        found, ret = acl.mdl.get_dynamic_hw(self.desc, 0)
        check(ret, "get_dynamic_hw")
        return found["hw"]

    def dims_gears(self):
        count, ret = acl.mdl.get_input_dynamic_gear_count(self.desc, -1)
        check(ret, "get_input_dynamic_gear_count")
        found, ret = acl.mdl.get_input_dynamic_dims(self.desc, -1, count)
        check(ret, "get_input_dynamic_dims")
        return [dims["dims"][: dims["dimCount"]] for dims in found]

    def run(self, array):
        self.copy_in([array])
        self.execute()
        return self.results()[0]


def load_keys(path):
    with open(path, encoding="utf-8") as file:
        return ["", *file.read().split("\n"), " "]


def normalise(image, mean, std):
    scaled = (image.astype(np.float32) / 255 - np.float32(mean)) / np.float32(std)
    return scaled.transpose(2, 0, 1)


def detect(model, page):
    """Boxes of lines, top to bottom: (centre, size, angle) in pixels of the page."""
    gears = model.image_gears()
    height, width = min((g for g in gears if g[0] >= page.shape[0]), default=gears[-1])
    ret = acl.mdl.set_dynamic_hw_size(
        model.id, model.input_dataset, model.gear_index, height, width
    )
    check(ret, "set_dynamic_hw_size")
    fitted = cv2.resize(page, (width, height))
    array = normalise(fitted, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])[None]
    scores = model.run(array)
    mask = (scores[0, 0] > 0.3).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    boxes = []
    for contour in contours:
        x, y, w, h = cv2.boundingRect(contour)
        if min(w, h) < 4:
            continue
        # The network marks the middle of a line; grow it by its area over its length.
        grow = int(w * h * 1.6 / (2 * (w + h)))
        scale_x, scale_y = page.shape[1] / width, page.shape[0] / height
        boxes.append(
            (
                max(0, int((x - grow) * scale_x)),
                max(0, int((y - grow) * scale_y)),
                int((x + w + grow) * scale_x),
                int((y + h + grow) * scale_y),
            )
        )
    return sorted(boxes, key=lambda box: box[1]), array, scores


def line_input(line, width):
    """A line in the height of the networks, padded to their width."""
    fitted = min(width, int(np.ceil(48 * line.shape[1] / line.shape[0])))
    array = np.zeros((3, 48, width), np.float32)
    array[:, :, :fitted] = normalise(cv2.resize(line, (fitted, 48)), [0.5] * 3, [0.5] * 3)
    return array


def upright(model, lines):
    count = len(lines)
    found, ret = acl.mdl.get_dynamic_batch(model.desc)
    check(ret, "get_dynamic_batch")
    batch = min(b for b in found["batch"][: found["batchCount"]] if b >= count)
    ret = acl.mdl.set_dynamic_batch_size(model.id, model.input_dataset, model.gear_index, batch)
    check(ret, "set_dynamic_batch_size")
    array = np.zeros((batch, 3, 48, 192), np.float32)
    array[:count] = [line_input(line, 192) for line in lines]
    scores = model.run(array)
    turned = [
        cv2.rotate(line, cv2.ROTATE_180) if score[1] > 0.9 else line
        for line, score in zip(lines, scores, strict=False)
    ]
    return turned, array, scores


def read(model, lines, keys):
    """The text of each line."""
    widest = max(48 * line.shape[1] / line.shape[0] for line in lines)
    gears = model.dims_gears()
    gear = min(g for g in gears if g[0] >= len(lines) and (g[3] >= widest or g[3] == gears[-1][3]))
    argument = {"name": "", "dimCount": len(gear), "dims": gear}
    ret = acl.mdl.set_input_dynamic_dims(model.id, model.input_dataset, model.gear_index, argument)
    check(ret, "set_input_dynamic_dims")
    array = np.zeros(gear, np.float32)
    array[: len(lines)] = [line_input(line, gear[3]) for line in lines]
    scores = model.run(array)
    texts = []
    for steps in scores.argmax(2)[: len(lines)]:
        kept = np.concatenate([[True], steps[1:] != steps[:-1]]) & (steps != 0)
        texts.append("".join(keys[step] for step in steps[kept]))
    return texts, array, scores


def main(detection, direction, recognition, keys, page, out):
    check(acl.init(), "init")
    check(acl.rt.set_device(0), "set_device")
    models = [GearModel(path) for path in (detection, direction, recognition)]
    image = cv2.imread(page)
    boxes, *found = detect(models[0], image)
    lines = [image[top:bottom, left:right] for left, top, right, bottom in boxes]
    lines, *turns = upright(models[1], lines)
    texts, *letters = read(models[2], lines, load_keys(keys))
    print("\n".join(texts))
    names = ["det_in", "det_out", "cls_in", "cls_out", "rec_in", "rec_out"]
    np.savez(out, **dict(zip(names, [*found, *turns, *letters], strict=True)))
    for model in models:
        model.close()
    check(acl.rt.reset_device(0), "reset_device")
    check(acl.finalize(), "finalize")


if __name__ == "__main__":
    main(*sys.argv[1:])
