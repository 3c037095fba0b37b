"""Reading the index that is mirrored: its project pages and its files. Everything that comes from there is hostile.

`egress` makes the only ways out (proxy, trust, credentials), `resolver` judges where names lead, and `session` holds
the only outgoing HTTP of this package; `index` asks for pages and the list of projects, `files` for bytes; `turns` says
how often what no client waits for may be asked. The rest is pure: `page` and `listing` read JSON, `html_page` HTML by
way of `anchors`, both by the rules of `entries`, in the form that `forms` tells; `hosts` says where files may come
from, `private` what is never asked for, `limits` how long the index wants to be left alone.
"""
