"""Creates, checks and migrates the tables of a hub, and grants the rights of its team."""

from collections.abc import Sequence

from psycopg import errors, sql

from replyscope.domain.errors import HubError, HubRefused, HubTooNew, NotAHub
from replyscope.hub.postgres.address import Address
from replyscope.hub.postgres.connecting import Connection
from replyscope.hub.postgres.schema import (
    FUNCTIONS,
    MEMBER_FUNCTIONS,
    MEMBER_TABLES,
    MEMBER_VIEWS,
    VERSIONS,
)

_OLDEST_SERVER = 150_000
"""The first version whose views can have the rights of the role that queries them."""
_OURS = """
SELECT has_schema_privilege(n.oid, 'USAGE'), pg_get_userbyid(n.nspowner) = session_user,
    EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'hub'),
    EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid)
FROM pg_namespace n WHERE n.nspname = %s
"""


def hub_version(connection: Connection, address: Address) -> int | None:
    """The version of a hub; None when there is no schema, or an empty one.

    Raises NotAHub for a schema of another program, HubRefused without rights.
    """
    row = connection.execute(_OURS, (address.schema,)).fetchone()
    if row is None:
        return None
    may_use, _, has_mark, has_tables = row
    if not may_use:
        raise HubRefused(
            f"The hub at {address.shown} is not open to your role.",
            "Ask its owner to run `replyscope hub grant` for your role.",
        )
    if not has_mark:
        if has_tables:
            raise _not_ours(address)
        return None
    found = connection.execute(
        sql.SQL("SELECT version FROM {} WHERE program = 'replyscope'").format(
            sql.Identifier(address.schema, "hub")
        )
    ).fetchone()
    if found is None or not isinstance(found[0], int):
        raise _not_ours(address)
    return found[0]


def check_version(connection: Connection, address: Address) -> None:
    """Raises HubError unless the hub has the tables that this program knows."""
    version = hub_version(connection, address)
    if version is None:
        raise _no_hub(address)
    _check_newer(version, address)
    if version < len(VERSIONS):
        raise _old(version, address)


def found_hub(connection: Connection, address: Address) -> None:
    """Create the tables of a hub, or migrate them. Raises HubError."""
    version = hub_version(connection, address)
    if version is not None:
        _check_newer(version, address)
        if version == len(VERSIONS):
            return
        if not _is_owner(connection, address):
            raise _old(version, address)
    _check_server(connection, address)
    with connection.transaction():
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"hub {address.schema}",)
        )
        version = hub_version(connection, address)  # another machine may have created it
        if version is None:
            _create_schema(connection, address)
        _migrate(connection, address, version or 0)


def _check_server(connection: Connection, address: Address) -> None:
    """Raises HubError for a server or a database that cannot store the hub."""
    server = connection.info.server_version
    if server < _OLDEST_SERVER:
        raise HubError(
            f"The server of the hub at {address.shown} is PostgreSQL {server // 10_000}.",
            "A hub needs PostgreSQL 15 or newer.",
        )
    row = connection.execute("SHOW server_encoding").fetchone()
    if row is not None and row[0] != "UTF8":
        raise HubError(
            f"The database at {address.shown} has the encoding {row[0]}; a hub needs UTF8.",
            "Create one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.",
        )


def _create_schema(connection: Connection, address: Address) -> None:
    statement = sql.SQL("CREATE SCHEMA IF NOT EXISTS {}")
    try:
        connection.execute(statement.format(sql.Identifier(address.schema)))
    except errors.InsufficientPrivilege as error:
        raise HubRefused(
            f"There is no hub at {address.shown}, and your role may not create a schema there.",
            "Check the address, or ask the database's administrator for GRANT CREATE ON DATABASE.",
        ) from error


def _migrate(connection: Connection, address: Address, version: int) -> None:
    quoted = f'"{address.schema}"'
    for script in (*VERSIONS[version:], FUNCTIONS):
        connection.execute(script.replace("{schema}", quoted).encode())
    mark = sql.Identifier(address.schema, "hub")
    connection.execute(
        sql.SQL(
            "INSERT INTO {} VALUES ('replyscope', %s) "
            "ON CONFLICT (program) DO UPDATE SET version = excluded.version"
        ).format(mark),
        (len(VERSIONS),),
    )
    connection.execute(
        sql.SQL("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {} FROM PUBLIC").format(
            sql.Identifier(address.schema)
        )
    )
    for role in members(connection, address):
        _give_rights(connection, address, role)


def members(connection: Connection, address: Address) -> Sequence[str]:
    """The roles that the hub's owner has let in, without the owner."""
    rows = connection.execute(
        "SELECT DISTINCT r.rolname FROM pg_namespace n, aclexplode(n.nspacl) AS a "
        "JOIN pg_roles r ON r.oid = a.grantee "
        "WHERE n.nspname = %s AND a.grantee <> n.nspowner ORDER BY 1",
        (address.schema,),
    )
    return [str(name) for (name,) in rows]


def grant(connection: Connection, address: Address, role: str) -> None:
    """Let a role of the database use the hub. Raises HubError."""
    _check_owner(connection, address)
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    if known is None:
        raise HubError(
            f"The database at {address.shown} has no role {role}.",
            "Its administrator can create one with CREATE ROLE … LOGIN.",
        )
    with connection.transaction():
        _give_rights(connection, address, role)


def revoke(connection: Connection, address: Address, role: str) -> None:
    """Shut a role out of the hub. Its rows stay. Raises HubError."""
    _check_owner(connection, address)
    if role not in members(connection, address):
        raise HubError(f"The role {role} does not use the hub at {address.shown}.", "")
    schema, name = sql.Identifier(address.schema), sql.Identifier(role)
    with connection.transaction():
        for kind in ("ALL TABLES IN SCHEMA", "ALL FUNCTIONS IN SCHEMA", "SCHEMA"):
            connection.execute(
                sql.SQL("REVOKE ALL ON {} {} FROM {}").format(sql.SQL(kind), schema, name)
            )


def _give_rights(connection: Connection, address: Address, role: str) -> None:
    schema, name = sql.Identifier(address.schema), sql.Identifier(role)
    statements = [
        sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, name),
        sql.SQL("GRANT SELECT ON {}.hub TO {}").format(schema, name),
        *(
            sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {}.{} TO {}").format(
                schema, sql.Identifier(table), name
            )
            for table in MEMBER_TABLES
        ),
        *(
            sql.SQL("GRANT SELECT ON {}.{} TO {}").format(schema, sql.Identifier(view), name)
            for view in MEMBER_VIEWS
        ),
        *(
            sql.SQL("GRANT EXECUTE ON FUNCTION {}.{} TO {}").format(
                schema,
                sql.SQL(function),
                name,
            )
            for function in MEMBER_FUNCTIONS
        ),
    ]
    for statement in statements:
        connection.execute(statement)


def _is_owner(connection: Connection, address: Address) -> bool:
    row = connection.execute(_OURS, (address.schema,)).fetchone()
    if row is None:
        raise _no_hub(address)
    return bool(row[1])


def _check_owner(connection: Connection, address: Address) -> None:
    if not _is_owner(connection, address):
        raise HubRefused(
            f"The hub at {address.shown} belongs to another role.", "Ask its owner to do this."
        )


def _check_newer(version: int, address: Address) -> None:
    if version > len(VERSIONS):
        raise HubTooNew(
            f"A newer replyscope made the hub at {address.shown} (format {version}, this program "
            f"has {len(VERSIONS)}).",
            "Update replyscope.",
        )


def _old(version: int, address: Address) -> HubTooNew:
    return HubTooNew(
        f"The hub at {address.shown} has an old format ({version}, this program has "
        f"{len(VERSIONS)}).",
        "Its owner can migrate it with `replyscope hub init`.",
    )


def _no_hub(address: Address) -> NotAHub:
    return NotAHub(
        f"There is no hub at {address.shown} yet.", "Create it with `replyscope hub init`."
    )


def _not_ours(address: Address) -> NotAHub:
    return NotAHub(
        f"The schema {address.schema} at {address.shown} has tables of another program.",
        "Name another schema in the address: …?schema=NAME.",
    )
