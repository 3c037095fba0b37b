"""The figures, by the names that dashboards rely on.

Counters count where something happens; what the catalog knows is filled in when somebody looks (`mirror.web.health`).
"""

from prometheus_client import Counter, Gauge, Histogram

upstream_requests = Counter(
    "everpin_upstream_requests_total", "Requests to upstream, by what was asked and what came.", ["kind", "outcome"]
)
unknown_actions = Counter("everpin_unknown_actions_total", "Journal rows whose action this version does not know.")
keep_failures = Counter("everpin_keep_failures_total", "Files that could not be kept, by reason.", ["reason"])
rescues = Counter("everpin_rescues_total", "Departed files whose bytes were missing, by outcome.", ["outcome"])
stale_pages = Counter("everpin_stale_pages_total", "Project pages served although upstream could not confirm them.")
http_requests = Counter("everpin_http_requests_total", "Requests answered.", ["route", "status"])
http_seconds = Histogram(
    "everpin_http_request_seconds",
    "Time until the answer was complete.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)

projects = Gauge("everpin_projects", "Projects known.")
wanted_projects = Gauge("everpin_wanted_projects", "Projects nobody asked for whose page is wanted.")
backlog_files = Gauge("everpin_backlog_files", "Files waiting to be fetched.")
brake_engaged = Gauge("everpin_brake_engaged", "1 while so much is missing from the index that none of it is believed.")
journal_serial = Gauge("everpin_journal_serial", "The newest serial of the journal that was applied.")
watcher_lag_seconds = Gauge("everpin_watcher_lag_seconds", "Age of the newest state of the journal that is held.")
safety_age_seconds = Gauge(
    "everpin_safety_age_seconds", "Age of what judgements rely on, by where it is read.", ["source"]
)
source = Gauge("everpin_source", "1 for the source that news come from.", ["source"])
# A gauge, since the catalog counts over the life of the instance, not of the process.
events = Gauge("everpin_events_total", "Events told, by kind.", ["kind"])
