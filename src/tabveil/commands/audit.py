"""`tabveil audit synthetic=a.csv train=b.csv control=c.csv`: attack any table, without a model.

Exit codes: 0 nothing shown, 3 a leak was shown, 4 cannot tell; with gate=…, what the gate says.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tabveil import audit
from tabveil.commands import audit_folder
from tabveil.config.build import build, build_attacks, build_executor
from tabveil.config.compose import Composition
from tabveil.config.settings import Audit, AuditColumns, Base, Evaluation, read
from tabveil.controls import Control, Suite, seen_from
from tabveil.data.opening import Wishes
from tabveil.evaluate import Result
from tabveil.gate import EXIT_CODES, Gate
from tabveil.measure.alike import Roles
from tabveil.planting import PLANTED
from tabveil.releases import REPORT, VERDICT_FILE
from tabveil.report.release_page import page
from tabveil.report.terminal import say, show_table
from tabveil.statement import in_words, statement_of_audit, to_text

_EXIT_CODES = {"nothing shown": 0, "leak shown": 3, "cannot tell": 4}


def run(composition: Composition) -> int:
    """Attack the table; write the scores; say what was found."""
    base, paths = read(composition, Base), read(composition, Audit)
    columns = read(composition, AuditColumns, "dataset")
    evaluation = read(composition, Evaluation, "evaluation")
    suite = Suite(build_attacks(composition), build(composition, "objective"))
    out = base.out or base.root / "audits" / paths.synthetic.name
    wishes = Wishes.from_settings(columns.kinds, columns.missing, columns.decimal)
    roles = Roles(wishes.kinds, columns.sensitive, columns.quasi_identifiers, columns.group)
    executor = build_executor(composition)
    is_new = audit_folder.prepare(out)
    try:
        found = audit.audit(
            replace(_files(paths, columns.format), wishes=wishes),
            roles,
            suite,
            evaluation.limits,
            seed=base.seed,
            executor=executor,
        )
    except BaseException:
        if is_new:  # nothing came of it
            out.rmdir()
        raise
    audit_folder.write(found, out, plots=evaluation.plots)
    show(found, out)
    if composition.node.get("gate") is None:
        return _EXIT_CODES[found.verdict]
    return _hold_against(build(composition, "gate"), found, suite, out, paths.synthetic.name)


def _hold_against(gate: Gate, found: audit.Audit, suite: Suite, out: Path, name: str) -> int:
    """Hold the table against a policy, too; its report is a release's, its exit code the gate's."""
    attacks = {key: attack.threat_model for key, attack in suite.attacks.items()}
    document = statement_of_audit(found, suite, gate, name=name, attacks=attacks)
    words = in_words(document)
    for file, text in (
        (VERDICT_FILE, to_text(document)),
        (REPORT, page(document, words=words)),
    ):
        (out / file).write_text(text, encoding="utf-8")
    say(" ".join(words))
    say(f"The report: {out / REPORT}")
    return EXIT_CODES[document["verdict"]]


def _files(paths: Audit, format: str | None) -> audit.Files:  # noqa: A002
    reference = None if paths.reference is None else paths.reference.expanduser()
    synthetic, train, control = (
        path.expanduser() for path in (paths.synthetic, paths.train, paths.control)
    )
    return audit.Files(synthetic, train, control, reference, format)


def show(found: audit.Audit, out: Path) -> None:
    """Print the scores that matter, the controls, and the verdict in a sentence."""
    header = ("attack", "score", "value", "95 % interval", "leak shown")
    said: set[str] = set()
    rows = [row for result in found.evaluation.results for row in _rows(result, found, said)]
    if rows:
        show_table("attacks", header, rows)
    controls = [
        (one.what, _risk(one), "yes" if one.seen else "no", _as_it_should(one))
        for one in found.controls
    ]
    if controls:
        show_table("controls", ("table", "risk shown", "seen", "as it should"), controls)
    for note in found.notes:
        say(f"Note: {note}")
    say(sentence(found))
    say(f"Every score is in {out / audit_folder.SCORES}")


def _rows(result: Result, found: audit.Audit, said: set[str]) -> list[tuple[object, ...]]:
    """The headline and the components of the risk; or, once, why there is none."""
    if result.error:
        reason = audit.plain(result.reason)
        rows: list[tuple[object, ...]] = [
            (result.name, "failed", "likewise" if reason in said else reason, "", "")
        ]
        said.add(reason)
        return rows
    rows = []
    for i, score in enumerate(result.scores):
        is_component = score.advantage is not None and result.name in found.makes_the_risk
        if i and not is_component:
            continue
        shown = "yes" if f"{result.name}/{score.name}" in found.shown else "no"
        interval = _interval(score.low, score.high)
        rows.append((result.name, score.name, score.value, interval, shown if is_component else ""))
    return rows


def sentence(found: audit.Audit) -> str:
    """What was attacked, what is shown, what cannot be excluded, what would have been seen."""
    n = {name: about["rows"] for name, about in found.tables.items()}
    text = (
        f"{found.verdict.capitalize()}: {n['synthetic']} synthetic rows, attacked with "
        f"{n['train']} rows of train against {n['control']} of control; {found.reason}"
    )
    text += "" if text.endswith("?") else "."
    if found.verdict == "nothing shown":
        text += f" Of leaks planted in it were seen: {seen_from(found.controls)}."
        text += " These are attacks, not a proof of safety."
    return text


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f} – {high:.3f}"


def _risk(control: Control) -> str:
    if control.risk is None:
        return "failed"
    return "< 0.001" if 0 < control.risk.low < 0.001 else f"{control.risk.low:.3f}"


def _as_it_should(control: Control) -> str:
    if control.seen and not control.n_planted and control.as_wanted:
        return "within chance"
    if control.n_planted and not control.seen and not PLANTED[control.kind].needed:
        return "told below"
    return "yes" if control.as_wanted else "NO"
