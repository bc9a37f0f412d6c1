"""The count at the end, which nothing that fails may escape."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kontor.cli import verify
from kontor.cli.verify import Count, Outcome, Step


def steps(*outcomes: Outcome) -> list[Step]:
    return [
        Step(f"step{number}", "A step", lambda outcome=outcome: outcome, is_test=True)  # type: ignore[misc]
        for number, outcome in enumerate(outcomes)
    ]


GOOD, BAD = Outcome(True, count=Count(1)), Outcome(False, count=Count(0, 1))
NAMES = ("python-core", "chaos", "python-rest")


def last_line(said: str) -> str:
    return said.rstrip("\n").rsplit("\n", 1)[-1]


def test_the_counts_of_all_steps_are_added(capsys: pytest.CaptureFixture[str]) -> None:
    done = verify.run(steps(Outcome(True, count=Count(3, 0, 1)), Outcome(True, count=Count(4))), None)
    assert (done, last_line(capsys.readouterr().out)) == (0, "7 passed, 0 failed, 1 skipped")


def test_a_step_that_fails_without_a_failing_test_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    done = verify.run(steps(Outcome(True, count=Count(3)), Outcome(False, "unclean")), None)
    said = capsys.readouterr().out
    assert (done, last_line(said)) == (1, "3 passed, 1 failed")
    assert "unclean" in said


def test_failing_tests_are_not_counted_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.run(steps(Outcome(False, count=Count(3, 2))), None) == 1
    assert last_line(capsys.readouterr().out) == "3 passed, 2 failed"


def test_only_some_steps_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    both = steps(Outcome(False, count=Count(0, 9)), Outcome(True, count=Count(1)))
    assert verify.run(both, "step1") == 0
    assert last_line(capsys.readouterr().out) == "1 passed, 0 failed"
    assert verify.run(both, "step7") == 2


def test_pytest_reports_are_read(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text('<testsuites><testsuite tests="9" failures="1" errors="2" skipped="3"></testsuite></testsuites>')
    assert verify.count_of(report) == Count(3, 3, 3)


def test_tests_do_not_see_how_this_machine_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://precious")
    monkeypatch.setenv("KONTOR_DATA", "/precious")
    monkeypatch.setenv("KONTOR_BROWSER", "required")
    found = verify.environment()
    assert "DATABASE_URL" not in found
    assert "KONTOR_DATA" not in found
    assert found["KONTOR_BROWSER"] == "required"


def test_every_step_has_a_name_of_its_own() -> None:
    names = [step.name for step in verify.STEPS]
    assert len(set(names)) == len(names)
    assert {step.name.partition("-")[0] for step in verify.STEPS if step.is_test} == {
        "python",
        "chaos",
        "frontend",
        "browser",
    }


def test_what_others_stand_on_is_done_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    def step(name: str, *after: str) -> Step:
        def run() -> Outcome:
            assert set(after) <= set(ended)
            ended.append(name)
            return Outcome(True)

        return Step(name, name, run, after=after)

    chosen = [step("screens", "built"), step("built", "packages"), step("alone"), step("packages")]
    for cores in (0, 8):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        ended.clear()
        told = [done.name for done, _, _ in verify.in_good_order(chosen)]
        assert sorted(told) == sorted(ended) == ["alone", "built", "packages", "screens"]


def test_who_asks_for_a_step_gets_what_it_stands_on() -> None:
    chosen = [step for step in verify.STEPS if step.name == "browser-screens"]
    found = verify.with_what_they_stand_on(chosen, verify.STEPS)
    assert [step.name for step in found] == ["packages", "ui-size", "browser-screens"]


def test_a_name_stands_for_all_steps_that_begin_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    named = [replace(step, name=name) for step, name in zip(steps(GOOD, BAD, GOOD), NAMES, strict=True)]
    assert verify.run(named, "python") == 0
    assert last_line(capsys.readouterr().out) == "2 passed, 0 failed"
    # The report keeps its order, whoever ended first.
    verify.run(named, None)
    report = capsys.readouterr().out.partition(" in all:")[2]
    assert [line.split()[1] for line in report.splitlines()[1:4]] == list(NAMES)


def test_what_a_step_says_and_spends_is_told() -> None:
    program = """if True:
        import sys, time
        print("out")
        print("no", file=sys.stderr)
        while time.process_time() < 0.2: pass
        sys.exit(3)
    """
    step = Step("one", "One", lambda: verify.tool(sys.executable, "-u", "-c", program))
    _, outcome, took = verify.timed(step)
    assert (outcome.is_good, outcome.said.split()) == (False, ["out", "no"])
    assert verify.spent.seconds >= 0.2
    assert took.endswith(f"{verify.spent.seconds:.1f} s of a core")


def test_no_test_is_in_two_steps() -> None:
    paths = [verify.ROOT / path for path in (*verify.NAMED, *verify.SCREENS)]
    assert all(path.exists() for path in paths)
    named = [verify.ROOT / path for path in verify.NAMED]
    for found in (verify.ROOT / "tests").rglob("test_*.py"):
        assert sum(path in (found, *found.parents) for path in named) <= 1, found
