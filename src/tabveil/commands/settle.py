"""What becomes of a candidate once its models are measured?

It is judged; what is said of it is written to files, to MLflow and to the ledger; and it is
registered, whatever the verdict: the version's tags say it, and only what passes is a release. A
candidate that was settled before, under the same policy and with the same outcome, stays as it is:
nothing is said twice.

Nobody may train models until one passes: once a candidate's models have failed a policy, it fails
it with any others, too, and what had been released of it under that policy is withdrawn.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tabveil.commands.plan import Plan, code_digest
from tabveil.commands.retrain import confirming, of_trial
from tabveil.config.build import build_attacks
from tabveil.config.settings import Confirm
from tabveil.confirmation import Attempt, Confirmed, conclude
from tabveil.data.masking import in_words as replaced_in_words
from tabveil.errors import TrackingError
from tabveil.gate import Gate
from tabveil.releases import (
    CARD,
    MEASURED_BY,
    REPORT,
    VERDICT_FILE,
    WITHDRAWN,
    releases,
    withdraw,
)
from tabveil.report.model_card import model_card
from tabveil.report.release_page import page
from tabveil.report.terminal import say
from tabveil.search.exports import describe_front
from tabveil.search.records import Record
from tabveil.statement import in_words, statement, tags, to_text
from tabveil.tracking.artifacts import download
from tabveil.tracking.environment import environment
from tabveil.tracking.ledger import Ledger, Line
from tabveil.tracking.models import digest_of, text_digest
from tabveil.tracking.registry import Version, find_same, register, versions
from tabveil.tracking.runs import Run
from tabveil.trial_log import GENERATOR

FOLDER = "confirmed"
"""Below `out`: verdict, report and model card of each candidate, in a folder of its number."""


@dataclass(frozen=True)
class Settled:
    """A candidate: the verdict's document, and the version it is registered as."""

    trial: int
    document: dict[str, Any]
    version: Version


@dataclass(frozen=True)
class Settler:
    """What settling a candidate needs, beside the candidate."""

    plan: Plan
    settings: Confirm
    gate: Gate
    ledger: Ledger
    ended: Sequence[Record]

    def settle(self, record: Record, attempts: Sequence[Attempt]) -> Settled:
        """Judge a candidate, write down what is said of it, and register it."""
        confirmed = conclude(
            attempts,
            self.gate,
            sweep_utility=float(record.utility or 0.0),
            sweep_risks={key: told[0] for key, told in record.about.get("components", {}).items()},
            failed_before=self._failed_before(record, attempts),
        )
        plan, first = self.plan, confirmed.attempts[0]
        with tempfile.TemporaryDirectory() as scratch:
            generator = download(plan.uri, first.run_id, GENERATOR, Path(scratch))
            document = statement(
                confirmed,
                self.gate,
                about=self._about(record, generator),
                attacks=self._attacks(),
            )
            files = self._files(document, first.run_id)
            self._write(files, record.number)
            said = self._tags(document, files)
            there = find_same(plan.uri, first.run_id, plan.settings.model, tags=said)
            if there is None:
                self._upload(first.run_id, files, said["report_path"])
                if not self._is_told(record, said, first.run_id):
                    self._log(record, confirmed)
                # The report shows real rows, if only counted: it stays with the run.
                beside = {name: files[name] for name in (VERDICT_FILE, CARD)}
                there = register(
                    plan.uri,
                    first.run_id,
                    generator,
                    plan.settings.model,
                    tags=said,
                    files=beside,
                )
        if confirmed.verdict.outcome == "fail":
            self._take_back(said, confirmed.verdict.reasons[0])
        said_of = "a release" if document["verdict"] == "pass" else "no release"
        gone = there.tags.get(WITHDRAWN)
        said_of += f", WITHDRAWN: {gone}" if gone else ""
        say(f"Candidate {record.number} is {there.name} version {there.number}, {said_of}")
        return Settled(record.number, document, there)

    def _about(self, record: Record, generator: Path) -> dict[str, Any]:
        """What identifies a candidate and what it came from."""
        plan, point = self.plan, record.point
        report = plan.prepared.about.report
        flat = json.dumps(plan.composition.flat(), sort_keys=True, default=str)
        return {
            "study": plan.settings.study,
            "model": plan.settings.model,
            "dataset": plan.prepared.about.name,
            "values": dict(record.values),
            "run_id": record.about["run_id"],
            "sweep_utility": point.utility,
            "point": [point.utility, point.risk, point.risk_low, point.risk_high],
            "data_digest": plan.prepared.about.digest,
            "config_digest": hashlib.sha256(flat.encode()).hexdigest(),
            "code_digest": code_digest(),
            "model_digest": digest_of(generator),
            "openings": self.ledger.n_openings(plan.prepared.about.digest),
            "measures": self._measures(),
            "front": describe_front(self.ended, study=plan.settings.study),
            "versions": environment(),
            "not_learnt": [replaced_in_words(told) for told in report.get("replaced") or ()],
            "read_notes": [*(report.get("read") or ()), *(report.get("rare") or ())],
        }

    def _measures(self) -> dict[str, Any]:
        """The configuration of everything that measures."""
        flat = confirming(self.plan, self.settings).flat()
        groups = ("metric", "attack", "evaluation", "objective")
        return {key: str(flat[key]) for key in sorted(flat) if key.partition(".")[0] in groups}

    def _attacks(self) -> dict[str, str]:
        attacks = build_attacks(confirming(self.plan, self.settings))
        return {name: attack.threat_model for name, attack in attacks.items()}

    def _files(self, document: Mapping[str, Any], run_id: str) -> dict[str, str]:
        """The verdict, the report, the model card."""
        words = in_words(document)
        pictures = {}
        with tempfile.TemporaryDirectory() as scratch, contextlib.suppress(TrackingError):
            drawn = download(self.plan.uri, run_id, "plots/columns.svg", Path(scratch))
            pictures["columns"] = drawn.read_text(encoding="utf-8")
        return {
            VERDICT_FILE: to_text(document),
            REPORT: page(document, words=words, pictures=pictures),
            CARD: model_card(document, words=words),
        }

    def _tags(self, document: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
        verdict = text_digest(files[VERDICT_FILE])
        return {
            **tags(document),
            "gate_digest": _policy(self.gate),
            MEASURED_BY: text_digest(json.dumps([self._measures(), self.gate.confidence])),
            "verdict_digest": verdict,
            "report_digest": text_digest(files[REPORT]),
            # Of its own: another verdict on the same model must not take its place.
            "report_path": f"confirmed/{self.gate.name}-{verdict[:12]}",
        }

    def _verdicts(self, record: Record) -> list[Line]:
        """What the ledger says of a candidate under this policy."""
        told = self.ledger.lines(data_digest=self.plan.prepared.about.digest, event="verdict")
        wanted = (of_trial(self.plan, record.number), _policy(self.gate))
        return [line for line in told if (line.model, line.detail.get("policy")) == wanted]

    def _failed_before(self, record: Record, attempts: Sequence[Attempt]) -> list[str]:
        """When other models of the candidate failed this policy."""
        mine = {one.run_id for one in attempts}
        return [
            line.at
            for line in self._verdicts(record)
            if line.detail["verdict"] == "fail" and line.detail["run_id"] not in mine
        ]

    def _is_told(self, record: Record, said: Mapping[str, Any], run_id: str) -> bool:
        """Whether the ledger has this verdict on this very model already."""
        wanted = (run_id, said["verdict"], said["models"])
        keys = ("run_id", "verdict", "models")
        return any(
            tuple(line.detail[key] for key in keys) == wanted for line in self._verdicts(record)
        )

    def _take_back(self, said: Mapping[str, Any], reason: str) -> None:
        """Withdraw what earlier models of the same candidate were released as."""
        plan = self.plan
        for version in releases(versions(plan.uri, plan.settings.model)):
            same = ("study", "trial", "gate_digest")
            if any(version.tags.get(key) != str(said[key]) for key in same):
                continue
            why = f"confirmed again, with other models of the same configuration: {reason}"
            name = f"{version.name}/{version.number}"
            self.ledger.append(Line("withdraw", said["data_digest"], name, {"why": why}))
            withdraw(plan.uri, version, why)
            say(f"{version.name} version {version.number} is withdrawn: {why}")

    def _write(self, files: Mapping[str, str], number: int) -> None:
        folder = self.plan.out / FOLDER / f"{number:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            partial = folder / f".{name}.{os.getpid()}"
            partial.write_text(text, encoding="utf-8")
            partial.replace(folder / name)

    def _upload(self, run_id: str, files: Mapping[str, str], path: str) -> None:
        """The texts, to the run of the first model."""
        for file, text in files.items():
            Run(self.plan.uri, run_id).log_text(text, f"{path}/{file}")

    def _log(self, record: Record, confirmed: Confirmed) -> None:
        """Numbers to the candidate's own run; then a line in the ledger."""
        plan, confidence = self.plan, self.gate.confidence
        outcome = confirmed.verdict.outcome
        detail = {
            "run_id": confirmed.attempts[0].run_id,
            "policy": _policy(self.gate),
            "verdict": outcome,
            "gate": self.gate.name,
            "models": len(confirmed.attempts),
        }
        Run(plan.uri, record.about["run_id"]).log(
            metrics={
                "confirmed/utility": confirmed.utility.mean,
                "confirmed/utility_low": confirmed.utility.lower(confidence),
                "confirmed/risk": confirmed.risk,
                "confirmed/risk_low": confirmed.risk_low(confidence),
                "confirmed/risk_high": confirmed.risk_high(confidence),
                **{f"confirmed/flattery_{key}": v for key, v in confirmed.flattery.items()},
            },
            tags={"verdict": outcome, "gate": self.gate.name},
        )
        # At the end: who reads that it was said may rely on finding it.
        name = of_trial(plan, record.number)
        self.ledger.append(Line("verdict", plan.prepared.about.digest, name, detail))


def _policy(gate: Gate) -> str:
    """A digest of what a policy asks, whatever it is called."""
    asked = {key: value for key, value in asdict(gate).items() if key not in ("name", "promise")}
    return text_digest(json.dumps(asked, sort_keys=True))
