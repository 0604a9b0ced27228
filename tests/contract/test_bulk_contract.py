"""`shared.bulk` on both databases: many rows in one statement come to what one by one would."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from shared.bulk import among, insert_ignore, insert_new, upsert
from shared.db import Database, Json, UtcDateTime, metadata

META = metadata()
AT = datetime(2026, 5, 3, 12, 0, 0, 7, tzinfo=UTC)
notes = sa.Table(
    "notes",
    META,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("n", sa.Integer, nullable=False, default=7),
    sa.Column("at", UtcDateTime),
    sa.Column("data", Json),
    sa.Column("share", sa.Float),
    sa.Column("done", sa.Boolean),
    sa.Column("other", sa.String(40), unique=True),
)


@pytest.fixture
async def db(database_url: str):
    database = Database(database_url)
    async with database.write() as tx:
        await tx.run_sync(META.create_all)
    yield database
    await database.close()


async def stored(db: Database) -> dict[str, sa.Row]:
    async with db.read() as tx:
        return {row.name: row for row in await tx.execute(sa.select(notes))}


async def test_every_kind_of_value_comes_back(db: Database):
    rows = [
        {"name": "a", "at": AT, "data": [[], [1, [2]], {"x": 'nul \0, ☃, " and \\'}], "share": 0.1, "done": True},
        {"name": "b'\"{},NULL", "at": None, "data": None, "share": None, "done": False},
        {"name": "", "at": AT, "data": [], "share": -1e300, "done": None},
    ]
    async with db.write() as tx:
        await insert_ignore(tx, notes, rows)
    found = await stored(db)
    for row in rows:
        assert {name: getattr(found[row["name"]], name) for name in row} == row
    assert {row.n for row in found.values()} == {7}


async def test_only_the_new_are_told(db: Database):
    async with db.write() as tx:
        assert await insert_new(tx, notes, []) == []
        assert await insert_new(tx, notes, [{"name": "a", "other": "x"}], {"data": [1]}) == [("a",)]
        rows = [{"name": name, "other": other} for name, other in (("a", "y"), ("b", "x"), ("c", "z"), ("c", "w"))]
        assert await insert_new(tx, notes, rows, {"data": [2]}) == [("c",)]
    found = await stored(db)
    assert {name: (row.other, row.data) for name, row in found.items()} == {"a": ("x", [1]), "c": ("z", [2])}


async def test_the_last_of_equal_keys_stays(db: Database):
    async with db.write() as tx:
        await insert_ignore(tx, notes, [{"name": "a", "n": 1}], {"at": AT, "data": ["old"]})
        await upsert(
            tx, notes, [{"name": "a", "n": 2}, {"name": "b", "n": 3}, {"name": "a", "n": 4}], ["name"],
            {"data": [], "at": None},
        )  # fmt: skip
    found = await stored(db)
    assert {name: (row.n, row.data, row.at) for name, row in found.items()} == {"a": (4, [], None), "b": (3, [], None)}


@pytest.mark.parametrize("number", [0, 1, 3, 50_000])
async def test_among_takes_any_number(db: Database, number: int):
    names = [f"n'{each}" for each in range(number)]
    async with db.write() as tx:
        await insert_ignore(tx, notes, [{"name": name} for name in ("n'0", "n'2", "n'49999", "other")])
        found = set(await tx.scalars(sa.select(notes.c.name).where(among(tx, notes.c.name, names))))
        await tx.execute(sa.update(notes).where(among(tx, notes.c.name, names), notes.c.n == 7).values(n=8))
    assert found == {"n'0", "n'2", "n'49999"} & set(names)
    assert {name for name, row in (await stored(db)).items() if row.n == 8} == found


async def test_among_is_looked_up_in_the_index(db: Database):
    async with db.write() as tx:
        if tx.dialect.name == "sqlite":
            plan = "EXPLAIN QUERY PLAN SELECT n FROM notes WHERE name IN (SELECT value FROM json_each('[\"a\"]'))"
            told = " ".join(str(row) for row in await tx.execute(sa.text(plan)))
            assert "SEARCH notes USING INDEX" in told
        else:
            await tx.execute(sa.text("SET LOCAL enable_seqscan = off"))
            plan = "EXPLAIN SELECT n FROM notes WHERE name = ANY(CAST(ARRAY['a', 'b'] AS TEXT[]))"
            told = " ".join(str(row) for row in await tx.execute(sa.text(plan)))
            assert "Index" in told
