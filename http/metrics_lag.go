package http

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lagging tells at each scrape how far the read models are behind the log.
type lagging struct{ of Operations }

// lagPatience bounds what a scrape waits for.
const lagPatience = 3 * time.Second

var (
	lagKnown    = prometheus.NewDesc("parley_lag_known", "1 when log and read models could be asked; the others are missing else.", nil, nil)
	lagEvents   = prometheus.NewDesc("parley_lag_events", "Positions between the log's end and what the read models hold.", nil, nil)
	lagSeconds  = prometheus.NewDesc("parley_lag_seconds", "Age of the oldest event that is not projected.", nil, nil)
	lagTrend    = prometheus.NewDesc("parley_lag_trend", "Events a second by which the lag grows; below zero it shrinks.", nil, nil)
	lagStanding = prometheus.NewDesc("parley_lag_standing", "1 when there is something to project and the mark does not move.", nil, nil)
	lagDead     = prometheus.NewDesc("parley_projector_dead", "1 when no projector is there: a lag of zero means nothing.", nil, nil)
)

// Describe implements prometheus.Collector.
func (lagging) Describe(to chan<- *prometheus.Desc) {
	for _, what := range []*prometheus.Desc{lagKnown, lagEvents, lagSeconds, lagTrend, lagStanding, lagDead} {
		to <- what
	}
}

// Collect implements prometheus.Collector.
func (l lagging) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), lagPatience)
	defer cancel()
	tell := func(what *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(what, prometheus.GaugeValue, value)
	}
	lag, err := l.of.Lag(ctx)
	tell(lagKnown, oneIf(err == nil))
	if err != nil {
		return
	}
	tell(lagEvents, float64(lag.Events))
	tell(lagSeconds, lag.Seconds)
	tell(lagTrend, lag.Trend)
	tell(lagStanding, oneIf(lag.Standing))
	tell(lagDead, oneIf(lag.Dead))
}

func oneIf(so bool) float64 {
	if so {
		return 1
	}
	return 0
}
