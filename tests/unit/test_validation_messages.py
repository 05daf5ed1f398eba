"""What is told of a value that doesn't fit, in both languages."""

import pytest
from pydantic import ValidationError

from app.schemas.employees import EmployeeQuery
from app.validation_messages import explain


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            {"q": "a"},
            ("Paling sedikit 3 karakter.", "String should have at least 3 characters"),
        ),
        (
            {"q": "a" * 101},
            ("Paling banyak 100 karakter.", "String should have at most 100 characters"),
        ),
        (
            {"status": ["pns"] * 41},
            (
                "Paling banyak 40 butir.",
                "List should have at most 40 items after validation, not 41",
            ),
        ),
        (
            {"sex": "x"},
            ("Harus salah satu dari: 'male' atau 'female'.", "Input should be 'male' or 'female'"),
        ),
    ],
)
def test_each_message_speaks_one_language(
    query: dict[str, object], expected: tuple[str, str]
) -> None:
    with pytest.raises(ValidationError) as refused:
        EmployeeQuery.model_validate(query)
    [error] = refused.value.errors()
    assert explain(error["type"], error["msg"], error["ctx"]) == expected
