"""Which facts hold in every row of a table, and how does a sampled row keep them?

Written down: `relations`, `levels`, `limits`, read by `kinds`. Held against a table and each other:
`checks`. Learnt from a training table and put back on sampled rows: `steps`, `learnt`. Proposed
by looking at a table: `suggest`.
"""
