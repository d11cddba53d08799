"""The cases of a host test: registered in the order in which they are written, and run in it. For the tests beside it, which each say where they stand."""
import traceback

CASES = []


class Failed(Exception):
    pass


def case(function):
    CASES.append(function)
    return function


def check(condition, text):
    if not condition:
        raise Failed(text)


def run_all(title, wanted, after_each=lambda: None):
    """All, or those whose names hold one of the words that are wanted. Prints how each ended, and returns the test's exit code."""
    failed = 0
    chosen = [function for function in CASES if not wanted or any(word in function.__name__ for word in wanted)]
    for function in chosen:
        name = function.__name__.replace("_", " ")
        try:
            function()
            print(f"{title}: {name}: ok", flush=True)
        except Exception as error:  # a case that cannot run has failed
            failed += 1
            print(f"{title}: {name}: FAILED: {error if isinstance(error, Failed) else traceback.format_exc()}", flush=True)
        after_each()
    print(f"{title}: {len(chosen)} cases, {failed} failed")
    return 1 if failed else 0
