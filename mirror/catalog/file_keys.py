"""What identifies a file before it has an id: its project, incarnation, name and digest."""

from collections.abc import Sequence

from mirror.catalog.database import Connection
from mirror.names import Sha256


async def ids_of(
    conn: Connection, project_id: int, keys: Sequence[tuple[int, str, Sha256 | None]]
) -> dict[tuple[int, str, Sha256 | None], int]:
    """The ids of those of a project's files that are stored, by incarnation, name and digest."""
    records = await conn.fetch(
        """
        select files.id, files.incarnation, files.filename, files.sha256
        from unnest($2::int[], $3::text[], $4::text[]) as given (incarnation, filename, digest)
        join files on files.project = $1 and files.incarnation = given.incarnation
            -- As the index has it.
            and hashtextextended(files.filename || '/' || coalesce(encode(files.sha256, 'hex'), ''), 0)
                = hashtextextended(given.filename || '/' || given.digest, 0)
        """,
        project_id,
        [incarnation for incarnation, _, _ in keys],
        [filename for _, filename, _ in keys],
        [digest or "" for _, _, digest in keys],
    )
    found = {
        (r["incarnation"], r["filename"], Sha256(r["sha256"].hex()) if r["sha256"] is not None else None): r["id"]
        for r in records
    }
    return {key: found[key] for key in keys if key in found}
