"""For programs written for HMA (Hasher-Matcher-Actioner): its matching routes, with its JSON. One file per noun.

May decide: nothing. All of it answers outside due process, so it is floor rule 12 on every route: a scope of its own, a
setting that is off, a limit, and a public count. How it differs from HMA is in ``docs/how-to/hma.md``.
"""

from tidegate.api.hma import compare, hashing, index, lookup, status

DOORS = (status.door, hashing.door, lookup.door, compare.door, index.door)
