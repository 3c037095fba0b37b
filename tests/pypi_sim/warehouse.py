"""What users and administrators do with the simulated index.

An act returns the journal rows that it added; an act that upstream would turn away raises
`RefusedError` and adds none.
"""

from datetime import datetime

from packaging.utils import canonicalize_name, canonicalize_version
from packaging.version import Version

from tests.pypi_sim.files import build_file, default_filename
from tests.pypi_sim.generated import Generated
from tests.pypi_sim.model import File, Kind, Project, RefusedError, Status, UploadRefusedError
from tests.pypi_sim.state import Rows
from tests.pypi_sim.wonders import Wonders


class Warehouse(Wonders):
    """The acts of users and administrators upon the state."""

    # Registering and uploading

    def register(self, name: str, user: str = "alice") -> Rows:
        """Take a free name without uploading anything."""
        self._check_name_is_allowed(name, user)
        if canonicalize_name(name) in self.projects:
            raise RefusedError(f"the name {name} is taken")
        mark = self.journal.last_serial
        self._create(name, user, self.clock.now())
        return self._done(canonicalize_name(name), mark)

    def upload(
        self,
        project: str,
        version: str,
        *,
        filename: str | None = None,
        requires: tuple[str, ...] = (),
        requires_python: str | None = None,
        kind: Kind = "wheel",
        content: bytes | Generated | None = None,
        uploaded_at: datetime | None = None,
        user: str | None = None,
        build_tag: str | None = None,
        provenance: bool = False,
        payload_size: int = 0,
    ) -> File:
        """Upload one file, registering project and release where they are missing.

        `uploaded_at` is when the upload happened: the file's upload time and the time of its rows.
        Without `user` the project's first owner uploads, or alice to a new project.
        """
        spelled = str(Version(version))
        if filename is None:
            filename = default_filename(project, spelled, kind=kind, build_tag=build_tag)
        living = self.projects.get(canonicalize_name(project))
        release = living.releases.get(canonicalize_version(spelled)) if living else None
        file = build_file(
            project,
            release.version if release else spelled,
            filename=filename,
            requires=requires,
            requires_python=requires_python,
            content=content,
            uploaded_at=uploaded_at or self.clock.now(),
            provenance=provenance,
            payload_size=payload_size,
        )
        present = release.files.get(filename) if release else None
        if present is not None and present.sha256 == file.sha256:
            return present
        self._check_upload(file, living, user)
        return self._accept(file, living, user=user, requires=requires)

    def restore_file(self, project: str, file: File) -> Rows:
        """Administrators bring a deleted file back, same name and bytes; the journal stays silent."""
        living = self.projects.get(canonicalize_name(project))
        if living is None:
            living = self._new_project(project, "alice", file.uploaded_at)
        release = living.releases.get(canonicalize_version(file.version))
        if release is None:
            release = self._new_release(living, file, requires=())
        release.files[file.filename] = file
        self.stored[file.path] = file
        self.listed_contents.add(file.sha256)
        self._purge(living.canonical)
        return ()

    # Yanking and deleting, by owners

    def yank(self, project: str, version: str, reason: str = "") -> Rows:
        """Yank a release; yanking again replaces the reason and adds a row again."""
        return self._set_yank(project, version, yanked=True, reason=reason)

    def unyank(self, project: str, version: str) -> Rows:
        """Take a yank back."""
        return self._set_yank(project, version, yanked=False, reason="")

    def delete_file(self, project: str, filename: str) -> Rows:
        """The owner deletes a file; its name can never be uploaded again."""
        self._check_owner_may_act(project)
        return self.admin_delete_file(project, filename)

    def delete_release(self, project: str, version: str) -> Rows:
        """The owner deletes a release: one row, none for its files."""
        self._check_owner_may_act(project)
        if self.release(project, version).quarantined:
            raise RefusedError(f"{project} {version} is in quarantine")
        return self.admin_delete_release(project, version)

    def delete_project(self, project: str) -> Rows:
        """The owner deletes the project: one row; the name is free at once."""
        self._check_owner_may_act(project)
        return self.admin_delete_project(project)

    def archive(self, project: str) -> Rows:
        """Archive: only the page's status changes, there is no row."""
        return self._set_status(project, "archived")

    def unarchive(self, project: str) -> Rows:
        """Make an archived project active again, without a row."""
        return self._set_status(project, "active")

    # Roles

    def add_role(self, project: str, user: str, role: str = "Owner") -> Rows:
        """Give a user a role."""
        living = self.project(project)
        living.roles[user] = role
        return self._record(living, None, f"add {role} {user}")

    def change_role(self, project: str, user: str, role: str) -> Rows:
        """Change a user's role."""
        living = self.project(project)
        before, living.roles[user] = living.roles[user], role
        return self._record(living, None, f"change {before} {user} to {role}")

    def remove_role(self, project: str, user: str) -> Rows:
        """Take a user's role away."""
        living = self.project(project)
        return self._record(living, None, f"remove {living.roles.pop(user)} {user}")

    def invite(self, project: str, user: str, role: str = "Owner") -> Rows:
        """Invite a user: the serial moves, but no cached page is purged."""
        return self._record(self.project(project), None, f"invite {role} {user}", purge=False)

    def accept_invite(self, project: str, user: str, role: str = "Owner") -> Rows:
        """The invited user takes the role."""
        living = self.project(project)
        living.roles[user] = role
        return self._record(living, None, f"accepted {role} {user}")

    def revoke_invite(self, project: str, user: str, role: str = "Owner") -> Rows:
        """Take an invitation back, again without a purge."""
        return self._record(self.project(project), None, f"revoke_invite {role} {user}", purge=False)

    # Administrators

    def quarantine_project(self, project: str) -> Rows:
        """Hide all files of a project; its page says so."""
        living = self.project(project)
        living.status = "quarantined"
        return self._record(living, None, "project quarantined")

    def clear_project_quarantine(self, project: str) -> Rows:
        """Show a quarantined project again."""
        living = self.project(project)
        living.status = "active"
        return self._record(living, None, "project quarantine cleared")

    def quarantine_release(self, project: str, version: str) -> Rows:
        """Hide a release; nothing on the page tells why it is gone."""
        release = self.release(project, version)
        release.quarantined = True
        return self._record(self.project(project), release.version, "release quarantined")

    def clear_release_quarantine(self, project: str, version: str) -> Rows:
        """Show a quarantined release again."""
        release = self.release(project, version)
        release.quarantined = False
        return self._record(self.project(project), release.version, "release quarantine cleared")

    def admin_delete_file(self, project: str, filename: str) -> Rows:
        """Delete a file without asking its owner; the release stays even when it was the last one."""
        living = self.project(project)
        for release in living.releases.values():
            if filename in release.files:
                file = release.files.pop(filename)
                rows = self._record(living, release.version, f"remove file {filename}", listing=False)
                self._deleted([file])
                return rows
        raise RefusedError(f"{project} has no file {filename}")

    def admin_delete_release(self, project: str, version: str) -> Rows:
        """Delete a release without asking its owner; the row looks like an owner's."""
        living, release = self.project(project), self.release(project, version)
        del living.releases[canonicalize_version(version)]
        rows = self._record(living, release.version, "remove release")
        self._deleted(release.files_in_order())
        return rows

    def admin_delete_project(self, project: str) -> Rows:
        """Delete a project without asking its owner; the row looks like an owner's."""
        return self._remove(self.project(project), at=self.clock.now(), purge=True)

    def remove_malware(self, project: str) -> Rows:
        """A malware verdict: the name is prohibited, its users frozen, the project removed."""
        living = self.project(project)
        self.prohibited.add(living.canonical)
        self.frozen_users.update(living.roles)
        return self.admin_delete_project(project)

    def nuke_user(self, user: str) -> Rows:
        """Remove a user and every project with a role of theirs, in bulk and without any purge."""
        mark, now = self.journal.last_serial, self.clock.now()
        theirs = [project for project in self.projects.values() if user in project.roles]
        for project in sorted(theirs, key=lambda each: each.number):
            self._remove(project, at=now, purge=False)
        self.frozen_users.discard(user)
        return self.journal.since(mark)

    # Inside

    def _check_name_is_allowed(self, name: str, user: str) -> None:
        if canonicalize_name(name) in self.prohibited:
            raise UploadRefusedError(f"the name {name} isn't allowed")
        if user in self.frozen_users:
            raise UploadRefusedError(f"the account of {user} is frozen")

    def _check_upload(self, file: File, living: Project | None, user: str | None) -> None:
        uploader = user or (next(iter(living.roles), "alice") if living else "alice")
        self._check_name_is_allowed(file.project, uploader)
        if living is not None:
            if uploader not in living.roles:
                raise UploadRefusedError(f"{uploader} isn't allowed to upload to {file.project}")
            if living.status != "active":
                raise UploadRefusedError(f"{file.project} is {living.status}")
        if file.filename in self.used_filenames or file.sha256 in self.listed_contents:
            if living is None:
                # The rows of the new project were written and rolled back: two serials are lost.
                self.journal.skip(2)
            raise UploadRefusedError(f"{file.filename} or its content was used before")

    def _accept(self, file: File, living: Project | None, *, user: str | None, requires: tuple[str, ...]) -> File:
        at = file.uploaded_at
        mark = self.journal.last_serial
        if living is None:
            living = self._create(file.project, user or "alice", at)
        living.name = file.project
        release = living.releases.get(canonicalize_version(file.version))
        if release is None:
            release = self._new_release(living, file, requires=requires)
            self.journal.append(living.name, release.version, "new release", at=at)
        release.files[file.filename] = file
        self.stored[file.path] = file
        self.used_filenames.add(file.filename)
        self.listed_contents.add(file.sha256)
        action = f"add {file.python_version} file {file.filename}"
        self.journal.append(living.name, release.version, action, at=at)
        self._done(living.canonical, mark)
        return file

    def _set_yank(self, project: str, version: str, *, yanked: bool, reason: str) -> Rows:
        self._check_owner_may_act(project)
        release = self.release(project, version)
        if release.quarantined:
            raise RefusedError(f"{project} {version} is in quarantine")
        release.yanked, release.yanked_reason = yanked, reason
        action = "yank release" if yanked else "unyank release"
        return self._record(self.project(project), release.version, action)

    def _check_owner_may_act(self, project: str) -> None:
        if self.project(project).status == "quarantined":
            raise RefusedError(f"{project} is in quarantine")

    def _set_status(self, project: str, status: Status) -> Rows:
        self._check_owner_may_act(project)
        living = self.project(project)
        living.status = status
        self._purge(living.canonical)
        return ()
