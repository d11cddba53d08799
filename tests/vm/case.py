"""The list of cases, in the order in which they run. Each finds the bottle hello Ready, unless it says that it needs no such thing."""
from bottle_host import HAS_DENIAL_LOG, HAS_LIVE_CHANGES, USER

CASES = []
FROM_ANY_STATE = set()


def case(function):
    CASES.append(function)
    return function


def case_from_any_state(function):
    """One that stops the machine at its beginning, or needs another bottle alone: a boot of hello before it would be in vain."""
    FROM_ANY_STATE.add(function)
    return case(function)


def case_of_live_changes(function):
    """From any state, too. Of a smolvm that has them."""
    return case_from_any_state(function) if HAS_LIVE_CHANGES else function


def case_without_denial_log(function):
    """Of a smolvm that logs no refusals."""
    return function if HAS_DENIAL_LOG else case(function)


def case_as_root(function):
    return function if USER else case(function)


def case_as_user(function):
    return case(function) if USER else function
