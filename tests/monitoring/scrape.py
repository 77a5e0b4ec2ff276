"""Scrapes an address and prints, as JSON, what Prometheus' own client library reads in the answer."""

import json
import sys
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

url, accept = sys.argv[1:]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with opener.open(urllib.request.Request(url, headers={"Accept": accept})) as answer:
    kind, text = answer.headers["Content-Type"], answer.read().decode()
families = list((open_metrics if kind.startswith("application/openmetrics-text") else prometheus)(text))
json.dump(
    {
        "kind": kind,
        "types": {family.name: family.type for family in families},
        # Values as text: JSON has no infinity.
        "samples": [
            [sample.name, sample.labels, repr(float(sample.value))]
            for family in families
            for sample in family.samples
        ],
    },
    sys.stdout,
)
