"""The straight line in one process: a file is prepared, learnt by the marginals, and written."""

import contextlib
import io
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tabveil.cli import main
from tabveil.data.opening import Wishes
from tabveil.data.pooling import Pooling
from tabveil.data.prepared import load_prepared
from tabveil.data.tables import Place
from tabveil.preparation import Source, prepare
from tabveil.synthesizers.marginals import Marginals
from tabveil.synthesizers.wrapping import wrapped
from tabveil.tracking.models import load_generator, save_generator
from tabveil.tracking.samples import write_samples


@dataclass(frozen=True)
class Line:
    """What prepares a table and draws from it."""

    prepared: object
    generator: object
    said: tuple = field(default_factory=tuple)

    @property
    def replaced(self):
        """Columns that are not learnt."""
        return {told["column"] for told in self.prepared.about.report["replaced"]}


def fitted(place, *, masks=None, target=None, rules=(), pooling=None, **wishes):
    """Prepare a table and fit the marginals, as by default. Raises TabveilError as `prepare`."""
    place = place if isinstance(place, Place) else Place(Path(place))
    asked = Wishes.from_settings(wishes.get("kinds"), wishes.get("missing"), wishes.get("decimal"))
    source = Source(
        name="table",
        place=place,
        wishes=asked,
        masks=masks or {},
        rules=rules,
        target=target,
    )
    with tempfile.TemporaryDirectory() as folder:
        prepared = load_prepared(prepare(source, None, root=Path(folder)))
        model = wrapped(Marginals(), pooling or Pooling(), prepared, prepared.train, 0)
        model.fit(prepared.train, prepared.schema, seed=0)
        save_generator(model, prepared.masking, Path(folder) / "model", about={})
        return Line(prepared, load_generator(Path(folder) / "model"))


def draw(place, out, *, n=1500, **wishes):
    """Draw rows of a table into a file; return the line."""
    line = fitted(place, **wishes)
    assert write_samples(line.generator, Path(out), n, seed=1) == n
    return line


def said(*words):
    """Exit code of a command line, and all that it printed."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(words))
    return code, out.getvalue() + err.getvalue()
