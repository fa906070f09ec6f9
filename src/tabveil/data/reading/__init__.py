"""Sources as columns, exactly as they hold them, and what is refused on the way.

One module a source: `delimited`, `json_lines`, `parquet`, `workbook`, `database`; each gives a
`raw.RawTable`. What they share stands beside them: how large a table may be (`bounds`), opening
packed files (`files`), letters (`encoding`), rows that come one by one (`rows`). Nothing is decided
here of what a column is: that is for `tabveil.data.opening`.
"""
