"""Since when there are newcomers in a life of a name that was registered again: from then on a cooldown runs."""

from dataclasses import replace
from datetime import datetime

from mirror.model import FileFacts, Life, Memory


def dated(memory: Memory) -> Memory:
    """The memory with the time of the first newcomers in each life of the name."""
    lives = {life.number: life for life in memory.project.lives}
    since: dict[int, datetime] = {}
    for file in memory.files:
        life = lives.get(file.newcomer_in) if file.newcomer_in is not None else None
        if life is not None:
            put_up = _put_up(file, life)
            since[life.number] = min(since.get(life.number, put_up), put_up)
    found = tuple(replace(life, files_since=since.get(life.number)) for life in memory.project.lives)
    if found == memory.project.lives:
        return memory
    return replace(memory, project=replace(memory.project, lives=found))


def _put_up(file: FileFacts, life: Life) -> datetime:
    uploaded = file.listed_file.upload_time
    # What was uploaded in an earlier life, or will be in the future, was put up in this one we do not know when.
    if uploaded is None or not life.freed_at <= uploaded <= file.first_seen_at:
        return file.first_seen_at
    return uploaded
