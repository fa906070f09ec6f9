"""Tables: what they hold (schema), how they are read (tables) and how they are split."""
