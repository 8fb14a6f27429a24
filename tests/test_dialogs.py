"""Every transcript plays over real HTTP, too; the plugin of pytest plays it in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.whole_system import World
from ussd_app.replay import player
from ussd_app.replay.reading import load
from ussd_app.replay.transcript import Transcript

DIALOGS = sorted((Path(__file__).parent / "dialogs").glob("*.dial.yaml"))
TRANSCRIPTS = [transcript for path in DIALOGS for transcript in load(path)]
NAMES = [transcript.name for transcript in TRANSCRIPTS]

#: Back-end → (operation of the simulated platform) that a transcript can make late.
_OPERATIONS = {"meters.find": "meter", "tariffs.quote": "quote", "tariffs.show": "tariff"}
#: Longer than the time of one hop at the hasty endpoints, shorter than that of two.
_LATE_SECONDS = 1.5


@pytest.mark.world
@pytest.mark.parametrize("endpoint", ["demo", "moov"])
@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=NAMES)
def test_a_transcript_plays_over_http(transcript: Transcript, endpoint: str, world: World) -> None:
    if transcript.msisdn.startswith("+2267012"):
        world.put_wallet(transcript.msisdn, 100_000)
    late = any(step.verb == "late" for step in transcript.steps)
    name = {"demo": "hasty", "moov": "hasty_moov"}[endpoint] if late else endpoint
    phone = world.phone(name, transcript.msisdn)
    before = world.last_sms(transcript.msisdn)

    def sms(matches: player.Matches) -> str | None:
        return world.sandbox.wait_sms(transcript.msisdn, matches, 30.0, after=before)

    def delay(backend: str) -> None:
        world.platform_fault("*", _OPERATIONS[backend], "slow", _LATE_SECONDS)

    played = player.play(transcript, phone, player.Around(delay, sms))

    assert played.failure == ""
