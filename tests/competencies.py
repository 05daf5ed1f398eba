"""A technical competency for tests, as an officer enters it."""

from typing import Any

DECREE = "Keputusan Bupati 12/2024"


def levels(**changes: Any) -> list[dict[str, Any]]:
    """Five levels; the changes are to the third."""
    five: list[dict[str, Any]] = [
        {
            "level": number,
            "name": name,
            "description": f"Tingkat {number}.",
            "indicators": [f"Melakukan {number}"],
        }
        for number, name in enumerate(("Paham", "Dasar", "Menengah", "Mumpuni", "Ahli"), start=1)
    ]
    five[2] |= changes
    return five


def competency(**changes: Any) -> dict[str, Any]:
    """A body for POST /competencies."""
    return {
        "code": "arsip_vital",
        "job_family": "kearsipan",
        "name": "Arsip Vital",
        "definition": "Menjaga arsip yang menentukan hak warga.",
        "levels": levels(),
        "source": DECREE,
        "effective_from": "2024-03-01",
    } | changes
