"""Column formats: how the cells of a column are written, found in its texts and given back.

`column_format` holds what is known of a column, `format_inference` finds it, `date_pattern` and
`number_spelling` read and write dates and numbers, `cells` counts a column's different texts.
"""
