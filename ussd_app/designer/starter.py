"""A small complete flow to begin with: a menu, a question with a check, a confirmation, ends."""

from __future__ import annotations

import json
import re

from ussd_app.designer.fmt import format_source

_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}\Z")
_SERVICE_CODE = re.compile(r"\*[0-9]+(\*[0-9]+)*#\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}\Z")
#: What a language calls itself; another one is called by its code.
_SELVES = {"en": "English", "fr": "Français"}
_TEXTS = {
    "label": {"en": "number of seats", "fr": "nombre de places"},
    "welcome": {"en": "Welcome. What can we do for you?", "fr": "Bienvenue. Que désirez-vous?"},
    "book": {"en": "Book seats", "fr": "Réserver des places"},
    "about": {"en": "Opening hours", "fr": "Horaires"},
    "ask": {"en": "How many seats?", "fr": "Combien de places?"},
    "too_many": {"en": "8 seats at most by phone.", "fr": "8 places au plus par téléphone."},
    "confirm": {"en": "Book {seats} seat(s)?", "fr": "Réserver {seats} place(s)?"},
    "yes": {"en": "Yes, book", "fr": "Oui, réserver"},
    "change": {"en": "Change the number", "fr": "Changer le nombre"},
    "booked": {
        "en": "{seats} seat(s) booked. Thank you.",
        "fr": "{seats} place(s) réservée(s). Merci.",
    },
    "hours": {"en": "Monday to Saturday, 8 to 18.", "fr": "Du lundi au samedi, de 8h à 18h."},
    "give_up": {
        "en": "Too many tries. Please dial again.",
        "fr": "Trop d'essais. Recomposez le code.",
    },
}
_FLOW = """\
# <name>: a flow to begin with. Change it as you like, and run `cassou check` after each change.
cassou: 1                            # the version of the language, not of this flow
flow: <name>
service_codes: ["<code>"]
<languages>
start: home                          # the state that a dialog begins with

# What the flow remembers of the client's answers, each with its type.
vars:
  seats:
    type: integer
    min: 1
    max: 20
    label: <label>

# One block per state. Its first key says what kind of state it is; `next:` where it leads.
# The keys 0 (back), 00 (home) and 98 (more) work on every screen without being named here.
states:
  # A menu: options are numbered from 1, in the order written.
  home:
    menu: <welcome>
    options:
      - {label: <book>, next: seats}
      - {label: <about>, next: hours}
<toggle>
  # A question: what the client types is checked and kept in a variable.
  seats:
    input: <ask>
    save: seats
    check:
      - {when: "{seats} <= 8", error: <too_many>}
    attempts: {max: 3, next: give_up}    # where three refused answers lead
    next: confirm

  # A text may show a variable: its name in braces.
  confirm:
    menu: <confirm>
    options:
      - {label: <yes>, next: booked}
      - {label: <change>, next: seats}

  # A text to read, and then on.
  hours:
    show: <hours>
    next: home

  # Last screens: the session ends with them.
  booked:
    end: <booked>

  give_up:
    end: <give_up>
"""


def starter(name: str, service_code: str, languages: tuple[str, ...]) -> str:
    """The YAML source of a flow that can be dialled at once; it calls no back-end.

    The first of `languages` is the default one. Languages other than French and English get the
    English texts, and a comment that says so. Raises ValueError for a name, code or language that
    no flow can have.
    """
    if not _NAME.match(name):
        raise ValueError(f'"{name}" must be at most 64 lower-case letters, digits and hyphens')
    if not _SERVICE_CODE.match(service_code):
        raise ValueError(f'"{service_code}" must be a service code such as *789#')
    if not languages or len(set(languages)) < len(languages):
        raise ValueError("name at least one language, and each only once")
    for language in languages:
        if not _LANGUAGE.match(language):
            raise ValueError(f'"{language}" must be the code of a language, such as fr')
    pieces = {"name": name, "code": service_code, "languages": _languages(languages)}
    pieces |= {key: _text(texts, languages) for key, texts in _TEXTS.items()}
    pieces["toggle"] = _toggle(languages)
    source = re.sub(r"<([a-z_]+)>", lambda found: pieces[found[1]], _FLOW)
    return format_source(source, f"{name}.yaml")


def _languages(languages: tuple[str, ...]) -> str:
    default, *others = languages
    also = f", also: [{', '.join(others)}]" if others else ""
    line = f"languages: {{default: {default}{also}}}"
    foreign = [each for each in languages if each not in _SELVES]
    if not foreign:
        return line
    return (
        f"# Still in English: the texts in {', '.join(foreign)}. Translate them, and put the\n"
        f"# framework's own texts in these languages into system.yaml.\n{line}"
    )


def _toggle(languages: tuple[str, ...]) -> str:
    """The option that changes the language, labelled with the one it changes to."""
    if len(languages) < 2:
        return ""
    names = {
        here: _SELVES.get(there, there)
        for here, there in zip(languages, [*languages[1:], languages[0]], strict=True)
    }
    return f"      - {{label: {_text(names, languages)}, language: toggle, next: home}}\n"


def _text(texts: dict[str, str], languages: tuple[str, ...]) -> str:
    """One text, or one per language."""
    quoted = {
        each: json.dumps(texts.get(each, texts.get("en")), ensure_ascii=False) for each in languages
    }
    if len(languages) == 1:
        return quoted[languages[0]]
    return "{" + ", ".join(f"{each}: {text}" for each, text in quoted.items()) + "}"
