"""The first dashboard: `python -m deploy.grafana.dashboard > deploy/grafana/dashboards/citewatch.json`.

A table of panels; what an editor-in-chief asks first stands on top, what an operator asks stands below.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, StackingMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef

PATH = Path(__file__).with_name("dashboards") / "citewatch.json"
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")


@dataclass(frozen=True)
class Panel:
    """One panel. `queries`: PromQL to legend."""

    title: str
    description: str
    queries: dict[str, str]
    unit: str = "short"
    kind: Literal["stat", "lines", "stack"] = "lines"
    span: int = 12
    """Of 24 columns."""


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))"


def _hour(metric: str, by: str) -> str:
    return f"sum by ({by}) (increase({metric}[1h]))"


def _quantile(quantile: float, metric: str, by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({quantile}, sum by ({labels}) (rate({metric}_bucket[$__rate_interval])))"


ROWS: dict[str, tuple[Panel, ...]] = {
    "The evidence": (
        Panel(
            "Citations", "By health, now.", {"sum by (health) (citewatch_citations)": "{{health}}"}, kind="stat", span=8
        ),
        Panel("Links", "By status, now.", {"sum by (status) (citewatch_links)": "{{status}}"}, kind="stat", span=8),
        Panel("Alerts", "By state, now.", {"sum by (state) (citewatch_alerts)": "{{state}}"}, kind="stat", span=8),
        Panel(
            "Articles received",
            "Article versions accepted in the last hour, by where they came from.",
            {_hour("citewatch_articles_received_total", "source"): "{{source}}"},
            kind="stack",
        ),
        Panel(
            "Changes of support",
            "How claims fared in the last hour.",
            {_hour("citewatch_citation_changes_total", "support, severity"): "{{support}} ({{severity}})"},
            kind="stack",
        ),
    ),
    "The checks": (
        Panel(
            "Checks by outcome",
            "A jump of unreachable or server_error everywhere is more likely our network's fault than the web's.",
            {_rate("citewatch_checks_total", "outcome"): "{{outcome}}"},
            unit="ops",
            kind="stack",
        ),
        Panel(
            "How late checks are",
            "From due to done.",
            {
                _quantile(0.5, "citewatch_check_lag_seconds"): "half",
                _quantile(0.95, "citewatch_check_lag_seconds"): "95 in 100",
            },
            unit="s",
        ),
        Panel(
            "How long checks take",
            "95 in 100, by phase.",
            {_quantile(0.95, "citewatch_check_duration_seconds", "phase"): "{{phase}}"},
            unit="s",
        ),
        Panel(
            "Archive growth",
            "Bytes written.",
            {"sum(rate(citewatch_archive_bytes_total[$__rate_interval]))": "bytes"},
            unit="Bps",
        ),
        Panel(
            "Captures", "By kind.", {_rate("citewatch_snapshots_total", "kind"): "{{kind}}"}, unit="ops", kind="stack"
        ),
        Panel(
            "Reviews",
            "What editors said of the verdicts in the last hour.",
            {_hour("citewatch_reviews_total", "decision"): "{{decision}}"},
            kind="stack",
        ),
    ),
    "The messages and events": (
        Panel(
            "Deliveries",
            "Messages handed to a channel in the last hour, by what became of them.",
            {_hour("citewatch_deliveries_total", "channel, result"): "{{channel}} {{result}}"},
            kind="stack",
        ),
        Panel(
            "Events",
            "Published and handled.",
            {
                _rate("citewatch_events_published_total", "topic"): "published {{topic}}",
                _rate("citewatch_events_consumed_total", "topic, result"): "{{result}} {{topic}}",
            },
            unit="ops",
        ),
        Panel(
            "Lag",
            "Events not handled yet, and not shipped yet.",
            {"sum by (topic) (citewatch_consumer_lag)": "{{topic}}", "max(citewatch_outbox_depth)": "outbox"},
        ),
        Panel(
            "Dead letters",
            "Events that could not be handled in the last hour: each wants a look.",
            {_hour("citewatch_dead_letters_total", "topic"): "{{topic}}"},
            kind="stack",
        ),
        Panel(
            "Answering",
            "Services that Prometheus reaches.",
            {'sum by (job) (up{job="citewatch"})': "{{job}}"},
            kind="stat",
        ),
    ),
}


def _targets(panel: Panel) -> list[prometheus.Dataquery]:
    return [
        prometheus.Dataquery().expr(query).legend_format(legend).ref_id(chr(ord("A") + index)).datasource(SOURCE)
        for index, (query, legend) in enumerate(panel.queries.items())
    ]


def _build(panel: Panel) -> stat.Panel | timeseries.Panel:
    if panel.kind == "stat":
        built: Any = stat.Panel().height(5).reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    else:
        legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
        built = timeseries.Panel().height(8).legend(legend.show_legend(True)).fill_opacity(10)
        if panel.kind == "stack":
            built = built.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    built = built.title(panel.title).description(panel.description).unit(panel.unit).span(panel.span)
    for target in _targets(panel):
        built = built.with_target(target)
    return built.datasource(SOURCE)


def text() -> str:
    """The dashboard as Grafana imports it."""
    builder = (
        dashboard.Dashboard("Citewatch")
        .uid("citewatch")
        .tags(["citewatch"])
        .refresh("30s")
        .time("now-6h", "now")
        .editable()
        .readonly()
    )
    for title, panels in ROWS.items():
        builder = builder.with_row(dashboard.Row(title))
        for panel in panels:
            builder = builder.with_panel(_build(panel))
    return json.dumps(json.loads(JSONEncoder(sort_keys=True, indent=2).encode(builder.build())), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
