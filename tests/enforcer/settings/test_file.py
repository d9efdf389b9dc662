from __future__ import annotations

from contextlib import chdir

import pytest

from enforcer.errors import InvalidSettings
from enforcer.settings.file import find_file, read_table


def test_the_given_file_goes_before_the_variable(tmp_path):
    """Who names a file on the command line means that one."""
    given = tmp_path / "given.toml"
    assert find_file(given, {"ENFORCER_CONFIG": "other.toml"}) == given


def test_the_variable_goes_before_the_default(tmp_path):
    """ENFORCER_CONFIG is used although an enforcer.toml is in the working directory."""
    with chdir(tmp_path):
        (tmp_path / "enforcer.toml").touch()
        assert str(find_file(None, {"ENFORCER_CONFIG": "/etc/other.toml"})) == "/etc/other.toml"


@pytest.mark.parametrize("environ", [{}, {"ENFORCER_CONFIG": ""}])
def test_the_default_is_in_the_working_directory(environ, tmp_path):
    """Without argument and variable, or with an empty one, enforcer.toml is used."""
    with chdir(tmp_path):
        (tmp_path / "enforcer.toml").touch()
        assert str(find_file(None, environ)) == "enforcer.toml"


def test_without_any_file_the_error_says_how_to_get_one(tmp_path):
    """A first start ends with what to do next."""
    with chdir(tmp_path):
        with pytest.raises(InvalidSettings) as raised:
            find_file(None, {})
        assert raised.value.problems == (
            "no enforcer.toml here; run `enforcer up` to have one written, or set ENFORCER_CONFIG",
        )


def test_a_named_file_that_is_missing_is_named(tmp_path):
    """The path and the reason are told."""
    file = tmp_path / "nowhere.toml"
    with pytest.raises(InvalidSettings) as raised:
        read_table(file)
    assert raised.value.problems == (f"{file}: cannot be read: No such file or directory",)


def test_invalid_toml_is_told_with_file_and_line(tmp_path):
    """An editor can go to the place."""
    file = tmp_path / "enforcer.toml"
    file.write_text('listen = "127.0.0.1:8080"\nprocesses 3\n')
    with pytest.raises(InvalidSettings) as raised:
        read_table(file)
    (problem,) = raised.value.problems
    assert problem.startswith(f"{file}: not valid TOML: ")
    assert "line 2" in problem


def test_other_encodings_are_told_with_file_and_line(tmp_path):
    """A Latin-1 letter in a comment does not end in a traceback."""
    file = tmp_path / "enforcer.toml"
    file.write_bytes(b"processes = 1\n\n# caf\xe9\n")
    with pytest.raises(InvalidSettings) as raised:
        read_table(file)
    assert raised.value.problems == (f"{file}: not UTF-8 text (at line 3)",)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    """Windows editors put one in front."""
    file = tmp_path / "enforcer.toml"
    file.write_bytes(b"\xef\xbb\xbfprocesses = 1\n")
    assert read_table(file) == {"processes": 1}
