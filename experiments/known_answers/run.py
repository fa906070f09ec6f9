"""What does the whole suite say of tables whose answer is known?

Audits, as `tabveil audit` does by default, every table of a folder that holds train, control and
reference, and keeps the scores that docs/threat-model.md quotes.

    python experiments/known_answers/run.py FOLDER --sensitive income \
        --out experiments/known_answers/result.json
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from tabveil.threads import limit_environment

limit_environment(1)

from tabveil.audit import Files, audit, to_dict  # noqa: E402
from tabveil.config.build import build, build_attacks  # noqa: E402
from tabveil.config.compose import compose_command  # noqa: E402
from tabveil.config.settings import Evaluation, read  # noqa: E402
from tabveil.controls import Suite  # noqa: E402
from tabveil.measure.alike import Roles  # noqa: E402
from tabveil.threads import limited  # noqa: E402
from tabveil.tracking.environment import environment  # noqa: E402

REAL = ("train", "control", "reference")
MORE = ("likelihood_ratio",)
"""Attacks that an audit does not make by default; they report here, and `learnt` does without."""
QUASI = ("age", "sex", "race", "education", "marital", "occupation", "country")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sensitive", nargs="*", default=["income"])
    parser.add_argument("--quasi-identifiers", nargs="*", default=list(QUASI))
    parser.add_argument("--evaluation", choices=("quick", "thorough"), default="thorough")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    paths = {path.name.partition(".")[0]: path for path in sorted(given.folder.glob("*.csv*"))}
    words = [f"{name}=x" for name in ("synthetic", "train", "control")]
    words.append(f"evaluation={given.evaluation}")
    attacks = [*build_attacks(compose_command("audit", words)), *MORE]
    words += [f"attack=[{','.join(attacks)}]", f"attack.learnt.leave_out=[critic,{','.join(MORE)}]"]
    composition = compose_command("audit", words)
    suite = Suite(build_attacks(composition), build(composition, "objective"))
    limits = read(composition, Evaluation, "evaluation").limits
    roles = Roles({}, given.sensitive, given.quasi_identifiers, None)
    results: dict[str, Any] = {"environment": environment(), "evaluation": given.evaluation}
    with limited(1):
        for name in sorted(set(paths) - set(REAL)):
            files = Files(paths[name], *(paths[real] for real in REAL))
            started = time.process_time()
            found = audit(files, roles, suite, limits, seed=0)
            results[name] = {
                "verdict": found.verdict,
                "reason": found.reason,
                "risk": to_dict(found)["risk"],
                "cpu_seconds": round(time.process_time() - started, 1),
                "attack_cpu_seconds": {
                    result.name: round(result.cpu_seconds, 2) for result in found.evaluation.results
                },
                "scores": {
                    f"{result.name}/{score.name}": [
                        round(float(number), 4)  # type: ignore[arg-type]
                        for number in (score.value, score.low, score.high)
                    ]
                    for result in found.evaluation.results
                    for score in result.scores
                },
                "controls": {
                    one.name: round(one.risk.low, 4) if one.risk else None for one in found.controls
                },
            }
            print(name, found.verdict, results[name]["risk"], results[name]["controls"], flush=True)
    given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
