"""Texts made for these tests, and how many tokens two public tables of OpenAI make of them.

Counted once with a tokenizer that is no part of this project.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    sort: str
    text: str
    o200k: int
    cl100k: int


SAMPLES = [
    Sample(
        "english",
        "The committee met on Tuesday to consider the three remaining bids. Two of them were withdrawn be"
        "fore noon, and the third, although cheaper than anybody had expected, left out the cost of movin"
        "g the archive. After a short discussion it was agreed to write to all bidders once more and to g"
        "ive them until the end of the month.",
        o200k=65,
        cl100k=66,
    ),
    Sample(
        "english",
        "Dear Ms Okafor, thank you for your application of 3 March. We have read it with interest and sho"
        "uld like to invite you to a conversation on Thursday, 21 March, at half past ten. Please bring t"
        "he originals of your certificates; copies will be made here and returned to you on the same day.",
        o200k=65,
        cl100k=65,
    ),
    Sample(
        "english",
        "A lighthouse keeper writes down every ship that passes, and for forty years nobody reads the boo"
        "k. When the lamp is made automatic the book goes to a museum, where a student of weather finds i"
        "n its margins the longest record of fog that the coast has.",
        o200k=51,
        cl100k=52,
    ),
    Sample(
        "english",
        "Summarise the attached report in five sentences. Name the method, the number of people who took "
        "part, the main result with its confidence interval, one weakness that the authors admit and one "
        "that they do not. Do not quote, and do not use bullet points.",
        o200k=54,
        cl100k=54,
    ),
    Sample(
        "german",
        "Der Ausschuss trat am Dienstag zusammen, um über die drei verbliebenen Angebote zu beraten. Zwei"
        " davon wurden noch vor Mittag zurückgezogen, und das dritte, obwohl günstiger als erwartet, ließ"
        " die Kosten für den Umzug des Archivs unberücksichtigt. Nach kurzer Aussprache beschloss man, al"
        "le Bieter noch einmal anzuschreiben.",
        o200k=70,
        cl100k=92,
    ),
    Sample(
        "german",
        "Sehr geehrte Frau Okafor, vielen Dank für Ihre Bewerbung vom 3. März. Wir haben sie mit Interess"
        "e gelesen und möchten Sie für Donnerstag, den 21. März, um halb elf zu einem Gespräch einladen. "
        "Bitte bringen Sie Ihre Zeugnisse im Original mit; Kopien fertigen wir hier an.",
        o200k=64,
        cl100k=79,
    ),
    Sample(
        "german",
        "Eine Leuchtturmwärterin schreibt jedes Schiff auf, das vorüberfährt, und vierzig Jahre lang lies"
        "t niemand das Buch. Als die Lampe auf Automatik umgestellt wird, kommt es ins Museum, wo eine Me"
        "teorologiestudentin in den Randbemerkungen die längste Nebelaufzeichnung der Küste entdeckt.",
        o200k=70,
        cl100k=83,
    ),
    Sample(
        "german",
        "Fassen Sie den beigefügten Bericht in fünf Sätzen zusammen. Nennen Sie das Verfahren, die Zahl d"
        "er Teilnehmenden, das Hauptergebnis mit Vertrauensbereich, eine Schwäche, die die Verfasser einr"
        "äumen, und eine, die sie verschweigen. Zitieren Sie nicht.",
        o200k=65,
        cl100k=77,
    ),
    Sample(
        "chinese",
        "委员会于星期二开会，讨论剩下的三份投标书。其中两份在中午之前已经撤回，第三份虽然比大家预"
        "想的便宜，却没有计算档案搬迁的费用。经过简短的讨论，会议决定再次致函所有投标单位，并把期"
        "限延长到月底。",
        o200k=70,
        cl100k=112,
    ),
    Sample(
        "chinese",
        "尊敬的王女士，感谢您三月三日寄来的求职申请。我们认真阅读了您的材料，希望邀请您于三月二十"
        "一日星期四上午十点半前来面谈。请携带各类证书的原件，我们将在现场复印并当日归还。",
        o200k=65,
        cl100k=103,
    ),
    Sample(
        "chinese",
        "灯塔看守人把每一艘经过的船都记在本子上，四十年来没有人读过。后来灯改成了自动的，本子被送"
        "进博物馆，一位学习气象的学生在页边的注记里发现了这段海岸最长的大雾记录。",
        o200k=69,
        cl100k=93,
    ),
    Sample(
        "chinese",
        "请用五句话概括附件中的报告，写明研究方法、参与人数、主要结果及其置信区间，并指出作者承认"
        "的一个不足和没有提到的一个不足。不要引用原文，也不要使用项目符号。",
        o200k=53,
        cl100k=77,
    ),
    Sample(
        "code",
        'def settle(hold: Hold, used: int, *, rate: Rate) -> Posting:\n    """What is owed for what was us'
        'ed; the rest of the hold is free again."""\n    if used < 0:\n        raise ValueError(f"used must'
        ' not be negative: {used}")\n    owed = -(-used * rate.nano_per_million // 1_000_000)\n    return P'
        "osting(account=hold.account, amount=min(owed, hold.amount), at=now())\n",
        o200k=100,
        cl100k=99,
    ),
    Sample(
        "code",
        "SELECT p.id, p.label, count(m.id) AS models, max(m.updated_at) AS newest\nFROM provider AS p\nLEFT"
        " JOIN model AS m ON m.provider_id = p.id AND m.is_enabled\nWHERE p.owner_id IS NULL OR p.owner_id"
        " = current_setting('kontor.user_id')::uuid\nGROUP BY p.id, p.label\nHAVING count(m.id) > 0\nORDER B"
        "Y newest DESC NULLS LAST, p.label;\n",
        o200k=95,
        cl100k=95,
    ),
    Sample(
        "code",
        '{"items": [{"id": "7c9e6679", "name": "Anna", "roles": ["user", "manager"], "limits": {"day": 12'
        '.5, "month": 200.0}},\n {"id": "1b4e28ba", "name": "Jonas", "roles": ["user"], "limits": {"day": '
        'null, "month": 50.0}}], "next_cursor": null}\n',
        o200k=95,
        cl100k=95,
    ),
    Sample(
        "code",
        "export function Amount({ nano, currency }: { nano: bigint; currency: string }) {\n  const { langu"
        "age } = useLanguage();\n  const whole = Number(nano) / 1e9;\n  const digits = whole < 0.01 ? 6 : 2"
        ';\n  return <span className="tabular-nums">{new Intl.NumberFormat(language, { style: "currency", '
        "currency, minimumFractionDigits: digits }).format(whole)}</span>;\n}\n",
        o200k=97,
        cl100k=96,
    ),
]
