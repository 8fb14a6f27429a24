"""Orange's xHTML browser. Confidence: official docs for the principle, client codes for the rest.

The operator is a browser: it GETs a page and follows its links and forms. Headers name the client:
`User-MSISDN: tel:+…`, `User-SessionId` (else the number tells sessions apart), `User-Language`.
The endpoint's own URL begins a session; what is dialled after the service code is not told, nor the
service code. A page is `<html>` whose body holds text and `<br/>`, then a form of one input named
`response`, or, on a `structured` endpoint, options as links; `<meta name="nav" content="end"/>`
ends. Pages lead to `…/hop/1`, `…/hop/2` and so on, so that an answer given to an older page is
known as such. The option `url` is the endpoint's URL as the operator sees it (a path will do),
where that is not `/ussd/NAME`. A first request without a number, or with an alias, is refused:
nobody could be billed. No notice of cancel or timeout comes.
Source: Orange Developer, "#303# My Store", getting started.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode
from xml.etree.ElementTree import Element

from ussd_app.gateways import base, dialling, xml_reading
from ussd_app.messages import (
    Action,
    BadCallback,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

_PAGE = re.compile("/hop/([1-9][0-9]{0,5})")
_INPUT = "response"
_HEADERS = (("Pragma", "public"), ("Cache-Control", "private"), ("Expires", "-1"))


class OrangeXhtml(base.Adapter):
    """The adapter."""

    name = "orange_xhtml"
    methods = frozenset({"GET"})
    reads_besides = frozenset({"query", "path", "headers"})
    more_options = frozenset({"url"})
    confidence = "official docs for the principle, several independent client codes for the rest"
    capabilities = base.Capabilities(
        input_style=base.InputStyle.URL,
        numbers_hops=True,
        structured=True,
    )

    def serves(self, path: str) -> bool:
        """The endpoint's own URL, and the pages that a session goes through."""
        return not path or _PAGE.fullmatch(path) is not None

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        page = _PAGE.fullmatch(request.path)
        if request.path and page is None:
            raise BadCallback("pages are the endpoint's URL, then /hop/1, /hop/2 and so on")
        number = _header(request, "User-MSISDN")
        if page is None and not number:
            raise BadCallback('header "User-MSISDN" is missing')
        msisdn = base.msisdn(number, endpoint.country) if number else ""
        session = _header(request, "User-SessionId") or msisdn
        if not session:
            raise BadCallback('headers "User-SessionId" and "User-MSISDN" are missing')
        # The first page is numberless: a browser may come back to it at any time, to begin again.
        position, typed = None, ""
        if page is not None:
            position = int(page[1])
            parameters = base.form(request.query, "query")
            if _INPUT not in parameters:
                raise BadCallback(f'parameter "{_INPUT}" is missing')
            typed = parameters[_INPUT]
        return UssdRequest(
            Kind.BEGIN if page is None else Kind.CONTINUE,
            session,
            msisdn,
            dialling.first(endpoint.service_codes),
            typed,
            base.fingerprint(str(position or 0), typed),
            position=position,
            language=_header(request, "User-Language")[:2].lower() or None,
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """A page; its options are links where the endpoint is `structured`."""
        url = endpoint.options.get("url", f"/ussd/{endpoint.name}").rstrip("/")
        link = f"{url}/hop/{(request.position or 0) + 1}"
        head = ""
        if screen.action is Action.END:
            head = '<head><meta name="nav" content="end"/></head>'
            body = _lines(screen.text)
        elif endpoint.structured and screen.options:
            title = f"{_lines(screen.title)}<br/>" if screen.title else ""
            body = title + "".join(
                f"<a href={xml_reading.attribute(f'{link}?{_INPUT}={quote(key)}')}"
                f" accesskey={xml_reading.attribute(key)}>{base.xml_text(label)}</a><br/>"
                for key, label in screen.options
            )
        else:
            body = (
                f"{_lines(screen.text)}<br/><form action={xml_reading.attribute(link)}>"
                f'<input type="text" name="{_INPUT}"/></form>'
            )
        page = f'<?xml version="1.0" encoding="utf-8"?><html>{head}<body>{body}</body></html>'
        return UssdReply(200, "text/html; charset=utf-8", page.encode(), _HEADERS)

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`; what is dialled after the service code does not come through."""
        headers = {
            "user-msisdn": f"tel:{request.msisdn}",
            "user-sessionid": request.session,
            "user-language": request.language or "fr",
        }
        page = len(history) - 1
        if page < 1:
            return HttpRequest("GET", "", "", headers)
        return HttpRequest("GET", f"/hop/{page}", urlencode({_INPUT: history[-1]}), headers)

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        root = xml_reading.shown(reply.body)
        body = root.find("body")
        if body is None:
            raise ValueError("the page has no body")
        ends = any(each.get("name") == "nav" for each in root.iterfind("head/meta"))
        text = _seen(body)
        if ends:
            return Screen(text, Action.END)
        options = tuple((each.get("accesskey") or "", each.text or "") for each in body.iter("a"))
        shown = text.removesuffix("\n")
        return Screen(shown, Action.CONTINUE, shown.split("\n")[0] if options else "", options)


def _header(request: HttpRequest, name: str) -> str:
    value = request.headers.get(name.lower(), "").strip()
    if len(value) > base.PARAMETER_MAX:
        raise BadCallback(f'header "{name}" is over {base.PARAMETER_MAX} characters long')
    return value


def _lines(text: str) -> str:
    return "<br/>".join(base.xml_text(line) for line in text.split("\n"))


def _seen(body: Element) -> str:
    """What a phone shows of a page: its text down to the form."""
    parts = [body.text or ""]
    for each in body:
        if each.tag == "form":
            break
        if each.tag == "br":
            parts.append("\n")
        elif each.tag == "a":
            parts.append(f"{each.get('accesskey')}. {each.text or ''}")
        parts.append(each.tail or "")
    return "".join(parts)
