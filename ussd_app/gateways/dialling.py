"""Where the service code ends in what a client dialled.

Several gateways never name the service code: it stands in the first input, `*120*123*5#`, and only
the codes that an endpoint is configured with tell the code from the shortcut dialled after it.
"""

from __future__ import annotations

from ussd_app.messages import Kind


def whole(service_code: str, extra: str) -> str:
    """A dial string without its outer star and hash: `789*1*2`."""
    code = service_code.strip("*#")
    return f"{code}*{extra}" if extra else code


def after(typed: str, service_code: str) -> str:
    """What was dialled after `service_code`, parts joined by `*`; `typed` may repeat the code."""
    bare = typed.strip().strip("*#")
    code = service_code.strip("*#")
    return "" if bare == code else bare.removeprefix(f"{code}*")


def first(codes: tuple[str, ...]) -> str:
    """The service code of a callback that tells none: the first configured one, or ""."""
    return f"*{codes[0].strip('*#')}#" if codes else ""


def split(typed: str, codes: tuple[str, ...]) -> tuple[str, str]:
    """(service code, what was dialled after it), by the longest of `codes` that fits.

    Where none fits, all that was dialled is the code; nothing dialled is the first of `codes`.
    """
    bare = typed.strip().strip("*#")
    fitting = _fitting(bare, codes) or bare
    return (f"*{fitting}#", after(bare, fitting)) if fitting else (first(codes), "")


def heard(kind: Kind, typed: str, codes: tuple[str, ...]) -> tuple[str, str]:
    """(service code, input) of a callback whose gateway tells the code in the first input alone.

    Where the store decides what begins (`Kind.OPEN`), the input is left whole: until then it may
    as well be an answer that looks like the code.
    """
    if kind is Kind.BEGIN:
        return split(typed, codes)
    if kind is Kind.OPEN:
        bare = typed.strip().strip("*#")
        fitting = _fitting(bare, codes) or ("" if codes else bare)
        return (f"*{fitting}#" if fitting else first(codes)), typed
    return first(codes), typed


def _fitting(bare: str, codes: tuple[str, ...]) -> str:
    """The longest of `codes`, without star and hash, with which `bare` begins, or ""."""
    known = (code.strip("*#") for code in codes)
    fitting = [code for code in known if code and f"{bare}*".startswith(f"{code}*")]
    return max(fitting, key=len, default="")
