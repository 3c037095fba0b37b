"""Who owns a name, as far as rows of roles tell, and who had it when its life before this one ended.

A name that is registered again can have been taken by others. The journal does not tell users from teams, and anybody
can call a team, or a new account, what somebody else's account or team is called. So only those count who must be
users: who registered the project, whose row comes right after `create` and has its time, since both are written in one
transaction; and who accepted an invitation. Names are compared in lower case, for the journal has them in the spelling
of the moment.
"""

from dataclasses import replace
from datetime import datetime

from mirror.journal_rows import RoleChanged
from mirror.model import ProjectFacts

_OWNER = "Owner"


def changes_owners(action: RoleChanged) -> bool:
    """Whether somebody owns the project, or no longer does, since that row."""
    if action.verb == "change":
        return action.role != _OWNER  # to another role
    return action.role == _OWNER and action.verb in ("add", "accepted", "remove")


def registered(project: ProjectFacts, at: datetime) -> ProjectFacts:
    """The project after a row `create`: an owner that is added in the same transaction is the user who did that."""
    return replace(project, registered_at=at)


def role_changed(project: ProjectFacts, action: RoleChanged, at: datetime) -> ProjectFacts:
    """The project with the owners it has since that row."""
    if not changes_owners(action):
        return project
    who = action.who.lower()
    owners = {*project.owners} - {who}
    if action.verb == "accepted" or (action.verb == "add" and (project.registered_at == at or who in project.owners)):
        owners.add(who)
    # Projects of organizations are registered without an owner: then nobody is awaited for long.
    registered_at = None if action.verb == "add" else project.registered_at
    return with_same_owner(replace(project, owners=tuple(sorted(owners)), registered_at=registered_at), at)


def with_same_owner(project: ProjectFacts, at: datetime) -> ProjectFacts:
    """The project with it noted for good since when one who had the name before has owned it in its present life.

    For good, because who came back may hand the project on, to an organization for instance.
    """
    if project.closed_serial is not None or not _has_former_owner(project):
        return project
    lives = (
        replace(life, same_owner_at=life.same_owner_at or at) if life.number == project.incarnation else life
        for life in project.lives
    )
    return replace(project, lives=tuple(lives))


def handed_on(project: ProjectFacts) -> ProjectFacts:
    """The project at the end of a life: who owned it counts as who had the name, unless it had been taken by others.

    Who takes a name, removes it and creates it again does not become its owner that way.
    """
    former = project.owners if _is_rightful(project) else project.former_owners
    return replace(project, owners=(), former_owners=former, registered_at=None)


def _is_rightful(project: ProjectFacts) -> bool:
    if project.closed_serial is not None:
        return _has_former_owner(project)  # a life that went by without a sign of its beginning
    if project.incarnation == 1:
        return True
    life = project.life(project.incarnation)
    if life is None or life.same_owner_at is not None:
        return life is not None
    return not project.former_owners and not life.earlier_known


def _has_former_owner(project: ProjectFacts) -> bool:
    return not set(project.owners).isdisjoint(project.former_owners)
