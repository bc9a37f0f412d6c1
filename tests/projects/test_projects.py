"""Projects and folders: made, found, changed, moved, copied, put away and taken back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from kontor.core.clock import now
from kontor.core.ids import new_id
from kontor.core.tenancy import Role
from kontor.projects import configs, service, trash
from kontor.projects.ports import Copy, Count, belongings
from kontor.projects.repository import Filter
from kontor.projects.values import Kind
from tests.factories.house import House
from tests.factories.projects import made, make_folder, make_project, names, person, share, statements_of


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


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_has_a_configuration_of_its_own_that_knows_what_it_knows(kind: Kind) -> None:
    usual = configs.usual(kind)
    assert configs.read(configs.stored(usual)) == usual
    with pytest.raises(ValidationError):
        configs.read({**configs.stored(usual), "colour_of_the_sky": "blue"})
    with pytest.raises(ValidationError):
        configs.read({**configs.stored(usual), "version": 2})


async def test_a_configuration_is_of_the_projects_kind_and_of_known_words(house: House) -> None:
    ada, _ = await person(house)
    project = await make_project(ada, kind="extraction", config={"kind": "extraction", "unit": "paragraph"})
    path = f"/projects/{project['id']}"
    for config in ({"kind": "chat"}, {"kind": "extraction", "unknown": 1}, {"kind": "extraction", "unit": "word"}):
        assert (await ada.patch(path, json={"config": config})).status_code == 422
    assert (
        await ada.post("/projects", json={"name": "x", "kind": "chat", "config": {"kind": "resume"}})
    ).status_code == 422
    assert (await ada.patch(path, json={"owner_id": str(new_id())})).status_code == 422
    assert (await ada.patch(path, json={"name": None})).status_code == 422
    changed = made(await ada.patch(path, json={"config": {"kind": "extraction", "needs_evidence": False}}))
    assert (changed["config"]["unit"], changed["config"]["needs_evidence"]) == ("document", False)


async def test_two_windows_do_not_overwrite_each_other(house: House) -> None:
    ada, _ = await person(house)
    project = await make_project(ada, description="old", colour="red")
    path = f"/projects/{project['id']}"
    first = await ada.patch(path, json={"name": "First"}, headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    second = await ada.patch(path, json={"name": "Second"}, headers={"If-Match": '"1"'})
    assert (second.status_code, second.json()["current"]) == (412, 2)
    # What says nothing new is no new version.
    assert made(await ada.patch(path, json={"name": "First"}))["version"] == 2
    whole = made(await ada.put(path, json={"name": "Whole"}))
    assert (whole["name"], whole["description"], whole["colour"], whole["version"]) == ("Whole", "", None, 3)


async def test_projects_are_found_by_every_filter_page_by_page(house: House) -> None:
    ada, _ = await person(house)
    folder = await make_folder(ada)
    await make_project(ada, "Ärger 100%", folder_id=folder["id"], tags=["x"])
    await make_project(ada, "beta", kind="resume")
    third = await make_project(ada, "Gamma ray")
    await ada.put(f"/projects/{third['id']}/pin")
    assert await names(ada, sort="name", limit=1) == ["beta", "Gamma ray", "Ärger 100%"] or await names(
        ada, sort="name", limit=1
    ) == ["Ärger 100%", "beta", "Gamma ray"]
    assert await names(ada, sort="-created_at", limit=2) == ["Gamma ray", "beta", "Ärger 100%"]
    assert await names(ada, search="ray gam") == ["Gamma ray"]
    assert await names(ada, search="0%") == ["Ärger 100%"]
    assert await names(ada, search="_") == []
    assert await names(ada, kind="resume") == ["beta"]
    assert await names(ada, tag="x") == ["Ärger 100%"]
    assert await names(ada, pinned=True) == ["Gamma ray"]
    assert await names(ada, folder_id=folder["id"]) == ["Ärger 100%"]
    assert await names(ada, folder_id="none") == ["beta", "Gamma ray"]
    assert await names(ada, whose="others") == []
    assert (await ada.get("/projects", params={"cursor": "bm9uc2Vuc2U"})).status_code == 422


async def test_what_stands_in_an_archived_folder_is_archived_with_it(house: House) -> None:
    ada, _ = await person(house)
    outer = await make_folder(ada, "Outer")
    inner = await make_folder(ada, "Inner", parent_id=outer["id"])
    await make_project(ada, "Deep", folder_id=inner["id"])
    await make_project(ada, "Free")
    made(await ada.patch(f"/folders/{outer['id']}", json={"archived": True}))
    assert await names(ada) == ["Free"]
    assert await names(ada, archived="yes") == ["Deep"]
    assert await names(ada, "/folders", archived="yes", sort="name") == ["Inner", "Outer"]
    assert sorted(await names(ada, archived="any")) == ["Deep", "Free"]
    made(await ada.patch(f"/folders/{outer['id']}", json={"archived": False}))
    assert sorted(await names(ada)) == ["Deep", "Free"]


async def test_things_stand_where_they_were_put(house: House) -> None:
    ada, _ = await person(house)
    one, two, three = [await make_project(ada, name) for name in ("one", "two", "three")]
    made(await ada.post(f"/projects/{three['id']}/move", json={"after": None}))
    assert await names(ada) == ["three", "one", "two"]
    made(await ada.post(f"/projects/{three['id']}/move", json={"after": one["id"]}))
    assert await names(ada) == ["one", "three", "two"]
    folder = await make_folder(ada)
    inside = made(await ada.post(f"/projects/{two['id']}/move", json={"folder_id": folder["id"]}))
    assert inside["folder_id"] == folder["id"]
    stray = await ada.post(f"/projects/{one['id']}/move", json={"after": two["id"]})
    assert (stray.status_code, stray.json()["errors"][0]["field"]) == (422, "after")
    back = made(await ada.post(f"/projects/{two['id']}/move", json={"folder_id": None, "after": None}))
    assert back["folder_id"] is None
    assert await names(ada) == ["two", "one", "three"]


async def test_no_folder_stands_in_itself(house: House) -> None:
    ada, _ = await person(house)
    outer = await make_folder(ada, "Outer")
    inner = await make_folder(ada, "Inner", parent_id=outer["id"])
    for target in (outer, inner):
        answer = await ada.post(f"/folders/{outer['id']}/move", json={"parent_id": target["id"]})
        assert (answer.status_code, answer.json()["code"]) == (409, "folder.in_itself")


async def test_folders_stand_in_each_other_without_limit(house: House) -> None:
    ada, _ = await person(house)
    above = await make_folder(ada, "0")
    root = above
    for depth in range(1, 15):
        above = await make_folder(ada, str(depth), parent_id=above["id"])
    project = await make_project(ada, "Deepest", folder_id=above["id"])
    ben, address = await person(house)
    await share(ada, ben, address, folder_id=root["id"])
    assert made(await ben.get(f"/projects/{project['id']}"))["role"] == "viewer"


async def test_a_copy_has_everything_but_shares_and_pins(house: House) -> None:
    ada, _ = await person(house)
    ben, address = await person(house)
    outer = await make_folder(ada, "Outer", colour="teal")
    inner = await make_folder(ada, "Inner", parent_id=outer["id"])
    config = {"kind": "cv_matcher", "shortlist": 3}
    project = await make_project(
        ada, "Deep", folder_id=inner["id"], instructions="Be brief.", kind="cv_matcher", config=config
    )
    thrown = await make_project(ada, "Thrown", folder_id=inner["id"])
    await ada.delete(f"/projects/{thrown['id']}")
    await share(ada, ben, address, folder_id=outer["id"])
    copy = made(await ada.post(f"/folders/{outer['id']}/duplicate", json={"name": "Copy"}))
    assert (copy["name"], copy["colour"], copy["is_shared"], copy["role"]) == ("Copy", "teal", False, "owner")
    assert await names(ada) == ["Deep", "Deep"]
    assert await names(ben) == ["Deep"]
    of_ben = made(await ben.post(f"/projects/{project['id']}/duplicate", json={}))
    assert (of_ben["role"], of_ben["folder_id"], of_ben["instructions"]) == ("owner", None, "Be brief.")
    assert of_ben["config"] == project["config"]
    assert (await ada.get(f"/projects/{of_ben['id']}")).status_code == 404
    refused = await ada.post(f"/projects/{project['id']}/duplicate", json={"include": ["everything"]})
    assert refused.status_code == 422


class Leaves:
    """Something of another domain that lives in projects."""

    name, is_copied = "leaves", True

    def __init__(self) -> None:
        self.copied: list[Copy] = []
        self.erased: list[UUID] = []

    async def copy(self, _unit: object, copies: Any) -> None:
        self.copied += copies

    async def count(self, _unit: object, _project_id: UUID) -> Count:
        return Count({"ready": 2}, bytes=7)

    async def erase(self, _unit: object, project_ids: Any) -> None:
        self.erased += project_ids


@pytest.fixture
def leaves(monkeypatch: pytest.MonkeyPatch) -> Leaves:
    made_here = Leaves()
    monkeypatch.setattr(belongings, "_all", {"leaves": made_here})
    return made_here


async def test_what_belongs_to_a_project_is_copied_counted_and_erased_with_it(house: House, leaves: Leaves) -> None:
    ada, _ = await person(house)
    project = await make_project(ada)
    copy = made(await ada.post(f"/projects/{project['id']}/duplicate", json={"include": ["leaves"]}))
    assert [(str(each.source_id), str(each.target_id)) for each in leaves.copied] == [(project["id"], copy["id"])]
    made(await ada.post(f"/projects/{project['id']}/duplicate", json={}))
    assert len(leaves.copied) == 1
    shown = made(await ada.get(f"/projects/{project['id']}/dashboard"))
    assert shown["parts"] == [{"name": "leaves", "by_state": {"ready": 2}, "bytes": 7}]
    await ada.delete(f"/projects/{project['id']}")
    assert leaves.erased == []
    assert (await ada.delete(f"/trash/{project['id']}")).status_code == 204
    assert [str(each) for each in leaves.erased] == [project["id"]]


async def test_a_deleted_persons_projects_go_with_all_that_is_in_them(house: House, leaves: Leaves) -> None:
    admin = await house.visitor(Role.ADMIN)
    ada, _ = await person(house)
    ben, of_ben = await person(house)
    cy, of_cy = await person(house)
    folder, theirs = await make_folder(ada), await make_folder(cy)
    project = await make_project(ada, folder_id=folder["id"])
    await make_project(cy, "Theirs", folder_id=theirs["id"])
    await share(ada, ben, of_ben, folder_id=folder["id"])
    await share(ada, cy, of_cy, folder_id=folder["id"])
    assert (await admin.delete(f"/admin/users/{ben.id}")).status_code == 204
    assert [item["email"] for item in made(await ada.get("/shares"))["items"]] == [of_cy]
    assert (await admin.delete(f"/admin/users/{ada.id}")).status_code == 204
    assert [str(each) for each in leaves.erased] == [project["id"]]
    assert await names(cy) == ["Theirs"]
    async with house.database.system("test") as unit:
        for table in ("folder", "project", "folder_access", "project_access"):
            assert await unit.scalar(text(f"SELECT count(*) FROM {table}")) == 1, table
        assert await unit.scalar(text("SELECT count(*) FROM share")) == 0


async def test_a_long_list_is_as_few_questions_as_a_short_one(house: House) -> None:
    ada, _ = await person(house)
    ben, address = await person(house)
    folder = await make_folder(ada)
    await share(ada, ben, address, folder_id=folder["id"])
    counts = []
    for number in (1, 7):
        for _ in range(number):
            await make_project(ada, folder_id=folder["id"])
        async with house.database.unit(ben.actor) as unit:
            asked = await statements_of(unit, service.list_page(unit, ben.actor, Filter(), limit=50, cursor=None))
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 6


async def test_what_was_thrown_away_together_comes_back_together(house: House) -> None:
    ada, _ = await person(house)
    ben, address = await person(house)
    outer = await make_folder(ada, "Outer")
    inner = await make_folder(ada, "Inner", parent_id=outer["id"])
    await make_project(ada, "Deep", folder_id=inner["id"])
    before = await make_project(ada, "Before", folder_id=inner["id"])
    await share(ada, ben, address, folder_id=outer["id"])
    await ada.delete(f"/projects/{before['id']}")
    assert (await ada.delete(f"/folders/{outer['id']}")).status_code == 204
    assert (await names(ada), await names(ben), await names(ben, "/folders")) == ([], [], [])
    lying = made(await ada.get("/trash"))["items"]
    assert [(item["name"], item["sort"], item["projects"]) for item in lying] == [
        ("Outer", "folder", 1),
        ("Before", "project", 1),
    ]
    for refused in (
        await ada.patch(f"/folders/{outer['id']}", json={"name": "x"}),
        await ada.post("/projects", json={"name": "x", "folder_id": inner["id"]}),
        await ada.post("/shares", json={"folder_id": outer["id"], "email": "a@example.org", "role": "viewer"}),
        await ada.delete(f"/folders/{outer['id']}"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "project.in_trash")
    assert (await ada.post(f"/folders/{inner['id']}/restore")).status_code == 404
    made(await ada.post(f"/folders/{outer['id']}/restore"))
    assert (await names(ada), await names(ben)) == (["Deep"], ["Deep"])
    assert await names(ben, "/folders", sort="name") == ["Inner", "Outer"]
    assert [item["name"] for item in made(await ada.get("/trash"))["items"]] == ["Before"]


async def test_what_comes_back_to_a_folder_that_is_gone_stands_at_the_top(house: House) -> None:
    ada, _ = await person(house)
    folder = await make_folder(ada)
    project = await make_project(ada, folder_id=folder["id"])
    await ada.delete(f"/projects/{project['id']}")
    await ada.delete(f"/folders/{folder['id']}")
    back = made(await ada.post(f"/projects/{project['id']}/restore"))
    assert (back["folder_id"], back["trashed_at"]) == (None, None)
    assert await names(ada) == ["Project"]


async def test_after_thirty_days_the_trash_is_emptied_and_not_before(house: House) -> None:
    ada, _ = await person(house)
    folder = await make_folder(ada)
    project = await make_project(ada, folder_id=folder["id"])
    early = await make_project(ada, "Early", folder_id=folder["id"])
    await ada.delete(f"/projects/{early['id']}")
    await ada.delete(f"/folders/{folder['id']}")
    await grow_older(house, folder["id"], days=29)
    assert await trash.sweep(house.database) == 0
    await grow_older(house, folder["id"], days=2)
    assert await trash.sweep(house.database) == 1
    assert await trash.sweep(house.database) == 0
    assert (await ada.get(f"/projects/{project['id']}")).status_code == 404
    # Thrown away by itself: its own thirty days are not over.
    assert [item["name"] for item in made(await ada.get("/trash"))["items"]] == ["Early"]
    made(await ada.post(f"/projects/{early['id']}/restore"))
    assert await names(ada, folder_id="none") == ["Early"]


async def grow_older(house: House, root: str, *, days: int) -> None:
    """In the trash."""
    async with house.database.system("test") as unit:
        for table in ("folder", "project"):
            await unit.execute(
                text(f"UPDATE {table} SET trashed_at = trashed_at - CAST(:by AS interval) WHERE trashed_with = :root"),
                {"by": timedelta(days=days), "root": UUID(root)},
            )


async def test_emptying_the_trash_takes_ones_own_and_nothing_else(house: House) -> None:
    ada, _ = await person(house)
    ben, _ = await person(house)
    for who in (ada, ben):
        project = await make_project(who)
        await who.delete(f"/projects/{project['id']}")
        await make_project(who, "Kept")
    assert made(await ada.delete("/trash")) == {"erased": 1}
    assert made(await ada.get("/trash"))["items"] == []
    assert len(made(await ben.get("/trash"))["items"]) == 1
    assert await names(ada) == ["Kept"]


async def test_every_window_of_everybody_concerned_hears_of_it(house: House) -> None:
    ada, _ = await person(house)
    ben, address = await person(house)
    project = await make_project(ada)
    await share(ada, ben, address, project_id=project["id"])
    before = len(await house.events_of(ben.id, "projects.changed"))
    made(await ada.patch(f"/projects/{project['id']}", json={"name": "Renamed"}))
    await ada.delete(f"/projects/{project['id']}")
    heard = (await house.events_of(ben.id, "projects.changed"))[before:]
    assert heard == [{"projects": [project["id"]], "folders": []}] * 2
    assert {"projects": [project["id"]], "folders": []} in await house.events_of(ada.id, "projects.changed")


async def test_a_projects_budget_counts_what_was_asked_in_it_and_goes_with_it(house: House) -> None:
    ada, _ = await person(house)
    ben, address = await person(house)
    project = await make_project(ada)
    await share(ada, ben, address, "editor", project_id=project["id"])
    async with house.database.system("test") as unit:
        for asker in (ada, ben):
            await unit.execute(LINE, {"run": new_id(), "owner": asker.id, "project": UUID(project["id"]), "at": now()})
    path = f"/projects/{project['id']}/budgets"
    answer = await ada.put(path, json={"items": [{"period": "month", "limit_nano": 5_000_000_000}]})
    (budget,) = made(answer)["items"]
    assert (budget["subject"], budget["spent_nano"], answer.headers["etag"]) == (
        "project",
        200,
        f'"{answer.json()["version"]}"',
    )
    assert (await ada.put(path, json={"items": []}, headers={"If-Match": '"1"'})).status_code == 412
    whole = made(await ada.get(f"/projects/{project['id']}/dashboard"))
    assert (whole["is_everybody"], whole["total"]["runs"], whole["total"]["cost"]["nano"]) == (True, 2, 200)
    assert [group["key"] for group in whole["models"]] == ["one"]
    assert whole["day_parts"] == [{"day": whole["days"][0]["key"], "model": "one", "nano": 200}]
    own = made(await ben.get(f"/projects/{project['id']}/dashboard"))
    assert (own["is_everybody"], own["total"]["runs"], own["day_parts"][0]["nano"]) == (False, 1, 100)
    groups = made(await ada.get("/usage", params={"group": "project"}))["items"]
    assert [group["label"] for group in groups] == ["Project"]
    await ada.delete(f"/projects/{project['id']}")
    made(await ada.delete("/trash"))
    assert made(await ada.get("/billing/budgets"))["items"] == []


LINE = text("""
    INSERT INTO usage_line (run_id, owner_id, payer_id, project_id, kind, provider_kind, model_name, day, input_tokens,
        cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, image_tokens, audio_in_tokens,
        audio_out_tokens, provider_usd_nano, charged_nano, currency, markup_bp, is_estimated, is_free, finished_at)
    VALUES (:run, :owner, :owner, :project, 'api', 'openai', 'one', CAST(CAST(:at AS timestamptz) AS date), 1, 0, 0, 1,
        0, 0, 0, 0, 0, 100, 'EUR', 0, false, false, :at)
""")
