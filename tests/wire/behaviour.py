"""What a fake model does, written in its name: `fake-n200-w20-t5` answers 200 tokens, `fake-p30-e503` often fails.

| word | what it does |
| --- | --- |
| `n200` | answers with 200 tokens (otherwise with 12 to 40, by the prompt) |
| `w20`, `t5` | waits 20 ms before the first token; waits 5 ms before each further one (otherwise all come at once) |
| `think20` | reasons for 20 tokens first |
| `tools`, `tools3` | calls the first tool that is offered, unless a result of one came last; ... until it has three |
| `aloud` | says a word or two before it calls a tool |
| `misfit` | breaks the schema that was asked for |
| `filter` | ends by a content filter |
| `cached50` | half of the prompt was read from a cache |
| `d1536` | embeddings of so many numbers (otherwise 8) |
| `context100` | refuses prompts of more than 100 tokens |
| `e503` | answers with this status |
| `after2`, `afterms50`, `date2` | with Retry-After in seconds, in the finer form, as a date |
| `norepeat` | says that a repetition is of no use |
| `broke` | says that the account is empty |
| `silent` | takes the request and never answers |
| `head` | sends a good head, and then nothing |
| `reset`, `reset5` | resets the connection at once, or after 5 tokens |
| `cut5` | ends in good order after 5 tokens, as if that were all |
| `break5` | closes the connection after 5 tokens, in the middle of the body |
| `stall5` | falls silent after 5 tokens, and keeps the connection open |
| `error5` | says after 5 tokens that something broke |
| `p30`, `seed7` | all of the misbehaviour above happens to 30 % of the calls only, by this seed |
| `f2` | ... to the first two calls only |
| `drip` | sends every byte alone; with `t5`, 5 ms apart |
| `split` | sends pieces of 1 to 7 bytes, across letters and lines |
| `comments` | keep-alives before every token |
| `crlf`, `cr`, `bom` | ends lines that way; begins with a byte order mark |
| `nousage`, `nodone` | never says what was used; leaves out the end mark of the stream |
| `giant8` | one line of 8 MiB where the third token would be |
| `html`, `garbage`, `empty`, `redirect` | answers 200 with a web page, with no JSON, with nothing; leads elsewhere |
| `whole` | knows nothing of streams and answers in one piece |
| `gzip` | compresses, although nobody asked for it |

A model whose name does not begin with `fake` does not exist, and neither does one with an unknown word.
"""

import re
from dataclasses import dataclass, fields
from functools import lru_cache

PREFIX = "fake"
WORD = re.compile(r"([a-z]+)([0-9]*(?:\.[0-9]+)?)")


@dataclass(frozen=True, slots=True)
class Behaviour:
    n: float | None = None
    w: float = 0
    t: float = 0
    think: float = 0
    tools: float | bool = False
    aloud: bool = False
    misfit: bool = False
    filter: bool = False
    cached: float = 0
    d: float = 8
    context: float | None = None
    e: float | None = None
    after: float | None = None
    afterms: float | None = None
    date: float | None = None
    norepeat: bool = False
    broke: bool = False
    silent: bool = False
    head: bool = False
    reset: float | bool | None = None
    cut: float | None = None
    # `break` is a word of Python's own
    break_: float | None = None
    stall: float | None = None
    error: float | None = None
    p: float | None = None
    seed: float = 0
    f: float | None = None
    drip: bool = False
    split: bool = False
    comments: bool = False
    crlf: bool = False
    cr: bool = False
    bom: bool = False
    nousage: bool = False
    nodone: bool = False
    giant: float | None = None
    html: bool = False
    garbage: bool = False
    empty: bool = False
    redirect: bool = False
    whole: bool = False
    gzip: bool = False

    @property
    def is_plain(self) -> bool:
        """Nothing to wait for and nothing to do wrong: the whole answer may leave at once."""
        return not (
            self.w
            or self.t
            or self.silent
            or self.head
            or self.reset is not None
            or self.cut is not None
            or self.break_ is not None
            or self.stall is not None
            or self.error is not None
            or self.drip
            or self.split
            or self.comments
            or self.giant is not None
        )

    @property
    def ends_after(self) -> int | None:
        """The number of tokens after which it goes wrong."""
        for value in (self.cut, self.break_, self.stall, self.error):
            if value is not None:
                return int(value)
        return int(self.reset) if type(self.reset) is float else None


NAMES = {field.name.removesuffix("_"): field.name for field in fields(Behaviour)}
MISDEEDS = (
    "misfit", "e", "broke", "silent", "head", "reset", "cut", "break_", "stall", "error", "html", "garbage", "empty",
    "redirect",
)  # fmt: skip


@lru_cache(maxsize=1024)
def behaviour_of(model: str) -> Behaviour | None:
    """None: there is no such model."""
    first, *words = model.split("-")
    if first != PREFIX:
        return None
    said: dict[str, float | bool] = {}
    for word in words:
        match = WORD.fullmatch(word)
        if match is None or match[1] not in NAMES:
            return None
        said[NAMES[match[1]]] = float(match[2]) if match[2] else True
    return Behaviour(**said)  # type: ignore[arg-type]  # a word with a number where none belongs is the test's mistake
