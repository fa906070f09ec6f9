"""A table's splits, between preparing and confirming.

They lie in a folder of their own: `schema.json`, the four splits as Parquet, each row's group
number (`groups.npz`), what stands in the place of identifiers (`masks.json`, with the schema of
rows as they are given away), what every row obeys (`rules.json`), and `prepared.json` (name,
digest, what the split reports). It is written whole or not at all, and readable by its owner only.
Loading leaves `release` closed: only the confirmation opens it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tabveil.data.masking import Masking
from tabveil.data.rules.kinds import Rule, rule_from_dict, rule_to_dict
from tabveil.data.schema import Schema
from tabveil.data.split import Splits
from tabveil.errors import DataError

FORMAT = 3
"""Of the folder; part of what names it, so that another version's is not taken for ours."""

_SPLITS = ("train", "control", "reference", "release")


@dataclass(frozen=True)
class About:
    """What identifies a prepared table.

    Attributes:
        name: of the table.
        source: what a person calls the file or database.
        digest: of the source's contents together with all that shaped the splits.
        report: what the split found, and what was not read as it stood.
        form: a digest of the form of the source, in which rows are written back; the same rows as
            CSV and as Parquet have one `digest` and two forms.
    """

    name: str
    source: str
    digest: str
    report: dict[str, Any]
    form: str = ""


@dataclass(frozen=True)
class Prepared:
    """The search-time splits of a table; all hold the schema's columns only."""

    about: About
    schema: Schema
    train: pd.DataFrame
    control: pd.DataFrame
    reference: pd.DataFrame
    groups: Mapping[str, NDArray[np.intp]]
    """Of `train`, `control` and `reference`: each row's group number, shape (n,)."""
    masking: Masking
    """How rows are given away: with what in the place of identifiers."""
    rules: tuple[Rule, ...] = ()
    """What every drawn row obeys."""
    opened: bool = False
    """Whether `control` holds the rows of `release`."""

    @property
    def sample_groups(self) -> bool:
        """Whether whole groups are drawn: they have an identifier in drawn rows."""
        return bool(self.masking.of_persons)

    def one_row_a_group(self, name: str, rng: np.random.Generator) -> NDArray[np.intp]:
        """Positions in `train` or `control` of a random row of each group, ascending.

        Attacks speak of people: a person's rows would count as independent findings, and
        intervals would be too narrow.
        """
        order = rng.permutation(len(self.groups[name]))
        _, first = np.unique(self.groups[name][order], return_index=True)
        return np.sort(order[first])


def save_prepared(
    directory: Path,
    *,
    splits: Splits,
    schema: Schema,
    masking: Masking,
    rules: Sequence[Rule] = (),
    about: About,
) -> None:
    """Write the splits into `directory`, replacing what a former preparation left there.

    Raises:
        DataError: the directory exists and holds something else.
    """
    if directory.exists() and any(directory.iterdir()) and not is_prepared(directory):
        raise DataError(f"{directory} is not empty and holds no prepared table; choose another out")
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".prepare-", dir=directory.parent))  # mode 0700
    try:
        for name in _SPLITS:
            getattr(splits, name).to_parquet(partial / f"{name}.parquet", index=False)
        arrays: dict[str, Any] = {name: splits.groups[name] for name in _SPLITS}
        np.savez(partial / "groups.npz", **arrays)
        schema.save(partial / "schema.json")
        masks = json.dumps(masking.to_dict(), indent=1, ensure_ascii=False)
        (partial / "masks.json").write_text(masks + "\n", encoding="utf-8")
        told = json.dumps([rule_to_dict(rule) for rule in rules], indent=1, ensure_ascii=False)
        (partial / "rules.json").write_text(told + "\n", encoding="utf-8")
        text = json.dumps(asdict(about), indent=1, sort_keys=True, ensure_ascii=False)
        (partial / "prepared.json").write_text(text + "\n", encoding="utf-8")
        _put(partial, directory, about)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _put(partial: Path, directory: Path, about: About) -> None:
    """Move a preparation to its place; another process's of the same table stays: it is in use."""
    if holds(directory, about.digest, about.form):
        return
    if directory.exists():
        shutil.rmtree(directory)
    try:
        partial.rename(directory)
    except OSError:
        if not holds(directory, about.digest, about.form):
            raise


def is_prepared(directory: Path) -> bool:
    """Whether a preparation has been completed there."""
    return (directory / "prepared.json").is_file()


def digest_of(directory: Path) -> str | None:
    """The digest of a prepared table; None where none lies. Nothing else is read."""
    try:
        told = json.loads((directory / "prepared.json").read_text(encoding="utf-8"))
        return str(told["digest"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def holds(directory: Path, digest: str, form: str) -> bool:
    """Whether that prepared table, of a source of that form, lies there. Nothing else is read."""
    try:
        told = json.loads((directory / "prepared.json").read_text(encoding="utf-8"))
        return bool(told["digest"] == digest and told.get("form", "") == form)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return False


def load_prepared(directory: Path) -> Prepared:
    """Read the search-time splits. Raises DataError when they are not there or not whole."""
    return _load(directory, control="control")


def find_prepared(root: Path, digest: str) -> Path:
    """The folder under `root` of the prepared table of that digest. Raises DataError without."""
    for directory in sorted((root / "prepared").glob("*")):
        if digest_of(directory) == digest:
            return directory
    raise DataError(
        f"no prepared table of digest {digest[:12]}… under {root}; run `tabveil prepare` there, or "
        f"name its folder by prepared="
    )


def open_release(directory: Path) -> Prepared:
    """Read the splits with `release` in the place of `control`. For the confirmation only.

    Whoever calls this has written it into the ledger before. Raises DataError as `load_prepared`.
    """
    return _load(directory, control="release")


def _load(directory: Path, *, control: str) -> Prepared:
    if not is_prepared(directory):
        raise DataError(f"no prepared table at {directory}; run `tabveil prepare out={directory}`")
    names = ("train", control, "reference")
    try:
        about = About(**json.loads((directory / "prepared.json").read_text(encoding="utf-8")))
        train, others, reference = (
            pd.read_parquet(directory / f"{name}.parquet") for name in names
        )
        with np.load(directory / "groups.npz", allow_pickle=False) as stored:
            groups = {name: stored[name] for name in ("train", "reference")}
            groups["control"] = stored[control]
        masks = json.loads((directory / "masks.json").read_text(encoding="utf-8"))
        rules = json.loads((directory / "rules.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"the prepared table at {directory} is damaged ({type(error).__name__}); delete the "
            f"folder and run `tabveil prepare` again"
        ) from error
    schema = Schema.load(directory / "schema.json")
    return Prepared(
        about,
        schema,
        train,
        others,
        reference,
        groups,
        Masking.from_dict(masks),
        tuple(rule_from_dict(told) for told in rules),
        opened=control == "release",
    )
