"""How does each kind of source become a table, and what is refused on the way?

One module a source: `csv_text`, `json_lines`, `parquet`, `database`. What they share stands beside
them: how large a table may be (`bounds`), opening compressed files (`files`), letters (`encoding`),
numbers and dates that are written as text (`numbers_text`, `dates_text`), rows that come one by one
(`rows`). `tabveil.data.tables` chooses among them.
"""
