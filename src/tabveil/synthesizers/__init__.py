"""One file per synthesizer; the config's _target_ names the class."""
