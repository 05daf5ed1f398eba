"""The data sets that can be exported."""

from collections.abc import Mapping
from typing import Final

from app.services.exports.assessments import (
    ASSESSMENTS,
    COMPETENCIES,
    RATINGS,
    RESULTS,
    SCORES,
    STANDARDS,
)
from app.services.exports.columns import Dataset
from app.services.exports.records import EMPLOYEES, POSITIONS, RULE_PACKS, UNITS
from app.vocabulary import ExportDataset

DATASETS: Final[Mapping[ExportDataset, Dataset]] = {
    dataset.name: dataset
    for dataset in (
        *(EMPLOYEES, UNITS, POSITIONS),
        *(COMPETENCIES, STANDARDS, ASSESSMENTS, RATINGS, RESULTS, SCORES),
        RULE_PACKS,
    )
}
"""Every data set by its name."""
