"""Whatever people do to each other: the rights are those of a small model, and there always is an administrator."""

from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from kontor.admin import policy
from kontor.admin.policy import Deed
from kontor.core.tenancy import Role
from tests.factories.house import House, Visitor

CAST = (Role.ADMIN, Role.ADMIN, Role.MANAGER, Role.USER, Role.USER)


@dataclass(frozen=True, slots=True)
class Step:
    actor: int
    deed: str
    subject: int
    role: Role = Role.USER


@dataclass(frozen=True, slots=True)
class Figure:
    role: Role
    state: str = "active"  # or suspended, or gone


@dataclass(slots=True)
class Model:
    """What ought to happen, said as simply as it can be."""

    cast: list[Figure] = field(default_factory=lambda: [Figure(role) for role in CAST])

    def expect(self, step: Step) -> int:
        actor, subject = self.cast[step.actor], self.cast[step.subject]
        is_last_to_go = self.admins() == {step.subject} and step.deed == "role" and step.role is not Role.ADMIN
        refusals = [
            (401, actor.state != "active"),
            (403, actor.role is Role.USER),
            (404, subject.state == "gone" or (actor.role is Role.MANAGER and subject.role is not Role.USER)),
            (403, actor.role is Role.MANAGER and step.deed not in {"suspend", "restore"}),
            (409, step.actor == step.subject and step.deed in {"suspend", "delete"}),
            (409, is_last_to_go),
        ]
        success = 204 if step.deed == "delete" else 200
        return next((status for status, applies in refusals if applies), success)

    def apply(self, step: Step) -> None:
        subject = self.cast[step.subject]
        match step.deed:
            case "role":
                subject = replace(subject, role=step.role)
            case "suspend":
                subject = replace(subject, state="suspended")
            case "restore":
                subject = replace(subject, state="active")
            case "delete":
                subject = replace(subject, state="gone")
        self.cast[step.subject] = subject

    def admins(self) -> set[int]:
        return {index for index, each in enumerate(self.cast) if (each.role, each.state) == (Role.ADMIN, "active")}


people = st.integers(0, len(CAST) - 1)
steps = st.builds(
    Step,
    actor=people,
    deed=st.sampled_from(["role", "role", "suspend", "restore", "delete", "name"]),
    subject=people,
    role=st.sampled_from(Role),
)


async def do(actor: Visitor, step: Step, subject: Visitor) -> int:
    path = f"/admin/users/{subject.id}"
    match step.deed:
        case "role":
            answer = await actor.patch(path, json={"role": step.role})
        case "name":
            answer = await actor.patch(path, json={"name": f"Named by {step.actor}"})
        case "delete":
            answer = await actor.delete(path)
        case _:
            answer = await actor.post(f"{path}/{step.deed}")
    return answer.status_code


async def cast_in(house: House) -> list[Visitor]:
    async with house.database.system("test") as unit:
        await unit.execute(text("DELETE FROM person"))
    return [await house.visitor(role) for role in CAST]


async def standing(house: House, cast: list[Visitor]) -> list[Figure]:
    async with house.database.system("test") as unit:
        rows = {row.id: row for row in await unit.execute(text("SELECT id, role, state FROM person"))}
    return [
        Figure(Role(rows[each.id].role), rows[each.id].state) if each.id in rows else Figure(each.role, "gone")
        for each in cast
    ]


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=1, max_size=14))
async def test_rights_are_those_of_the_model_whatever_happened_before(house: House, story: list[Step]) -> None:
    cast, model = await cast_in(house), Model()
    for step in story:
        expected = model.expect(step)
        if model.cast[step.actor].state == "active":
            # Restored people sign in again; everybody else's key still works, so it is the role that decides.
            cast[step.actor] = await house.sign_in(cast[step.actor].id)
        assert await do(cast[step.actor], step, cast[step.subject]) == expected, step
        if expected in {200, 204}:
            model.apply(step)
        assert model.admins(), "the model itself would be wrong"
    found = await standing(house, cast)
    assert [each if each.state != "gone" else each.state for each in found] == [
        each if each.state != "gone" else each.state for each in model.cast
    ]


@given(st.sampled_from(Role), st.sampled_from(Deed))
def test_whoever_may_do_something_finds_somebody_to_do_it_to(role: Role, deed: Deed) -> None:
    assert not policy.may(role, deed) or policy.visible_roles(role)


@given(st.sampled_from(Role), st.sampled_from(Role))
def test_nobody_gives_a_role_above_their_own(role: Role, given_role: Role) -> None:
    order = list(Role)
    assert not policy.may_give(role, given_role) or order.index(given_role) <= order.index(role)
