"""Health, and the frame that every answer has."""

from tests.actors import Actors, problem


async def test_live_and_ready(actors: Actors) -> None:
    anyone = actors.anonymous()
    assert (await anyone.get("http://kemuning.test/livez")).json() == {"status": "ok"}
    assert (await anyone.get("http://kemuning.test/readyz")).json()["status"] == "ok"


async def test_unknown_address_and_parameter_are_problems(actors: Actors) -> None:
    anyone = actors.anonymous()
    problem(await anyone.get("/nowhere"), 404, "not_found")
    found = problem(await anyone.get("http://kemuning.test/livez?colour=red"), 422, "invalid")
    assert found["errors"][0]["pointer"] == "/query/colour"
    assert found["title"] == "Ada isian yang tidak sah"


async def test_english_when_asked_for(actors: Actors) -> None:
    answer = await actors.anonymous().get("/nowhere", headers={"Accept-Language": "en-GB"})
    assert answer.json()["title"] == "Not found"
    assert answer.headers["content-language"] == "en"


async def test_the_bare_address_leads_to_the_documentation(actors: Actors) -> None:
    answer = await actors.anonymous().get("http://kemuning.test/")
    assert (answer.status_code, answer.headers["location"]) == (307, "docs")
