"""Any input is either understood or refused with a reason: nothing else comes out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acl_fast._atc import AtcError, Om, OmError
from acl_fast._atc.gears import OPTION_OF_KIND, Gears, parse_values
from acl_fast._atc.options import OPTIONS, Arguments
from acl_fast._atc.shapes import ANY, Dim, parse_input_shape, text

names = st.text(
    st.characters(exclude_characters=";,\"'", exclude_categories=["Cs", "C", "Z"]), min_size=1
)
dims = st.one_of(
    st.integers(1, 10**6).map(lambda n: Dim(n, n)),
    st.tuples(st.integers(0, 99), st.integers(1, 99)).map(lambda p: Dim(p[0], p[0] + p[1])),
    st.just(ANY),
)
shapes = st.dictionaries(names.filter(lambda n: n.strip() == n), st.lists(dims, min_size=1))


def attempt(function, *arguments):
    """What a function returned, and how it refused; one of the two is None."""
    try:
        return function(*arguments), None
    except AtcError as error:
        return None, error


@given(shapes)
def test_input_shape_reads_what_it_writes(wanted):
    written = ";".join(f"{name}:{text(tuple(entry))}" for name, entry in wanted.items())
    parsed = parse_input_shape(written)
    assert parsed == {name: tuple(entry) for name, entry in wanted.items()}
    assert list(parsed) == list(wanted)


@given(st.text())
def test_any_shape_text_is_parsed_or_refused(value):
    parsed, error = attempt(parse_input_shape, value)
    if error:
        assert error.code == "E10002"
    else:
        assert all(dim.hi == -1 or dim.lo <= dim.hi for entry in parsed.values() for dim in entry)


@given(st.sampled_from(sorted(OPTION_OF_KIND)), st.text("0123456789,;- ") | st.text())
def test_any_gear_text_is_parsed_or_refused(kind, value):
    gears, error = attempt(parse_values, kind, value, 100)
    if error:
        assert error.code in ("E10035", "E10036", "E10037", "E10038", "E10039")
        assert error.solution
    else:
        assert 2 <= len(gears) <= 100
        assert len(set(gears)) == len(gears)
        assert min(size for gear in gears for size in gear) >= 1


words = st.one_of(
    st.text(),
    st.builds(
        lambda dashes, name, rest: dashes + name + rest,
        st.sampled_from(["-", "--"]),
        st.sampled_from([option.name for option in OPTIONS]),
        st.one_of(st.just(""), st.text().map(lambda value: "=" + value)),
    ),
)


@given(st.lists(words, max_size=6))
def test_any_command_line_is_understood_or_refused(line):
    arguments, error = attempt(Arguments, line)
    if error:
        assert error.code in ("E10001", "E10004", "E10054")
        assert error.message
        assert error.solution
    else:
        for name, value in arguments.given.items():
            assert value
            assert arguments[name] == value


@given(
    st.lists(st.tuples(st.integers(1, 64), st.integers(1, 64)), min_size=2, max_size=9, unique=True)
)
def test_every_gear_lies_in_the_envelope(values):
    gears = Gears("dims", tuple(values), ((0, 1), (1, 0)))
    shapes = [(Dim(2, 2), ANY), (ANY, Dim(5, 5))]
    outer = gears.envelope(shapes)
    for gear in gears.values:
        filled = gears.fill(shapes, gear)
        assert filled == [
            (Dim(2, 2), Dim(gear[0], gear[0])),
            (Dim(gear[1], gear[1]), Dim(5, 5)),
        ]
        for inner, whole in zip(filled, outer, strict=True):
            assert all(o.lo <= i.lo and i.hi <= o.hi for i, o in zip(inner, whole, strict=True))


@settings(max_examples=200)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_refused_as_om(tmp_path_factory, data, with_magic):
    path = tmp_path_factory.getbasetemp() / "any.om"
    path.write_bytes(b"SOFTNPU\0" * with_magic + data)
    with pytest.raises(OmError):
        Om(path)
