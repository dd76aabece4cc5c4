"""Contact rules, however they are made and changed: one for a target and direction at most, and no two that agree."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emulator import Account, Emulator

_RULES = "/api/v1/identities/alice/mail-contact-rules"
_SIDES = {"inbound": ["inbound"], "outbound": ["outbound"], "both": ["inbound", "outbound"]}
_ACTIONS, _DIRECTIONS = st.sampled_from(["allow", "block"]), st.sampled_from(sorted(_SIDES))
_TARGETS = st.sampled_from([("domain", "example.com"), ("domain", "EXAMPLE.com"), ("exact_email", "a@example.com")])

_MADE = st.tuples(st.just("make"), _TARGETS, st.fixed_dictionaries({"action": _ACTIONS, "direction": _DIRECTIONS}))
_CHANGED = st.tuples(
    st.just("change"),
    st.integers(0, 3),
    st.one_of(
        st.fixed_dictionaries({"action": _ACTIONS}),
        st.fixed_dictionaries({"direction": _DIRECTIONS}),
        st.fixed_dictionaries({"action": _ACTIONS, "direction": _DIRECTIONS}),
        st.fixed_dictionaries({"action": _ACTIONS, "apply_to": st.sampled_from(["inbound", "outbound"])}),
    ),
)
_NOTHING: st.SearchStrategy[dict[str, Any]] = st.just({})
_GONE = st.tuples(st.just("delete"), st.integers(0, 3), _NOTHING)


def _listed(account: Account) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = account.request("GET", _RULES).get_json()
    return rules


def _saying(rules: list[dict[str, Any]]) -> dict[tuple[str, str, str], str]:
    """Return what is said of each target in each direction."""
    return {
        (rule["match_type"], rule["match_target"], side): rule["action"]
        for rule in rules
        for side in _SIDES[rule["direction"]]
    }


def _do(account: Account, step: tuple[str, Any, dict[str, Any]], ids: list[str]) -> int:
    what, which, body = step
    if what == "make":
        answer = account.request("POST", _RULES, json={**body, "match_type": which[0], "match_target": which[1]})
    elif not ids:
        return 404
    elif what == "change":
        answer = account.request("PATCH", f"{_RULES}/{ids[which % len(ids)]}", json=body)
    else:
        answer = account.request("DELETE", f"{_RULES}/{ids[which % len(ids)]}")
    if answer.status_code in (200, 201):
        ids.append(answer.get_json()["id"])
    return answer.status_code


@given(st.lists(st.one_of(_MADE, _CHANGED, _GONE), max_size=12))
def test_rules_never_contradict_or_repeat_each_other(steps: list[tuple[str, Any, dict[str, Any]]]) -> None:
    with Emulator(revisions={"inkbox": "current"}) as emulator:
        account = emulator.account("inkbox")
        account.request("POST", "/api/v1/identities", json={"agent_handle": "alice"})
        ids: list[str] = []
        for step in steps:
            before = _saying(_listed(account))
            status = _do(account, step, ids)
            rules = _listed(account)
            sides = Counter(
                (rule["match_type"], rule["match_target"], side) for rule in rules for side in _SIDES[rule["direction"]]
            )
            assert max(sides.values(), default=1) == 1, rules
            saying = Counter((rule["match_type"], rule["match_target"], rule["action"]) for rule in rules)
            assert max(saying.values(), default=1) == 1, rules
            assert status < 400 or _saying(rules) == before, "what is refused changes nothing"
            if step[0] == "change" and "direction" not in step[2] and status == 200:
                assert _saying(rules).keys() == before.keys(), "an action alone keeps what is covered"
