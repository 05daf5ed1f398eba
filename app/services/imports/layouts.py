"""The kinds of files that are imported."""

from app.services.imports.assessment_results.layout import Competencies, results_layout
from app.services.imports.employees.layout import EMPLOYEES
from app.services.imports.layout import Layout
from app.vocabulary import ImportKind


def layout_of(kind: ImportKind, competencies: Competencies) -> Layout:
    """The layout of this kind; a file of assessment results has a column a competency."""
    if kind is ImportKind.EMPLOYEES:
        return EMPLOYEES
    return results_layout(competencies)
