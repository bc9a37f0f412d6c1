"""Which usage counts for a run, whatever way it ended. Pure; `settling` books what is decided here.

Whole means that the provider said: this is the end. Cut means that a stop, a limit, a broken connection or a crash did.

| how it ended                      | what counts                                                     | `How`          |
| --------------------------------- | --------------------------------------------------------------- | -------------- |
| whole, with usage                 | that usage                                                      | reported       |
| whole, without usage              | estimated input and output                                      | estimated      |
| cut, usage told after the text    | that usage                                                      | reported       |
| cut in the text                   | input as told or estimated, and what was delivered, estimated   | delivered      |
| cut before any text, but accepted | as the installation has it: the input, estimated, or nothing    | input, waived  |
| refused or failed before any text | nothing                                                         | nothing        |
| never sent                        | nothing                                                         | nothing        |

A run of several calls (fallbacks, a second try for a schema) is decided call by call and summed up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum

from kontor.billing.usage import Usage

SEVERAL = "several"  # ways of being served in one run: there is no one price for them


class CutPolicy(StrEnum):
    """For calls that the provider accepted and that were ended before it said anything."""

    INPUT = "input"
    NOTHING = "nothing"


class How(StrEnum):
    REPORTED = "reported"
    ESTIMATED = "estimated"
    DELIVERED = "delivered"
    INPUT = "input"
    WAIVED = "waived"
    NOTHING = "nothing"


class End(StrEnum):
    WHOLE = "whole"  # the provider said that this is the end
    CUT = "cut"  # stopped, a limit, a broken connection, a crash
    REFUSED = "refused"  # by the provider, or on the way to it, before any text
    UNSENT = "unsent"


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known about one call of a provider. Estimates are tokens."""

    end: End
    estimated_input: int
    estimated_output: int = 0  # of the text and tool calls that were delivered
    estimated_reasoning: int = 0
    seen: Usage | None = None
    is_seen_whole: bool = False  # nothing was delivered after the provider told it
    said_usd_nano: int | None = None
    service: str | None = None  # how the provider says it served
    is_accepted: bool = True  # the provider has taken the request, as far as we know

    @property
    def has_delivered(self) -> bool:
        return bool(self.estimated_output or self.estimated_reasoning)


@dataclass(frozen=True, slots=True)
class Verdict:
    usage: Usage
    how: How
    said_usd_nano: int | None = None
    service: str | None = None

    @property
    def is_estimated(self) -> bool:
        return self.how in {How.ESTIMATED, How.DELIVERED, How.INPUT}


def judge(call: CallFacts, policy: CutPolicy) -> Verdict:
    return replace(_judged(call, policy), service=call.service)


def _judged(call: CallFacts, policy: CutPolicy) -> Verdict:
    if call.end in {End.REFUSED, End.UNSENT} or not (call.is_accepted or call.has_delivered):
        return Verdict(Usage(), How.NOTHING)
    if call.seen is not None and (call.end is End.WHOLE or call.is_seen_whole) and _is_told(call):
        return Verdict(call.seen, How.REPORTED, call.said_usd_nano)
    if call.end is End.WHOLE:
        return Verdict(_delivered(call), How.ESTIMATED)
    if call.has_delivered:
        return Verdict(_delivered(call), How.DELIVERED)
    if policy is CutPolicy.NOTHING:
        return Verdict(Usage(), How.WAIVED)
    return Verdict(_read(call), How.INPUT)


def judge_all(calls: Iterable[CallFacts], policy: CutPolicy) -> Verdict:
    verdicts = [judge(call, policy) for call in calls]
    owed = [verdict for verdict in verdicts if verdict.how not in {How.NOTHING, How.WAIVED}]
    if not owed:
        waived = any(verdict.how is How.WAIVED for verdict in verdicts)
        return Verdict(Usage(), How.WAIVED if waived else How.NOTHING)
    said = [verdict.said_usd_nano for verdict in owed]
    total = None if any(each is None for each in said) else sum(each or 0 for each in said)
    # The least certain of them is what the sum is.
    certainty = (How.DELIVERED, How.INPUT, How.ESTIMATED, How.REPORTED)
    how = min((verdict.how for verdict in owed), key=certainty.index)
    services = {verdict.service for verdict in owed}
    service = services.pop() if len(services) == 1 else SEVERAL
    return Verdict(sum_of([verdict.usage for verdict in owed]), how, total, service)


def sum_of(usages: Sequence[Usage]) -> Usage:
    if len(usages) == 1:
        return usages[0]
    total = dict.fromkeys((each.name for each in fields(Usage)), 0)
    for usage in usages:
        for name, number in asdict(usage).items():
            total[name] += number
    return Usage(**total)


def _is_told(call: CallFacts) -> bool:
    """A usage of zero for an answer that has text says nothing: some servers send it when they do not count."""
    assert call.seen is not None  # noqa: S101 - asked before
    return bool(call.seen.read or call.seen.written) and not (call.has_delivered and not call.seen.written)


def _read(call: CallFacts) -> Usage:
    """What went in: as the provider counted it where it did, otherwise as we estimate it."""
    seen = call.seen
    if seen is None or not seen.read:
        return Usage(input=call.estimated_input)
    return replace(seen, output=0, reasoning=0, audio_out=0, image_out=0)


def _delivered(call: CallFacts) -> Usage:
    seen = call.seen or Usage()
    return replace(
        _read(call),
        # A usage that came on the way is a floor: it was true when it was told.
        output=max(seen.output, call.estimated_output),
        reasoning=max(seen.reasoning, call.estimated_reasoning),
        audio_out=seen.audio_out,
        image_out=seen.image_out,
    )
