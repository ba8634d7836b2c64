"""Chip names that --soc_version takes."""

from __future__ import annotations

import re

from .errors import invalid_value

# Families of Ascend chips; the part behind the family names a variant (310P3, 910B4, 910_9382).
FAMILIES = {
    "Ascend310": r"Ascend310",
    "Ascend310P": r"Ascend310P\d?[A-Za-z]*|Ascend710",
    "Ascend310B": r"Ascend310B\d?",
    "Ascend910": r"Ascend910(A|ProA|ProB|PremiumA)?",
    "Ascend910B": r"Ascend910B\d?[A-Za-z]*(-\d)?",
    "Ascend910_93": r"Ascend910_93\w*",
    "Ascend950": r"Ascend950\w*",
}
EXAMPLES = "Ascend310, Ascend310P3, Ascend310B1, Ascend310B4, Ascend910A, Ascend910B4, Ascend950PR"


def family(soc: str) -> str:
    """The family of a chip name.

    Raises
    ------
    AtcError
        E10001 for a name that is none.
    """
    for name, pattern in FAMILIES.items():
        if re.fullmatch(pattern, soc):
            return name
    raise invalid_value(
        "soc_version",
        soc,
        "no Ascend chip has this name.",
        f"Use 'Ascend' and the Name that npu-smi info prints, such as {EXAMPLES}.",
    )
