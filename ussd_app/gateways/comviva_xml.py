"""Comviva's XML pull. Confidence: several independent client codes.

A POST of `<request type="pull">` with `subscriberInput, sessionId, msisdn, newRequest` and more
that varies: elements are read by name, in any case and order. `newRequest` 1 begins a session, and
`subscriberInput` is then what was dialled, without star and hash; else it is the newest input.
The reply is `<response>` with `applicationResponse` and in `freeflow` the state: FC goes on, FB
ends; nothing is charged. `<request type="cleanup">` with a `statusCode` tells that a session has
ended, whether the client left or was too slow is not told. Met at MTN (Benin, Rwanda) and TNM
(Malawi); one client there cuts screens at 160 characters.
Source: at least five independent clients; the vendor's document is not public.
"""

from __future__ import annotations

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

_KINDS = {"1": Kind.BEGIN, "true": Kind.BEGIN, "0": Kind.CONTINUE, "false": Kind.CONTINUE}
_STATES = {Action.CONTINUE: "FC", Action.END: "FB"}
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'


class ComvivaXml(base.Adapter):
    """The adapter."""

    name = "comviva_xml"
    methods = frozenset({"POST"})
    confidence = "several independent client codes"
    capabilities = base.Capabilities(reports_cancel=True, reports_timeout=True)

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the module; raises `BadCallback`."""
        root = base.xml_root(request.body)
        fields = xml_reading.texts(root)
        asked = xml_reading.attributes(root).get("type", "pull").strip().lower()
        session = xml_reading.need(fields, "sessionId")
        number = xml_reading.need(fields, "msisdn")
        msisdn = base.msisdn(number, endpoint.country)
        if asked == "cleanup":
            status = fields.get("statuscode", "").strip()
            return UssdRequest(
                Kind.CANCEL,
                session,
                msisdn,
                dialling.first(endpoint.service_codes),
                "",
                base.fingerprint(Kind.CANCEL, status),
                reason=status or None,
                echo={"msisdn": number},
            )
        if asked != "pull":
            raise BadCallback('the "type" of the request must be pull or cleanup')
        kind = _KINDS.get(fields.get("newrequest", "").strip().lower(), Kind.OPEN)
        typed = xml_reading.have(fields, "subscriberInput")
        service_code, heard = dialling.heard(kind, typed, endpoint.service_codes)
        return UssdRequest(
            kind,
            session,
            msisdn,
            service_code,
            heard,
            base.fingerprint(kind, typed),
            language=fields.get("language", "").strip()[:2].lower() or None,
            echo={"msisdn": number},
        )

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """The screen whole in `applicationResponse`."""
        return _reply(screen.text, screen.action, request)

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        """An empty response that ends, as clients in the field answer a cleanup."""
        return _reply("", Action.END, request)

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        extra, *inputs = history or ("",)
        typed = inputs[-1] if inputs else dialling.whole(request.service_code, extra)
        number = request.msisdn.removeprefix("+")
        body = (
            f'{_HEAD}<request type="pull">'
            f"<subscriberInput>{base.xml_text(typed)}</subscriberInput>"
            f"<sessionId>{base.xml_text(request.session)}</sessionId>"
            f"<transactionId>1</transactionId><msisdn>{base.xml_text(number)}</msisdn>"
            f"<language>{base.xml_text(request.language or 'fr')}</language>"
            f"<newRequest>{'0' if inputs else '1'}</newRequest><parameters/>"
            f"<freeflow><mode>{'FE' if inputs else 'FD'}</mode></freeflow></request>"
        )
        return HttpRequest("POST", "", "", {"content-type": "text/xml"}, body.encode())

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`."""
        if kind not in {Kind.CANCEL, Kind.TIMEOUT}:
            return None
        body = (
            f'{_HEAD}<request type="cleanup">'
            f"<sessionId>{base.xml_text(request.session)}</sessionId>"
            f"<msisdn>{base.xml_text(request.msisdn.removeprefix('+'))}</msisdn>"
            "<statusCode>523</statusCode></request>"
        )
        return HttpRequest("POST", "", "", {"content-type": "text/xml"}, body.encode())

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`."""
        root = xml_reading.shown(reply.body)
        action = xml_reading.action_of(root, "freeflow/freeflowState", _STATES)
        return Screen(root.findtext("applicationResponse") or "", action)


def _reply(text: str, action: Action, request: UssdRequest) -> UssdReply:
    number = request.echo.get("msisdn", request.msisdn.removeprefix("+"))
    return base.text_reply(
        f"{_HEAD}<response><msisdn>{base.xml_text(number)}</msisdn>"
        f"<applicationResponse>{base.xml_text(text)}</applicationResponse>"
        f"<freeflow><freeflowState>{_STATES[action]}</freeflowState>"
        "<freeflowCharging>N</freeflowCharging>"
        "<freeflowChargingAmount>0</freeflowChargingAmount></freeflow></response>",
        "text/xml",
    )
