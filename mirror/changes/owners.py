"""Who owns a name, as far as rows of roles tell, and who had it when its life before this one ended.

A name that is registered again can have been taken by others. Only roles that took effect count, no invitations. The
journal names users and teams alike and in the spelling of the moment, so that names are compared in lower case.
"""

from dataclasses import replace

from mirror.journal_rows import RoleChanged
from mirror.model import ProjectFacts

_OWNER = "Owner"


def changes_owners(action: RoleChanged) -> bool:
    """Whether somebody owns the project, or no longer does, since that row."""
    if action.verb == "change":
        return True  # from one role to the other, whichever way
    return action.role == _OWNER and action.verb in ("add", "accepted", "remove")


def role_changed(project: ProjectFacts, action: RoleChanged) -> ProjectFacts:
    """The project with the owners it has since that row."""
    if not changes_owners(action):
        return project
    who = action.who.lower()
    others = (owner for owner in project.owners if owner != who)
    is_owner = action.role == _OWNER and action.verb != "remove"
    return with_same_owner(replace(project, owners=tuple(sorted((*others, who) if is_owner else others))))


def with_same_owner(project: ProjectFacts) -> ProjectFacts:
    """The project with it noted for good where one who had the name before has owned it in its present life.

    For good, because who came back may hand the project on, to an organization for instance.
    """
    if project.closed_serial is not None or not _has_former_owner(project):
        return project
    lives = (replace(life, same_owner=True) if life.number == project.incarnation else life for life in project.lives)
    return replace(project, lives=tuple(lives))


def handed_on(project: ProjectFacts) -> ProjectFacts:
    """The project at the end of a life: who owned it counts as who had the name, unless it had been taken by others.

    Who takes a name, removes it and creates it again does not become its owner that way.
    """
    former = project.owners if _is_rightful(project) else project.former_owners
    return replace(project, owners=(), former_owners=former)


def _is_rightful(project: ProjectFacts) -> bool:
    if project.closed_serial is not None:
        return _has_former_owner(project)  # a life that went by without a sign of its beginning
    life = project.life(project.incarnation)
    if life is None or life.same_owner:
        return True
    return not project.former_owners and not life.earlier_known


def _has_former_owner(project: ProjectFacts) -> bool:
    return not set(project.owners).isdisjoint(project.former_owners)
