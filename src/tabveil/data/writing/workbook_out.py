from contextlib import contextmanager


@contextmanager
def write_workbook(path, schema, *, escape_formulas=False):
    raise NotImplementedError
    yield
