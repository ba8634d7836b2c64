"""The one exception of the converter: an E-code, what is wrong and where, and what to do."""

from __future__ import annotations


class AtcError(Exception):
    """A conversion that cannot go on.

    Parameters
    ----------
    code : str
        Error code as CANN's atc numbers them, e.g. ``E10001``.
    message : str
        What is wrong and where: option, operator, node or file.
    solution : str
        What to do about it.
    where : str, optional
        Stage of the conversion; the runner fills it in when it is empty.
    nodes : tuple of str, optional
        Names of the nodes that are at fault, for the report of mode 3.
    """

    def __init__(
        self,
        code: str,
        message: str,
        solution: str,
        where: str = "",
        nodes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.nodes = nodes
        self.code = code
        self.message = message
        self.solution = solution
        self.where = where


def invalid_value(option: str, value: str, reason: str, solution: str = "") -> AtcError:
    """E10001: the value of an option, or its absence, is not acceptable."""
    given = f"Value [{value}] for parameter" if value else "Parameter"
    return AtcError(
        "E10001",
        f"{given} [--{option}] is invalid. Reason: {reason}",
        solution or f"Correct the value of --{option}; atc --help lists what it takes.",
    )
