"""What Pydantic's error types mean, in both languages. Never repeats the value that was sent."""

from collections.abc import Mapping

INDONESIAN = {
    "missing": "Wajib diisi.",
    "extra_forbidden": "Isian ini tidak dikenal.",
    "string_type": "Harus berupa teks.",
    "string_too_short": "Paling sedikit {min_length} karakter.",
    "string_too_long": "Paling banyak {max_length} karakter.",
    "string_pattern_mismatch": "Bentuknya tidak sesuai pola {pattern}.",
    "string_unicode": "Teks memuat karakter Unicode yang tidak sah.",
    "text_control_character": "Teks memuat karakter kendali.",
    "int_type": "Harus berupa bilangan bulat.",
    "int_parsing": "Harus berupa bilangan bulat.",
    "int_parsing_size": "Bilangan terlalu besar.",
    "int_from_float": "Harus berupa bilangan bulat.",
    "float_type": "Harus berupa bilangan.",
    "float_parsing": "Harus berupa bilangan.",
    "finite_number": "Harus berupa bilangan yang terhingga.",
    "decimal_parsing": "Harus berupa bilangan desimal.",
    "decimal_type": "Harus berupa bilangan desimal.",
    "decimal_max_digits": "Paling banyak {max_digits} angka.",
    "decimal_max_places": "Paling banyak {decimal_places} angka di belakang koma.",
    "decimal_whole_digits": "Paling banyak {whole_digits} angka di depan koma.",
    "bool_type": "Harus benar (true) atau salah (false).",
    "bool_parsing": "Harus benar (true) atau salah (false).",
    "greater_than": "Harus lebih dari {gt}.",
    "greater_than_equal": "Paling sedikit {ge}.",
    "less_than": "Harus kurang dari {lt}.",
    "less_than_equal": "Paling banyak {le}.",
    "date_type": "Harus berupa tanggal (TTTT-BB-HH).",
    "date_parsing": "Harus berupa tanggal (TTTT-BB-HH).",
    "date_from_datetime_parsing": "Harus berupa tanggal (TTTT-BB-HH).",
    "date_from_datetime_inexact": "Harus berupa tanggal tanpa jam.",
    "datetime_type": "Harus berupa waktu RFC 3339.",
    "datetime_parsing": "Harus berupa waktu RFC 3339.",
    "datetime_from_date_parsing": "Harus berupa waktu RFC 3339.",
    "timezone_aware": "Waktu harus menyebut zona waktunya.",
    "uuid_type": "Harus berupa UUID.",
    "uuid_parsing": "Harus berupa UUID.",
    "enum": "Harus salah satu dari: {expected}.",
    "literal_error": "Harus salah satu dari: {expected}.",
    "list_type": "Harus berupa daftar.",
    "too_short": "Paling sedikit {min_length} butir.",
    "too_long": "Paling banyak {max_length} butir.",
    "dict_type": "Harus berupa objek.",
    "model_type": "Harus berupa objek.",
    "model_attributes_type": "Harus berupa objek JSON (Content-Type: application/json).",
    "bytes_type": "Harus berupa berkas.",
    "value_error": "Nilai tidak sah.",
}
"""Pydantic's own English message stands for the English side."""


OF_TEXT = {
    "too_short": ("string_too_short", "String should have at least {min_length} characters"),
    "too_long": ("string_too_long", "String should have at most {max_length} characters"),
}
"""Pydantic counts the "items" of a text whose length it checks after a validator of ours."""


def explain(kind: str, english: str, context: Mapping[str, object]) -> tuple[str, str]:
    """(Indonesian, English) for one Pydantic error."""
    if "indonesian" in context:
        return str(context["indonesian"]), english
    if kind in OF_TEXT and context.get("field_type") == "Value":
        kind, english = OF_TEXT[kind]
        english = english.format(**context)
    template = INDONESIAN.get(kind, "Nilai tidak sah.")
    try:
        return template.format(**_in_indonesian(context)), english
    except (KeyError, IndexError):
        return "Nilai tidak sah.", english


def _in_indonesian(context: Mapping[str, object]) -> dict[str, object]:
    """What was expected is listed in English: 'pns' or 'pppk'."""
    words = dict(context)
    if isinstance(expected := words.get("expected"), str):
        words["expected"] = " atau ".join(expected.rsplit(" or ", 1))
    return words
