"""The list of cases, in the order in which they run."""
from bottle_host import USER

CASES = []


def case(function):
    CASES.append(function)
    return function


def case_as_root(function):
    return function if USER else case(function)


def case_as_user(function):
    return case(function) if USER else function
