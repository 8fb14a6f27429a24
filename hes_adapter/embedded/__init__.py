"""The embedded head end system: a small HTTP service that sells STS tokens under its own keys.

Run it with `python -m hes_adapter.embedded`; `openapi.yaml` beside this file is its wire.

Not in here: no money, no client, no MSISDN, no sale. It knows meters, vending keys and vends, and
one vend is one token for ever.
"""

from hes_adapter.embedded.web import create_app

__all__ = ["create_app"]
