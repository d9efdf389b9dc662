"""Explanations: the same sentence for all that is read, in the words of its format."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from enforcer.validation.explain import JSON, TOML, explanations, in_one_line


class Inner(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    names: list[str] = []


class Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=5)] = "x"
    number: Annotated[int, Field(ge=1, le=9)] = 1
    choice: Literal["a", "b"] = "a"
    inner: Inner = Inner()


def refused(**given: Any) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(given)
    return caught.value


@pytest.mark.parametrize(
    ("given", "toml", "json"),
    [
        ({"text": {}}, "should be a string, got a table", "should be a string, got an object"),
        ({"text": None}, "should be a string, got a date or time", "should be a string, got null"),
        ({"inner": 1}, "should be a table, got an integer", "should be an object, got an integer"),
        ({"inner": {"names": "x"}}, "should be a list, got a string", "should be a list, got a string"),
        ({"more": 1}, "Extra inputs are not permitted", "is not known here"),
        ({"text": ""}, "is empty", "is empty"),
        (
            {"number": 12},
            "should be less than or equal to 9, got 12",
            "should be less than or equal to 9, got 12",
        ),
    ],
)
def test_each_format_has_its_words(given, toml, json):
    """A table of TOML is an object of JSON; everything else is told alike."""
    error = refused(**given)
    assert [text for _, text in explanations(error, TOML)] == [toml]
    assert [text for _, text in explanations(error, JSON)] == [json]


def test_a_text_that_may_be_secret_is_not_repeated():
    """Of a value only numbers and choices are shown."""
    assert "swordfish" not in in_one_line(refused(text="swordfish"), TOML, most=9)
    assert in_one_line(refused(choice="c"), TOML, most=9).endswith("got 'c'")


@pytest.mark.parametrize("given", [["a"] * 9, {"a": {}}, "x" * 999], ids=["list", "table", "long"])
def test_what_is_shown_is_short(given):
    """A hostile value, long or nested, does not get into the sentence."""
    ((_, text),) = explanations(refused(choice=given), JSON)
    assert len(text.partition("got ")[2]) <= 40


def test_a_dialect_words_some_errors_itself():
    """The sentence that a dialect has instead is filled with the bound that was passed."""
    own = replace(JSON, instead={"string_too_long": "is longer than {max_length} characters"})
    assert in_one_line(refused(text="x" * 6), own, most=1) == "text: is longer than 5 characters"


def test_only_the_first_are_told():
    """A text with a thousand errors gets a short answer, also where its keys are long."""
    error = refused(**{f"{number}{'x' * 999}": 1 for number in range(1000)})
    told = in_one_line(error, JSON, most=3).split("; ")
    assert len(told) == 3
    assert all(len(each) < 130 for each in told)
