"""Dialogs on the shipped flow, and changes of that flow with what they are to be told as."""

from __future__ import annotations

from tests.designer.sheet_flows import MENUS
from tests.replay.recordings import dialog
from ussd_app.replay.compare import Kind

#: What is replaced in the flow's source: each old text must be there.
Edits = tuple[tuple[str, str], ...]
#: Kind, state, how many sessions.
Groups = list[tuple[Kind, str, int]]

METER = "04246801379"
SOURCE = (MENUS / "buy-electricity.yaml").read_text("utf-8")

DIALOGS = {
    "bought": dialog("*789#", "1", METER, "10", "1"),
    "five": dialog("*789#", "1", METER, "5", "1"),
    "in words": dialog("*789#", "acheter", METER, "10", "payer"),
    "changed": dialog("*789#", "1", METER, "10", "2", "20", "1"),
    "mistyped": dialog("*789#", "1", "04246801378", METER, "10", "1"),
    "thrice": dialog("*789#", "1", "1", "2", "3"),
    "unknown option": dialog("*789#", "7", "1", METER, "10", "1"),
    "left": dialog("*789#", "1", METER, "10", "drop: timeout"),
    "late": dialog("*789#", "1", "late: meters.find", METER, "1", "10", "1"),
    "failed": dialog("*789#", "1", "failed: meters.find", METER),
    "refunded": dialog("*789#", "1", METER, "10", "1", purchase_start="refunded"),
    "pending": dialog("*789#", "1", METER, "10", "1", purchase_start="pending"),
    "blocked": dialog("*789#", "1", METER, meters_find="blocked"),
    "little": dialog("*789#", "1", METER, "1", "1", "20", tariffs_quote="below_minimum ok"),
    "codes": dialog("*789#", "2", "1", "1", "3"),
    "tariff": dialog("*789#", "3", "1", "2"),
    "English": dialog("*789#", "4", "1", METER, "10", "1"),
    "dialled": dialog(f"*789*1*{METER}*10#", "1"),
    "anew": dialog("*789#", "1", "wait: 30s", "dial: *789#", "1", METER, "10", "1"),
    "open": dialog("*789#", "1", "1", METER, "10", "1", purchases_open="open none"),
}


def before(state: str, *lines: str) -> tuple[str, str]:
    """A state, its lines from the name on, before another."""
    there = f"\n  {state}:\n"
    body = "\n    ".join(lines)
    return there, f"\n  {body}\n{there}"


def _block(state: str, following: str) -> str:
    return SOURCE[SOURCE.index(f"\n  {state}:\n") : SOURCE.index(f"\n  {following}:\n")]


def _tries(number: int) -> tuple[str, str]:
    there = "    attempts: {{max: {}, next: give_up}}\n    next: find_meter"
    return there.format(3), there.format(number)


def _checked(outcome: str) -> Edits:
    return (
        ("      ok: confirm\n", "      ok: check\n"),
        before(
            "confirm",
            "check:",
            "call: tariffs.show",
            "save: tariff",
            f"outcomes: {{ok: {outcome}, late: confirm, failed: confirm}}",
        ),
    )


BUY = "- {label: {fr: Acheter, en: Buy}, next: serial}\n"
PAY = "- {label: {fr: Payer, en: Pay}, next: paying}\n"
CHANGE = "- {label: {fr: Changer, en: Change}, next: kwh}\n"
NO = "- {label: {fr: Non, en: No}, next: home}"
YES = "- {label: {fr: Oui, en: Yes}, next: confirm}"
SURE = (
    ("      ok: confirm\n", "      ok: sure\n"),
    before("confirm", "sure:", 'menu: {fr: "Continuer?", en: "Go on?"}', "options:", NO, YES),
)
#: Way to a state that would have none otherwise, which no recording takes.
_KEPT = "next: goodbye}\n\n  kwh:"

#: Recordings, what is replaced in the flow, all groups that come of it.
CHANGES: dict[str, tuple[str, Edits, Groups]] = {
    "nothing": (", ".join(DIALOGS), (), []),
    "a wording, and the session goes on": (
        "bought, English, tariff",
        (("\\nCombien de kWh?", "\\nCombien d'énergie voulez-vous?"),),
        [(Kind.WORDS, "kwh", 1)],
    ),
    "a wording without a word of the old one": (
        "bought, blocked",
        (("Énergie prépayée", "Bienvenue"), ("Ce compteur est bloqué. Contactez", "Allez à")),
        [(Kind.WORDS, "home", 2), (Kind.WORDS, "blocked", 1)],
    ),
    "the words of a refusal": (
        "mistyped, bought",
        (("Numéro incorrect, vérifiez la carte.", "Ce numéro est faux."),),
        [(Kind.WORDS, "serial", 1)],
    ),
    "a label, that somebody typed": (
        "bought, in words",
        (("{fr: Payer, en: Pay}", "{fr: Payer par mobile, en: Pay}"),),
        [(Kind.WORDS, "confirm", 2), (Kind.REFUSED, "confirm", 1)],
    ),
    "another first language": (
        "tariff",
        (("{default: fr, also: [en]}", "{default: en, also: [fr]}"),),
        [(Kind.WORDS, "home", 1), (Kind.WORDS, "tariff_rows", 1), (Kind.WORDS, "codes", 1)],
    ),
    "figures": (
        "bought, tariff",
        (("Total {quote.total|money} TTC", "Total {quote.total} F TTC"),),
        [(Kind.FIGURES, "confirm", 1)],
    ),
    "a bound that is told": (
        "bought, unknown option",
        (
            ("Numéro de série du", "Numéro (11 chiffres) du"),
            ("min: 1, max: 500", "min: 1, max: 50"),
        ),
        [(Kind.WORDS, "serial", 2)],
    ),
    "an option before another: what was chosen is, by its label": (
        "bought, in words, tariff",
        ((BUY, f"- {{label: {{fr: Aide, en: Help}}, next: no_codes}}\n      {BUY}"),),
        [(Kind.ADDED, "home", 3)],
    ),
    "options that change places": (
        "bought, English",
        ((f"{PAY}      {CHANGE}", f"{CHANGE}      {PAY}"),),
        [(Kind.RENUMBERED, "confirm", 2)],
    ),
    "an option taken away, and one who chose it": (
        "bought, tariff, codes",
        (
            ("      - {label: {fr: Tarif, en: Tariff}, next: tariff}\n", ""),
            (_KEPT, _KEPT.replace("goodbye", "tariff")),
        ),
        [(Kind.REMOVED, "home", 3)],
    ),
    "a text that takes two pages": (
        "bought, tariff",
        (
            (
                "Total {quote.total|money} TTC",
                f"{'Sans frais. ' * 9}Total {{quote.total|money}} TTC",
            ),
        ),
        [(Kind.PAGES, "confirm", 1), (Kind.WORDS, "confirm", 1)],
    ),
    "an end that takes two pages": (
        "bought, tariff",
        (("Aussi par SMS.", f"Aussi par SMS.{' Merci beaucoup.' * 7}"),),
        [(Kind.PAGES, "done_token", 1), (Kind.WORDS, "done_token", 1)],
    ),
    "a screen more, whatever is typed at it": (
        "bought, five, in words, changed, left, tariff, English",
        SURE,
        [(Kind.MORE, "sure", 6)],
    ),
    "a screen more before all others": (
        "bought, blocked, dialled",
        (
            ("none: home, open", "none: hello, open"),
            before("home", "hello:", "show: Bonjour.", "next: home"),
        ),
        # What was dialled after the code is dropped at that screen.
        [(Kind.MORE, "hello", 2), (Kind.ANOTHER, "hello", 1)],
    ),
    "an input more, which nobody typed an answer to": (
        "bought, English, blocked",
        (
            ("      found: kwh\n", "      found: again\n"),
            before(
                "unknown_meter",
                "again:",
                'input: {fr: "Le numéro encore:", en: "The number again:"}',
                "save: serial",
                "check: [{rule: luhn, error: Non.}]",
                "attempts: {max: 3, next: give_up}",
                "next: kwh",
            ),
        ),
        [(Kind.MORE, "again", 2)],
    ),
    "a screen more before an end": (
        "bought, pending",
        (
            ("vended: done_token", "vended: thanks"),
            before("done_token", "thanks:", "show: Merci.", "next: done_token"),
        ),
        [(Kind.MORE, "thanks", 1)],
    ),
    "a screen more and a wording behind it": (
        "bought, tariff",
        (*SURE, ("Aussi par SMS.", "Et par SMS.")),
        [(Kind.MORE, "sure", 1), (Kind.WORDS, "done_token", 1)],
    ),
    "a screen fewer, and who left there pays now": (
        "bought, five, left, in words, tariff",
        (("      ok: confirm\n", "      ok: paying\n"), (_block("confirm", "paying"), "")),
        [(Kind.FEWER, "done_token", 3), (Kind.CALLED, "paying", 1)],
    ),
    "a bound that refuses what was taken": (
        "bought, five, dialled, tariff",
        (("min: 1, max: 500", "min: 1, max: 9"),),
        [(Kind.REFUSED, "kwh", 2)],
    ),
    "a bound that refuses the only try": (
        "bought, five",
        (
            ("min: 1, max: 500", "min: 1, max: 9"),
            (
                "{max: 3, next: give_up}\n    next: quote",
                "{max: 1, next: give_up}\n    next: quote",
            ),
        ),
        [(Kind.REFUSED, "kwh", 1)],
    ),
    "a rule that is dropped": (
        "mistyped, bought",
        (("      - rule: luhn\n", '      - when: "{serial} != 00000000000"\n'),),
        [(Kind.TAKEN, "serial", 1)],
    ),
    "a try less": ("mistyped, thrice", (_tries(2),), [(Kind.FEWER, "give_up", 1)]),
    "a try more": ("mistyped, thrice", (_tries(4),), [(Kind.GOES_ON, "serial", 1)]),
    "an end made earlier": (
        "tariff, codes, bought",
        (
            ("  tariff_rows:\n    show:\n", "  tariff_rows:\n    end:\n"),
            ('price|money}"}\n    next: home\n', 'price|money}"}\n'),
        ),
        [(Kind.ENDS, "tariff_rows", 2)],
    ),
    "an end that is none any more": (
        "blocked, bought",
        (
            ("  blocked:\n    end:\n", "  blocked:\n    show:\n"),
            (
                'blocked. Contact your agency."\n',
                'blocked. Contact your agency."\n    next: home\n',
            ),
        ),
        [(Kind.GOES_ON, "blocked", 1)],
    ),
    "outcomes that lead elsewhere": (
        "refunded, pending, bought",
        (
            ("pending: done_pending", "pending: X"),
            ("refunded: refunded", "refunded: done_pending"),
            ("pending: X", "pending: refunded"),
        ),
        [(Kind.ANOTHER, "done_pending", 1), (Kind.ANOTHER, "refunded", 1)],
    ),
    "a failure that leads elsewhere": (
        "failed, late, bought",
        (
            (
                "blocked: blocked\n      late: try_later\n      failed: try_later",
                "blocked: blocked\n      late: try_later\n      failed: unknown_meter",
            ),
        ),
        [(Kind.GOES_ON, "unknown_meter", 1)],
    ),
    "no waiting for a back-end": (
        "late, bought",
        (("    save: meter\n", "    save: meter\n    waits: 0\n"),),
        [(Kind.ENDS, "try_later", 1)],
    ),
    "a call more that changes nothing": (
        "bought, codes, changed",
        _checked("confirm"),
        [(Kind.CALLED, "check", 2)],
    ),
    "a call more that leads elsewhere": (
        "bought, codes, changed",
        _checked("try_later"),
        [(Kind.CALLED, "check", 2)],
    ),
    "a call less, and the screen that hung on it": (
        "bought, open",
        (("start: welcome", "start: home"), (_KEPT, _KEPT.replace("goodbye", "welcome"))),
        [(Kind.UNCALLED, "done_token", 2), (Kind.FEWER, "home", 1)],
    ),
    "another service code": (
        "bought, tariff",
        (('service_codes: ["*789#"]', 'service_codes: ["*788#"]'),),
        [(Kind.STUCK, "", 2)],
    ),
}
