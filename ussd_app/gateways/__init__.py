"""One module per gateway format: decode a callback, encode a screen. Pure; no Flask, no Redis."""

from __future__ import annotations

from collections.abc import Mapping

from ussd_app.gateways import generic
from ussd_app.gateways.africastalking import AfricasTalking
from ussd_app.gateways.arkesel import Arkesel
from ussd_app.gateways.base import Endpoint, Gateway, Seen, resolve
from ussd_app.gateways.beem import Beem
from ussd_app.gateways.blastsms import BlastSms
from ussd_app.gateways.comviva_xml import ComvivaXml
from ussd_app.gateways.emergent import Emergent
from ussd_app.gateways.flares_http import FlaresHttp
from ussd_app.gateways.huawei_sdp import HuaweiSdp
from ussd_app.gateways.hubtel import Hubtel
from ussd_app.gateways.infobip import Infobip
from ussd_app.gateways.junebug import Junebug
from ussd_app.gateways.moov_xml import MoovXml
from ussd_app.gateways.mtn_madapi import MtnMadapi
from ussd_app.gateways.mtn_xmlrpc import MtnXmlRpc
from ussd_app.gateways.nalo import Nalo
from ussd_app.gateways.orange_xhtml import OrangeXhtml
from ussd_app.gateways.restcomm import RestComm
from ussd_app.gateways.southpawsl import SouthPawsl
from ussd_app.gateways.truroute import TruRoute
from ussd_app.gateways.uzo import Uzo
from ussd_app.gateways.vumi_go import VumiGo
from ussd_app.gateways.xmlrpc_ussd_message import XmlRpcUssdMessage

_ADAPTERS: tuple[Gateway, ...] = (
    AfricasTalking(),
    Arkesel(),
    Beem(),
    BlastSms(),
    ComvivaXml(),
    Emergent(),
    FlaresHttp(),
    HuaweiSdp(),
    Hubtel(),
    Infobip(),
    Junebug(),
    MoovXml(),
    MtnMadapi(),
    MtnXmlRpc(),
    Nalo(),
    OrangeXhtml(),
    RestComm(),
    SouthPawsl(),
    TruRoute(),
    Uzo(),
    VumiGo(),
    XmlRpcUssdMessage(),
)

#: Every gateway by name: the adapters, and the shipped profiles of the generic one.
GATEWAYS: Mapping[str, Gateway] = {
    **{each.name: each for each in _ADAPTERS},
    **generic.shipped(),
}

__all__ = ["GATEWAYS", "Endpoint", "Gateway", "Seen", "resolve"]
