"""Command that breaks modules of course_utils in every way mutmut knows, and counts what is seen.

    python tools/mutants.py [TOPIC ...]

Each mutant is a module with one place changed by one of mutmut's operators. It runs in a child
process, which takes the changed source in the module's place and runs the module's tests up to the
first that fails. At least 90 % of a topic's mutants must be killed, and each one that survives must
stand in tools/mutants.md with the reason. Left out is what only words an error's sentence: strings
in a `raise`. Results are kept in build/mutants.jsonl, so that the command goes on where it was
stopped: a killed mutant stays killed, one that survived runs again when the tests have changed.
"""

from __future__ import annotations

import gc
import hashlib
import importlib.machinery
import json
import os
import resource
import signal
import sys

from mutations import ROOT, Mutant, module_path, mutants_of

BAR = 0.9
RESULTS = ROOT / "build" / "mutants.jsonl"
REASONS = ROOT / "tools" / "mutants.md"
# Topic -> module -> its tests, the quickest first
TOPICS = {
    "lr_finder": {"lr.finder": ["lr/test_finder"]},
    "one_cycle": {"lr.one_cycle": ["lr/test_one_cycle", "properties/test_one_cycle_properties"]},
    "sampling": {
        "imbalance.sampling": ["imbalance/test_sampling", "properties/test_sampling_properties"]
    },
    "mining": {"detection.mining": ["detection/test_mining"]},
    "metrics": {
        "imbalance.class_metrics": [
            "imbalance/test_class_metrics",
            "properties/test_split_properties",
        ],
        "detection.metrics": ["detection/test_metrics", "properties/test_matching_properties"],
        "detection.boxes": ["detection/test_boxes", "properties/test_matching_properties"],
    },
}
# After a module's own tests: every error that a docstring promises, with its words
ERRORS = "house/test_bad_inputs"
# What all tests need, imported once: a child then has the package itself to import.
PRELOADED = (
    "hypothesis.strategies ipywidgets matplotlib.pyplot nbval.plugin PIL.Image "
    "pycocotools.cocoeval pytest pytest_timeout scipy.stats torch.utils.data torchvision.ops "
    "xdist.plugin"
)
# In this process, and without what is for notebooks; what was imported before is not rewritten.
OPTIONS = ["-x", "-q", "-oaddopts=", "-pxdist.plugin", "-ppytest_timeout", "-pno:cacheprovider"]
OPTIONS += ["-Wignore::pytest.PytestAssertRewriteWarning"]
PASSED, BROKEN = 0, (3, 4, 5)  # pytest's exit codes; a command line that is wrong kills no mutant


class Replaced(importlib.machinery.SourceFileLoader):
    """Loader of a module whose source is another one than its file's."""

    def __init__(self, name: str, path: str, source: str):
        super().__init__(name, path)
        self.source = source

    def get_code(self, fullname):
        return compile(self.source, self.path, "exec", dont_inherit=True)


class Replacer:
    """Finder that gives one module of course_utils another source."""

    def __init__(self, module: str, source: str):
        self.name, self.source = f"course_utils.{module}", source

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        spec.loader = Replaced(name, spec.origin, self.source)
        return spec


def run_tests(mutant: Mutant, tests: list[str], seconds: int) -> str:
    """Return "killed", "survived" or "hung", from the tests' run in a child process.

    The seconds are those of the child's CPU, so that a busy machine makes no mutant hang.
    """
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        sys.meta_path.insert(0, Replacer(mutant.module, mutant.source))
        import pytest

        os._exit(pytest.main([*OPTIONS, *(str(ROOT / "tests" / f"{test}.py") for test in tests)]))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code in BROKEN:
        raise RuntimeError(f"pytest ended with status {code} for {tests}: no test has run.")
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "hung"
    return "survived" if code == PASSED else "killed"


def limit_of(module: str, tests: list[str]) -> int:
    """Return the seconds that a mutant may take: some three times those of the module as it is."""
    source = module_path(module).read_text(encoding="utf-8")
    start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    outcome = run_tests(Mutant(module, source, "", ""), tests, 600)
    if outcome != "survived":
        raise RuntimeError(f"The tests of {module} as it is must pass, but: {outcome}.")
    return 5 + 3 * round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - start)


def outcomes_of(module: str, tests: list[str], known: dict[str, str]) -> dict[Mutant, str]:
    """Run the mutants of a module that were not run before, and return the outcomes of all."""
    texts = [(ROOT / "tests" / f"{test}.py").read_bytes() for test in tests]
    suite = hashlib.sha256(b"".join(texts)).hexdigest()
    outcomes, limit = {}, None
    for mutant in mutants_of(module):
        digest = hashlib.sha256(mutant.source.encode()).hexdigest()
        outcome = known.get(digest) or known.get(digest + suite)
        if outcome is None:
            limit = limit or limit_of(module, tests)
            outcome = run_tests(mutant, tests, limit)
            key = digest + suite if outcome == "survived" else digest
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "outcome": outcome}) + "\n")
        outcomes[mutant] = outcome
    return outcomes


def main(topics: list[str]) -> int:
    """Run the mutants of the topics, print the figures and the unexplained; 1 below the bar."""
    sys.path[:0] = [str(ROOT / folder) for folder in (".", "tests", "tests/helpers", "tools")]
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "yes"
    for name in PRELOADED.split():
        importlib.import_module(name)
    gc.freeze()  # pytest collects garbage twice a run, which all this need not go through
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.touch()
    rows = map(json.loads, RESULTS.read_text(encoding="utf-8").splitlines())
    known = {row["key"]: row["outcome"] for row in rows}
    reasons = REASONS.read_text(encoding="utf-8")
    bad = False
    print(f"{'module':24} {'mutants':>7} {'killed':>7} {'hung':>5} {'survived':>8} {'caught':>7}")
    for topic in topics or TOPICS:
        of_topic, unexplained = [], []
        for module, tests in TOPICS[topic].items():
            outcomes = outcomes_of(module, [*tests, ERRORS], known)
            print(row(module, list(outcomes.values())), flush=True)
            of_topic += outcomes.values()
            survivors = [mutant for mutant, outcome in outcomes.items() if outcome == "survived"]
            unexplained += [m.entry for m in survivors if m.entry not in reasons]
        print(row(f"= {topic}", of_topic))
        print(*unexplained, sep="\n", end="\n" if unexplained else "")
        bad |= bool(unexplained) or of_topic.count("survived") > (1 - BAR) * len(of_topic)
    return int(bad)


def row(name: str, outcomes: list[str]) -> str:
    """Return a line of the table."""
    killed, hung, survived = (outcomes.count(o) for o in ("killed", "hung", "survived"))
    caught = 100 * (killed + hung) / len(outcomes)
    return f"{name:24} {len(outcomes):7} {killed:7} {hung:5} {survived:8} {caught:6.1f}%"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
