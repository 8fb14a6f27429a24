"""Moov Africa's XML over GET. Confidence: several independent client codes; no official page.

A GET with `lang, msisdn, req_no, sc, screen_id, session_id, user_input`: `sc` is the service code
without star and hash, `req_no` counts the hops from 1, `screen_id` is the number the app gave its
last screen, `user_input` the newest input, empty on the first hop. The reply is XML: `screen_type`
form (the text holds all) or menu (the options are elements, drawn by the gateway), `session_op`
continue or end, `screen_id`. No notice of cancel or timeout was ever seen. Seen in Benin and Côte
d'Ivoire; that Burkina's is the same is likely, not known.
"""

from __future__ import annotations

from urllib.parse import urlencode
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import quoteattr

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from ussd_app.gateways import base
from ussd_app.messages import (
    Action,
    BadCallback,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

_LANGUAGES = {"fra": "fr", "fr": "fr", "eng": "en", "en": "en"}
_NUMBERS_MAX = 9


class MoovXml(base.Adapter):
    """The adapter."""

    name = "moov_xml"
    methods = frozenset({"GET"})
    reads_besides = frozenset({"query"})
    confidence = "several independent client codes"
    capabilities = base.Capabilities(numbers_hops=True, structured=True)

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        parameters = base.form(request.query, "query")
        number = base.need(parameters, "req_no")
        if not (number.isascii() and number.isdigit() and len(number) <= _NUMBERS_MAX):
            raise BadCallback('"req_no" must be a number')
        if "user_input" not in parameters:
            raise BadCallback('parameter "user_input" is missing')
        typed = parameters["user_input"]
        service_code = base.service_code(base.need(parameters, "sc"))
        first = int(number) <= 1
        return UssdRequest(
            Kind.BEGIN if first else Kind.CONTINUE,
            base.need(parameters, "session_id"),
            base.msisdn(base.need(parameters, "msisdn"), endpoint.country),
            service_code,
            _dialled(typed, service_code) if first else typed,
            base.fingerprint(number, typed),
            position=int(number),
            language=_LANGUAGES.get(parameters.get("lang", "").lower()),
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """XML; a menu with options as elements where the endpoint is `structured`."""
        if endpoint.structured and screen.options:
            options = "".join(
                f"<option choice={quoteattr(key)}>{base.xml_text(label)}</option>"
                for key, label in screen.options
            )
            shown = (
                f"<screen_type>menu</screen_type><text>{base.xml_text(screen.title)}</text>"
                f"<options>{options}</options>"
            )
        else:
            shown = f"<screen_type>form</screen_type><text>{base.xml_text(screen.text)}</text>"
        return base.text_reply(
            f'<?xml version="1.0" encoding="UTF-8"?><response>{shown}'
            f"<session_op>{screen.action}</session_op>"
            f"<screen_id>{request.position or 1}</screen_id></response>",
            "text/xml",
        )

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        hops = len(history) if history else 1
        query = {
            "lang": "eng" if request.language == "en" else "fra",
            "msisdn": request.msisdn.removeprefix("+"),
            "req_no": str(hops),
            "sc": request.service_code.strip("*#"),
            "screen_id": str(hops - 1) if hops > 1 else "",
            "session_id": request.session,
            "user_input": history[-1] if history else "",
        }
        return HttpRequest("GET", "", urlencode(query))

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        try:
            root = ElementTree.fromstring(reply.body)
        except (ParseError, DefusedXmlException) as error:
            raise ValueError(f"the reply is not the XML that Moov reads: {error}") from None
        title = root.findtext("text") or ""
        options = tuple(
            (each.get("choice") or "", each.text or "") for each in root.iterfind("options/option")
        )
        lines = [title, *(f"{key}. {label}" for key, label in options)]
        action = Action(root.findtext("session_op") or "")
        return Screen("\n".join(filter(None, lines)), action, title, options)


def _dialled(typed: str, service_code: str) -> str:
    """What was dialled after the service code, where the first hop repeats the whole string."""
    bare = typed.strip().strip("*#")
    code = service_code.strip("*#")
    return "" if bare == code else bare.removeprefix(f"{code}*")
