# ruff: noqa: RUF001 -- Chinese is written with Chinese punctuation
"""The rules a statement of reasons can name, in full and in plain words, in English and Chinese.

May decide: nothing; a closed table. The text that holds when a notice is issued is sealed into its statement, in both
languages and with its version, so that later readers see the rule as it was then. A text is never mended in place:
change the words, and count ``VERSION`` up.

The five points are those of Regulation (EU) 2021/784, Article 2(7), paraphrased; what is not covered is its Article
1(3). The two house rules are what a platform must put into its own terms to act on them.
"""

from dataclasses import dataclass

from tidegate.decision.model import Provision
from tidegate.kernel.canonical import Json

#: Of all texts together; counted up whenever one changes.
VERSION = "1"


@dataclass(frozen=True, slots=True)
class Text:
    """One rule, in both languages, a paragraph a line."""

    en: str
    zh: str


_EXCEPT = Text(
    en="It does not cover material whose true purpose is education, journalism, art or research, or preventing or "
    "countering terrorism. Nor does it cover polemic or controversial views in a public debate.",
    zh="凡真实目的在于教育、新闻报道、艺术、研究，或者预防、打击恐怖主义的材料，不在此列。"
    "公共讨论中激烈的或有争议的观点，也不在此列。",
)
_OFFENCE = Text(
    en="A terrorist offence is one that Directive (EU) 2017/541, Article 3(1)(a) to (i), lists, such as an attack on "
    "people's lives, taking hostages, or a threat to their lives by explosives.",
    zh="“恐怖主义犯罪”指欧盟第 2017/541 号指令第 3 条第 1 款 (a) 至 (i) 项所列的犯罪，"
    "例如危害他人生命的袭击、劫持人质、以爆炸物危及他人生命。",
)


def _law(point: str, en: str, zh: str) -> Text:
    return Text(
        en=f"Regulation (EU) 2021/784, Article 2(7)({point}). Terrorist content is material that {en}.\n"
        f"{_OFFENCE.en}\n{_EXCEPT.en}",
        zh=f"欧盟第 2021/784 号条例第 2 条第 7 款 ({point}) 项。恐怖主义内容是指：{zh}。\n{_OFFENCE.zh}\n{_EXCEPT.zh}",
    )


TEXTS: dict[Provision, Text] = {
    Provision.TCO_2_7_A: _law(
        "a",
        "incites others to commit a terrorist offence: it advocates such an offence, directly or indirectly, for "
        "example by glorifying terrorist acts, and so causes a danger that one or more are committed",
        "煽动他人实施恐怖主义犯罪的材料，即直接或间接（例如通过美化恐怖行为）鼓吹实施此类犯罪，"
        "从而造成有人实施一项或多项此类犯罪的危险",
    ),
    Provision.TCO_2_7_B: _law(
        "b",
        "solicits a person or a group to commit a terrorist offence or to contribute to one",
        "招揽个人或群体实施恐怖主义犯罪，或者协助实施此类犯罪的材料",
    ),
    Provision.TCO_2_7_C: _law(
        "c",
        "solicits a person or a group to take part in the activities of a terrorist group",
        "招揽个人或群体参加恐怖组织活动的材料",
    ),
    Provision.TCO_2_7_D: _law(
        "d",
        "gives instruction on making or using explosives, firearms or other weapons, or noxious or hazardous "
        "substances, or on other specific methods or techniques, so that a terrorist offence is committed or "
        "contributed to",
        "传授如何制造或使用爆炸物、枪支或其他武器、有毒有害物质，或者传授其他特定方法或技术，"
        "以实施或协助实施恐怖主义犯罪的材料",
    ),
    Provision.TCO_2_7_E: _law(
        "e",
        "constitutes a threat to commit a terrorist offence",
        "构成实施恐怖主义犯罪之威胁的材料",
    ),
    Provision.HOUSE_TERRORIST_CONTENT: Text(
        en="House rule of the platform: terrorist content is not shown here. That is content which incites people to "
        "a terrorist offence, asks them to commit one or to join in a terrorist group, instructs them how, or "
        "threatens with one. When people have found something to be such content and it is posted again, a machine may "
        f"hide it for a short time until people have looked at it anew.\n{_EXCEPT.en}",
        zh="平台规则：本平台不展示恐怖主义内容，即煽动他人实施恐怖主义犯罪、招揽他人实施此类犯罪或加入恐怖组织、"
        "传授实施方法，或者以此类犯罪相威胁的内容。某项内容一经人工认定为此类内容，再次发布时，"
        f"机器可以将其短时隐藏，等待人工重新查看。\n{_EXCEPT.zh}",
    ),
    Provision.HOUSE_PERPETRATOR_CONTENT: Text(
        en="House rule of the platform: while an attack is going on and after it, we do not show what its perpetrators "
        "or their accomplices made of it, such as their own picture or recording of the attack, or the paper in which "
        f"they explain it.\n{_EXCEPT.en}",
        zh="平台规则：在袭击发生期间及其之后，本平台不展示行凶者或其同伙就该袭击制作的内容，"
        f"例如他们自己拍摄的袭击画面或录像，或者为其行为作解释的文稿。\n{_EXCEPT.zh}",
    ),
}


def as_it_stands(provision: Provision) -> dict[str, Json]:
    """Give a rule's text as it is now, to be sealed into a statement or shown where an old one has none."""
    text = TEXTS[provision]
    return {"version": VERSION, "en": text.en, "zh": text.zh}
