"""Projects and folders: made, found, changed, moved, copied, put away."""

from tests.factories.house import House
from tests.factories.projects import made, person


async def test_a_project_is_what_was_sent_and_the_usual_for_the_rest(house: House) -> None:
    ada, _ = await person(house)
    answer = await ada.post("/projects", json={"name": "  Novel ", "kind": "tell_me_life", "tags": ["a", "b", "a"]})
    found = made(answer)
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    assert found["name"] == "Novel"
    assert found["tags"] == ["a", "b"]
    assert found["config"]["kind"] == "tell_me_life"
    assert found["config"]["version"] == 1
    assert (found["role"], found["owner"], found["folder_id"], found["is_shared"]) == ("owner", None, None, False)
    assert made(await ada.get(f"/projects/{found['id']}")) == found
