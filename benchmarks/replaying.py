"""How many hops of transcripts are played in a second, on one core, in this process."""

from __future__ import annotations

import time
from pathlib import Path

from ussd_app.messages import Budget
from ussd_app.programs import Directory
from ussd_app.replay.player import play_in_process
from ussd_app.replay.reading import load
from ussd_app.replay.transcript import SUFFIX
from workers import settings as settings_module
from workers.application import APPLICATION

_DIALOGS = Path(__file__).parent.parent / "tests" / "dialogs"
_TIMES = 100
_ROUNDS = 5


def run() -> int:
    """Print the figure; how many transcripts were not as written."""
    print("\ntranscripts played in process, one core, CPU seconds; the best of five rounds")
    directory = Directory(settings_module.load().menus_dir, APPLICATION, (Budget(),))
    program = next(iter(directory.flows.values()))
    transcripts = [each for path in _DIALOGS.glob(f"*{SUFFIX}") for each in load(path)]
    best, wrong = 0.0, 0
    for _ in range(_ROUNDS):
        hops = 0
        began = time.process_time()
        for _ in range(_TIMES):
            for transcript in transcripts:
                played = play_in_process(transcript, program, Budget())
                wrong += bool(played.problem)
                hops += len(played.shown)
        best = max(best, hops / (time.process_time() - began))
    print(f"{best:,.0f} hops a second; not as written {wrong}")
    return wrong
