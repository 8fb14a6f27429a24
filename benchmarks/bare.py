"""The reference: the same five hops by hand, Flask and redis-py, no protection of any kind."""

from __future__ import annotations

import json
import os
from typing import Any

import redis
from flask import Flask, Response, request

_TTL_SECONDS = 180


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def application() -> Flask:
    """The WSGI application."""
    app = Flask("bare")
    store = redis.Redis.from_url(os.environ["CASSOU_REDIS_URL"])

    def step(session: dict[str, Any], typed: str) -> str:
        match session["state"]:
            case "home" if typed == "1":
                session["state"] = "serial"
                return "CON Numéro de série du compteur:"
            case "serial" if len(typed) == 11 and typed.isdigit() and _luhn(typed):
                session |= {"state": "kwh", "serial": typed}
                return "CON A** O********\nCombien de kWh?"
            case "kwh" if typed.isdigit() and 0 < int(typed) <= 500:
                session |= {"state": "confirm", "kwh": typed}
                return f"CON {typed} kWh\nCompteur {session['serial']}\n1. Payer\n2. Changer"
            case "confirm" if typed == "1":
                session["state"] = "done"
                return "END Payé. Code: 0123 4567 8901 2345 6789. Aussi par SMS."
        return "END Choix inconnu."

    @app.post("/ussd/demo")
    def callback() -> Response:
        key = f"s:{request.form['sessionId']}"
        text = request.form["text"]
        stored = store.get(key)
        if stored is None or not text:
            session: dict[str, Any] = {"state": "home", "msisdn": request.form["phoneNumber"]}
            body = "CON Énergie prépayée\n1. Acheter\n2. Mes derniers codes\n3. Tarif\n4. English"
        else:
            session = json.loads(stored)
            body = step(session, text.rsplit("*", 1)[-1])
        store.set(key, json.dumps(session), ex=_TTL_SECONDS)
        return Response(body, mimetype="text/plain")

    @app.get("/health")
    def health() -> str:
        return "ok"

    return app
