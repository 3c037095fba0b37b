"""The figures, declared once, by the names that dashboards rely on. They are reached through `mirror.metrics` alone.

Counters count where something happens; what the catalog knows is filled in when somebody looks (`mirror.web.health`).
Where several processes answer, counters and histograms are the sums of what each counted. Most gauges have no sum: they
are filled in from the catalog by whichever process was asked, so the value that was set last is the true one. What each
process has of its own is the sum over those that live (`LiveGauge`); who dies is taken out by `metrics.died`.
"""

from functools import partial

from prometheus_client import Counter, Histogram
from prometheus_client import Gauge as EveryProcessesGauge

Gauge = partial(EveryProcessesGauge, multiprocess_mode="mostrecent")
LiveGauge = partial(EveryProcessesGauge, multiprocess_mode="livesum")

upstream_requests = Counter(
    "everpin_upstream_requests_total", "Requests to upstream, by what was asked and what came.", ["kind", "outcome"]
)
unknown_actions = Counter("everpin_unknown_actions_total", "Journal rows whose action this version does not know.")
keep_failures = Counter("everpin_keep_failures_total", "Files that could not be kept, by reason.", ["reason"])
rescues = Counter("everpin_rescues_total", "Departed files whose bytes were missing, by outcome.", ["outcome"])
stale_pages = Counter("everpin_stale_pages_total", "Project pages served although upstream could not confirm them.")
webhook_deliveries = Counter(
    "everpin_webhook_deliveries_total",
    "Events sent to webhooks, each try by its outcome; dead are events that were given up.",
    ["outcome"],
)
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
files = Gauge("everpin_files", "Files known, by state; counted every few minutes.", ["state"])
store_bytes = Gauge("everpin_store_bytes", "Bytes of stored files, by state; counted every few minutes.", ["state"])
keeping_paused = Gauge("everpin_keeping_paused", "1 while only what departed is kept, since the quota is used up.")
evictions = Counter("everpin_evictions_total", "Files that made room for others, to be fetched again when asked for.")
brake_engaged = Gauge("everpin_brake_engaged", "1 while so much is missing from the index that none of it is believed.")
journal_serial = Gauge("everpin_journal_serial", "The newest serial of the journal that was applied.")
watcher_lag_seconds = Gauge("everpin_watcher_lag_seconds", "Age of the newest state of the journal that is held.")
safety_age_seconds = Gauge(
    "everpin_safety_age_seconds", "Age of what judgements rely on, by where it is read.", ["source"]
)
source = Gauge("everpin_source", "1 for the source that news come from.", ["source"])
# Gauges, since the catalog counts over the life of the instance, not of the process.
events = Gauge("everpin_events_total", "Events told, by kind.", ["kind"])
verify_failures = Gauge(
    "everpin_verify_failures_total", "Objects that `everpin verify` found missing from the store or changed."
)
sse_subscribers = LiveGauge("everpin_sse_subscribers", "Clients that follow the events on a stream at the moment.")
