"""Where competencies fall short, whose assessment is missing, and who fits which seat."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from app.dependencies import ReadSession, Router, next_link
from app.errors import InvalidCursor, NotFound, problems
from app.schemas.competency_gaps import (
    CandidatePage,
    CandidateQuery,
    CoveragePage,
    CoverageQuery,
    GapQuery,
    GapSummary,
)
from app.services.competency_gaps.candidates import list_candidates as candidates_of
from app.services.competency_gaps.coverage import list_coverage as coverage_of
from app.services.competency_gaps.summary import gap_summary

router = Router(tag="competency_gaps")


@router.get("/competency-gaps", responses=problems(NotFound))
async def get_summary(query: Annotated[GapQuery, Query()], reader: ReadSession) -> GapSummary:
    """Gaps of a unit and all below it.

    Against what the seats of their holders require today, by competency, unit or kind of job.
    """
    return await gap_summary(reader, query)


@router.get("/assessment-coverage", responses=problems(NotFound, InvalidCursor))
async def list_coverage(
    query: Annotated[CoverageQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> CoveragePage:
    """Whose assessment is missing, expired or about to expire.

    Everybody in service; those whose result ended first at the top.
    """
    page = await coverage_of(reader, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page


@router.get("/positions/{position_id}/candidates", responses=problems(NotFound, InvalidCursor))
async def list_candidates(
    position_id: UUID,
    query: Annotated[CandidateQuery, Query()],
    reader: ReadSession,
    request: Request,
    response: Response,
) -> CandidatePage:
    """Who fits this position.

    Everybody in service, by how little is missing of the levels that it requires; each with what
    is missing. Golongan, education and a result that counts decide who is eligible.
    """
    page = await candidates_of(reader, position_id, query)
    response.headers.update(next_link(request, page.next_cursor))
    return page
