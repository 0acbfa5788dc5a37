"""The tables made a second time beside those in use, and put into their place: the SQL of `intercompany inquiry rebuild`.

Invariant: nothing is dropped before the new tables have all that the old ones have; the switch is one transaction under the lock
of the service in use, at a moment when the new tables have been read at least as far: so a service that keeps reading passes
over nothing. A voucher keeps its place in the order of posting, so who reads on from one passes over nothing either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.delivery.ports import Connection

NAME: Final = "inquiry_rebuild"
"""The name under which the topics are read again: of schema and consumer groups."""
_LOCK: Final = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
_HAS: Final = "select to_regclass(format('%I.positions', $1::text)) is not null"
_TAKE_BASES: Final = """
insert into "{next}".positions (topic, partition, next_offset, base)
select topic, partition, base, base from "{live}".positions where base > 0"""
_BEGIN_BEHIND: Final = """
select setval(pg_get_serial_sequence('"{next}".vouchers', 'position'), greatest(
    (select last_value from "{next}".vouchers_position_seq), (select last_value + {ahead} from "{live}".vouchers_position_seq)))"""
_AHEAD: Final = 10_000_000
"""More vouchers than the tables in use take while others are made: those get places beyond, whatever the clocks say."""
_KEEP_PLACES: Final = """
update "{next}".vouchers n set position = l.position from "{live}".vouchers l
where l.company = n.company and l.series = n.series and l.number = n.number and l.position <> n.position"""
_GIVE_PLACES: Final = """
update "{next}".vouchers n set position = k.position
from (select company, series, number, nextval(pg_get_serial_sequence('"{next}".vouchers', 'position')) as position
      from (select company, series, number from "{next}".vouchers order by posted_at, position) o) k
where k.company = n.company and k.series = n.series and k.number = n.number"""
_BASES: Final = "select base from positions"
_BEHIND: Final = """
select l.topic || ' ' || l.partition from "{live}".positions l left join "{next}".positions n using (topic, partition)
where coalesce(n.next_offset, 0) < l.next_offset order by 1"""
_COUNTED: Final = ("events", "documents", "takes", "records", "vouchers", "lines", "journals", "refusals")
_COUNT: Final = 'select (select count(*) from "{live}".{table}) as old, (select count(*) from "{next}".{table}) as new'
_SWITCH: Final = """
insert into "{next}".running select * from "{live}".running on conflict do nothing;
insert into "{next}".gaps select * from "{live}".gaps on conflict do nothing;
insert into "{next}".reference_history select * from "{live}".reference_history on conflict do nothing;
update "{next}".epoch set number = (select number + 1 from "{live}".epoch);
drop schema "{live}" cascade"""
_RENAME: Final = f"""
update "{{next}}".migrations set name = replace(name, '{NAME}/', 'inquiry/');
alter schema "{{next}}" rename to "{{live}}" """  # noqa: S608 - our own names


async def make_room(connection: Connection, schema: str) -> None:
    """What an earlier rebuild that did not end has left is dropped."""
    await connection.execute(f'drop schema if exists "{schema}" cascade')


async def is_there(connection: Connection, schema: str) -> bool:
    """Whether a service's schema is there."""
    return bool(await connection.fetchval(_HAS, schema))


async def take_bases(connection: Connection, live: str, next_: str) -> None:
    """Offsets of logs that were reset stay rebased as they are (positions.base)."""
    await connection.execute(_TAKE_BASES.format(live=live, next=next_))


async def begin_behind(connection: Connection, live: str, next_: str) -> None:
    """The new tables give places behind all that those in use have given, and will give until the switch."""
    await connection.execute(_BEGIN_BEHIND.format(live=live, next=next_, ahead=_AHEAD))


async def keep_places(connection: Connection, live: str, next_: str) -> None:
    """Every voucher that the tables in use have gets its place there; what they lack comes behind, as it was read."""
    await connection.execute(_KEEP_PLACES.format(live=live, next=next_))


async def give_places(connection: Connection, next_: str) -> None:
    """Without tables in use the places follow the time of posting; no place is one that was given before."""
    await connection.execute(_GIVE_PLACES.format(next=next_))


async def bases(connection: Connection) -> list[int]:
    """Of each partition that is read the offset from which its log was made again (positions.base); 0: it never was."""
    return [row["base"] for row in await connection.fetch(_BASES)]


async def hold(connection: Connection, schema: str) -> None:
    """Keeps the service of a schema from taking anything until the transaction ends."""
    await connection.execute(_LOCK, f"{schema}.batch")


async def behind(connection: Connection, live: str, next_: str) -> list[str]:
    """The partitions of which the new tables have read less than those in use."""
    return [row[0] for row in await connection.fetch(_BEHIND.format(live=live, next=next_))]


async def missing(connection: Connection, live: str, next_: str) -> list[str]:
    """Of which tables the new ones have fewer rows, in words: then neither topics nor owners have everything."""
    found = []
    for table in _COUNTED:
        row = await connection.fetchrow(_COUNT.format(live=live, next=next_, table=table))
        if row["new"] < row["old"]:
            found.append(f"{table}: {row['new']:,} of {row['old']:,} rows")
    return found


async def switch(connection: Connection, live: str, next_: str, *, replaces: bool) -> None:
    """Puts the new tables into the place of those in use (`replaces`), or where there were none.

    With what the shell must not forget, and with versions of reference data that the compacted topic no longer has.
    """
    if replaces:
        await connection.execute(_SWITCH.format(live=live, next=next_))
    await connection.execute(_RENAME.format(live=live, next=next_))
