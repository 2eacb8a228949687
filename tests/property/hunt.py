"""The long search for faults: each kind once, minimised, as a module of a few lines.

``python -m tests.property.hunt --minutes 60 --seed 0`` prints them as they are found, and counts what was tried.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import re
import time
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky

from .examine import Outcome, examine
from .program import Program
from .rows import ROWS
from .strategy import EXTRAS, programs

#: conversions spent on making one fault smaller
_SHRINKS = 150


def features(program: Program) -> frozenset[str]:
    """What a program is made of: the targets of its rows, the methods and operators of its statements."""
    text = "\n".join((*program.body, program.result))
    used = re.findall(r"\.[a-z]\w+(?=\()|[-+*/%@<>=]{1,3}|\[", re.sub(r"^v\d+ =", "", text, flags=re.MULTILINE))
    inputs = ["special"] * ("special" in "".join(program.inputs))
    inputs += ["alias"] * any("sample" not in line and "given" not in line for line in program.inputs)
    return frozenset([*used, *inputs, *(ROWS[key].target for key, _ in program.rows)])


def trimmed(program: Program, outcome: Outcome, runtime: str) -> tuple[Program, Outcome]:
    """The program without the statements that its fault does not need."""
    for part in ("body", "inputs"):
        for statement in reversed(getattr(program, part)):
            smaller = replace(program, **{part: tuple(s for s in getattr(program, part) if s != statement)})
            try:
                again = examine(smaller, runtime)
            except Exception:  # eager cannot run it any more
                continue
            if again.kind == outcome.kind:
                program, outcome = smaller, again
    return program, outcome


@dataclass
class Hunt:
    """What was found so far.

    Args:
        runtime: where the modules run.
        until: when to end, in seconds of ``time.monotonic``.
        extras: what programs may have, of :data:`EXTRAS`.
    """

    runtime: str
    until: float
    extras: list[str]
    known: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    tried: collections.Counter[str] = field(default_factory=collections.Counter)

    def round(self, number: int) -> None:
        """Look for one more fault, at most 400 modules long, and print it."""
        smallest: tuple[Program, Outcome] | None = None
        spent = 0

        @seed(number)
        @settings(
            max_examples=400,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        )
        @given(program=programs(self.extras))
        def search(program: Program) -> None:
            nonlocal smallest, spent
            spent += smallest is not None
            if spent > _SHRINKS or time.monotonic() > self.until:
                return
            outcome = examine(program, self.runtime)
            if smallest is None:
                self.tried[("FAULT " if outcome.fault else "") + outcome.kind] += 1
            if outcome.fault and (
                smallest[1].kind == outcome.kind if smallest else not self.is_known(program, outcome)
            ):
                smallest = program, outcome
                raise AssertionError

        # what was found is kept here; Flaky: after enough modules all pass, to end the shrinking
        with contextlib.suppress(AssertionError, Flaky):
            search()
        if smallest:
            program, outcome = trimmed(*smallest, self.runtime)
            self.known.append((outcome.kind, features(program)))
            print(f"==== {len(self.known)}. {outcome.kind} (seed {number})\n{program}\n{outcome.detail}\n", flush=True)

    def is_known(self, program: Program, outcome: Outcome) -> bool:
        """Whether a known fault of this kind is made of nothing that this program has not."""
        return any(kind == outcome.kind and known <= features(program) for kind, known in self.known)


def main() -> None:
    """Search, and say what was tried."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runtime", choices=("reference", "engine"), default="reference")
    parser.add_argument("--extras", nargs="*", choices=EXTRAS, default=[*EXTRAS])
    chosen = parser.parse_args()
    hunt = Hunt(chosen.runtime, time.monotonic() + 60 * chosen.minutes, chosen.extras)
    number = chosen.seed
    while time.monotonic() < hunt.until:
        hunt.round(number)
        number += 1
    for kind, count in hunt.tried.most_common():
        print(f"{count:6} {kind}")


if __name__ == "__main__":
    main()
